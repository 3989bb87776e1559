"""A new version is brought in by degrees on a server that answers real requests, and one that is
worse is taken back: the days are simulated, the server and its requests are not."""

import datetime
import json
import socket
import subprocess
import urllib.request

import pytest
from conftest import PROGRAM, modelwright

START = datetime.datetime(2026, 3, 1)


def row(i):
    return {"x": (i * 7919) % 1009 / 1009 - 0.5, "z": (i * 104729) % 997 / 997}


def answer(i, sign):
    noise = ((i * 3571 + 11) % 991) / 991 - 0.5
    return "yes" if sign * row(i)["x"] + 0.6 * noise > 0 else "no"


class Shop:
    """A registered model, a server of its champion, and a watch over what the server wrote down."""

    def __init__(self, folder):
        self.folder, self.store = folder, ("--store", folder / "store")
        rows = [f"{i},{row(i)['x']:.4f},{row(i)['z']:.4f},{answer(i, 1)}" for i in range(800)]
        (folder / "old.csv").write_text("day,x,z,sells\n" + "\n".join(rows) + "\n")
        # The server's log knows nothing of a column that the model does not read.
        modelwright("train", "gbdt", folder / "old.csv", "--target", "sells", "--exclude", "day",
                    "--param", "n_rounds=30", "--out", folder / "old", *self.store)
        modelwright("models", "register", "sales", folder / "old", "--alias", "champion", *self.store)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        (folder / "watch.toml").write_text(
            'model = "sales@champion"\nlog = { folder = "log" }\n[rollout]\ntrial = true\n'
            f'min_rows = 100\n[rollout.canary]\nservers = ["{self.url}"]\npercents = [20, 60]\n')
        self.serve()

    def serve(self):
        command = [PROGRAM, "serve", "sales@champion", "--port", self.url.rsplit(":", 1)[1],
                   "--request-log", self.folder / "log", "--watch", "500ms", "--json", *self.store]
        self.process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
        text = ""
        while not text.endswith("}\n"):
            text += self.process.stdout.readline()
            assert self.process.poll() is None, text

    def stop(self):
        self.process.terminate()
        assert self.process.wait(30) == 0

    def post(self, path, body, **headers):
        headers["Content-Type"] = "application/json"
        asked = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(asked) as reply:
            return json.load(reply)

    def day(self, day, sign):
        """A day's requests with their labels; the shares of the versions that answered. The server
        is then started anew: it knows nothing of a canary until the look tells it again."""
        versions = []
        for i in range(1000 * day, 1000 * day + 400, 5):
            rows = range(i, i + 5)
            said = self.post("/predict", [row(j) for j in rows], **{"X-Request-Id": f"r{i}"})
            versions.append(said["version"])
            self.post("/feedback", [{"request_id": f"r{i}", "row": k + 1, "label": answer(j, sign)}
                                    for k, j in enumerate(rows)])
        self.stop()
        self.serve()
        at = (START + datetime.timedelta(days=day)).strftime("%Y-%m-%dT%H:%M:%SZ")
        tick = json.loads(modelwright("watch", self.folder / "watch.toml", "--once", "--at", at,
                                      "--json", *self.store).stdout)
        return versions.count(2) / len(versions), tick

    def champion(self):
        listed = modelwright("models", "list", "sales", "--json", *self.store).stdout
        return next(v["number"] for v in json.loads(listed) if "champion" in v["aliases"])


@pytest.fixture
def shop(tmp_path):
    shop = Shop(tmp_path)
    yield shop
    shop.stop()


def test_a_better_version_is_tried_unseen_then_by_degrees_then_promoted(shop):
    share, tick = shop.day(1, -1)
    assert share == 0 and tick["outcome"]["then"] == "try", tick
    share, tick = shop.day(2, -1)
    assert share == 0, "a shadow answers nobody"
    assert tick["decided"]["action"]["do"] == "canary", tick
    share, tick = shop.day(3, -1)
    assert 0.05 < share < 0.4, "twenty percent"
    assert tick["decided"]["action"]["step"] == 1 and shop.champion() == 1, tick
    share, tick = shop.day(4, -1)
    assert 0.4 < share < 0.8, "sixty percent"
    assert tick["decided"]["action"]["do"] == "promote" and shop.champion() == 2, tick
    share, tick = shop.day(5, -1)
    assert share == 1 and shop.champion() == 2, tick


def test_a_version_that_proves_worse_is_taken_back_by_server_and_store(shop):
    assert shop.day(1, -1)[1]["outcome"]["then"] == "try"
    assert shop.day(2, -1)[1]["decided"]["action"]["do"] == "canary"
    # The world turns back: the version in use was right after all.
    seen = [shop.day(day, 1)[1]["decided"]["action"] for day in (3, 4, 5)]
    assert {"do": "discard", "version": 2} in seen, seen
    assert shop.champion() == 1
    assert shop.day(6, 1)[0] == 0, "the server asks it no more"
