"""Small data: the seconds that out-of-fold predictions of many small fits take, bins included."""

from . import process, results, tables
from .configurations import SMALL, ours

COLUMNS = {
    "library": "library", "seconds": "seconds", "best_s": "best s", "vs_peer": "best peer / this",
    "cpu_s": "CPU s",
    "cpu_vs_peer": "same by CPU", "metric": "metric", "value": "out-of-fold score", "grown_mb": "grown MB",
    "others": "others' CPU", "runs": "runs", "error": "error",
}


def run(arguments):
    """Measures the chosen configurations."""
    store = results.Store("small", COLUMNS, arguments.out)
    for configuration in arguments.chosen(SMALL):
        known = tables.ensure(configuration.data, arguments.work, arguments.data)
        libraries = [lib for lib in configuration.libraries if arguments.wants(lib)]
        for threads in arguments.threads or configuration.threads:
            records = results.interleaved(
                libraries, arguments,
                lambda lib: once(lib, configuration, known, threads, arguments))
            rows = [results.row(lib, records[lib], "seconds") for lib in libraries]
            results.add_ratios(rows, "seconds")
            results.add_ratios(rows, "cpu_s", "cpu_vs_peer")
            note = (f"{configuration.rounds} trees of {configuration.leaves} leaves on "
                    f"{known['n_rows']:,} x {known['n_features']}, {configuration.folds} folds")
            store.put(f"{configuration.name}, {threads} threads", rows, note)


def once(lib, configuration, known, threads, arguments):
    """All folds of one library in a fresh process."""
    if results.is_ours(lib):
        params = ours(lib, configuration.leaves, configuration.rounds, more=arguments.ours)
        params["folds"] = configuration.folds
        return process.example("gbdt_small", arguments.work / f"{known['name']}.bin", threads,
                               arguments.limit, params)
    job = {"job": "small", "library": lib, "data": known["name"], "task": known["task"],
           "work": str(arguments.work), "n_classes": known["n_classes"],
           "leaves": configuration.leaves, "rounds": configuration.rounds,
           "folds": configuration.folds}
    return process.child(job, threads, arguments.limit)
