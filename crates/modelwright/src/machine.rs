//! What only the operating system knows: when the process began, how much memory is left and in
//! use, what the machine is. Read from `/proc` and the control groups; where those do not exist
//! every answer is "unknown" and nothing fails.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use modelwright_core::Context;
use modelwright_core::record::Clock;

/// Clock ticks per second in `/proc/<pid>/stat`: fixed by the kernel's interface on the
/// architectures we build for.
const TICKS_PER_S: f64 = 100.0;

/// A process that is about to start its work is not older than this; a larger age comes from
/// another clock (a container restored from a snapshot) and is ignored.
const AGE_MAX: Duration = Duration::from_mins(1);

/// The share of the free memory that a run may take when the user names no limit.
const FREE_SHARE: f64 = 0.9;

/// When the process began: the budget counts from there, loading of the binary included.
#[expect(clippy::disallowed_methods, reason = "the process begins before there is a Context")]
pub fn process_start() -> Instant {
    let now = Instant::now();
    match age() {
        Some(age) if age < AGE_MAX => now.checked_sub(age).unwrap_or(now),
        _ => now,
    }
}

/// Now, for work that begins now in a process that is older.
#[expect(clippy::disallowed_methods, reason = "a Context is made with it")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// How long the process has existed, to a hundredth of a second.
fn age() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The program's name, in parentheses, may hold anything; fields are counted after it.
    let start_ticks: f64 = stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()?;
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    let uptime_s: f64 = uptime.split_whitespace().next()?.parse().ok()?;
    Duration::try_from_secs_f64(uptime_s - start_ticks / TICKS_PER_S).ok()
}

/// Now, as ISO 8601 in UTC with whole seconds.
#[expect(clippy::disallowed_methods, reason = "a date for people; nothing depends on it")]
pub fn utc_now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let text = modelwright_core::data::instant_text(since.as_secs().cast_signed() * 1_000_000);
    if text.contains('T') { text } else { format!("{text}T00:00:00Z") }
}

/// Now, in milliseconds since 1970 UTC.
#[expect(clippy::disallowed_methods, reason = "a date for people; nothing depends on it")]
pub(crate) fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The part of the program that a fit loads from its file, page by page, as it comes to it: 18 MiB
/// of an unoptimised build, less of a release.
const PROGRAM_BYTES: u64 = 18 << 20;

/// Resident memory of this process in bytes, with what it will still load of its own program; 0
/// when unknown.
pub fn memory_in_use() -> u64 {
    let Ok(status) = fs::read_to_string("/proc/self/status") else { return 0 };
    let resident = kib_of(&status, "VmRSS:").unwrap_or(0);
    let of_files = kib_of(&status, "RssFile:").unwrap_or(PROGRAM_BYTES);
    resident + PROGRAM_BYTES.saturating_sub(of_files)
}

/// The largest resident memory of this process so far, in bytes.
pub fn peak_memory() -> Option<u64> {
    status_kib("VmHWM:")
}

/// The memory that a run may use when the user names no limit: what it has, and nine tenths of
/// what the machine and the control group leave.
pub fn default_memory_limit() -> Option<u64> {
    let free = [machine_free(), group_free()].into_iter().flatten().min()?;
    Some(memory_in_use() + (free as f64 * FREE_SHARE) as u64)
}

/// Operating system and processor in words.
pub fn description() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|l| l.strip_prefix("model name")?.split_once(':').map(|(_, name)| name.trim()));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "{} {}, {}, {cores} cores",
        std::env::consts::OS,
        std::env::consts::ARCH,
        model.unwrap_or("unknown processor")
    )
}

/// Fills in what only the rim knows of time and machine.
pub fn complete(clock: &mut Clock, ctx: &Context) {
    clock.total_s = ctx.elapsed().as_secs_f64();
    clock.peak_memory_bytes = peak_memory();
    clock.machine = description();
}

/// The commit of the folder that this was started in, if it is in a git repository.
pub(crate) fn git_commit() -> Option<String> {
    let here = std::env::current_dir().ok()?;
    let git = here.ancestors().map(|folder| folder.join(".git")).find(|git| git.exists())?;
    // A worktree's `.git` is a file that names the folder; a submodule's, from where it lies.
    let git = match fs::read_to_string(&git) {
        Ok(text) => git.parent()?.join(text.strip_prefix("gitdir: ")?.trim()),
        Err(_) => git,
    };
    let head = fs::read_to_string(git.join("HEAD")).ok()?;
    let Some(reference) = head.trim().strip_prefix("ref: ") else {
        return Some(head.trim().to_owned());
    };
    let common = fs::read_to_string(git.join("commondir")).unwrap_or_default();
    let folders = [git.clone(), git.join(common.trim())];
    let loose = folders.iter().find_map(|f| fs::read_to_string(f.join(reference)).ok());
    loose.map(|commit| commit.trim().to_owned()).or_else(|| {
        let packed = fs::read_to_string(folders[1].join("packed-refs")).ok()?;
        let line = packed.lines().find(|line| line.ends_with(reference))?;
        Some(line.split_whitespace().next()?.to_owned())
    })
}

fn status_kib(field: &str) -> Option<u64> {
    kib_of(&fs::read_to_string("/proc/self/status").ok()?, field)
}

fn machine_free() -> Option<u64> {
    kib_of(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")
}

/// The number of KiB after `field`, in bytes.
fn kib_of(text: &str, field: &str) -> Option<u64> {
    let line = text.lines().find_map(|l| l.strip_prefix(field))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// What the tightest control group above this process leaves.
fn group_free() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let free_of = |line: &str| {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let (root, names) = match controllers {
            "" => ("/sys/fs/cgroup", V2),
            c if c.split(',').any(|c| c == "memory") => ("/sys/fs/cgroup/memory", V1),
            _ => return None,
        };
        // Inside a container the path may be the host's; the root is then our own group.
        let own = Path::new(root).join(path.trim_start_matches('/'));
        own.ancestors()
            .take_while(|p| p.starts_with(root))
            .filter_map(|folder| free_in(folder, &names))
            .min()
    };
    groups.lines().filter_map(free_of).min()
}

/// The file names of one version of control groups.
struct GroupFiles {
    limit: &'static str,
    usage: &'static str,
    cache: &'static str,
}

const V2: GroupFiles =
    GroupFiles { limit: "memory.max", usage: "memory.current", cache: "inactive_file" };
const V1: GroupFiles = GroupFiles {
    limit: "memory.limit_in_bytes",
    usage: "memory.usage_in_bytes",
    cache: "total_inactive_file",
};

fn free_in(folder: &Path, files: &GroupFiles) -> Option<u64> {
    let number = |name: &str| -> Option<u64> {
        fs::read_to_string(folder.join(name)).ok()?.trim().parse().ok()
    };
    // `max`, or a limit near the largest number, is no limit.
    let limit = number(files.limit).filter(|l| *l < 1 << 60)?;
    let usage = number(files.usage)?;
    let stat = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
    // File cache that the kernel will give back counts as free.
    let cache = stat
        .lines()
        .find_map(|l| l.strip_prefix(files.cache)?.trim().parse::<u64>().ok())
        .unwrap_or(0);
    Some(limit.saturating_sub(usage.saturating_sub(cache)))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_operating_system_answers() {
        assert!(age().unwrap() < Duration::from_mins(10));
        assert!(memory_in_use() > 0);
        assert!(peak_memory().unwrap() + PROGRAM_BYTES >= memory_in_use() / 2);
        assert!(default_memory_limit().unwrap() > 1 << 20);
        assert!(utc_now().ends_with('Z') && utc_now().len() == 20);
    }

    #[test]
    fn sizes_are_read_in_kib() {
        assert_eq!(kib_of("A: 1 kB\nVmRSS:\t   12 kB\n", "VmRSS:"), Some(12 * 1024));
        assert_eq!(kib_of("A: 1 kB\n", "VmRSS:"), None);
    }
}
