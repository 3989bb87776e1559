"""A report that shows itself in notebooks."""

from __future__ import annotations

import json
import os
from html import escape
from typing import Any, Literal, get_args

from ._errors import OptionError, data_error
from ._files import check_ending, write
from ._modelwright import Model

#: The forms of a report.
Form = Literal["html", "markdown", "json", "model-card", "model-card-json", "annex-iv"]
FORMS = get_args(Form)


class Report:
    """The report of a run.

    In a notebook it is shown when it is the last value of a cell.

    Attributes
    ----------
    html : str
        One self-contained page.
    markdown : str
        Text with tables.
    sections : dict
        The sections as data.

    Examples
    --------
    >>> import modelwright as mw
    >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
    >>> model = mw.train("linear", rows, "y")
    >>> report = model.report()
    >>> print(report.markdown.splitlines()[0])
    # Predicting “y”
    >>> report.sections["sections"][0]["title"]
    'Decision summary'
    """

    def __init__(self, model: Model):
        self._model = model

    @property
    def html(self) -> str:
        return self._model.report("html")

    @property
    def markdown(self) -> str:
        return self._model.report("markdown")

    @property
    def sections(self) -> Any:
        return json.loads(self._model.report("json"))

    def render(self, form: Form) -> str:
        """The report in one of its forms.

        Parameters
        ----------
        form : {"html", "markdown", "json", "model-card", "model-card-json", "annex-iv"}
            A page, text, the sections as data, a card for the Hugging Face Hub, the fields of
            Google's Model Card Toolkit, or the documentation of Annex IV of the EU AI Act with
            what is left to be stated.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> model = mw.train("linear", rows, "y")
        >>> "library_name: modelwright" in model.report().render("model-card")
        True
        """
        if form not in FORMS:
            raise data_error(
                "a report has no such form",
                source="form",
                expected="one of " + ", ".join(FORMS),
                got=repr(form),
                cls=OptionError,
            )
        return self._model.report(form)

    def save(self, path: str | os.PathLike[str], form: Form | None = None) -> None:
        """Write the report.

        Parameters
        ----------
        path : str or path
            The file; one that is there is replaced.
        form : str, optional
            As for :meth:`render`; by default it follows the name's ending: .html, .md or .json, and
            other endings are refused.

        Examples
        --------
        >>> import tempfile
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> model = mw.train("linear", rows, "y")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.report().save(folder + "/report.md")
        ...     open(folder + "/report.md", encoding="utf-8").readline()
        '# Predicting “y”\\n'
        """
        name = os.fspath(path)
        if form is None:
            of_ending: dict[str, Form] = {".md": "markdown", ".json": "json"}
            hint = "form= says what a file of another name holds"
            ending = check_ending(name, ".html", ".htm", ".md", ".json", hint=hint)
            form = of_ending.get(ending, "html")
        write(name, self.render(form))

    def _repr_html_(self) -> str:
        return framed(self.html)

    def __str__(self) -> str:
        return self.markdown

    def __repr__(self) -> str:
        model = self._model
        return f"Report({model.target!r}, {model.task}: .save(path), .markdown, .sections)"


def framed(page: str) -> str:
    """A whole page inside another, kept apart from its styles."""
    return (
        f'<iframe srcdoc="{escape(page, quote=True)}" style="width:100%;height:640px;'
        'border:1px solid #ccc;border-radius:4px" sandbox="allow-scripts"></iframe>'
    )
