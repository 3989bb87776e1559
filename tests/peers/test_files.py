"""pandas and pyarrow as oracles: the same rows in other files give the same bytes."""

import pandas as pd
import pytest

from conftest import modelwright


def predict(fitted, data, tmp_path):
    out = tmp_path / "out.csv"
    modelwright("predict", fitted.folder, data, "-o", out)
    return out.read_bytes()


@pytest.mark.parametrize("kind", ["parquet", "feather", "jsonl", "tsv", "gz", "utf16", "shuffled"])
def test_the_format_of_a_file_changes_no_prediction(adult, tmp_path, kind):
    frame = pd.read_csv(adult.test).drop(columns=["income"])
    wanted = predict(adult, adult.test, tmp_path)
    path = tmp_path / f"rows.{kind}"
    if kind == "parquet":
        frame.to_parquet(path)
    elif kind == "feather":
        frame.to_feather(path)
    elif kind == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    elif kind == "tsv":
        frame.to_csv(path, sep="\t", index=False)
    elif kind == "gz":
        path = tmp_path / "rows.csv.gz"
        frame.to_csv(path, index=False)
    elif kind == "utf16":
        path = tmp_path / "rows.csv"
        frame.to_csv(path, index=False, encoding="utf-16")
    else:
        path = tmp_path / "rows.csv"
        frame[sorted(frame.columns)].assign(extra=1).to_csv(path, index=False)
    assert predict(adult, path, tmp_path) == wanted


def test_row_by_row_is_the_batch(adult, tmp_path):
    frame = pd.read_csv(adult.test).iloc[:5]
    wanted = predict(adult, adult.test, tmp_path).splitlines()[1:6]
    for i, line in enumerate(wanted):
        one = tmp_path / "one.csv"
        frame.iloc[[i]].to_csv(one, index=False)
        assert predict(adult, one, tmp_path).splitlines()[1] == line


def test_parquet_out_holds_what_csv_out_holds(adult, tmp_path):
    csv, parquet = tmp_path / "p.csv", tmp_path / "p.parquet"
    modelwright("predict", adult.folder, adult.test, "-o", csv)
    modelwright("predict", adult.folder, adult.test, "-o", parquet)
    pd.testing.assert_frame_equal(pd.read_csv(csv), pd.read_parquet(parquet), check_dtype=False)
