"""Kernels: updates per second of one core beside a plain read-modify-write loop in cache."""

from . import process, results
from .configurations import KERNEL

COLUMNS = {"layout": "features x bins", "rows": "rows of the leaf", "millions_s": "M updates/s",
           "of_plain": "of the plain loop", "runs": "runs"}


def run(arguments):
    """Measures the chosen kernels; the fastest run of each line counts."""
    store = results.Store("kernel", COLUMNS, arguments.out)
    for configuration in arguments.chosen(KERNEL):
        words = [process.EXAMPLES / configuration.example]
        records = [process.run(words, 1, arguments.limit) for _ in range(arguments.reps)]
        failed = [r["error"] for r in records if "error" in r]
        if failed:
            raise SystemExit(f"{configuration.example}: {failed[0]}")
        plain = max(r["plain_32_kib"] for r in records)
        rows = []
        for lines in zip(*(r["lines"] for r in records)):
            best = max(line["updates_s"] for line in lines)
            rows.append({"layout": lines[0]["layout"], "rows": lines[0]["rows"],
                         "millions_s": best / 1e6, "of_plain": best / plain,
                         "runs": len(records)})
        note = (f"plain loop on a table of 32 KiB: {plain / 1e6:,.0f} M updates/s; of 16 KiB: "
                f"{max(r['plain_16_kib'] for r in records) / 1e6:,.0f}")
        store.put(configuration.name, rows, note)
