//! Writes the report of every canonical record into a folder, to look at them in a browser:
//! `cargo run -p modelwright-inspect --example gallery -- FOLDER`.

#[path = "../src/report/canonical/mod.rs"]
mod canonical;

use std::path::Path;

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "gallery".to_owned());
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    for (name, record) in canonical::all() {
        use modelwright_inspect as inspect;
        let write = |ending: &str, text: String| {
            std::fs::write(folder.join(format!("{name}.{ending}")), text)
        };
        write("html", inspect::report_html(&record))?;
        write("md", inspect::report_markdown(&record))?;
        write("json", inspect::report_json(&record))?;
        let (data, profile, leaks) = (&record.data, &record.profile, &record.leakage);
        write("profile.html", inspect::profile_html(data, profile, leaks))?;
        write("profile.txt", inspect::profile_text(data, profile, leaks))?;
    }
    Ok(())
}
