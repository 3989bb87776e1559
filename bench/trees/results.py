"""Results: medians of repeated runs, ratios to the fastest peer, kept as JSON and Markdown."""

import json
import os
import pathlib
import statistics
import sys
import time

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "results"


def median(records, key):
    """The median of a number over the records that have it."""
    found = [r[key] for r in records if r.get(key) is not None]
    return statistics.median(found) if found else None


def is_ours(library):
    """Whether a name in the column of libraries is one of our own variants."""
    return library.split("-", 1)[0] == "ours"


def interleaved(libraries, arguments, once):
    """The records of `--reps` rounds in which the libraries take turns.

    One that failed, or took longer than `--cap` seconds for everything, is not run again.
    """
    records = {lib: [] for lib in libraries}
    too_slow = set()
    for _ in range(arguments.reps):
        for lib in libraries:
            if lib in too_slow:
                continue
            begun = time.monotonic()
            records[lib].append(once(lib))
            print(f"{lib}: {json.dumps(records[lib][-1])}", file=sys.stderr, flush=True)
            if "error" in records[lib][-1] or time.monotonic() - begun > arguments.cap:
                too_slow.add(lib)
    return records


def row(lib, records, key):
    """The medians of one library's numbers; `best_s` is its shortest `key`."""
    good = [r for r in records if "error" not in r]
    found = {"library": lib, "runs": len(good)}
    if good:
        numbers = [k for k, v in good[0].items() if isinstance(v, (int, float))]
        found |= {k: v for k, v in good[0].items() if isinstance(v, str)}
        found |= {k: median(good, k) for k in numbers}
        if found.get("peak_mb") is not None:
            found["grown_mb"] = median([{"mb": r["peak_mb"] - r["base_mb"]} for r in good], "mb")
        found |= {"best_s": min(r[key] for r in good), "all_s": [r[key] for r in good]}
    return found | {"error": r["error"] for r in records if "error" in r}


def add_ratios(rows, key, ratio="vs_peer", smaller_is_better=True):
    """Sets `ratio` of each row: how many times better `key` is than at the best peer."""
    peers = [r[key] for r in rows if not is_ours(r["library"]) and r.get(key)]
    if not peers:
        return
    best = min(peers) if smaller_is_better else max(peers)
    for row in rows:
        if row.get(key):
            row[ratio] = best / row[key] if smaller_is_better else row[key] / best


def shown(value):
    """A value as a cell: three or four digits that matter."""
    if value is None:
        return ""
    if isinstance(value, (int, float)):
        if isinstance(value, int) or abs(value) >= 1000:
            return f"{value:,.0f}"
        return f"{value:.4g}" if abs(value) < 1 else f"{value:.3g}"
    return str(value)


def table(rows, columns):
    """Rows as a Markdown table; `columns` maps keys to headings."""
    lines = ["| " + " | ".join(columns.values()) + " |", "|---" * len(columns) + "|"]
    for row in rows:
        cells = [exact(row.get(k)) if is_score(heading) else row.get(k)
                 for k, heading in columns.items()]
        lines.append("| " + " | ".join(shown(c) for c in cells) + " |")
    return "\n".join(lines)


def is_score(heading):
    """Whether a column holds scores or errors of models."""
    return heading.endswith((" score", " error", " recorded"))


def exact(value):
    """A score with enough digits to compare two libraries."""
    return f"{value:.6g}" if isinstance(value, float) else value


class Store:
    """The results of one suite, by the name of the group of rows that were measured together."""

    def __init__(self, suite, columns, folder=FOLDER):
        self.path = folder / f"trees-{suite}.json"
        self.suite, self.columns = suite, columns
        folder.mkdir(parents=True, exist_ok=True)
        self.groups = json.loads(self.path.read_text()) if self.path.exists() else {}

    def rows(self, name):
        """The rows of a group; none when it was never measured."""
        return self.groups.get(name, {"rows": []})["rows"]

    def put(self, name, rows, note="", columns=None, quiet=False):
        """Replaces a group, prints it, and writes both files."""
        about = f"{os.cpu_count()} processors, {time.strftime('%Y-%m-%d %H:%M')}"
        self.groups[name] = {"note": "; ".join(filter(None, [note, about])), "rows": rows,
                             "columns": columns or self.columns}
        self.path.write_text(json.dumps(self.groups, indent=1) + "\n")
        if not quiet:
            print(f"\n{self.text(name)}", flush=True)
        pages = [self.text(group) for group in self.groups]
        self.path.with_suffix(".md").write_text(f"# {self.suite}\n\n" + "\n".join(pages))

    def text(self, name):
        """One group as Markdown."""
        group = self.groups[name]
        return f"## {name}\n\n{group['note']}\n\n{table(group['rows'], group['columns'])}\n"
