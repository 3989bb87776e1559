"""What the tests share: a build, a fitted model per task, and their tables.

The build is the release's, or what the variable MODELWRIGHT names."""

import os
import pathlib
import subprocess

# Threads of other libraries wait for each other busily: with a busy machine one is faster.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pandas as pd
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("MODELWRIGHT") or ROOT / "target" / "release" / "modelwright")


class Fit:
    """A fitted model, the rows it was not fitted on, and its target."""

    def __init__(self, folder, train, test, target):
        self.folder, self.train, self.test, self.target = folder, train, test, target


def modelwright(*arguments, check=True):
    """Runs the program; returns the finished process with text output."""
    command = [str(PROGRAM), *map(str, arguments), "--quiet"]
    return subprocess.run(command, check=check, capture_output=True, text=True)


def fit(folder, frame, target, *more, time="6s"):
    folder.mkdir(parents=True, exist_ok=True)
    train, test = folder / "train.csv", folder / "test.csv"
    frame.iloc[::2].to_csv(train, index=False)
    frame.iloc[1::2].to_csv(test, index=False)
    out = folder / "model"
    modelwright("fit", train, "--target", target, "--time", time, "--preset", "quick",
                "--threads", "2", "--out", out, *more)
    return Fit(out, train, test, target)


@pytest.fixture(scope="session")
def adult(tmp_path_factory):
    frame = pd.read_csv(ROOT / "testdata" / "adult.csv.gz").iloc[:6000]
    return fit(tmp_path_factory.mktemp("adult"), frame, "income")


@pytest.fixture(scope="session")
def wine_colour_quality(tmp_path_factory):
    frame = pd.read_csv(ROOT / "testdata" / "wine_quality.csv").iloc[::3].copy()
    frame["grade"] = pd.cut(frame.pop("quality"), [0, 5, 6, 10], labels=["low", "mid", "high"])
    return fit(tmp_path_factory.mktemp("grade"), frame, "grade")


@pytest.fixture(scope="session")
def wine(tmp_path_factory):
    frame = pd.read_csv(ROOT / "testdata" / "wine_quality.csv").iloc[::3]
    return fit(tmp_path_factory.mktemp("wine"), frame, "quality", "--task", "regression")
