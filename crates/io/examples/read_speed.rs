//! How fast a file is read, and how much memory that takes.
//!
//! `read_speed FILE [THREADS]` reads all of it; with `--stream` it reads in parts by the schema
//! that the first 10,000 rows give.

use modelwright_core::Context;
use modelwright_io::{ReadOptions, read_path, stream_path};

#[expect(clippy::print_stdout, reason = "an example prints what it measured")]
fn main() -> modelwright_core::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (flags, args): (Vec<_>, Vec<_>) = args.into_iter().partition(|a| a.starts_with("--"));
    let Some(path) = args.first() else {
        return Err(modelwright_core::Error::input("name a file"));
    };
    let threads = args.get(1).and_then(|t| t.parse().ok()).unwrap_or(2);
    let ctx = Context::unlimited(0, threads);
    let bytes = std::fs::metadata(path).map_or(0, |m| m.len());
    let mut options = ReadOptions::default();
    if flags.iter().any(|f| f == "--stream") {
        options.n_rows_max = Some(10_000);
        let schema = Some(read_path(path.as_ref(), &options, &ctx)?.schema);
        let options = ReadOptions { schema, ..ReadOptions::default() };
        let start = ctx.elapsed();
        let mut n_rows = 0;
        for table in stream_path(path.as_ref(), &options, 8192, &ctx)? {
            n_rows += table?.n_rows();
        }
        let seconds = ctx.elapsed().saturating_sub(start).as_secs_f64();
        println!("{n_rows} rows in {seconds:.3} s: {:.0} rows/s", n_rows as f64 / seconds);
    } else {
        let start = ctx.elapsed();
        let file = read_path(path.as_ref(), &options, &ctx)?;
        let seconds = ctx.elapsed().saturating_sub(start).as_secs_f64();
        let megabytes = bytes as f64 / 1e6;
        println!("{} × {}", file.table.n_rows(), file.table.n_columns());
        println!("{megabytes:.0} MB in {seconds:.3} s: {:.0} MB/s", megabytes / seconds);
        println!("table: {:.0} MB", file.table.size_bytes() as f64 / 1e6);
    }
    println!("peak memory: {:.0} MB", peak_bytes() / 1e6);
    Ok(())
}

/// Peak resident memory of this process; 0 where the system does not tell.
fn peak_bytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kib = line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kib.unwrap_or(0.0) * 1024.0
}
