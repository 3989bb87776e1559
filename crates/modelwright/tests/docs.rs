//! The reference pages are generated from the catalogs and must be current.

use std::fmt::Write as _;
use std::path::PathBuf;

use modelwright::automl::encoding::encodings;
use modelwright_core::params::{ParamMap, ParamSpec};
use modelwright_learners::{LEARNERS, UNLABELLED};

#[test]
fn reference_pages_are_current() {
    let pages = [
        ("commands.md", commands()),
        ("learners.md", learners()),
        ("metrics.md", metrics()),
        ("transformers.md", transformers()),
    ];
    for (name, wanted) in pages {
        let path =
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/reference").join(name);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, &wanted).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == wanted,
            "docs/src/reference/{name} is not current: run \
             `UPDATE_DOCS=1 cargo test --workspace --test docs`"
        );
    }
}

/// The help of every command and of its own commands, in the order of the overview.
fn commands() -> String {
    let overview = help(&[]);
    let names = listed(&overview);
    assert!(names.len() > 5, "the overview lists the commands:\n{overview}");
    let mut page = format!("# Commands\n\n```text\n{overview}```\n");
    for name in names {
        let about = help(&[name]);
        let _ = write!(page, "\n## {name}\n\n```text\n{about}```\n");
        for action in listed(&about) {
            let own = without_global_options(&help(&[name, action]));
            let _ = write!(page, "\n### {name} {action}\n\n```text\n{own}```\n");
        }
    }
    page
}

/// The commands that a help lists: none where a command has no others below it.
fn listed(help: &str) -> Vec<&str> {
    let lines = help.lines().skip_while(|l| *l != "Commands:").skip(1);
    lines
        .take_while(|l| !l.is_empty())
        .filter(|l| l.starts_with("  ") && !l.starts_with("   "))
        .filter_map(|l| l.split_whitespace().next())
        .collect()
}

/// A help without the options that stand in that of the command above it.
fn without_global_options(help: &str) -> String {
    let parts = help.trim_end().split("\n\n").filter(|part| !part.starts_with("Global options:"));
    parts.collect::<Vec<_>>().join("\n\n") + "\n"
}

fn help(command: &[&str]) -> String {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_modelwright"))
        .args(command)
        .arg("--help")
        .output()
        .expect("the binary was built for this test");
    String::from_utf8(output.stdout).expect("help is UTF-8")
}

fn learners() -> String {
    let mut page = "# Learners\n\n`modelwright train LEARNER` takes each of them; see [Training \
                    one learner](../train.md).\n"
        .to_owned();
    for entry in LEARNERS.iter().chain(UNLABELLED) {
        let spec = entry.spec;
        let tasks: Vec<&str> = spec.tasks.iter().map(|t| t.name()).collect();
        let learns = if tasks.is_empty() {
            "Needs no target.".to_owned()
        } else {
            format!("Tasks: {}. Encodings: {}.", tasks.join(", "), encodings(entry).join(", "))
        };
        let _ = write!(
            page,
            "\n## {}\n\n{}\n\n{}\n\n{learns} Reference: {}.\n",
            spec.name,
            spec.title,
            spec.text,
            spec.reference.trim_end_matches('.'),
        );
        params(&mut page, entry.params, &entry.default_params());
    }
    page
}

fn transformers() -> String {
    let mut page = "# Transformers\n".to_owned();
    for entry in modelwright_preprocess::catalog::TRANSFORMERS {
        let _ = write!(page, "\n## {}\n\n{}\n", entry.spec.name, entry.spec.text);
        params(&mut page, entry.params, &entry.default_params());
    }
    page
}

fn metrics() -> String {
    let mut page = "# Metrics\n\n| name | what | tasks | better |\n|---|---|---|---|\n".to_owned();
    for entry in modelwright_evaluate::METRICS {
        let spec = entry.spec;
        let tasks: Vec<&str> = spec.tasks.iter().map(|t| t.name()).collect();
        let better = if spec.larger_is_better { "larger" } else { "smaller" };
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {better} |",
            spec.name,
            spec.text.replace('|', "\\|"),
            tasks.join(", ")
        );
    }
    page
}

fn params(page: &mut String, specs: &[ParamSpec], defaults: &ParamMap) {
    if specs.is_empty() {
        return;
    }
    page.push_str("\n| parameter | default | range | what |\n|---|---|---|---|\n");
    for spec in specs {
        let default = defaults.get(spec.name).map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(
            page,
            "| `{}` | {default} | {} | {} |",
            spec.name,
            spec.domain.describe(),
            spec.text.replace('|', "\\|")
        );
    }
}
