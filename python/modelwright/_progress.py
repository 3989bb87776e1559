"""What is shown while a fit goes on: a line in a terminal, a small table in a notebook.

Nothing is shown where nobody looks: in scripts whose errors go to a file, in tests, in workers.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from html import escape
from typing import Any, Protocol

from ._errors import ModelwrightWarning, in_python

#: ``callback(kind, text, score, is_best)``; kind is ``phase``, ``trial``, ``note`` or ``warning``.
Callback = Callable[[str, str, "float | None", bool], Any]


class _Screen(Protocol):
    def show(self, phase: str, best: tuple[str, float] | None, n_trials: int) -> None: ...

    def close(self) -> None: ...


class Events:
    """Takes the events of a run: shows them, hands them on, keeps the warnings."""

    def __init__(self, progress: bool | None, callback: Callback | None, limit_s: float | None):
        self._screen = _screen(progress, limit_s)
        self._callback = callback
        self._phase = "start"
        self._best: tuple[str, float] | None = None
        self._n_trials = 0
        self.warnings: list[str] = []

    def __call__(self, kind: str, text: str, score: float | None, is_best: bool) -> None:
        if kind == "phase":
            self._phase = text
        elif kind == "trial":
            self._n_trials += 1
            if is_best and score is not None:
                self._best = (text, score)
        elif kind == "warning":
            self.warnings.append(in_python(text))
        if self._screen is not None:
            self._screen.show(self._phase, self._best, self._n_trials)
        if self._callback is not None:
            self._callback(kind, text, score, is_best)

    def close(self, stacklevel: int) -> None:
        """Ends the display and warns of what there was to warn of."""
        if self._screen is not None:
            self._screen.close()
        for text in self.warnings:
            warnings.warn(text, ModelwrightWarning, stacklevel=stacklevel + 1)


def _screen(progress: bool | None, limit_s: float | None) -> _Screen | None:
    if progress is False:
        return None
    if _in_notebook():
        return _Notebook(limit_s)
    if progress or sys.stderr.isatty():
        return _Terminal(limit_s)
    return None


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    if shell is None:
        return False
    running = shell.get_ipython()
    return running is not None and hasattr(running, "kernel")


def _text(phase: str, started: float, limit_s: float | None, n_trials: int) -> str:
    elapsed = time.monotonic() - started
    left = f", {max(limit_s - elapsed, 0.0):.0f} s left" if limit_s else ""
    trials = f", {n_trials} trial{'s' * (n_trials != 1)}" if n_trials else ""
    return f"{phase}  {elapsed:.0f} s{left}{trials}"


class _Terminal:
    """One line that is written over."""

    def __init__(self, limit_s: float | None):
        self._limit_s = limit_s
        self._started = time.monotonic()
        self._width = 0

    def show(self, phase: str, best: tuple[str, float] | None, n_trials: int) -> None:
        line = "modelwright: " + _text(phase, self._started, self._limit_s, n_trials)
        if best is not None:
            line += f", best {best[0]} {best[1]:.5g}"
        line = line[:99]
        sys.stderr.write("\r" + line.ljust(self._width))
        sys.stderr.flush()
        self._width = len(line)

    def close(self) -> None:
        if self._width:
            sys.stderr.write("\r" + " " * self._width + "\r")
            sys.stderr.flush()


class _Notebook:
    """A display that is updated in place and says at the end what was found."""

    def __init__(self, limit_s: float | None):
        self._limit_s = limit_s
        self._started = time.monotonic()
        self._handle: Any = None

    def show(self, phase: str, best: tuple[str, float] | None, n_trials: int) -> None:
        display = sys.modules["IPython"].display
        share = (time.monotonic() - self._started) / self._limit_s if self._limit_s else 0.0
        text = escape(_text(phase, self._started, self._limit_s, n_trials))
        leader = f"<br>best so far: <b>{escape(best[0])}</b> {best[1]:.5g}" if best else ""
        page = display.HTML(
            f'<div><progress max="1" value="{min(share, 1.0):.3f}" style="width:30em"></progress>'
            f" {text}{leader}</div>"
        )
        if self._handle is None:
            self._handle = display.display(page, display_id=True)
        else:
            self._handle.update(page)

    def close(self) -> None:
        if self._handle is not None:
            self._handle.update(sys.modules["IPython"].display.HTML(""))
