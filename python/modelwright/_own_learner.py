"""Learners that are the user's own: estimators of scikit-learn's kind as candidates of a search.

The engine hands over features as numbers and takes numbers back; here they become what an estimator
expects. A fitted one is stored in the model file as a pickle, and unpickling runs code: nothing of
it is read before the user said that the file is to be trusted.
"""

from __future__ import annotations

import copy
import hashlib
import inspect
import pickle
import platform
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ._errors import OptionError, WorkError, data_error

Array = np.ndarray[Any, np.dtype[Any]]

#: Probabilities of a row may sum to so much more or less than 1, by rounding.
_SUM_TOLERANCE = 1e-3


class Learner:
    """An estimator of one's own as a candidate of :func:`fit`.

    It is judged on the same folds as every other candidate, stands in the leaderboard, and becomes
    part of the ensemble when that gains from it. A model with such a part needs Python: the command
    line and the server refuse it by name.

    Parameters
    ----------
    estimator : object
        With ``fit(X, y)`` and ``predict(X)``; a classifier had better have ``predict_proba`` or
        ``decision_function`` as well: labels alone are shares of 0 and 1. It is cloned before each
        fit, never fitted itself, and must be picklable. Parameters called ``random_state`` that are
        None get a seed of the run.
    name : str, optional
        What leaderboards and records call it; by default the name of its class.
    encoding : {"linear", "trees", "network", "native"}, optional
        What it reads, an array of float64: ``linear`` without missing values, scaled, categories
        one-hot; ``trees`` with missing values as NaN, categories as numbers of levels, levels and
        target statistics; ``network`` as ``trees``, with few levels one-hot; ``native`` one number
        for each category. By default ``trees`` for an estimator whose scikit-learn tags allow NaN,
        else ``linear``.

    Notes
    -----
    ``y`` is float64 in a regression, else class numbers from 0 without gaps. Row weights come as
    ``sample_weight`` where ``fit`` takes one. Features of texts are scores and counts; the sparse
    terms that the engine's linear models read are not among them.

    The clock is asked between two fits, not within one: an estimator that is slower than the time
    that is left makes the run late.

    Examples
    --------
    >>> import modelwright as mw
    >>> from sklearn.linear_model import LogisticRegression
    >>> rows = {"x": [i % 7 for i in range(210)], "y": [i % 7 > 3 for i in range(210)]}
    >>> model = mw.fit(rows, "y", learners=["linear", LogisticRegression(C=0.5)],
    ...                time_limit=None, preset="quick")
    >>> "LogisticRegression" in list(model.leaderboard()["name"])
    True
    """

    def __init__(self, estimator: Any, *, name: str | None = None, encoding: str | None = None):
        for method in ("fit", "predict"):
            if not callable(getattr(estimator, method, None)):
                raise _unusable("an estimator with fit and predict", estimator)
        if isinstance(estimator, type):
            raise _unusable("an estimator, not its class", estimator)
        self.estimator = estimator
        self.name = type(estimator).__name__ if name is None else name
        self.encoding = encoding or ("trees" if _allows_nan(estimator) else "linear")

    def __repr__(self) -> str:
        return f"Learner({_one_line(self.estimator)}, encoding={self.encoding!r})"

    def _given(self, name: str) -> dict[str, Any]:
        """What the engine takes of it."""
        text = _one_line(self.estimator)
        whole = f"{type(self.estimator).__module__}.{text}|{self.encoding}"
        return {
            "name": name,
            "encoding": self.encoding,
            "text": text,
            "sha256": hashlib.sha256(whole.encode()).hexdigest(),
            "needs": versions(_parts(self.estimator)),
            "fit": self._fit,
        }

    def _fit(
        self, X: Array, y: Array, weights: Array | None, n_classes: int, seed: int
    ) -> Fitted:
        """Fits a clone; called by the engine, from any thread."""
        kind = _kind(self.estimator)
        if kind is not None and (kind == "classifier") != (n_classes > 0):
            task = "a classification" if n_classes else "a regression"
            raise TypeError(f"a {kind} cannot learn {task}")
        present = np.arange(n_classes)
        if n_classes:
            present, y = np.unique(y.astype(np.int64), return_inverse=True)
        estimator = None
        if len(present) != 1:
            estimator = _seeded(_clone(self.estimator), seed)
            estimator.fit(X, y, **_weighted(estimator, weights))
            # What cannot be stored is no candidate, and it is better to know that now.
            pickle.Pickler(_Nowhere(), protocol=5).dump(estimator)
        return Fitted(estimator, present, n_classes)


class Fitted:
    """A fitted estimator that answers as the engine asks; this is what is pickled."""

    def __init__(self, estimator: Any, present: Array, n_classes: int):
        self.estimator = estimator
        self.present = present
        self.n_classes = n_classes

    def predict(self, X: Array) -> Array:
        """Values, probabilities of the second of two classes, or of every class: two dimensions."""
        if not self.n_classes:
            values = np.asarray(self.estimator.predict(X), dtype=np.float64)
            if values.shape not in ((len(X),), (len(X), 1)):
                raise ValueError(f"predict gave shape {values.shape} for {len(X)} rows")
            return values.reshape(len(X), 1)
        shares = np.zeros((len(X), self.n_classes))
        if self.estimator is None:
            shares[:, self.present] = 1.0
        else:
            shares[:, self.present] = self._shares(X)
        return np.asarray(shares[:, 1:] if self.n_classes == 2 else shares)

    def _shares(self, X: Array) -> Array:
        """Probabilities of the classes that it learned."""
        n = len(self.present)
        if hasattr(self.estimator, "predict_proba"):
            shares = np.asarray(self.estimator.predict_proba(X), dtype=np.float64)
            if shares.shape != (len(X), n):
                raise ValueError(f"predict_proba gave shape {shares.shape}, not {(len(X), n)}")
            sums = shares.sum(axis=1)
            if (shares < 0).any() or (np.abs(sums - 1) > _SUM_TOLERANCE).any():
                raise ValueError("predict_proba gave numbers that are no probabilities")
            return np.asarray(shares / sums[:, None])
        if not hasattr(self.estimator, "decision_function"):
            said = np.asarray(self.estimator.predict(X)).reshape(len(X), 1)
            shares = (said == np.arange(n)).astype(np.float64)
            if (shares.sum(axis=1) != 1).any():
                raise ValueError("predict gave labels that it did not learn")
            return np.asarray(shares)
        scores = np.asarray(self.estimator.decision_function(X), dtype=np.float64)
        if n == 2:
            scores = scores.reshape(len(X), -1)
            scores = np.column_stack([np.zeros(len(X)), scores[:, -1]])
        if scores.shape != (len(X), n):
            raise ValueError(f"decision_function gave shape {scores.shape}, not {(len(X), n)}")
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))

    def store(self) -> bytes:
        """The bytes of the pickle."""
        return pickle.dumps(self, protocol=5)


def unpickle(data: bytes) -> Fitted:
    """Reads a stored estimator. This runs code: only for files that are trusted."""
    found = pickle.loads(data)
    if not isinstance(found, Fitted):
        raise TypeError(f"a fitted learner was expected, not {type(found).__name__}")
    return found


def own_learners(learners: Any) -> tuple[list[str], list[dict[str, Any]]]:
    """Names of the catalog, and the learners of the user's own as the engine takes them."""
    if learners is None:
        return [], []
    if isinstance(learners, str):
        learners = [name.strip() for name in learners.split(",")]
    if isinstance(learners, Learner) or not isinstance(learners, Iterable):
        learners = [learners]
    names: list[str] = []
    own: list[dict[str, Any]] = []
    for learner in learners:
        if isinstance(learner, str):
            names.append(learner)
            continue
        found = learner if isinstance(learner, Learner) else Learner(learner)
        # Two of one class are told apart by a number; names that were chosen stay as they are.
        is_chosen = isinstance(learner, Learner)
        n_same = sum(o["name"].partition("-")[0] == found.name for o in own)
        is_again = n_same and not is_chosen
        own.append(found._given(f"{found.name}-{n_same + 1}" if is_again else found.name))
    return names, own


def alone(options: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """What ``train`` was asked of a learner of the user's own, as ``fit`` is asked of it alone, and
    the learner's name."""
    values = dict(options)
    learner = values.pop("learner")
    for name, hint in _NOT_ALONE.items():
        if values.pop(name, None) is not None:
            raise data_error(
                "a learner of one's own is not asked for this",
                source=name,
                got=type(learner).__name__,
                hint=hint,
                cls=OptionError,
            )
    encoding, params = values.pop("encoding", None), values.pop("params", None)
    if not isinstance(learner, Learner):
        learner = Learner(learner)
    estimator = learner.estimator
    if params:
        if not hasattr(estimator, "set_params"):
            raise _unusable("an estimator with set_params", estimator, "leave params out")
        try:
            estimator = _clone(estimator).set_params(**params)
        except (TypeError, ValueError) as cause:
            raise data_error(
                "the learner has no such parameters",
                source="params",
                got=str(cause).partition(".")[0][:200],
                expected=f"parameters of {type(estimator).__name__}",
                cls=OptionError,
            ) from cause
    learner = Learner(estimator, name=learner.name, encoding=encoding or learner.encoding)
    # The baseline is always there, to be beaten.
    values.update(learners=["baseline", learner], preset="quick")
    return values, learner.name


#: What ``train`` can be asked of the engine's own learners only, and what to do without.
_NOT_ALONE = {
    "folds": "leave it out: split= takes pairs of rows or a splitter of scikit-learn",
    "loss": "leave it out: an estimator has its own",
    "continue_": "leave it out: rounds are added to the engine's own boosters",
}


def must_be_trained(name: str, record: Mapping[str, Any]) -> None:
    """Refuses a model whose only learner failed: it would be the baseline."""
    for trial in record["trials"]:
        if trial["trial"]["name"] == name and trial["status"] != "done":
            raise data_error(
                "the learner could not be trained",
                source="learner",
                got=" ".join(str(trial["note"] or trial["status"]).split()),
                cls=WorkError,
            )


def versions(parts: Sequence[Any]) -> list[str]:
    """What some objects were made with, as far as it can be told."""
    found = [f"Python {platform.python_version()}", f"numpy {np.__version__}"]
    for value in parts:
        name = str(getattr(value, "__module__", "") or "").partition(".")[0]
        version = getattr(sys.modules.get(name), "__version__", None)
        line = f"{name} {version}"
        if version is not None and name not in ("modelwright", "numpy") and line not in found:
            found.append(line)
    return found


class _Nowhere:
    """Takes bytes and keeps none."""

    def write(self, data: Any) -> int:
        # Large arrays come as buffers, which have no length of their own.
        return memoryview(data).nbytes


def _kind(estimator: Any) -> str | None:
    """``classifier`` or ``regressor``, where the estimator says it."""
    kind = getattr(estimator, "_estimator_type", None)
    if kind is None and hasattr(estimator, "__sklearn_tags__"):
        from sklearn.utils import get_tags

        kind = get_tags(estimator).estimator_type
    return kind if kind in ("classifier", "regressor") else None


def _allows_nan(estimator: Any) -> bool:
    if not hasattr(estimator, "__sklearn_tags__"):
        return False
    from sklearn.utils import get_tags

    return bool(get_tags(estimator).input_tags.allow_nan)


def _clone(estimator: Any) -> Any:
    if not hasattr(estimator, "get_params"):
        return copy.deepcopy(estimator)
    from sklearn.base import clone

    return clone(estimator)


def _params(estimator: Any) -> dict[str, Any]:
    return dict(estimator.get_params(deep=True)) if hasattr(estimator, "get_params") else {}


def _seeded(estimator: Any, seed: int) -> Any:
    """The estimator with a seed wherever it has none."""
    none = [k for k, v in _params(estimator).items() if k.endswith("random_state") and v is None]
    if none:
        estimator.set_params(**{name: seed for name in none})
    return estimator


def _weighted(estimator: Any, weights: Array | None) -> dict[str, Any]:
    """How ``fit`` is told the weights of rows; nothing where it takes none."""
    if weights is None:
        return {}
    steps = getattr(estimator, "steps", None)
    last, prefix = estimator, ""
    if steps and isinstance(steps[-1], tuple):
        last, prefix = steps[-1][1], f"{steps[-1][0]}__"
    try:
        takes = "sample_weight" in inspect.signature(last.fit).parameters
    except (TypeError, ValueError):
        takes = False
    return {f"{prefix}sample_weight": weights} if takes else {}


def _parts(estimator: Any) -> list[Any]:
    """The estimator and those inside it."""
    inner = [v for v in _params(estimator).values() if hasattr(v, "fit")]
    return [estimator, *inner]


def _one_line(estimator: Any) -> str:
    """Class and parameters that are not the defaults: the same for equal estimators, and for later
    versions that have more parameters."""
    name = type(estimator).__name__
    if not hasattr(estimator, "get_params"):
        return name
    known = inspect.signature(type(estimator).__init__).parameters
    defaults = {k: repr(p.default) for k, p in known.items()}
    params = sorted(estimator.get_params(deep=False).items())
    shown = ", ".join(f"{k}={v!r}" for k, v in params if defaults.get(k) != repr(v))
    text = " ".join(f"{name}({shown})".split())
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)


def _unusable(expected: str, value: Any, hint: str | None = None) -> Exception:
    return data_error(
        "this cannot be a candidate of the search",
        source="learners",
        expected=expected,
        got=repr(value)[:80],
        hint=hint,
        cls=OptionError,
    )
