"""Beside this process: the web page, the server, and every other verb of the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ._errors import OptionError, WorkError, data_error, in_python

if TYPE_CHECKING:
    from ._predictor import Predictor

#: The longest that a page or a server may take until it answers, in seconds.
_START_S_MAX = 60.0


class Running:
    """A page or a server that runs beside this process, until :meth:`stop` or its end.

    Attributes
    ----------
    url : str
        Where it is.

    Examples
    --------
    >>> import tempfile
    >>> import modelwright as mw
    >>> with tempfile.TemporaryDirectory() as folder, mw.ui(folder) as page:
    ...     page.url.startswith("http://127.0.0.1:"), page.is_running
    (True, True)
    >>> page
    Running(stopped)
    """

    def __init__(self, arguments: Sequence[str], folder: Any = None):
        self._folder = folder
        command = [sys.executable, "-m", "modelwright", *arguments, "--json"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, start_new_session=True,
        )  # fmt: skip
        assert self._process.stdout is not None and self._process.stderr is not None
        self._said: list[str] = []
        # Read on, or it would wait for a full pipe one day.
        self._reader = threading.Thread(
            target=self._said.extend, args=(self._process.stderr,), daemon=True
        )
        self._reader.start()
        found = self._first_document()
        scheme = "https" if any(a.startswith("--tls-cert") for a in arguments) else "http"
        self.url = str(found.get("url") or f"{scheme}://{found['address']}")

    def _first_document(self) -> dict[str, Any]:
        """What it prints once it listens."""
        assert self._process.stdout is not None
        timer = threading.Timer(_START_S_MAX, self._process.kill)
        timer.start()
        text = ""
        try:
            for line in self._process.stdout:
                text += line
                try:
                    found: dict[str, Any] = json.loads(text)
                except ValueError:
                    continue
                return found
        finally:
            timer.cancel()
        code = self._process.wait()
        self._reader.join(timeout=1)
        raise _failed(code, "".join(self._said) or text)

    @property
    def is_running(self) -> bool:
        """Whether it still answers."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End it: requests that it has are answered first.

        Examples
        --------
        >>> import modelwright as mw
        >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
        >>> model = mw.train("linear", rows, "y")
        >>> server = mw.serve(model)
        >>> server.stop()
        >>> server.is_running
        False
        """
        if self.is_running:
            self._process.terminate()
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None and not (pipe is self._process.stderr and self._reader.is_alive()):
                pipe.close()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __del__(self) -> None:
        if getattr(self, "_process", None) is not None and self.is_running:
            self._process.terminate()

    def _repr_html_(self) -> str:
        return f'<a href="{self.url}" target="_blank">{self.url}</a>'

    def __repr__(self) -> str:
        return f"Running({self.url!r})" if self.is_running else "Running(stopped)"


def ui(
    store: str | os.PathLike[str] | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    **options: Any,
) -> Running:
    """Show the runs, models and monitoring of a store on a web page.

    Parameters
    ----------
    store : str or path, optional
        The folder of runs and models; by default that of the command line.
    host : str, default "127.0.0.1"
        The address to listen on.
    port : int, default 0
        The port; 0 takes a free one.
    **options
        Flags of ``modelwright ui`` with underscores, e.g. ``keys="keys.toml"``, ``open=True``.

    Returns
    -------
    Running
        Its ``url``; shown as a link in a notebook. ``stop()`` ends it, ``with`` does at its end.

    Examples
    --------
    >>> import tempfile, urllib.request
    >>> import modelwright as mw
    >>> with tempfile.TemporaryDirectory() as folder, mw.ui(folder) as page:
    ...     urllib.request.urlopen(page.url).status
    200
    """
    return Running(_flags("ui", [], {"store": store, "host": host, "port": port, **options}))


def serve(
    model: Predictor | str | os.PathLike[str],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    **options: Any,
) -> Running:
    """Answer requests for predictions over HTTP, as ``modelwright serve`` does.

    Parameters
    ----------
    model : Predictor, str or path
        A model, a ``model.mw``, the folder of a fit, or ``NAME@ALIAS`` of the store. A model with
        learners of one's own needs Python and cannot be served.
    host : str, default "127.0.0.1"
        The address to listen on.
    port : int, default 0
        The port; 0 takes a free one.
    **options
        Flags of ``modelwright serve`` with underscores.

    Returns
    -------
    Running

    Examples
    --------
    >>> import json, urllib.request
    >>> import modelwright as mw
    >>> rows = {"x": [i % 10 for i in range(100)], "y": [i % 10 > 5 for i in range(100)]}
    >>> model = mw.train("linear", rows, "y")
    >>> with mw.serve(model) as server:
    ...     asked = urllib.request.Request(server.url + "/predict", b'{"x": 9}')
    ...     asked.add_header("Content-Type", "application/json")
    ...     json.load(urllib.request.urlopen(asked))["prediction"]
    'true'
    """
    from ._predictor import Predictor

    folder = None
    if isinstance(model, Predictor):
        folder = tempfile.TemporaryDirectory(prefix="modelwright-")
        model = model.save(os.path.join(folder.name, "model.mw"))
    try:
        asked = {"host": host, "port": port, **options}
        return Running(_flags("serve", [os.fspath(model)], asked), folder)
    except BaseException:
        if folder is not None:
            folder.cleanup()
        raise


def command(verb: str, *arguments: Any, **options: Any) -> Any:
    """Do what a verb of the command line does, in a process beside this one.

    For what has no function of its own here: ``data``, ``run``, ``watch``, ``alerts``, ``models``,
    ``inspect``.

    Parameters
    ----------
    verb : str
        Such as ``"data"``.
    *arguments
        What stands behind it: further words, models, files.
    **options
        Flags with underscores; True for a switch, a list for a flag that may be repeated.

    Returns
    -------
    dict, list or str
        What ``--json`` prints, read; the text where a verb prints none.

    Raises
    ------
    OptionError
        Exit code 2: the input or a flag is wrong.
    WorkError
        Exit code 1: the work failed.

    Examples
    --------
    >>> import modelwright as mw
    >>> mw.command("runs", "list", store="no-such-folder")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    modelwright.OptionError: ...
    """
    words = [sys.executable, "-m", "modelwright"]
    said = [os.fspath(a) if isinstance(a, os.PathLike) else str(a) for a in arguments]
    words += _flags(verb, said, options)
    done = subprocess.run(
        [*words, "--json"], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode == 130:
        raise KeyboardInterrupt
    if done.returncode:
        raise _failed(done.returncode, done.stderr)
    try:
        return json.loads(done.stdout)
    except ValueError:
        return done.stdout


def _flags(verb: str, arguments: Sequence[str], options: Mapping[str, Any]) -> list[str]:
    words = [verb, *arguments]
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        values = value if isinstance(value, (list, tuple)) else [value]
        for one in values:
            if one is True:
                words.append(flag)
            elif one is not None and one is not False:
                words.append(f"{flag}={os.fspath(one) if isinstance(one, os.PathLike) else one}")
    return words


def _failed(code: int, text: str) -> Exception:
    """The exception for a command's end."""
    text = in_python(text.strip().removeprefix("error: ")) or f"the command ended with code {code}"
    what, _, rest = text.partition("\n")
    error = data_error(what, cls=OptionError if code == 2 else WorkError)
    if rest:
        error.args = (text,)
    return error
