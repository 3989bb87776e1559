"""Shapley values: rows per second, and how far the values are from LightGBM's."""

import numpy as np

from . import process, results, tables
from .configurations import SHAP

COLUMNS = {
    "library": "library", "seconds": "seconds", "best_s": "best s", "rows_s": "rows/s",
    "vs_peer": "fastest peer / this", "cpu_s": "CPU s",
    "cpu_vs_peer": "same by CPU", "difference": "largest difference",
    "grown_mb": "grown MB", "others": "others' CPU", "runs": "runs", "error": "error",
}


def run(arguments):
    """Measures the chosen configurations."""
    store = results.Store("shap", COLUMNS, arguments.out)
    for configuration in arguments.chosen(SHAP):
        known = tables.ensure(configuration.data, arguments.work, arguments.data)
        job = {"data": known["name"], "task": known["task"], "n_classes": known["n_classes"],
               "work": str(arguments.work), "leaves": configuration.leaves,
               "depth": configuration.depth, "rounds": configuration.trees,
               "file": str(arguments.work / f"lightgbm_shap_{configuration.name}.txt")}
        made = process.child({**job, "job": "lightgbm_file", "rows": known["n_rows"]}, 2,
                             arguments.limit)
        if "error" in made:
            raise SystemExit(f"LightGBM's model could not be trained: {made['error']}")
        libraries = [lib for lib in configuration.libraries if arguments.wants(lib)]
        for threads in arguments.threads or configuration.threads:
            records = results.interleaved(
                libraries, arguments,
                lambda lib: once(lib, configuration, job, threads, arguments))
            rows = [results.row(lib, records[lib], "seconds") for lib in libraries]
            compare(rows, arguments.work)
            results.add_ratios(rows, "seconds")
            results.add_ratios(rows, "cpu_s", "cpu_vs_peer")
            store.put(f"{configuration.name}, {threads} threads", rows,
                      f"{configuration.trees} trees of depth {configuration.depth}, "
                      f"{configuration.rows:,} rows x {known['n_features']}")


def values_of(lib, work):
    """Where the values of a library are kept: plain f64, row-major."""
    return work / f"shap_{lib}.f64"


def once(lib, configuration, job, threads, arguments):
    """One library in a fresh process."""
    if results.is_ours(lib):
        options = {"model": job["file"], "what": "shap", "rows": configuration.rows, "reps": 1,
                   "out": values_of(lib, arguments.work)}
        return process.example("lightgbm_speed", arguments.work / f"{job['data']}.bin", threads,
                               arguments.limit, options)
    job = {**job, "job": "shap", "library": lib, "rows": configuration.rows,
           "values": str(values_of(lib, arguments.work))}
    return process.child(job, threads, arguments.limit)


def compare(rows, work):
    """Sets the largest difference of any value to LightGBM's."""
    if not values_of("lightgbm", work).exists():
        return
    reference = np.fromfile(values_of("lightgbm", work))
    for row in rows:
        if row["runs"]:
            values = np.fromfile(values_of(row["library"], work))
            row["difference"] = float(np.abs(values - reference).max())
