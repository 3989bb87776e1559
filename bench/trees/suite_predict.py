"""Prediction: rows per second of a batch of 100,000 rows, and microseconds of one row in process.

Engines that read LightGBM's files, ours among them, get the same file; the others predict by a
model of their own with as many trees and leaves.
"""

from . import process, results, tables
from .configurations import PREDICT, ours

COLUMNS = {
    "library": "engine", "rows_s": "rows/s", "vs_peer": "this / fastest peer",
    "best_rows_s": "fastest batch, rows/s", "rows_cpu_s": "rows per CPU s",
    "cpu_vs_peer": "same by CPU", "row_p50_us": "one row p50 us", "row_p99_us": "p99 us",
    "ready_s": "load or compile s", "model": "model", "metric": "metric", "value": "test score",
    "others": "others' CPU", "runs": "runs", "error": "error",
}


def run(arguments):
    """Measures the chosen configurations."""
    store = results.Store("predict", COLUMNS, arguments.out)
    for configuration in arguments.chosen(PREDICT):
        known = tables.ensure(configuration.data, arguments.work, arguments.data)
        shared = {"data": known["name"], "task": known["task"], "work": str(arguments.work),
                  "n_classes": known["n_classes"], "leaves": configuration.leaves,
                  "rounds": configuration.trees, "depth": configuration.depth,
                  "rows": configuration.rows,
                  "file": str(arguments.work / f"lightgbm_{configuration.name}.txt")}
        made = process.child({**shared, "job": "lightgbm_file"}, 2, arguments.limit)
        if "error" in made:
            raise SystemExit(f"LightGBM's model could not be trained: {made['error']}")
        libraries = [lib for lib in configuration.libraries if arguments.wants(lib)]
        for threads in arguments.threads or configuration.threads:
            records = results.interleaved(
                libraries, arguments,
                lambda lib: once(lib, configuration, shared, threads, arguments))
            rows = [results.row(lib, records[lib], "ready_s") for lib in libraries]
            results.add_ratios(rows, "rows_s", smaller_is_better=False)
            results.add_ratios(rows, "rows_cpu_s", "cpu_vs_peer", smaller_is_better=False)
            store.put(f"{configuration.name}, {threads} threads", rows,
                      f"{configuration.trees} trees x {configuration.leaves} leaves, "
                      f"{known['n_features']} features, float32 in memory")


def once(lib, configuration, shared, threads, arguments):
    """One engine in a fresh process."""
    table = arguments.work / f"{shared['data']}.bin"
    if lib == "ours":
        found = process.example("lightgbm_speed", table, threads, arguments.limit,
                                {"model": shared["file"]})
        return found | {"model": "LightGBM's"}
    if results.is_ours(lib):
        params = ours(lib, configuration.leaves, configuration.trees, configuration.depth,
                      arguments.ours)
        params["rows"] = configuration.rows
        found = process.example("gbdt_predict", table, threads, arguments.limit, params)
        return found | {"model": "own"}
    return process.child({**shared, "job": "predict", "library": lib}, threads, arguments.limit)
