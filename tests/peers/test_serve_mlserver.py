"""MLServer's own codecs: what they encode is taken, what is answered they decode."""

import pathlib
import subprocess
import sys

import pytest

from conftest import ROOT
from test_serve import start, stop

CLIENT = pathlib.Path(__file__).with_name("mlserver_client.py")


@pytest.fixture(scope="module")
def address():
    folder = ROOT / "testdata" / "artifact"
    process, address = start(folder / "v2-binary.mw", folder / "v2-regression.mw")
    yield address
    stop(process)


@pytest.mark.parametrize("case", [
    "frame", "frame_of_mixed_values", "inputs", "matrix", "messages", "unknown_codec"])
def test_a_client_of_mlserver_reads_what_the_plain_path_answers(address, case):
    ran = subprocess.run([sys.executable, CLIENT, address, case], capture_output=True, text=True,
                         timeout=120)
    assert ran.returncode == 0, ran.stderr[-3000:]
