"""Which of several learners is better, by a table of their scores."""

from __future__ import annotations

import json
from typing import Any

from . import _modelwright
from ._data import Data, read
from ._errors import OptionError, data_error


def compare_scores(
    scores: Data,
    *,
    smaller_is_better: bool = False,
    rope: float | None = None,
    test_to_train: float | None = None,
    five_by_two: bool = False,
) -> dict[str, Any]:
    """Test which learners are better, by their scores on several data sets or folds.

    Parameters
    ----------
    scores : table or path
        A row for each data set (or fold), a column of scores for each learner; a first column of
        text names the rows.
    smaller_is_better : bool, default False
        Whether scores are errors or losses.
    rope : float, optional
        The difference up to which two learners are equal for all practical purposes; 0.005 by
        default.
    test_to_train : float, optional
        Set where the rows are folds of one data set: test rows over training rows, 1/9 for ten
        folds.
    five_by_two : bool, default False
        Whether the rows are five repetitions of two-fold cross-validation, the two folds of each
        one after the other: the 5x2cv F test. Not beside `test_to_train`.

    Returns
    -------
    dict
        ``verdict`` in words, ``learners`` with their mean ranks and scores, ``all_alike`` (Friedman,
        Iman and Davenport; data sets), and ``pairs`` with their p-values, corrected by Holm.

    Examples
    --------
    >>> import modelwright as mw
    >>> scores = {"a": [0.9, 0.8, 0.7, 0.9, 0.8, 0.9], "b": [0.8, 0.7, 0.6, 0.8, 0.7, 0.7]}
    >>> found = mw.compare_scores(scores)
    >>> [learner["name"] for learner in found["learners"]]
    ['a', 'b']
    """
    if five_by_two and test_to_train is not None:
        raise data_error(
            "scores are folds of one kind",
            source="five_by_two",
            expected="it or test_to_train",
            got="both",
            cls=OptionError,
        )
    native, _ = read(scores)
    found: dict[str, Any] = json.loads(
        _modelwright.compare_scores(native, smaller_is_better, rope, test_to_train, five_by_two)
    )
    return found
