"""The worked examples run, and so do the examples in the documentation of each function."""

import doctest
import importlib
import inspect
import sys
from pathlib import Path

import pytest

import modelwright as mw

from conftest import ROOT

EXAMPLES = ROOT / "python/examples"
NAMES = sorted(p.stem for p in EXAMPLES.glob("*.py") if p.stem != "tables")


@pytest.mark.parametrize("name", NAMES)
def test_the_worked_example_runs(name, tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    main = importlib.import_module(name).main
    wanted = inspect.signature(main).parameters
    # A folder that an example names itself is one that nobody made.
    is_made = "folder" in wanted and wanted["folder"].default is inspect.Parameter.empty
    folder = tmp_path if is_made else tmp_path / "not" / "there"
    arguments = {"folder": folder} if "folder" in wanted else {}
    main(**arguments, time_limit=4)
    assert capsys.readouterr().out
    if "folder" in wanted:
        assert any(tmp_path.iterdir())


def test_all_of_them_are_there():
    assert set(NAMES) == {
        "churn", "house_prices", "fairness_audit", "own_learner", "own_lightgbm",
        "pickle_to_service",
    }  # fmt: skip


#: All but what runs at import, and what needs a server of somebody else's.
MODULES = sorted(
    path.stem for path in Path(mw.__file__).parent.glob("*.py")
    if path.stem not in ("__main__", "mlflow")
)  # fmt: skip

#: Files whose documentation lies with what is public.
PUBLIC = {"__init__", "_asked", "_explanation", "_learners", "_predictor", "_store", "sklearn"}


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_the_documentation_are_true(name):
    module = mw if name == "__init__" else importlib.import_module(f"modelwright.{name}")
    found = doctest.testmod(module)
    assert found.failed == 0
    assert name not in PUBLIC or found.attempted > 0


def public_objects():
    """Functions, classes and their methods, by name; errors speak for themselves."""
    for name in [*mw.__all__, *mw._ESTIMATORS]:
        public = getattr(mw, name)
        if not callable(public) or inspect.isclass(public) and issubclass(public, Exception):
            continue
        yield name, public
        for own in dir(public) if inspect.isclass(public) else ():
            method = getattr(public, own)
            # Estimators have methods of scikit-learn, too.
            is_ours = str(getattr(method, "__module__", None)).startswith("modelwright")
            if not own.startswith("_") and callable(method) and is_ours:
                yield f"{name}.{own}", method


def test_everything_public_has_an_example_that_runs():
    without = [name for name, public in public_objects() if ">>> " not in inspect.getdoc(public)]
    assert without == []
    texts = {name: inspect.getdoc(public) for name, public in public_objects()}
    assert not [name for name, text in texts.items() if "+SKIP" in text]


def test_everything_public_is_documented():
    for name in mw.__all__:
        public = getattr(mw, name)
        assert name == "__version__" or inspect.getdoc(public), name
        if inspect.isclass(public):
            for own, method in vars(public).items():
                if not own.startswith("_") and callable(method):
                    assert inspect.getdoc(method), f"{name}.{own}"
    assert sys.modules["modelwright"] is mw
