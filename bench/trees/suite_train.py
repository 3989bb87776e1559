"""Training: the same table, rounds, leaves and bins for every library, runs interleaved.

Each run is a fresh process that loads the arrays, fits a few rounds on few rows (code is loaded,
threads exist), then bins and trains once with the clock running. The libraries take turns; what
counts is the median of each. A library that once took longer than `--cap` seconds is not repeated.
"""

from . import process, results, tables
from .configurations import TRAIN, ours

COLUMNS = {
    "library": "library", "train_s": "train s", "best_s": "best s",
    "vs_peer": "fastest peer / this", "bin_s": "bins s", "total_s": "both s", "cpu_s": "CPU s",
    "cpu_vs_peer": "same by CPU", "metric": "metric", "value": "test score",
    "base_mb": "before MB", "peak_mb": "peak MB", "grown_mb": "grown MB", "others": "others' CPU",
    "runs": "runs", "error": "error",
}


def run(arguments):
    """Measures the chosen configurations."""
    store = results.Store("train", COLUMNS, arguments.out)
    for configuration in arguments.chosen(TRAIN):
        known = tables.ensure(configuration.data, arguments.work, arguments.data)
        for threads in arguments.threads or configuration.threads:
            rows, note = measured(configuration, known, threads, arguments)
            store.put(f"{configuration.name}, {threads} threads", rows, note)


def measured(configuration, known, threads, arguments):
    """One row per library, and what was measured."""
    libraries = [lib for lib in configuration.libraries if arguments.wants(lib)]
    with process.held_core(configuration.busy):
        records = results.interleaved(
            libraries, arguments, lambda lib: once(lib, configuration, known, threads, arguments))
    rows = [results.row(lib, records[lib], "train_s") for lib in libraries]
    results.add_ratios(rows, "train_s", "vs_peer")
    results.add_ratios(rows, "cpu_s", "cpu_vs_peer")
    note = (f"{known['n_rows']:,} x {known['n_features']} {known['task']}, "
            f"{configuration.leaves} leaves, {configuration.rounds} rounds, {threads} threads")
    return rows, note + (", another process holds one core" if configuration.busy else "")


def once(lib, configuration, known, threads, arguments):
    """One fit of one library in a fresh process."""
    if results.is_ours(lib):
        params = ours(lib, configuration.leaves, configuration.rounds, more=arguments.ours)
        found = process.example("gbdt_speed", arguments.work / f"{known['name']}.bin", threads,
                                arguments.limit, params)
    else:
        job = {"job": "train", "library": lib, "data": known["name"], "task": known["task"],
               "work": str(arguments.work), "n_classes": known["n_classes"],
               "leaves": configuration.leaves, "rounds": configuration.rounds}
        found = process.child(job, threads, arguments.limit)
    if "error" not in found:
        found["total_s"] = found["bin_s"] + found["train_s"]
    return found
