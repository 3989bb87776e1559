//! Tidy rules: what a reviewer would otherwise say again and again.
//!
//! * a line has at most 100 columns, a file at most 600 lines, a function at most 70;
//! * every Rust file opens with a text (`//!`) that says what it is;
//! * no drawer names (`utils`, `helpers`, …), no `todo!`, no ignored test;
//! * a Python file has at most 600 lines, too.
//!
//! Exceptions stand in `xtask/tidy.toml` with a reason; an exception that is no longer needed is
//! an error too, so that the list can only shrink.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::command::{Outcome, root};

const N_COLUMNS_MAX: usize = 100;
const N_LINES_FILE_MAX: usize = 600;
const N_LINES_FUNCTION_MAX: usize = 70;
const DRAWERS: [&str; 5] = ["utils", "util", "helpers", "common", "misc"];

/// Files that may break a length rule, with the reason.
#[derive(Debug, Default, Deserialize)]
struct Exceptions {
    #[serde(default)]
    long_file: BTreeMap<String, String>,
    #[serde(default)]
    long_function: BTreeMap<String, String>,
}

/// Checks every Rust file of the workspace, and the length of every Python file.
pub(crate) fn run() -> Outcome {
    let root = root();
    let text = std::fs::read_to_string(root.join("xtask/tidy.toml")).unwrap_or_default();
    let exceptions: Exceptions = toml::from_str(&text).map_err(|e| e.to_string())?;
    let mut findings = Vec::new();
    let mut used = BTreeSet::new();
    let of_rust = files(vec![root.join("crates"), root.join("xtask/src")], "rs");
    let folders = ["python", "tests/peers", "bench"].map(|folder| root.join(folder));
    for path in of_rust.into_iter().chain(files(folders.into(), "py")) {
        let text =
            std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let name = path.strip_prefix(&root).unwrap_or(&path).to_string_lossy().into_owned();
        check_length(&name, &text, &exceptions, &mut used, &mut findings);
        if path.extension().is_some_and(|e| e == "rs") {
            check_file(&name, &text, &exceptions, &mut used, &mut findings);
        }
    }
    let listed = exceptions.long_file.keys().chain(exceptions.long_function.keys());
    for entry in listed.filter(|e| !used.contains(*e)) {
        findings.push(format!("xtask/tidy.toml: the exception `{entry}` is no longer needed"));
    }
    if findings.is_empty() { Ok(()) } else { Err(findings.join("\n")) }
}

fn check_length(
    name: &str,
    text: &str,
    exceptions: &Exceptions,
    used: &mut BTreeSet<String>,
    findings: &mut Vec<String>,
) {
    let n_lines = text.lines().count();
    if n_lines <= N_LINES_FILE_MAX {
        return;
    }
    if exceptions.long_file.contains_key(name) {
        used.insert(name.to_owned());
    } else {
        findings.push(format!("{name}: {n_lines} lines; cut by concept"));
    }
}

fn check_file(
    name: &str,
    text: &str,
    exceptions: &Exceptions,
    used: &mut BTreeSet<String>,
    findings: &mut Vec<String>,
) {
    if !text.starts_with("//!") {
        findings.push(format!("{name}: opens without a text (//!) that says what it is"));
    }
    if Path::new(name)
        .iter()
        .any(|p| DRAWERS.contains(&p.to_string_lossy().trim_end_matches(".rs")))
    {
        findings.push(format!("{name}: a drawer name; name the concept"));
    }
    for (i, line) in text.lines().enumerate() {
        if line.chars().count() > N_COLUMNS_MAX && !line.contains("http") {
            findings.push(format!("{name}:{}: more than {N_COLUMNS_MAX} columns", i + 1));
        }
        let code = line.split("//").next().unwrap_or("");
        if !name.starts_with("xtask/")
            && ["todo!(", "unimplemented!(", "#[ignore", "#[should_panic"]
                .iter()
                .any(|w| code.contains(w))
        {
            findings.push(format!("{name}:{}: unfinished or silenced code", i + 1));
        }
    }
    for (function, n_lines) in long_functions(text) {
        let key = format!("{name}::{function}");
        if exceptions.long_function.contains_key(&key) {
            used.insert(key);
        } else {
            findings.push(format!("{key}: {n_lines} lines; cut it"));
        }
    }
}

/// Functions longer than the limit: name and length, by indentation (the code is formatted).
fn long_functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indent = line.len() - line.trim_start().len();
        let closes =
            |l: &str| l.len() > indent && l[..indent].trim().is_empty() && &l[indent..] == "}";
        // What stands further left than the name ends a declaration without a body.
        let leaves = |l: &str| !l.trim().is_empty() && l.len() - l.trim_start().len() < indent;
        let ends = |l: &&str| closes(l) || leaves(l);
        let Some(length) = lines[start..].iter().position(ends) else { continue };
        if length + 1 > N_LINES_FUNCTION_MAX {
            found.push((name, length + 1));
        }
    }
    found
}

fn function_name(line: &str) -> Option<String> {
    let code = line.trim_start();
    if code.starts_with("//") || code.ends_with(';') {
        return None;
    }
    let words: Vec<&str> = code.split_whitespace().collect();
    let at = words.iter().position(|w| *w == "fn")?;
    let before = ["pub", "pub(crate)", "pub(super)", "const", "async", "unsafe", "extern", "\"C\""];
    if !words[..at].iter().all(|w| before.contains(w)) {
        return None;
    }
    let name: String =
        words.get(at + 1)?.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    Some(name)
}

/// The files of these folders, and of those in them, whose names end so.
fn files(mut open: Vec<PathBuf>, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && path.file_name().is_some_and(|n| n != "target") {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_functions_are_found_by_name() {
        let body = "    x();\n".repeat(80);
        let text = format!("//! t\npub fn long() {{\n{body}}}\nfn short() {{\n}}\n");
        assert_eq!(long_functions(&text), [("long".to_owned(), 82)]);
        let declared = format!("wrap! {{\n    pub fn a() = b\n}}\nfn c() {{\n{body}    }}\n");
        assert_eq!(long_functions(&declared), []);
    }

    #[test]
    fn a_long_file_is_found_unless_a_reason_stands_for_it() {
        let text = "x = 1\n".repeat(601);
        let (mut used, mut findings) = (BTreeSet::new(), Vec::new());
        check_length("a.py", &text, &Exceptions::default(), &mut used, &mut findings);
        assert_eq!(findings, ["a.py: 601 lines; cut by concept"]);
        let reason = [("a.py".to_owned(), "generated".to_owned())];
        let allowed = Exceptions { long_file: reason.into(), ..Exceptions::default() };
        check_length("a.py", &text, &allowed, &mut used, &mut findings);
        assert!(findings.len() == 1 && used.contains("a.py"));
    }

    #[test]
    fn a_file_without_a_text_or_with_a_drawer_name_is_found() {
        let mut findings = Vec::new();
        let check = |name: &str, text: &str, findings: &mut Vec<String>| {
            check_file(name, text, &Exceptions::default(), &mut BTreeSet::new(), findings);
        };
        check("crates/x/src/utils.rs", "fn f() {}\n", &mut findings);
        assert_eq!(findings.len(), 2, "{findings:?}");
    }
}
