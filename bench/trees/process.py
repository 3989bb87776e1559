"""Fresh processes and what they cost.

The process itself reports its times and its memory (so that imports and reading of files do not
count); from outside comes the share of the machine that everybody else used meanwhile.
"""

import contextlib
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "target/release/examples"


def _busy_s():
    """Seconds that all processors have worked since the machine started; None where unknown."""
    try:
        ticks = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    except OSError:
        return None
    user, nice, system, _idle, _wait, irq, softirq, steal = map(int, ticks)
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


#: Niceness of the measured processes (and of the one that holds a core): below zero, which needs
#: the right to do so, a busy machine disturbs them less.
priority = 0


def _prefer():
    """Gives the starting process its priority, also where the kernel shares by session."""
    if priority:
        os.nice(priority)
        with contextlib.suppress(OSError):
            pathlib.Path("/proc/self/autogroup").write_text(str(priority))


class Done(NamedTuple):
    """A process that has ended."""

    #: Why it failed; empty when it did not.
    error: str
    output: str
    wall_s: float
    #: Share of the machine that everybody else used meanwhile; None where unknown.
    others: float | None


def measured(words, threads, limit_s):
    """Runs a command to its end, or to the limit."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": "1",
                   "PYTHONPATH": str(ROOT / "bench")}
    busy, begun = _busy_s(), time.monotonic()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen([str(w) for w in words], stdout=out, stderr=err,
                                   env=environment, start_new_session=True, preexec_fn=_prefer)
        timer = threading.Timer(limit_s, os.killpg, (process.pid, signal.SIGKILL))
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - begun
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        output, errors = out.read(), re.sub(r"/(?:[\w.+-]+/)+", "", err.read())
    others = None
    if busy is not None:
        own = usage.ru_utime + usage.ru_stime
        others = round(max(0.0, (_busy_s() - busy - own) / (wall * os.cpu_count())), 3)
    error = ""
    if process.returncode == -signal.SIGKILL:
        error = f"ended after {wall:.0f} s"
    elif process.returncode != 0:
        error = errors[-300:].strip() or f"exit code {process.returncode}"
    return Done(error, output, wall, others)


def run(words, threads, limit_s):
    """Runs a command that prints one JSON line; returns it with `others`, or with `error`."""
    done = measured(words, threads, limit_s)
    if done.error:
        return {"error": done.error}
    lines = [line for line in done.output.splitlines() if line.startswith("{")]
    if not lines:
        return {"error": "printed no result"}
    return json.loads(lines[-1]) | {"others": done.others}


def child(job, threads, limit_s):
    """Runs a job of `child.py` in a fresh interpreter."""
    words = [sys.executable, "-m", "trees.child", json.dumps({**job, "threads": threads})]
    return run(words, threads, limit_s)


def example(name, table, threads, limit_s, options):
    """Runs an example of ours on a table, with its own options and the learner's parameters."""
    words = [EXAMPLES / name, table, f"threads={threads}",
             *(f"{key}={value}" for key, value in options.items())]
    return run(words, threads, limit_s)


@contextlib.contextmanager
def held_core(wanted):
    """Another process holds the first processor while the block runs, if wanted."""
    if not wanted:
        yield
        return
    # It ends by itself when this process is no longer its parent.
    code = ("import os\nos.sched_setaffinity(0, {0})\nparent = os.getppid()\n"
            "while os.getppid() == parent:\n    for _ in range(1_000_000): pass")
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True,
                               preexec_fn=_prefer)
    try:
        yield
    finally:
        process.kill()
        process.wait()


class Cost:
    """Time and memory of a piece of work inside this process."""

    def __init__(self):
        # 5 sets the high-water mark of the resident memory back to what it is now.
        with contextlib.suppress(OSError):
            pathlib.Path("/proc/self/clear_refs").write_text("5")
        self.base_mb = _status_mb("VmRSS")
        self.lap()

    def lap(self):
        """Starts the clocks again."""
        self._wall, self._cpu = time.perf_counter(), _cpu_s()

    def seconds(self):
        """Wall seconds since the last lap."""
        return time.perf_counter() - self._wall

    def cpu_seconds(self):
        """CPU seconds of all threads since the last lap."""
        return _cpu_s() - self._cpu

    def memory(self):
        """Resident memory when this value was made, and the most since."""
        return {"base_mb": self.base_mb, "peak_mb": _status_mb("VmHWM")}


def _cpu_s():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _status_mb(key):
    try:
        text = pathlib.Path("/proc/self/status").read_text()
    except OSError:
        return None
    found = re.search(rf"{key}:\s+(\d+) kB", text)
    return found and round(int(found[1]) * 1024 / 1e6, 1)
