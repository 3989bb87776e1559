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
import time

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


def run(words, threads, limit_s):
    """Runs a command that prints one JSON line; returns it with `others`, or with `error`."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": "1",
                   "PYTHONPATH": str(ROOT / "bench")}
    busy, begun = _busy_s(), time.monotonic()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen([str(w) for w in words], stdout=out, stderr=err,
                                   env=environment, start_new_session=True,
                                   preexec_fn=_prefer)
        signal_at = begun + limit_s
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                process.returncode = os.waitstatus_to_exitcode(status)
                break
            if time.monotonic() > signal_at:
                os.killpg(process.pid, signal.SIGKILL)
                os.wait4(process.pid, 0)
                process.returncode = -signal.SIGKILL
                return {"error": f"more than {limit_s:.0f} s"}
            time.sleep(0.02)
        out.seek(0)
        err.seek(0)
        lines = [line for line in out if line.startswith("{")]
        if process.returncode != 0 or not lines:
            text = re.sub(r"/(?:[\w.+-]+/)+", "", err.read())
            return {"error": text[-300:].strip() or f"exit code {process.returncode}"}
    record = json.loads(lines[-1])
    wall = time.monotonic() - begun
    own = usage.ru_utime + usage.ru_stime
    if busy is not None:
        others = (_busy_s() - busy - own) / (wall * os.cpu_count())
        record["others"] = round(max(0.0, others), 3)
    return record


def child(job, threads, limit_s):
    """Runs a job of `child.py` in a fresh interpreter."""
    words = [sys.executable, "-m", "trees.child", json.dumps({**job, "threads": threads})]
    return run(words, threads, limit_s)


@contextlib.contextmanager
def held_core(wanted):
    """Another process holds the first processor while the block runs, if wanted."""
    if not wanted:
        yield
        return
    code = "import os\nos.sched_setaffinity(0, {0})\nwhile True: pass"
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

    def peak_mb(self):
        """The largest resident memory since this value was made."""
        return _status_mb("VmHWM")


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
