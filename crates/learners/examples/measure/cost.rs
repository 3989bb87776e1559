//! Wall time, CPU time and memory of a piece of work; unknown where there is no `/proc`.

use std::fs;
use std::time::Instant;

/// Clock ticks per second in `/proc/self/stat`: fixed by the kernel's interface.
const TICKS_PER_S: f64 = 100.0;

/// What this process used since the value was made (memory) or since the last lap (time).
pub(crate) struct Cost {
    base_mb: f64,
    begun: Instant,
    cpu_begun_s: f64,
}

impl Cost {
    /// Starts the clocks and sets the high-water mark of memory to what is in use now.
    #[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
    pub(crate) fn begin() -> Self {
        // Without the right to do so, the mark stays at the largest use so far.
        let _ = fs::write("/proc/self/clear_refs", "5");
        Self { base_mb: status_mb("VmRSS:"), begun: Instant::now(), cpu_begun_s: cpu_s() }
    }

    /// A value that knows wall time alone, and costs nothing to make.
    #[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
    pub(crate) fn stopwatch() -> Self {
        Self { base_mb: 0.0, begun: Instant::now(), cpu_begun_s: 0.0 }
    }

    /// Starts the clocks again.
    #[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
    pub(crate) fn lap(&mut self) {
        self.begun = Instant::now();
        self.cpu_begun_s = cpu_s();
    }

    /// Wall seconds since the last lap.
    pub(crate) fn seconds(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    /// CPU seconds of all threads since the last lap.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        cpu_s() - self.cpu_begun_s
    }

    /// `"base_mb":…,"peak_mb":…`: resident memory at the beginning, and the most since.
    pub(crate) fn memory_json(&self) -> String {
        format!("\"base_mb\":{:.1},\"peak_mb\":{:.1}", self.base_mb, status_mb("VmHWM:"))
    }
}

/// CPU seconds of all threads that live now: nanoseconds from the scheduler where it tells them,
/// else clock ticks.
fn cpu_s() -> f64 {
    let of_thread = |task: fs::DirEntry| -> Option<f64> {
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse().ok()
    };
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let nanos: f64 = tasks.filter_map(of_thread).sum();
    if nanos > 0.0 { nanos / 1e9 } else { ticks_s() }
}

fn ticks_s() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The program's name, in parentheses, may hold anything; fields are counted after it.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    let ticks: f64 = fields.skip(11).take(2).filter_map(|t| t.parse::<f64>().ok()).sum();
    ticks / TICKS_PER_S
}

fn status_mb(key: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix(key)).unwrap_or("");
    let kib: f64 = line.split_whitespace().next().and_then(|v| v.parse().ok()).unwrap_or(0.0);
    kib * 1024.0 / 1e6
}
