"""The life of a file: replay is byte-identical, any tool lists it, a broken one is refused."""

import json
import zipfile

from conftest import modelwright


def test_a_replay_is_byte_identical_for_any_number_of_threads(adult, tmp_path):
    for threads in (1, 2, 4):
        out = tmp_path / f"again-{threads}"
        modelwright("replay", adult.folder / "record.json", adult.train, "--out", out,
                    "--threads", threads)
        assert (out / "model.mw").read_bytes() == (adult.folder / "model.mw").read_bytes()


def test_any_tool_lists_the_artifact(adult):
    with zipfile.ZipFile(adult.folder / "model.mw") as archive:
        assert archive.testzip() is None
        names = set(archive.namelist())
        manifest = json.loads(archive.read("manifest.json"))
    assert {"manifest.json", "model.bin", "reference.bin", "record.json", "report.html"} <= names
    assert manifest["task"] == "binary"


def test_a_cut_artifact_is_refused(adult, tmp_path):
    bytes_ = (adult.folder / "model.mw").read_bytes()
    path = tmp_path / "model.mw"
    path.write_bytes(bytes_[: len(bytes_) // 2])
    done = modelwright("predict", path, adult.test, check=False)
    assert done.returncode == 2
    assert "panicked" not in done.stderr
