//! Writes reports to look at in a browser: those of the canonical records, or of record files.
//!
//! `cargo run -p modelwright-inspect --example gallery -- FOLDER [RECORD.json …]`

#[path = "../src/report/canonical/mod.rs"]
mod canonical;

use std::path::Path;

use modelwright_core::record::RunRecord;

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().unwrap_or_else(|| "gallery".to_owned());
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let mut records: Vec<(String, RunRecord)> = Vec::new();
    for path in arguments {
        let name = Path::new(&path).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        records.push((name, serde_json::from_slice(&std::fs::read(&path)?)?));
    }
    if records.is_empty() {
        records.extend(canonical::all().into_iter().map(|(name, r)| (name.to_owned(), r)));
    }
    for (name, record) in records {
        write_all(folder, &name, &record)?;
    }
    Ok(())
}

fn write_all(folder: &Path, name: &str, record: &RunRecord) -> std::io::Result<()> {
    let write =
        |ending: &str, text: String| std::fs::write(folder.join(format!("{name}.{ending}")), text);
    write("html", modelwright_inspect::report_html(record))?;
    write("md", modelwright_inspect::report_markdown(record))?;
    write("json", modelwright_inspect::report_json(record))?;
    let (data, profile, leaks) = (&record.data, &record.profile, &record.leakage);
    write("profile.html", modelwright_inspect::profile_html(data, profile, leaks))?;
    write("profile.txt", modelwright_inspect::profile_text(data, profile, leaks))
}
