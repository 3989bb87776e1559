"""What is shown while a fit goes on."""

import io
import os
import subprocess
import sys
import threading
import time
import types
from datetime import timedelta

import pytest

import modelwright as mw
from modelwright import _progress
from modelwright._progress import Events, seconds_of

from conftest import passengers

TICKER = "modelwright-progress"


class Terminal(io.StringIO):
    """Says that somebody looks."""

    encoding: str | None = "utf-8"

    def isatty(self):
        return True


def looked_at(monkeypatch, encoding="utf-8"):
    """In the test itself: pytest puts its own stderr in place between a fixture and a test."""
    found = Terminal()
    found.encoding = encoding
    monkeypatch.setattr(sys, "stderr", found)
    return found


def is_ticking():
    return any(thread.name == TICKER for thread in threading.enumerate())


def lines(terminal):
    return [line.rstrip() for line in terminal.getvalue().split("\r") if line.strip()]


def stand_still(monkeypatch, elapsed_s):
    """Stops the time of runs, which a busy machine would let go on between events."""
    monkeypatch.setattr(_progress._State, "elapsed_s", property(lambda _: elapsed_s))


def test_a_bar_says_how_much_of_the_limit_is_gone(monkeypatch):
    terminal = looked_at(monkeypatch)
    stand_still(monkeypatch, 2.5)
    events = Events(None, None, 10)
    events("phase", "search", None, False)
    events("trial", "linear", 0.75, True)
    events("trial", "gbdt", 0.7, False)
    events.close(1)
    *_, last = lines(terminal)
    bar, text = last.split("| ")
    assert bar == "modelwright 25% |█████               "
    assert text == "2/10 s, search, 2 trials, best 0.75 linear"
    assert terminal.getvalue().endswith("\r")


def test_a_narrow_terminal_keeps_what_is_done_and_the_best_score(monkeypatch):
    terminal = looked_at(monkeypatch)
    monkeypatch.setattr(_progress._Terminal, "_n_columns", lambda _: 70)
    stand_still(monkeypatch, 0.0)
    events = Events(None, None, 10)
    events("trial", "a-learner-with-a-long-name", 0.75, True)
    events("phase", "refit another-learner", None, False)
    events.close(1)
    *_, last = lines(terminal)
    assert last.endswith("0/10 s, refit another-learner, best 0.75")


def test_without_a_limit_something_moves(monkeypatch):
    terminal = looked_at(monkeypatch)
    events = Events(None, None, None)
    events("phase", "search", None, False)
    time.sleep(0.7)
    events.close(1)
    shown = lines(terminal)
    assert "%" not in shown[0] and len({line.index("█") for line in shown}) > 2


def test_time_moves_between_events(monkeypatch):
    terminal = looked_at(monkeypatch)
    events = Events(None, None, 2.0)
    events("phase", "search", None, False)
    time.sleep(1.1)
    events.close(1)
    shares = [line.split("%")[0] for line in lines(terminal)]
    assert len(set(shares)) >= 4 and shares == sorted(shares)
    assert not is_ticking()


def test_nothing_ticks_after_a_fit_however_it_ends(monkeypatch):
    terminal = looked_at(monkeypatch)
    table = passengers()
    mw.fit(table, "survived", time_limit=2)
    assert len(lines(terminal)) > 10 and not is_ticking()

    def stop(kind, text, score, is_best):
        assert is_ticking()
        raise KeyError("enough")

    with pytest.raises(KeyError):
        mw.fit(table, "survived", time_limit=20, callback=stop)
    assert not is_ticking()


def test_a_ticker_ends_with_events_that_nobody_closed(monkeypatch):
    terminal = looked_at(monkeypatch)
    events = Events(None, None, 10)
    events("phase", "search", None, False)
    assert is_ticking()
    del events
    until = time.monotonic() + 5
    while is_ticking() and time.monotonic() < until:
        time.sleep(0.05)
    assert not is_ticking()


def test_nothing_ticks_where_stderr_is_no_terminal(capsys):
    quiet, asked = Events(None, None, 10), Events(True, None, 10)
    for events in (quiet, asked):
        events("phase", "search", None, False)
        assert not is_ticking()
        events.close(1)
    assert capsys.readouterr().err.count("search") == 1


def test_a_terminal_without_blocks_gets_plain_characters(monkeypatch):
    plain = looked_at(monkeypatch, "ascii")
    stand_still(monkeypatch, 5.0)
    events = Events(None, None, 10)
    events("phase", "search", None, False)
    events.close(1)
    assert "|##########          |" in plain.getvalue() and plain.getvalue().isascii()


def test_a_terminal_that_goes_away_does_not_end_the_fit(monkeypatch):
    terminal = looked_at(monkeypatch)
    events = Events(None, None, 10)
    terminal.close()
    events("phase", "search", None, False)
    events.close(1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_while_the_time_moves_leaves_a_child_that_can_write():
    code = (
        "import os, signal, sys, threading, time\n"
        "from modelwright._progress import Events\n"
        "class Slow:\n"
        "    encoding, lock = 'utf-8', threading.Lock()\n"
        "    def isatty(self): return True\n"
        "    def flush(self): pass\n"
        "    def write(self, text):\n"
        "        with self.lock: time.sleep(0.02)\n"
        "sys.stderr = Slow()\n"
        "events = Events(None, None, 10)\n"
        "events._screen.tick_s = 0.001\n"
        "events('phase', 'search', None, False)\n"
        "for _ in range(20):\n"
        "    child = os.fork()\n"
        "    if not child:\n"
        "        signal.alarm(5)\n"
        "        sys.stderr.write('as any program may')\n"
        "        events('phase', 'of a child', None, False)\n"
        "        events.close(1)\n"
        "        os._exit(0)\n"
        "    assert os.waitpid(child, 0)[1] == 0\n"
        "events.close(1)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_a_notebook_shows_a_bar_that_moves(monkeypatch):
    pages = []

    class Handle:
        def update(self, page):
            pages.append(page)

    def show(page, display_id):
        pages.append(page)
        return Handle()

    notebook = types.SimpleNamespace(
        get_ipython=lambda: types.SimpleNamespace(kernel=True),
        display=types.SimpleNamespace(HTML=str, display=show),
    )
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    events = Events(None, None, 4)
    events("trial", "<b>", 0.5, True)
    time.sleep(1.3)
    events.close(1)
    values = [page.split('value="')[1].split('"')[0] for page in pages[:-1]]
    assert len(set(values)) >= 3 and values == sorted(values)
    assert "&lt;b&gt;" in pages[0] and pages[-1] == "" and not is_ticking()


def test_a_limit_is_read_as_the_engine_reads_it():
    found = [seconds_of(v) for v in (60, 2.5, "90s", "5m", "1.5h", "30", timedelta(minutes=2))]
    assert found == [60.0, 2.5, 90.0, 300.0, 5400.0, 30.0, 120.0]
    assert [seconds_of(v) for v in (None, "none", "x", "", [1])] == [None] * 5


def test_long_limits_are_told_as_a_clock():
    state = _progress._State(3600.0)
    state.started -= 125
    assert state.texts()[0] == "2:05/1:00:00, start"
