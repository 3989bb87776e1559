//! The conformance suite: every section of the catalog and every renderer, on every canonical
//! record.
//!
//! A new section needs no test here. Its Markdown snapshots are in `testdata/sections/`, one per
//! section, and must fit on a screen; after a wanted change, run the suite once with
//! `MODELWRIGHT_ACCEPT=1` and read the difference.

use std::collections::BTreeSet;
use std::path::PathBuf;

use modelwright_core::record::RunRecord;

use super::card::{annex_iv, model_card};
use super::catalog::SECTIONS;
use super::section::{Block, Section, Table};
use super::{canonical, document, profile_html, profile_text, render};
use super::{report_html, report_json, report_markdown};

/// A page may be this large.
const PAGE_BYTES_MAX: usize = 2_000_000;

/// A snapshot may have this many lines.
const SNAPSHOT_LINES_MAX: usize = 60;

fn sections() -> Vec<(String, Section)> {
    let mut all = Vec::new();
    for (name, record) in canonical::all() {
        for section in document(&record).sections {
            all.push((format!("{name}/{}", section.id), section));
        }
    }
    all
}

fn each_block<'a>(blocks: &'a [Block], visit: &mut impl FnMut(&'a Block)) {
    for block in blocks {
        visit(block);
        if let Block::Details { blocks, .. } = block {
            each_block(blocks, visit);
        }
    }
}

fn tables(section: &Section) -> Vec<&Table> {
    let mut tables = Vec::new();
    each_block(&section.blocks, &mut |block| {
        if let Block::Table(table) = block {
            tables.push(table);
        }
    });
    tables
}

/// A record of a table of 20,000 columns, the target last.
fn wide() -> RunRecord {
    let (_, mut record) = canonical::all().swap_remove(0);
    let target = record.profile.columns.pop().unwrap();
    let column = record.profile.columns[0].clone();
    let named = |i: usize| {
        let mut column = column.clone();
        column.name = format!("gene_{i}");
        column
    };
    record.task.target.clone_from(&target.name);
    record.profile.columns = (0..19_999).map(named).chain([target]).collect();
    record
}

#[test]
fn a_table_of_very_many_columns_stays_a_page_and_says_what_is_left_out() {
    let record = wide();
    let page = report_html(&record);
    assert!(page.len() < PAGE_BYTES_MAX, "{} bytes", page.len());
    let text = report_markdown(&record);
    assert!(text.contains("20,000 columns (of the 501 described, "), "{text}");
    assert!(text.contains("19,499 more columns are not described here"));
    assert!(page.contains("gene_499") && !page.contains("gene_500"));
}

#[test]
fn ids_are_distinct_and_fit_for_an_anchor() {
    let ids: BTreeSet<&str> = SECTIONS.iter().map(|e| e.spec.id).collect();
    assert_eq!(ids.len(), SECTIONS.len());
    let fit = |c: char| c.is_ascii_lowercase() || c == '-';
    assert!(ids.iter().all(|id| !id.is_empty() && id.chars().all(fit)), "{ids:?}");
    let parts: Vec<_> = SECTIONS.iter().map(|e| e.spec.part).collect();
    assert!(parts.is_sorted(), "sections of one part stand together");
}

#[test]
fn every_section_applies_to_some_record_and_carries_its_own_spec() {
    for entry in SECTIONS {
        let built: Vec<Section> =
            canonical::all().iter().filter_map(|(_, record)| (entry.build)(record)).collect();
        assert!(!built.is_empty(), "{} never applies", entry.spec.id);
        assert!(built.iter().all(|s| s.id == entry.spec.id && s.part == entry.spec.part));
    }
}

#[test]
fn a_finding_is_one_sentence_that_stands_alone() {
    for (place, section) in sections() {
        let finding = &section.finding;
        assert!(finding.ends_with('.'), "{place}: {finding}");
        assert!(finding.chars().count() > 20, "{place}: {finding}");
        assert!(!finding.contains("  ") && !finding.contains("NaN"), "{place}: {finding}");
    }
}

#[test]
fn tables_are_whole_and_numbers_are_never_raw() {
    for (place, section) in sections() {
        for table in tables(&section) {
            for row in &table.rows {
                assert_eq!(row.len(), table.columns.len(), "{place}");
            }
        }
        let text = render::markdown::section(&section);
        for raw in ["NaN", "inf", "None", "Some("] {
            let found = text.split(|c: char| !c.is_alphanumeric() && c != '(').any(|w| w == raw);
            assert!(!found, "{place} says {raw}:\n{text}");
        }
    }
}

#[test]
fn every_chart_says_in_words_what_it_shows_and_on_how_many_rows() {
    let mut n_charts = 0;
    for (place, section) in sections() {
        each_block(&section.blocks, &mut |block| {
            let Block::Chart(chart) = block else { return };
            n_charts += 1;
            assert!(!chart.title.is_empty() && !chart.x.is_empty(), "{place}");
            assert!(chart.summary.contains("row"), "{place}: {}", chart.summary);
        });
    }
    assert!(n_charts > 20);
}

#[test]
fn the_same_record_gives_the_same_bytes() {
    for (name, record) in canonical::all() {
        let again: RunRecord =
            serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
        assert_eq!(report_html(&record), report_html(&again), "{name}");
        assert_eq!(report_markdown(&record), report_markdown(&again), "{name}");
        assert_eq!(report_json(&record), report_json(&again), "{name}");
    }
}

#[test]
fn a_page_is_small_self_contained_and_well_formed() {
    for (name, record) in canonical::all() {
        let profile = profile_html(&record.data, &record.profile, &record.leakage);
        for page in [report_html(&record), profile] {
            assert!(page.len() < PAGE_BYTES_MAX, "{name} has {} bytes", page.len());
            for outside in ["http://", "https://", " src=", "@import", "url(", "<link"] {
                assert!(!page.contains(outside), "{name} contains {outside}");
            }
            assert_eq!(page.matches("<script").count(), 1, "{name}: the page's own script alone");
            let (body, _) = page.split_once("<script").unwrap();
            assert!(!body.contains("NaN"), "{name}");
            assert_eq!(unbalanced(&page), None, "{name}");
        }
    }
}

#[test]
fn json_is_the_document_and_can_be_read_back() {
    for (name, record) in canonical::all() {
        let value: serde_json::Value = serde_json::from_str(&report_json(&record)).unwrap();
        let ids: Vec<&str> = value["sections"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s["id"].as_str().unwrap())
            .collect();
        let built: Vec<&str> = document(&record).sections.iter().map(|s| s.id).collect();
        assert_eq!(ids, built, "{name}");
    }
}

#[test]
fn hostile_names_stay_text_in_every_format() {
    let record = canonical::hostile();
    let html = report_html(&record);
    assert!(html.contains("&lt;script&gt;"));
    assert_eq!(html.matches("</style>").count(), 1, "a name closed the style sheet");
    assert_eq!(html.matches("</script>").count(), 1, "a name closed the script");
    assert!(!html.contains('\u{202e}'));
    let card = model_card(&record);
    // The metadata are YAML, which is not rendered.
    let card = card.split_once("\n---\n").unwrap().1.to_owned();
    for markdown in [report_markdown(&record), card, annex_iv(&record)] {
        let outside_code = without_code(&markdown);
        assert!(!outside_code.contains("<script>"), "Markdown would run it");
        assert!(!outside_code.contains("](javascript"), "Markdown would link it");
    }
    let text = profile_text(&record.data, &record.profile, &record.leakage);
    assert!(!text.contains(['\u{1b}', '\u{202e}']));
}

#[test]
fn the_text_profile_is_aligned_and_narrow_enough_to_read() {
    let record = canonical::binary();
    let text = profile_text(&record.data, &record.profile, &record.leakage);
    let line = |start: &str| text.lines().find(|l| l.starts_with(start)).unwrap();
    // In characters: the header and the cell above one another.
    let column = |line: &str, word: &str| line[..line.find(word).unwrap()].chars().count();
    assert_eq!(column(line("Column"), "Kind"), column(line("workclass"), "category"));
    assert!(text.lines().take_while(|l| !l.contains("alerts")).all(|l| l.chars().count() <= 130));
}

#[test]
fn markdown_of_every_section_is_as_accepted() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/sections");
    let accept = std::env::var_os("MODELWRIGHT_ACCEPT").is_some();
    let mut wrong = Vec::new();
    for (place, section) in sections() {
        if !snapshot_of(&place) {
            continue;
        }
        let text = render::markdown::section(&section);
        assert!(text.lines().count() <= SNAPSHOT_LINES_MAX, "{place} does not fit on a screen");
        let path = folder.join(format!("{}.md", place.replace('/', "-")));
        if accept {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &text).unwrap();
        } else if std::fs::read_to_string(&path).ok().as_deref() != Some(&text) {
            wrong.push(format!("{}\n{text}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "changed, see the module's text:\n{}", wrong.join("\n"));
}

/// Markdown without code blocks, code spans and escaped characters, where all is literal.
fn without_code(markdown: &str) -> String {
    let blocks: String = markdown.split("```").step_by(2).collect();
    let mut escaped = String::new();
    let mut characters = blocks.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => drop(characters.next()),
            c => escaped.push(c),
        }
    }
    escaped.lines().map(|line| line.split('`').step_by(2).collect::<String>() + "\n").collect()
}

/// One record per section, the one that shows most of it, and where one learner reads otherwise.
fn snapshot_of(place: &str) -> bool {
    match place {
        "regression/residuals"
        | "regression/target"
        | "regression/decision"
        | "regression/intervals"
        | "multiclass/intervals"
        | "letters/confusion"
        | "multiclass/decision"
        | "tiny/decision"
        | "tiny/leaderboard"
        | "single/decision"
        | "single/leaderboard"
        | "single/ensemble"
        | "single/plan"
        | "unjudged/leaderboard"
        | "unjudged/decision"
        | "all-missing/alerts" => true,
        _ => place.starts_with("binary/"),
    }
}

/// The first element that is not closed in order; void elements need no end.
fn unbalanced(page: &str) -> Option<String> {
    const VOID: [&str; 6] = ["meta", "wbr", "br", "hr", "img", "input"];
    let script = page.find("<script")?..page.find("</script>")? + "</script>".len();
    let page = page[..script.start].to_owned() + &page[script.end..];
    let body = &page[page.find("</style>")?..];
    let mut open: Vec<&str> = vec!["style"];
    if !page.contains("<body>") {
        return Some("body".to_owned());
    }
    for tag in body.split('<').skip(1) {
        let inside = tag.split('>').next().unwrap_or("");
        let name = inside.split([' ', '/']).find(|n| !n.is_empty()).unwrap_or("");
        if inside.starts_with('/') {
            // `head` and `html` opened before the style sheet that this starts from.
            match open.pop() {
                Some(last) if last == name => {}
                None if name == "head" || name == "html" => {}
                other => return Some(format!("</{name}> after {other:?}")),
            }
        } else if !VOID.contains(&name) {
            open.push(name);
        }
    }
    open.pop().map(str::to_owned)
}
