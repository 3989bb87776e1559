"""What is shown while a fit goes on: a bar in a terminal or in a notebook.

Nothing is shown where nobody looks: in scripts whose errors go to a file, in tests, in workers.
Events come when something was done, which can take long; between them a thread moves the time on.
"""

from __future__ import annotations

import contextvars
import inspect
import os
import sys
import threading
import time
import warnings
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from html import escape
from typing import Any, Protocol

from . import _modelwright
from ._errors import Error, ModelwrightWarning, OptionError, data_error, in_python

#: ``callback(kind, text, score, is_best)``; kind is ``phase``, ``trial``, ``note`` or ``warning``.
Callback = Callable[[str, str, "float | None", bool], Any]

# Held while something is shown, and over a fork: a child that was made while a thread writes would
# inherit the locks of stderr, locked for ever.
_SHOWING = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_SHOWING.acquire,
        after_in_parent=_SHOWING.release,
        after_in_child=_SHOWING.release,
    )


@dataclass
class _State:
    """How far a run is."""

    limit_s: float | None
    started: float = field(default_factory=time.monotonic)
    phase: str = "start"
    best: tuple[str, float] | None = None
    n_trials: int = 0

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self.started

    @property
    def share(self) -> float | None:
        """The share of the limit that has gone by; None without a limit."""
        return min(self.elapsed_s / self.limit_s, 1.0) if self.limit_s else None

    def texts(self) -> list[str]:
        """How far it is in words: all of it, and shorter and shorter."""
        is_long = max(self.elapsed_s, self.limit_s or 0.0) >= 120
        of_limit = f"/{_clock(self.limit_s, is_long)}" if self.limit_s else ""
        time_gone = _clock(self.elapsed_s, is_long) + of_limit + ("" if is_long else " s")
        start = f"{time_gone}, {self.phase}"
        trials = f", {self.n_trials} trial{'s' * (self.n_trials != 1)}" if self.n_trials else ""
        if self.best is None:
            return [start + trials, start]
        best = f", best {self.best[1]:.5g}"
        return [f"{start}{trials}{best} {self.best[0]}", start + trials + best, start + best]


def _clock(seconds: float, is_long: bool) -> str:
    whole = int(seconds)
    if not is_long:
        return str(whole)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


class _Screen(Protocol):
    #: Seconds between two looks at the clock; None to wait for events.
    tick_s: float | None

    def show(self, state: _State) -> None: ...

    def close(self) -> None: ...


class Events:
    """Takes the events of a run: shows them, hands them on, keeps the warnings."""

    def __init__(self, progress: bool | None, callback: Callback | None, limit: Any):
        _check_callback(callback)
        self._screen = _screen(progress)
        self._callback = callback
        self._state = _State(seconds_of(limit))
        self._ended = threading.Event()
        self._ticker: threading.Thread | None = None
        self._process = os.getpid()
        self.warnings: list[str] = []

    def __call__(self, kind: str, text: str, score: float | None, is_best: bool) -> None:
        state = self._state
        if kind == "phase":
            state.phase = text
        elif kind == "trial":
            state.n_trials += 1
            if is_best and score is not None:
                state.best = (text, score)
        elif kind == "warning":
            self.warnings.append(in_python(text))
        self._show()
        if self._callback is not None:
            self._callback(kind, text, score, is_best)

    def _show(self) -> None:
        if self._screen is None or os.getpid() != self._process:
            return
        with _SHOWING:
            if self._ended.is_set():
                return
            try:
                self._screen.show(self._state)
            except (OSError, ValueError):
                # A terminal that went away ends its own display, not the fit.
                self._screen = None
                return
        if self._ticker is None and self._screen.tick_s is not None:
            self._ticker = _ticking(self, self._screen.tick_s, self._ended)

    def close(self, stacklevel: int) -> None:
        """Ends the display and warns of what there was to warn of."""
        self._ended.set()
        if self._ticker is not None and os.getpid() == self._process:
            self._ticker.join()
        if self._screen is not None and os.getpid() == self._process:
            try:
                self._screen.close()
            except (OSError, ValueError):
                pass
        for text in self.warnings:
            warnings.warn(text, ModelwrightWarning, stacklevel=stacklevel + 1)


def _check_callback(callback: Any) -> None:
    """Refuses what cannot be called with an event, before anything runs."""
    if callback is None:
        return
    try:
        inspect.signature(callback).bind("trial", "", None, False)
    except ValueError:
        # Of what is not written in Python nothing is known.
        return
    except TypeError as cause:
        raise data_error(
            "`callback` cannot be called with an event",
            source="callback",
            expected="a function of kind, text, score and is_best",
            got=repr(callback)[:80],
            hint="callback=lambda kind, text, score, is_best: ...",
            cls=OptionError,
        ) from cause


def _ticking(events: Events, every_s: float, ended: threading.Event) -> threading.Thread:
    """A thread that shows events again and again, until they are closed or forgotten."""
    known = weakref.ref(events)

    def tick() -> None:
        while not ended.wait(every_s):
            shown = known()
            if shown is None:
                return
            shown._show()
            del shown

    # A notebook knows by the context which cell a display belongs to.
    context = contextvars.copy_context()
    thread = threading.Thread(
        target=context.run, args=(tick,), name="modelwright-progress", daemon=True
    )
    thread.start()
    return thread


def seconds_of(limit: Any) -> float | None:
    """A time limit in seconds: ``60``, ``"90s"``, ``"5m"``, ``"1.5h"``, a timedelta.

    None where there is none, and where the engine is about to refuse it.
    """
    if isinstance(limit, timedelta):
        return limit.total_seconds()
    if isinstance(limit, str):
        try:
            return _modelwright.quantity("time", "time_limit", limit)
        except Error:
            return None
    try:
        return None if limit is None else float(limit)
    except (TypeError, ValueError):
        return None


def _screen(progress: bool | None) -> _Screen | None:
    if progress is False:
        return None
    if _in_notebook():
        return _Notebook()
    if sys.stderr is not None and (progress or sys.stderr.isatty()):
        return _Terminal()
    return None


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    if shell is None:
        return False
    running = shell.get_ipython()
    return running is not None and hasattr(running, "kernel")


#: What a cell is filled with by eighths, and where the terminal knows no such characters.
_EIGHTHS, _TENTHS = " ▏▎▍▌▋▊▉█", " 123456789#"


def _bar(state: _State, levels: str, n_cells: int) -> str:
    full = len(levels) - 1
    if state.share is None:
        # Without a limit something goes to and fro: the run lives.
        width = n_cells // 5
        way = n_cells - width
        place = way - abs(int(state.elapsed_s * 5) % (2 * way) - way)
        return (" " * place + levels[full] * width).ljust(n_cells)
    cells, part = divmod(int(state.share * n_cells * full), full)
    return (levels[full] * cells + (levels[part] if part else "")).ljust(n_cells)


class _Terminal:
    """One line that is written over."""

    def __init__(self) -> None:
        self._file = sys.stderr
        # In a file every look at the clock would be one more line.
        self.tick_s = 0.2 if self._file.isatty() else None
        try:
            _EIGHTHS.encode(getattr(self._file, "encoding", None) or "ascii")
            self._levels = _EIGHTHS
        except (LookupError, UnicodeEncodeError):
            self._levels = _TENTHS
        self._width = 0

    def show(self, state: _State) -> None:
        share = "" if state.share is None else f"{state.share:4.0%}"
        room = self._n_columns() - 1
        start = f"modelwright{share} |{_bar(state, self._levels, 20 if room > 100 else 10)}| "
        fitting = (start + text for text in state.texts() if len(start + text) <= room)
        line = next(fitting, (start + state.texts()[-1])[:room])
        self._file.write("\r" + line.ljust(self._width))
        self._file.flush()
        self._width = len(line)

    def _n_columns(self) -> int:
        try:
            return os.get_terminal_size(self._file.fileno()).columns or 120
        except (AttributeError, OSError, ValueError):
            return 120

    def close(self) -> None:
        if self._width:
            self._file.write("\r" + " " * self._width + "\r")
            self._file.flush()


class _Notebook:
    """A display that is updated in place, and gone at the end."""

    def __init__(self) -> None:
        self.tick_s: float | None = 0.5
        self._handle: Any = None

    def show(self, state: _State) -> None:
        display = sys.modules["IPython"].display
        # Without a value the browser draws a bar that goes to and fro.
        value = "" if state.share is None else f' value="{state.share:.3f}"'
        page = display.HTML(
            f'<div><progress max="1"{value} style="width:30em"></progress>'
            f"<br>{escape(state.texts()[0])}</div>"
        )
        if self._handle is None:
            self._handle = display.display(page, display_id=True)
        else:
            self._handle.update(page)

    def close(self) -> None:
        if self._handle is not None:
            self._handle.update(sys.modules["IPython"].display.HTML(""))
