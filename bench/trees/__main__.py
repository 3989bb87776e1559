"""Command line of the measurements of the tree engine; `cargo xtask bench trees` runs it.

    cargo xtask bench trees --suite train [--only higgs-31,adult] [--libs ours,lightgbm]
        [--threads 1,2] [--reps 5] [--data FOLDER]
    cargo xtask bench trees --suite small|predict|kernel
    cargo xtask bench trees --suite shap --data FOLDER
    cargo xtask bench trees --suite accuracy --data FOLDER [--peers recorded.jsonl] [--sets a,b]

FOLDER holds NAME/{train,test}.parquet and NAME/meta.json; made tables need none. Results are
printed and kept as JSON and Markdown in `bench/results/`.
"""

import argparse
import importlib
import pathlib

from . import process
from .configurations import SUITES
from .process import ROOT


def words(text):
    """A list separated by commas."""
    return [w for w in text.split(",") if w]


class Arguments(argparse.Namespace):
    """What was asked for."""

    def chosen(self, configurations):
        """The configurations whose name was given, or all."""
        unknown = set(self.only) - {c.name for c in configurations}
        if unknown:
            names = ", ".join(c.name for c in configurations)
            raise SystemExit(f"no configuration {', '.join(sorted(unknown))}; there are: {names}")
        return [c for c in configurations if not self.only or c.name in self.only]

    def wants(self, library):
        """Whether a library was asked for."""
        return not self.libs or library in self.libs


def parsed():
    """The arguments of the command line."""
    parser = argparse.ArgumentParser(prog="cargo xtask bench trees", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", choices=sorted(SUITES), default="train")
    parser.add_argument("--only", type=words, default=[], help="names of configurations")
    parser.add_argument("--libs", type=words, default=[], help="ours, lightgbm, …")
    parser.add_argument("--threads", type=lambda t: [int(w) for w in words(t)], default=[])
    parser.add_argument("--reps", type=int, default=5, help="runs of each library")
    parser.add_argument("--data", type=pathlib.Path, help="folder of data sets")
    parser.add_argument("--sets", type=words, default=[],
                        help="data sets of the suite `accuracy`; all when not given")
    parser.add_argument("--peers", type=pathlib.Path, help="recorded results of peers (JSON lines)")
    parser.add_argument("--ours", type=lambda t: dict(w.split("=", 1) for w in words(t)),
                        default={}, help="parameters of ours: name=value,…")
    parser.add_argument("--cap", type=float, default=60, help="seconds: slower runs happen once")
    parser.add_argument("--limit", type=float, default=400, help="seconds: slower runs are ended")
    parser.add_argument("--priority", type=int, default=0,
                        help="niceness of the measured processes, e.g. -5 on a busy machine")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "target/bench",
                        help="folder for made tables")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "bench/results")
    return parser.parse_args(namespace=Arguments())


def main():
    """Runs one suite."""
    arguments = parsed()
    process.priority = arguments.priority
    importlib.import_module(f".suite_{arguments.suite}", __package__).run(arguments)


if __name__ == "__main__":
    main()
