"""What an audit found, by group as fairlearn's ``MetricFrame`` shows it."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Any

from ._data import _module
from ._files import check_page, write
from ._report import framed


class Audit:
    """Whether a model treats groups of people alike; shown in a notebook.

    Attributes
    ----------
    document : dict
        Everything, as ``modelwright audit --json`` prints it.
    html : str
        One self-contained page.

    Notes
    -----
    `by_group`, `overall`, `difference` and `ratio` have fairlearn's names and values, as pandas
    tables; intervals are in `document`. Where several columns were audited, or one column for each
    of several classes, a first level of the index says which. Of rows of polars, and where pandas
    is not there, they are frames of polars, else dicts of lists: what is an index of pandas is then
    a column, ``measure`` and ``audit`` among them.

    Examples
    --------
    >>> import modelwright as mw
    >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
    >>> rows["half"] = ["ab"[i % 2] for i in range(100)]
    >>> audit = mw.train("linear", rows, "y", exclude="half").audit(rows, "half")
    >>> audit.verdicts["half"][:44]
    '40.0 % of the rows of every group are decide'
    """

    def __init__(self, document: dict[str, Any], html: str, kind: str = "pandas"):
        self.document = document
        self.html = html
        self._kind = kind

    @property
    def verdicts(self) -> dict[str, str]:
        """What was found, for each sensitive column (or several together)."""
        return {", ".join(a["columns"]): a["verdict"] for a in self.document["audits"]}

    @property
    def by_group(self) -> Any:
        """Each measure of each group: a table with a row for each group.

        Groups of fewer rows than ``min_group`` have no numbers.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> rows["half"] = ["ab"[i % 2] for i in range(100)]
        >>> audit = mw.train("linear", rows, "y", exclude="half").audit(rows, "half")
        >>> audit.by_group["selection_rate"].round(2).to_dict()
        {'a': 0.4, 'b': 0.4}
        """
        if not self._has_index():
            return self._groups()
        frame = _module("pandas").DataFrame
        return self._put([
            frame.from_dict(
                {group: values(of["measures"]) for group, of in audit["by_group"].items()},
                orient="index",
            ).rename_axis(", ".join(audit["columns"]))
            for audit in self.document["audits"]
        ])

    @property
    def overall(self) -> Any:
        """Each measure of all rows: a series."""
        return self._series("overall")

    def difference(self) -> Any:
        """Largest less smallest value of the groups, of each measure: a series.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> rows["half"] = ["ab"[i % 2] for i in range(100)]
        >>> audit = mw.train("linear", rows, "y", exclude="half").audit(rows, "half")
        >>> float(audit.difference()["selection_rate"])
        0.0
        """
        return self._series("difference")

    def ratio(self) -> Any:
        """Smallest by largest value of the groups, of each measure: a series.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> rows["half"] = ["ab"[i % 2] for i in range(100)]
        >>> audit = mw.train("linear", rows, "y", exclude="half").audit(rows, "half")
        >>> float(audit.ratio()["selection_rate"])
        1.0
        """
        return self._series("ratio")

    def _has_index(self) -> bool:
        """Whether tables are of pandas."""
        return self._kind != "polars" and find_spec("pandas") is not None

    def _groups(self) -> Any:
        """The groups with all of theirs in columns."""
        audits = self.document["audits"]
        label = ", ".join(audits[0]["columns"]) if len(audits) == 1 else "group"
        rows = [
            {**self._mark(name), label: group, **values(of["measures"])}
            for name, audit in zip(self._names(), audits)
            for group, of in audit["by_group"].items()
        ]
        return self._board(rows)

    def _mark(self, name: str) -> dict[str, str]:
        return {"audit": name} if len(self.document["audits"]) > 1 else {}

    def _board(self, rows: list[dict[str, Any]]) -> Any:
        from ._explanation import as_table

        names = list(dict.fromkeys(name for row in rows for name in row))
        return as_table({n: [row.get(n) for row in rows] for n in names}, self._kind)

    def _series(self, part: str) -> Any:
        if not self._has_index():
            rows = [
                {**self._mark(name), "measure": measure, part: number}
                for name, audit in zip(self._names(), self.document["audits"])
                for measure, number in values(audit[part]).items()
            ]
            return self._board(rows)
        series = _module("pandas").Series
        found = [values(audit[part]) for audit in self.document["audits"]]
        return self._put([series(numbers, name=part, dtype=float) for numbers in found])

    def _put(self, tables: list[Any]) -> Any:
        """One table of those of all audits."""
        if len(tables) == 1:
            return tables[0]
        return _module("pandas").concat(dict(zip(self._names(), tables)), names=["audit"])

    def _names(self) -> list[str]:
        audits = self.document["audits"]
        columns = [", ".join(audit["columns"]) for audit in audits]
        # One column is audited for each class where there are several.
        return [
            name if columns.count(name) == 1 else f"{name}: {audit['positive']}"
            for name, audit in zip(columns, audits)
        ]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the HTML page.

        Examples
        --------
        >>> import tempfile
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> rows["half"] = ["ab"[i % 2] for i in range(100)]
        >>> audit = mw.train("linear", rows, "y", exclude="half").audit(rows, "half")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     audit.save(folder + "/audit.html")
        """
        check_page(path)
        write(path, self.html)

    def _repr_html_(self) -> str:
        return framed(self.html)

    def __repr__(self) -> str:
        return "\n".join(f"{columns}: {text}" for columns, text in self.verdicts.items())


def values(measures: dict[str, Any]) -> dict[str, float]:
    """The numbers, without their intervals where they have some."""
    plain = {
        name: of["value"] if isinstance(of, dict) else of for name, of in measures.items()
    }
    return {name: float("nan") if of is None else of for name, of in plain.items()}
