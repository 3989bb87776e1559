"""Recorded runs and registered models: the store of the command line."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from typing import Any

from . import _modelwright
from ._errors import ModelwrightWarning, OptionError, data_error
from ._predictor import Predictor


class Store:
    """Runs that were recorded, and models that were registered under names.

    The store is the command line's: what one writes the other reads. Fits are recorded where a
    store was named (``fit(store=...)``, ``MODELWRIGHT_STORE``) or made by registering a model.

    Parameters
    ----------
    folder : str or path, optional
        The folder; by default that of the command line: ``MODELWRIGHT_STORE``, or one in the
        user's data folder.

    Examples
    --------
    >>> import tempfile
    >>> import modelwright as mw
    >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model = mw.train("linear", rows, "y", store=folder)
    ...     store = mw.Store(folder)
    ...     version = store.register("demo", model, alias="champion")
    ...     [run["kind"] for run in store.runs()], version["aliases"]
    (['train'], ['champion'])
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None):
        self._folder = None if folder is None else os.fspath(folder)

    @property
    def folder(self) -> str | None:
        """Where it is; None where there is no place for one."""
        found = _modelwright.store_folder(self._folder)
        return None if found is None else os.fspath(found)

    def _ask(self, ask: str, **parts: Any) -> Any:
        return json.loads(_modelwright.store(self._folder, json.dumps({"ask": ask, **parts})))

    # Runs.

    def runs(
        self, query: str | None = None, *, best: str | None = None, limit: int = 20
    ) -> list[dict[str, Any]]:
        """List runs, the newest first.

        Parameters
        ----------
        query : str, optional
            Conditions joined by ``and``, such as ``"kind = fit and metrics.roc_auc > 0.9"``.
        best : str, optional
            The best by this metric first, instead of the newest.
        limit : int, default 20
            No more than so many; 0 for all.

        Examples
        --------
        >>> import tempfile
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> folder = tempfile.TemporaryDirectory()
        >>> store = mw.Store(folder.name)
        >>> model = mw.train("linear", rows, "y", store=folder.name)
        >>> [run["kind"] for run in store.runs("metrics.roc_auc > 0.9", best="roc_auc")]
        ['train']
        >>> folder.cleanup()
        """
        found: list[dict[str, Any]] = self._ask("runs", query=query, best=best, limit=limit)
        return found

    def run(self, run: int) -> dict[str, Any]:
        """Everything about one run.

        Examples
        --------
        >>> import tempfile
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> folder = tempfile.TemporaryDirectory()
        >>> store = mw.Store(folder.name)
        >>> model = mw.train("linear", rows, "y", store=folder.name)
        >>> store.run(1)["status"]
        'finished'
        >>> folder.cleanup()
        """
        found: dict[str, Any] = self._ask("run", id=run)
        return found

    def delete_runs(self, *runs: int) -> None:
        """Remove runs.

        Examples
        --------
        >>> import tempfile
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> folder = tempfile.TemporaryDirectory()
        >>> store = mw.Store(folder.name)
        >>> model = mw.train("linear", rows, "y", store=folder.name)
        >>> store.delete_runs(1)
        >>> store.runs()
        []
        >>> folder.cleanup()
        """
        self._ask("delete_runs", ids=list(runs))

    # Models.

    def models(self) -> list[dict[str, Any]]:
        """All registered models.

        Examples
        --------
        >>> import tempfile
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> folder = tempfile.TemporaryDirectory()
        >>> store = mw.Store(folder.name)
        >>> model = mw.train("linear", rows, "y")
        >>> _ = store.register("demo", model, alias="champion")
        >>> [found["name"] for found in store.models()]
        ['demo']
        >>> folder.cleanup()
        """
        found: list[dict[str, Any]] = self._ask("models")
        return found

    def versions(self, name: str) -> list[dict[str, Any]]:
        """The versions of one model, with their aliases and scores.

        Examples
        --------
        >>> import tempfile
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> folder = tempfile.TemporaryDirectory()
        >>> store = mw.Store(folder.name)
        >>> model = mw.train("linear", rows, "y")
        >>> _ = store.register("demo", model, alias="champion")
        >>> [(found["number"], found["aliases"]) for found in store.versions("demo")]
        [(1, ['champion'])]
        >>> folder.cleanup()
        """
        found: list[dict[str, Any]] = self._ask("versions", name=name)
        return found

    def register(
        self,
        name: str,
        model: Predictor | str | os.PathLike[str],
        *,
        alias: str | None = None,
        run: int | None = None,
        note: str | None = None,
    ) -> dict[str, Any]:
        """Keep a model as the next version of a name.

        Parameters
        ----------
        name : str
        model : Predictor, str or path
            A model, a ``model.mw``, or the folder that a fit wrote.
        alias : str, optional
            Let this alias stand for it. A ``ModelwrightWarning`` tells when it stood for a model
            of another target, or of other columns.
        run : int, optional
            The run that made it.
        note : str, optional
            A few words.

        Returns
        -------
        dict
            The version: ``number``, ``aliases``, ``metric``, ``value`` and so on.

        Examples
        --------
        >>> import tempfile
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> folder = tempfile.TemporaryDirectory()
        >>> store = mw.Store(folder.name)
        >>> model = mw.train("linear", rows, "y")
        >>> store.register("demo", model, alias="champion", note="the first")["number"]
        1
        >>> folder.cleanup()
        """
        with tempfile.TemporaryDirectory() as folder:
            if isinstance(model, Predictor):
                model = model.save(os.path.join(folder, "model.mw"))
            found: dict[str, Any] = self._ask(
                "register", name=name, model=os.fspath(model), alias=alias, run=run, note=note
            )
        return _warned(found)

    def load(
        self, name: str, version: str | int = "latest", *, trust: bool = False
    ) -> Predictor:
        """Load a version by its number or an alias; ``trust`` as for :func:`modelwright.load`.

        Examples
        --------
        >>> import tempfile
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> folder = tempfile.TemporaryDirectory()
        >>> store = mw.Store(folder.name)
        >>> model = mw.train("linear", rows, "y")
        >>> _ = store.register("demo", model, alias="champion")
        >>> store.load("demo", "champion").predict({"x": 9})
        True
        >>> folder.cleanup()
        """
        from ._run import load

        return load(self._ask("file", name=name, version=str(version)), trust=trust)

    def alias(
        self, name: str, alias: str, version: str | int = "latest", *, reason: str | None = None
    ) -> dict[str, Any]:
        """Let an alias stand for a version; returns the version.

        Examples
        --------
        >>> import tempfile
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> folder = tempfile.TemporaryDirectory()
        >>> store = mw.Store(folder.name)
        >>> model = mw.train("linear", rows, "y")
        >>> _ = store.register("demo", model, alias="champion")
        >>> sorted(store.alias("demo", "shadow", 1, reason="a try")["aliases"])
        ['champion', 'shadow']
        >>> folder.cleanup()
        """
        if not alias:
            raise data_error("an alias needs a name", source="alias", cls=OptionError)
        found: dict[str, Any] = self._ask(
            "alias", name=name, alias=alias, version=str(version), reason=reason
        )
        return _warned(found)

    def remove_alias(self, name: str, alias: str) -> None:
        """Remove an alias.

        Examples
        --------
        >>> import tempfile
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> folder = tempfile.TemporaryDirectory()
        >>> store = mw.Store(folder.name)
        >>> model = mw.train("linear", rows, "y")
        >>> _ = store.register("demo", model, alias="champion")
        >>> store.remove_alias("demo", "champion")
        >>> store.versions("demo")[0]["aliases"]
        []
        >>> folder.cleanup()
        """
        self._ask("remove_alias", name=name, alias=alias)

    def history(self, name: str) -> list[dict[str, Any]]:
        """How aliases moved, and why.

        Examples
        --------
        >>> import tempfile
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> folder = tempfile.TemporaryDirectory()
        >>> store = mw.Store(folder.name)
        >>> model = mw.train("linear", rows, "y")
        >>> _ = store.register("demo", model, alias="champion")
        >>> [(move["alias"], move["before"], move["number"]) for move in store.history("demo")]
        [('champion', None, 1)]
        >>> folder.cleanup()
        """
        found: list[dict[str, Any]] = self._ask("history", name=name)
        return found

    def roll_back(self, name: str, alias: str, *, reason: str | None = None) -> dict[str, Any]:
        """Let an alias stand again for the version before; returns that version.

        Examples
        --------
        >>> import tempfile
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> folder = tempfile.TemporaryDirectory()
        >>> store = mw.Store(folder.name)
        >>> model = mw.train("linear", rows, "y")
        >>> _ = store.register("demo", model, alias="champion")
        >>> other = mw.train("baseline", rows, "y")
        >>> _ = store.register("demo", other, alias="champion")
        >>> store.roll_back("demo", "champion", reason="worse")["number"]
        1
        >>> folder.cleanup()
        """
        found: dict[str, Any] = self._ask("roll_back", name=name, alias=alias, reason=reason)
        return found

    def delete(self, name: str, number: int | None = None) -> None:
        """Remove a version, or a model with all of them.

        Examples
        --------
        >>> import tempfile
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> folder = tempfile.TemporaryDirectory()
        >>> store = mw.Store(folder.name)
        >>> model = mw.train("linear", rows, "y")
        >>> _ = store.register("demo", model)
        >>> store.delete("demo")
        >>> store.models()
        []
        >>> folder.cleanup()
        """
        self._ask("delete", name=name, number=number)

    def __repr__(self) -> str:
        return f"Store({self.folder!r})"


def _warned(version: dict[str, Any]) -> dict[str, Any]:
    """Warn of what users of an alias will notice; return the version."""
    for warning in version.pop("warnings", []):
        warnings.warn(warning, ModelwrightWarning, stacklevel=3)
    return version
