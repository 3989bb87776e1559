"""From a pickle to a service: one file that predicts the same everywhere.

A pickle needs the same libraries in the same versions, and runs code when it is read. A
``model.mw`` is data; the command line, another process and a web server read the same bytes. The
server comes with the package: ``modelwright serve``.
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import modelwright as mw
from tables import customers

#: The command line of this very package.
COMMAND = [sys.executable, "-m", "modelwright"]


def main(folder: Path, time_limit: float = 20) -> None:
    train, new = customers(2000), customers(50, seed=1)
    options: dict[str, Any] = {"exclude": ["customer", "last_invoice"]}
    model = mw.fit(train, target="left", time_limit=time_limit, **options)

    # A pickle of a predictor is its artifact: old code goes on working.
    again = pickle.loads(pickle.dumps(model))
    assert again.to_bytes() == model.to_bytes()

    # The file, and the command line on it.
    path = model.save(folder / "churn.mw")
    new.to_csv(folder / "new.csv", index=False)
    predict = [*COMMAND, "predict", path, str(folder / "new.csv"), "--json"]
    rows = json.loads(subprocess.run(predict, capture_output=True, check=True).stdout)
    assert [row["prediction"] for row in rows] == model.predict(new).tolist()

    # A service: rows of JSON in, probabilities out, wrong rows refused in words.
    serve = [*COMMAND, "--json", "serve", path, "--port", "0"]
    server = subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        url = f"http://{listening(server)}/predict"
        row = {"months": 3, "contract": "monthly", "charge": 90.0, "support_calls": 4}
        answer = ask(url, row)
        print(answer["prediction"], answer["probabilities"])
        assert answer["probabilities"] == model.predict_proba(row)
        refused = ask(url, {**row, "charge": "a lot"})
        print(refused["column"], refused["expected"])
    finally:
        server.terminate()
        server.wait()


def listening(server: subprocess.Popen[str]) -> str:
    """The address that the server prints, as JSON, when it is ready."""
    assert server.stdout is not None
    decoder, text = json.JSONDecoder(), ""
    for line in server.stdout:
        text += line
        try:
            return str(decoder.decode(text)["address"])
        except json.JSONDecodeError:
            continue
    raise RuntimeError("the server did not start")


def ask(url: str, row: dict[str, Any]) -> dict[str, Any]:
    """The server's answer, also where it refuses."""
    request = urllib.request.Request(url, json.dumps(row).encode())
    request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request) as answer:
            found: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as refused:
        found = json.load(refused)
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
