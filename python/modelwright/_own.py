"""Parts of a fit that are the user's own code: a metric, a split, a loss; learners are beside.

The engine calls a metric back with arrays; a split becomes rows here, before the engine sees it.
The record names both, and a replay wants them again.
"""

from __future__ import annotations

import copy
import hashlib
import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from ._data import library
from ._errors import OptionError, data_error
from ._own_learner import own_learners, versions

Array = np.ndarray[Any, np.dtype[Any]]


class Metric:
    """A metric of one's own, to be optimised and reported like one of the catalog.

    Parameters
    ----------
    function : callable
        Called as ``function(y_true, y_pred)``, or with ``sample_weight=`` where it has such a
        parameter; returns a number. Labels come in the types that the target has. It must give the
        same number for the same arrays, and may be called from any thread, thousands of times:
        intervals are made by resampling rows.
    larger_is_better : bool
        Which way is better.
    name : str, optional
        What records and reports call it; the function's name by default.
    needs : {"labels", "probabilities"}, default "labels"
        What ``y_pred`` is in a classification: decided labels of shape (n_rows,), or
        probabilities, of shape (n_rows,) of the positive class of two, (n_rows, n_classes) of
        more. In a regression it is always the values.

    Examples
    --------
    >>> import numpy as np
    >>> import modelwright as mw
    >>> def profit(y_true, y_pred, sample_weight=None):
    ...     earned = np.where(y_pred == 1, np.where(y_true == 1, 5.0, -1.0), 0.0)
    ...     return np.average(earned, weights=sample_weight)
    >>> rows = {"x": [i % 10 for i in range(200)], "y": [int(i % 10 > 6) for i in range(200)]}
    >>> model = mw.train("gbdt", rows, "y", params={"n_rounds": 10},
    ...                  metric=mw.Metric(profit, larger_is_better=True))
    >>> model.metric
    'profit'
    """

    def __init__(
        self,
        function: Callable[..., float],
        *,
        larger_is_better: bool,
        name: str | None = None,
        needs: Literal["labels", "probabilities"] = "labels",
    ):
        if not callable(function):
            raise _wrong("metric", "a function of y_true and y_pred", function)
        if needs not in ("labels", "probabilities"):
            raise _wrong("needs", '"labels" or "probabilities"', needs)
        self.function = function
        self.larger_is_better = bool(larger_is_better)
        self.name = name or getattr(function, "__name__", type(function).__name__)
        self.needs = needs
        self._takes_weights = _has_parameter(function, "sample_weight")
        #: Labels in place of class numbers, where the engine knows no others.
        self._originals: Any = None

    def _of_labels(self, originals: Any) -> Metric:
        """The same for an engine that knows class numbers alone."""
        found = copy.copy(self)
        found._originals = originals
        return found

    @classmethod
    def of_scorer(cls, scorer: Any) -> Metric:
        """The metric of a scorer that ``sklearn.metrics.make_scorer`` made.

        Examples
        --------
        >>> import modelwright as mw
        >>> from sklearn.metrics import fbeta_score, make_scorer
        >>> mw.Metric.of_scorer(make_scorer(fbeta_score, beta=2))
        Metric(fbeta_score_scorer, larger is better)
        """
        function, options = scorer._score_func, dict(scorer._kwargs)
        response = getattr(scorer, "_response_method", "predict")
        first = response if isinstance(response, str) else response[0]

        def scored(y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
            more = {} if sample_weight is None else {"sample_weight": sample_weight}
            return float(function(y_true, y_pred, **options, **more))

        name = getattr(function, "__name__", "scorer")
        found = cls(
            scored,
            larger_is_better=scorer._sign > 0,
            name=f"{name}_scorer" if options else name,
            needs="labels" if first == "predict" else "probabilities",
        )
        found._takes_weights = _has_parameter(function, "sample_weight")
        return found

    def __repr__(self) -> str:
        way = "larger" if self.larger_is_better else "smaller"
        return f"Metric({self.name}, {way} is better)"

    def _bind(self, classes: Sequence[str], truth: Array, said: Array) -> Callable[[Any], float]:
        """The metric of some predictions, as a function of row weights; called by the engine."""
        from ._labels import plain_labels

        if classes:
            labels = plain_labels(classes)
            if self._originals is not None:
                labels = self._originals[labels.astype(np.int64)]
            truth = labels[truth]
            if self.needs == "labels":
                said = labels[said]
            elif said.shape[1] == 1:
                said = said[:, 0]
        else:
            said = said[:, 0]
        for array in (truth, said):
            array.setflags(write=False)

        def number(value: Any) -> float:
            found = float(value)
            if not math.isfinite(found):
                # As of one that raises: this is not measured, and if nothing is, the fit fails.
                raise ValueError(f"it gave {found}, which is no number to judge by")
            return found

        def measure(weights: Array | None) -> float:
            if weights is None:
                return number(self.function(truth, said))
            if self._takes_weights:
                return number(self.function(truth, said, sample_weight=weights))
            # Without weights, a row of weight 2 is the row twice.
            times = weights.astype(np.int64)
            if (times != weights).any():
                raise TypeError(f"{self.name} takes no sample_weight, and the rows have weights")
            rows = np.repeat(np.arange(len(truth)), times)
            return number(self.function(truth[rows], said[rows]))

        return measure


class Loss:
    """A loss of one's own for gradient boosting.

    The `loss` of ``GradientBoostingClassifier`` and ``GradientBoostingRegressor``, of :func:`train`
    and of :func:`fit`, where the boosters among the candidates minimise it.

    Parameters
    ----------
    function : callable
        Called as ``function(y_true, score)`` once for each round; returns two arrays of the shape
        of ``score``: the first and the second derivative of each row's loss by its score. The
        second must not be negative.
    link : {"identity", "log", "logit", "softmax"}, optional
        How a score becomes a prediction: itself, ``exp(score)``, or a probability. By default
        itself in a regression, else a probability.
    value : callable, optional
        Called as ``value(y_true, score)``; returns the loss of each row, of shape (n_rows,): its
        mean over validation rows decides when to stop. Without it that is decided by how much a
        further step would still gain.
    name : str, optional
        What records call it; the function's name by default.

    Notes
    -----
    ``y_true`` has shape (n_rows,): values, or class numbers. ``score`` has the same shape, and
    (n_rows, n_classes) for three or more classes.

    Examples
    --------
    >>> import numpy as np
    >>> from modelwright import GradientBoostingRegressor, Loss
    >>> def expectile(y, score):
    ...     weight = np.where(y > score, 0.9, 0.1)
    ...     return weight * (score - y), weight
    >>> x = np.arange(200.0).reshape(-1, 1) % 10
    >>> y = np.random.default_rng(0).normal(x[:, 0], 1.0)
    >>> model = GradientBoostingRegressor(loss=Loss(expectile), n_rounds=50).fit(x, y)
    >>> bool(model.predict(x).mean() > y.mean())
    True
    """

    def __init__(
        self,
        function: Callable[[Any, Any], tuple[Any, Any]],
        *,
        link: Literal["identity", "log", "logit", "softmax"] | None = None,
        value: Callable[[Any, Any], Any] | None = None,
        name: str | None = None,
    ):
        if not callable(function):
            raise _wrong("loss", "a function of y_true and score", function)
        if value is not None and not callable(value):
            raise _wrong("value", "a function of y_true and score", value)
        if link not in (None, "identity", "log", "logit", "softmax"):
            raise _wrong("link", '"identity", "log", "logit" or "softmax"', link)
        self.function = function
        self.link = link
        self.value = value
        self.name = name or getattr(function, "__name__", type(function).__name__)

    def __repr__(self) -> str:
        return f"Loss({self.name})"

    def _given(self) -> dict[str, Any]:
        """What the engine takes of it."""

        def derivatives(targets: Array, scores: Array) -> tuple[Array, Array]:
            asked = scores[:, 0] if scores.shape[1] == 1 else scores
            found = self.function(targets, asked)
            if not isinstance(found, (tuple, list)) or len(found) != 2:
                raise TypeError("a loss gives two arrays: gradients and Hessians")
            first, second = zip(("gradients", "Hessians"), found)
            return _derivative(*first, asked, scores), _derivative(*second, asked, scores)

        def values(targets: Array, scores: Array) -> Array:
            asked = scores[:, 0] if scores.shape[1] == 1 else scores
            found = self.value(targets, asked)  # type: ignore[misc]
            return _derivative("values", found, targets, targets)

        return {
            "name": self.name,
            "derivatives": derivatives,
            "values": None if self.value is None else values,
            "link": self.link,
        }


def _derivative(name: str, values: Any, asked: Array, scores: Array) -> Array:
    """What a loss gave, as the engine takes it."""

    def refused(expected: str, got: str) -> Exception:
        return data_error(
            f"the {name} of a loss cannot be used",
            source="loss",
            expected=expected,
            got=got,
            cls=OptionError,
        )

    try:
        array = np.ascontiguousarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise refused("an array of numbers", repr(values)[:80]) from None
    if np.ndim(values) == 0:
        array = np.full(asked.shape, float(array.reshape(-1)[0]))
    if array.shape != asked.shape:
        raise refused(f"an array of shape {asked.shape}, as the scores", f"shape {array.shape}")
    if not np.isfinite(array).all():
        row = int(np.argwhere(~np.isfinite(array))[0][0])
        raise refused("a finite number for every score", f"{array[row]} in row {row + 1}")
    if name == "Hessians" and (array < 0).any():
        row = int(np.argwhere(array < 0)[0][0])
        raise refused("numbers from 0", f"{array[row]} in row {row + 1}")
    return array.reshape(scores.shape)


def own_parts(
    options: dict[str, Any],
    data: Any,
    native: Any,
    target: Any,
    beside: Mapping[str, Any] | None = None,
) -> dict[str, Any] | None:
    """Takes what is the user's own out of the options; None where nothing is.

    ``beside`` are columns that were given by their values.
    """
    metric, split = options.get("metric"), options.get("split")
    names, learners = own_learners(options.get("learners"))
    options["learners"] = names or None
    loss = own_loss(options.pop("loss", None))
    found: dict[str, Any] = {
        "metric": None,
        "split": None,
        "learners": learners,
        "loss": None if loss is None else loss._given(),
        "needs": [] if loss is None else _versions(loss.function),
    }
    if metric is not None and not isinstance(metric, str):
        own = own_metric(metric)
        options["metric"] = None
        found["metric"] = {
            "name": own.name,
            "larger_is_better": own.larger_is_better,
            "needs_probabilities": own.needs == "probabilities",
            "bind": own._bind,
        }
        found["needs"] += [n for n in _versions(own.function) if n not in found["needs"]]
    if split is not None and not isinstance(split, str):
        options["split"] = None
        group = options.get("group")
        group = (beside or {}).get(str(group), group)
        found["split"] = _split(split, data, native, target, group)
    return found if any(found[part] for part in ("metric", "split", "learners", "loss")) else None


def own_loss(loss: Any) -> Loss | None:
    """A loss of one's own: a :class:`Loss`, or its function."""
    if loss is None or isinstance(loss, Loss):
        return loss
    if callable(loss):
        return Loss(loss)
    raise _wrong("loss", "modelwright.Loss(function), or the function", loss)


def own_metric(metric: Any) -> Metric:
    """A metric of one's own, or of a scorer of scikit-learn."""
    if isinstance(metric, Metric):
        return metric
    if hasattr(metric, "_score_func") and hasattr(metric, "_sign"):
        return Metric.of_scorer(metric)
    error = data_error(
        "it is not said which way the metric is better",
        source="metric",
        expected="modelwright.Metric(function, larger_is_better=...), a scorer, or a name",
        got=repr(metric)[:80],
        cls=OptionError,
    )
    raise error


def _versions(function: Any) -> list[str]:
    """What a function was run with, as far as it can be told."""
    inner = inspect.unwrap(function)
    cells = [c.cell_contents for c in getattr(inner, "__closure__", None) or ()]
    return versions([inner, *cells])


def _split(split: Any, data: Any, native: Any, target: Any, group: Any) -> dict[str, Any]:
    n_rows = getattr(native, "n_rows", None)
    if n_rows is None:
        raise data_error(
            "a split of one's own is of rows, and a file's are not known yet",
            source="split",
            expected="the table itself",
            got="a path",
            hint="read the file first, e.g. with pandas",
            cls=OptionError,
        )
    if hasattr(split, "split"):
        y = target if not isinstance(target, str) else _column(data, target, n_rows)
        groups = group if not isinstance(group, str) else _column(data, group, n_rows)
        pairs: Iterable[Any] = _of_splitter(split, n_rows, y, groups)
        name = " ".join(str(split).split())[:120]
    elif isinstance(split, Iterable):
        pairs, name = split, "pairs of rows"
    else:
        raise _wrong("split", "a name, pairs of rows, or a splitter of scikit-learn", split)
    rows = [_pair(pair, n_rows) for pair in pairs]
    digest = hashlib.sha256()
    for train, judged in rows:
        for part in (train, judged):
            digest.update(len(part).to_bytes(8, "little") + part.tobytes())
    if name == "pairs of rows":
        name = f"{len(rows)} pairs of rows"
    return {"name": name, "sha256": digest.hexdigest(), "n_rows": n_rows, "pairs": rows}


def _of_splitter(split: Any, n_rows: int, y: Any, groups: Any) -> list[Any]:
    try:
        return list(split.split(np.zeros((n_rows, 1)), y, groups))
    except ValueError as cause:
        wants_groups = groups is None and "group" in str(cause)
        raise data_error(
            "the splitter cannot part these rows",
            source="split",
            got=str(cause),
            hint="say whose rows belong together: group=" if wants_groups else None,
            cls=OptionError,
        ) from cause


def _pair(pair: Any, n_rows: int) -> tuple[Array, Array]:
    try:
        train, judged = pair
    except (TypeError, ValueError):
        raise _wrong("split", "pairs of rows to learn from and rows to judge", pair) from None
    return _rows(train, n_rows), _rows(judged, n_rows)


def _rows(rows: Any, n_rows: int) -> Array:
    array = np.asarray(rows)
    if array.dtype == bool and array.shape == (n_rows,):
        array = np.flatnonzero(array)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise _wrong("split", "row numbers, or one flag for each row", rows)
    if len(array) and not (0 <= array.min() and array.max() < n_rows):
        raise data_error(
            "the split names a row that is not there",
            source="split",
            expected=f"rows from 0 to {n_rows - 1}",
            got=str(array.min() if array.min() < 0 else array.max()),
            cls=OptionError,
        )
    return np.unique(array).astype(np.uint32)


def _column(data: Any, name: str, n_rows: int) -> Any:
    """The values of a column, for splitters that look at them."""
    lib = library(data)
    if isinstance(data, np.ndarray) and not data.dtype.names:
        return data[:, int(name.removeprefix("x"))]
    if lib == "polars":
        frame = data.select(name)
        return (frame.collect() if hasattr(frame, "collect") else frame)[name].to_numpy()
    if lib == "pyarrow":
        return data.column(name).to_numpy()
    if isinstance(data, (list, tuple)):
        return np.array([row.get(name) for row in data])
    if isinstance(data, Mapping) or hasattr(data, "__getitem__"):
        return np.asarray(data[name])
    return np.zeros(n_rows)


def _has_parameter(function: Any, name: str) -> bool:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False
    kinds = (p.kind for p in parameters.values())
    return name in parameters or inspect.Parameter.VAR_KEYWORD in kinds


def _wrong(name: str, expected: str, value: Any) -> Exception:
    return data_error(
        f"`{name}` cannot be used",
        source=name,
        expected=expected,
        got=repr(value)[:80],
        cls=OptionError,
    )
