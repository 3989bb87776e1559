"""From a pickle to a service: one file that predicts the same everywhere.

A pickle needs the same libraries in the same versions, and runs code when it is read. A
``model.mw`` is data; the command line, another process and a web server read the same bytes.
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import modelwright as mw
from tables import customers


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
    command = [sys.executable, "-m", "modelwright", "predict", path, str(folder / "new.csv")]
    rows = json.loads(subprocess.run([*command, "--json"], capture_output=True, check=True).stdout)
    assert [row["prediction"] for row in rows] == model.predict(new).tolist()

    # A service in a few lines: a row of JSON in, probabilities out, wrong rows refused in words.
    loaded = mw.load(path)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            row = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                status, answer = 200, json.dumps(loaded.predict_proba(row))
            except mw.DataError as error:
                status, answer = 422, json.dumps({"column": error.column, "error": str(error)})
            self.send_response(status)
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    row = json.dumps({"months": 3, "contract": "monthly", "charge": 90.0, "support_calls": 4})
    url = f"http://127.0.0.1:{server.server_port}/"
    with urllib.request.urlopen(url, row.encode()) as answer:
        print(json.load(answer))
    server.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
