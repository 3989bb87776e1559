"""Kill -9 at random moments of fit, register, promote and ingest.

    python bench/store/kill.py PROGRAM FOLDER [--kills 200] [--store URL]

After every kill the store must open, hold no run without an end state but of processes that live,
name only model files that are whole, and `churn@champion` must answer for a row. With `--store` the store is on
a server of PostgreSQL. Exits with 1 if anything was not as it must be. Needs nothing but Python.
"""

import argparse
import hashlib
import json
import pathlib
import random
import signal
import subprocess
import sys
import time


class Program:
    """The program under test, and what it said that it should not."""

    def __init__(self, path, folder, store):
        self.path, self.folder, self.store = str(path), folder, store
        self.faults = []

    def start(self, *arguments):
        command = [self.path, *map(str, arguments), "--store", self.store, "--threads", "1"]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                cwd=self.folder)

    def run(self, *arguments):
        process = self.start(*arguments)
        out, err = process.communicate()
        if process.returncode != 0:
            self.faults.append(f"{' '.join(map(str, arguments))}: {err.strip()}")
        if "panicked" in err:
            self.faults.append(f"panic: {err.strip()}")
        return process.returncode, out


def tables(folder):
    """A training table, one with other values, and a row."""
    chance = random.Random(7)
    for name in ("a.csv", "b.csv"):
        lines = ["x,z,y"]
        for _ in range(400):
            x, z = chance.gauss(0, 1), chance.gauss(0, 1)
            lines.append(f"{x:.4f},{z:.4f},{'yes' if x + z + chance.gauss(0, 1) > 0 else 'no'}")
        (folder / name).write_text("\n".join(lines) + "\n")
    (folder / "row.csv").write_text("x,z\n0.1,0.2\n")


def check(program, n_before):
    """What must hold after a kill; the number of versions, which never shrinks."""
    _, listed = program.run("runs", "list", "--json")
    for run in json.loads(listed or "[]"):
        if run["status"] == "running":
            program.faults.append(f"run {run['id']} has no end state")
    program.run("predict", "churn@champion", "row.csv")
    _, listed = program.run("models", "list", "churn", "--json")
    versions = json.loads(listed or "[]")
    if len(versions) < n_before:
        program.faults.append(f"{n_before - len(versions)} versions are gone")
    if not program.store.startswith("postgres"):
        for version in versions:
            sha256 = version["sha256"]
            file = program.folder / program.store / "artifacts" / sha256[:2] / f"{sha256}.mw"
            if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
                program.faults.append(f"the file of version {version['number']} is not whole")
    return len(versions)


def kills(program, n):
    """Kills each kind of work at a moment within the time that it takes."""
    work = {
        "fit": lambda i: ("train", "linear", "a.csv", "--target", "y", "--seed", i, "--out", f"m{i % 6}", "--folds", "2"),
        "register": lambda i: ("models", "register", "churn", f"m{i % 6}"),
        "promote": lambda i: ("models", "alias", "churn", "champion", 1 + i % 3),
        "ingest": lambda i: ("monitor", "churn@champion", "b.csv"),
    }
    for i in range(6):
        program.run(*work["fit"](i))
        program.run(*work["register"](i))
    program.run("models", "alias", "churn", "champion", "1")
    lengths = {}
    for name, arguments in work.items():
        begun = time.monotonic()
        program.run(*arguments(1))
        lengths[name] = time.monotonic() - begun
    chance, n_hit, n_versions = random.Random(1), 0, 0
    for i in range(n):
        name = list(work)[i % len(work)]
        process = program.start(*work[name](100 + i))
        try:
            process.wait(timeout=chance.uniform(0, lengths[name]))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            n_hit += 1
        process.communicate()
        n_versions = check(program, n_versions)
    return n_hit


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--store", default="store")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    tables(asked.folder)
    program = Program(asked.program.resolve(), asked.folder.resolve(), asked.store)
    n_hit = kills(program, asked.kills)
    print(f"{asked.kills} works, {n_hit} killed before their end", flush=True)
    for fault in program.faults[:20]:
        print("FAULT", fault)
    print(f"{len(program.faults)} faults")
    sys.exit(1 if program.faults else 0)


if __name__ == "__main__":
    main()
