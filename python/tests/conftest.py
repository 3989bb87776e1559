"""Tables that all tests share, and the command line of the same engine."""

import os
import signal
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
BINARY = os.environ.get("MODELWRIGHT", str(ROOT / "target/release/modelwright"))


def passengers(n_rows: int = 300, seed: int = 0) -> pd.DataFrame:
    """A small table with every kind of column, whose target can be learned."""
    random = np.random.default_rng(seed)
    age = random.normal(40, 12, n_rows).round(1)
    fare = random.gamma(2.0, 20.0, n_rows).round(2)
    port = random.choice(["Cherbourg", "Queenstown", "Southampton"], n_rows)
    boarded = pd.Timestamp("1912-04-10") + pd.to_timedelta(random.integers(0, 400, n_rows), "h")
    score = (fare > 35).astype(int) + (port == "Cherbourg") + random.normal(0, 0.6, n_rows)
    table = pd.DataFrame(
        {
            "age": np.where(random.random(n_rows) < 0.1, np.nan, age),
            "fare": fare,
            "port": port,
            "alone": random.random(n_rows) < 0.5,
            "boarded": boarded,
            "survived": (score > 0.8).astype(int),
        }
    )
    return table


@pytest.fixture(scope="session")
def frame() -> pd.DataFrame:
    return passengers()


@pytest.fixture(scope="session")
def new_rows() -> pd.DataFrame:
    return passengers(50, seed=1)


@pytest.fixture(scope="session")
def predictor(frame):
    import modelwright as mw

    return mw.train("gbdt", frame, "survived", params={"n_rounds": 30}, intervals=0.9)


@pytest.fixture(scope="session")
def regression(frame):
    import modelwright as mw

    return mw.train("gbdt", frame.drop(columns="survived"), "fare", params={"n_rounds": 20})


def command_line(*args: object) -> subprocess.CompletedProcess:
    """Runs the binary; it must be there and do its work."""
    done = subprocess.run([BINARY, *map(str, args)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture
def keyboard():
    """Ctrl-C is heard, even where a shell started the suite in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
