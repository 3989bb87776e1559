"""Two writers and ten readers on one store, for ten minutes: no error, nothing lost.

    python bench/store/load.py [--binary PATH] [--seconds 600]

Writers record evaluations, register a model and move an alias; readers list runs and models. At the
end every run that a writer was told of must be in the store, finished.
"""

import argparse
import json
import subprocess
import tempfile
import threading
import time
from pathlib import Path


def rows(n):
    lines = ["x,z,y"]
    for i in range(n):
        x, z = (i * 7919) % 1009, (i * 31) % 97
        lines.append(f"{x},{z},{'yes' if x + z > 550 else 'no'}")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", default="target/release/modelwright")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--writers", type=int, default=2)
    parser.add_argument("--readers", type=int, default=10)
    given = parser.parse_args()
    binary = str(Path(given.binary).resolve())
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "t.csv").write_text(rows(300))

        def run(*args):
            done = subprocess.run(
                [binary, *args, "--store", "store"], cwd=folder, capture_output=True, text=True
            )
            if done.returncode != 0:
                raise SystemExit(f"{args}: {done.stderr}")
            return done

        run("train", "linear", "t.csv", "--target", "y", "--out", "m", "-q")
        run("models", "register", "m", "m", "--alias", "champion")
        end = time.monotonic() + given.seconds
        counts = {"written": 0, "read": 0}
        errors, told, lock = [], [], threading.Lock()

        def work(kind, number):
            try:
                while time.monotonic() < end and not errors:
                    if kind == "write":
                        said = run("evaluate", "m@champion", "t.csv").stderr
                        run("models", "alias", "m", f"w{number}", "latest")
                        with lock:
                            told.append(int(said.rsplit("recorded as run ", 1)[1].split()[0]))
                            counts["written"] += 1
                    else:
                        json.loads(run("runs", "list", "--json").stdout)
                        json.loads(run("models", "list", "--json").stdout)
                        with lock:
                            counts["read"] += 1
            except BaseException as error:  # noqa: BLE001 - told at the end
                errors.append(f"{kind} {number}: {error!r}")

        threads = [
            threading.Thread(target=work, args=(kind, i))
            for kind, n in [("write", given.writers), ("read", given.readers)]
            for i in range(n)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise SystemExit("\n".join(errors))
        kept = {r["id"]: r["status"] for r in json.loads(run("runs", "list", "--limit", "0", "--json").stdout)}
        lost = [i for i in told if kept.get(i) != "finished"]
        unfinished = [i for i, status in kept.items() if status != "finished"]
        print(json.dumps({**counts, "runs": len(kept), "lost": lost, "unfinished": unfinished}))
        if lost or unfinished:
            raise SystemExit("something was lost")


if __name__ == "__main__":
    main()
