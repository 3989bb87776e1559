//! A document as Markdown (GitHub's dialect): tables stay tables, charts become their summary.

use super::text::spark;
use crate::report::section::{Block, Cell, Document, Graphic, Section, Table};

/// The whole document.
pub fn page(document: &Document) -> String {
    let mut out = String::new();
    line(&mut out, &format!("# {}\n", escape(&document.title)));
    line(&mut out, &escape(&document.subtitle));
    for part in &document.sections {
        line(&mut out, "");
        out.push_str(&section(part));
    }
    line(&mut out, "\n---\n");
    line(&mut out, &escape(&document.footer));
    out
}

/// One section.
pub fn section(section: &Section) -> String {
    let mut out = String::new();
    line(&mut out, &format!("## {}\n", section.title));
    line(&mut out, &escape(&section.finding));
    blocks(&mut out, &section.blocks);
    if !section.caveats.is_empty() {
        line(&mut out, "\n**Keep in mind**\n");
        for caveat in &section.caveats {
            line(&mut out, &format!("- {}", escape(caveat)));
        }
    }
    out
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

fn blocks(out: &mut String, blocks: &[Block]) {
    for block in blocks {
        line(out, "");
        match block {
            Block::Text(text) => line(out, &escape(text)),
            Block::Callout(c) => {
                let (mark, label) = (c.tone.mark(), escape(&c.label));
                line(out, &format!("> **{mark} {label}** {}", escape(&c.text)));
            }
            Block::Figures(figures) => {
                for f in figures {
                    let (label, value) = (escape(&f.label), escape(&f.value));
                    line(out, &format!("- **{label}:** {value} ({})", escape(&f.detail)));
                }
            }
            Block::Facts(facts) => {
                for f in facts {
                    let value = if f.code { code(&f.value) } else { escape(&f.value) };
                    line(out, &format!("- {}: {value}", escape(&f.name)));
                }
            }
            Block::Table(t) => table(out, t),
            Block::Chart(c) => {
                let stop = if c.title.ends_with('?') { "" } else { "." };
                line(out, &format!("*{}{stop}* {}", escape(&c.title), escape(&c.summary)));
            }
            Block::List { title, items } => {
                line(out, &format!("**{}**\n", escape(title)));
                for item in items {
                    line(out, &format!("- {}", escape(item)));
                }
            }
            Block::Thresholds(t) => table(out, &t.table()),
            Block::Commands(lines) => {
                line(out, "```sh");
                // A fence inside a name must not close ours.
                for command in lines {
                    line(out, &command.replace("```", "'''"));
                }
                line(out, "```");
            }
            Block::Details { summary, blocks: inner } => {
                line(out, &format!("**{}**", escape(summary)));
                self::blocks(out, inner);
            }
        }
    }
}

fn table(out: &mut String, table: &Table) {
    if !table.caption.is_empty() {
        line(out, &format!("{}\n", escape(&table.caption)));
    }
    let row = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    line(out, &row(table.columns.iter().map(|c| escape(&c.name)).collect()));
    let rule = |numeric| if numeric { "---:" } else { "---" };
    line(out, &row(table.columns.iter().map(|c| rule(c.numeric).to_owned()).collect()));
    for cells in &table.rows {
        line(out, &row(cells.iter().map(cell_text).collect()));
    }
}

fn cell_text(cell: &Cell) -> String {
    let text = match &cell.graphic {
        Some(Graphic::Histogram(counts)) if cell.text.is_empty() => spark(counts),
        _ => escape(&cell.text),
    };
    let text = match cell.tone {
        Some(tone) => format!("{} {text}", tone.mark()),
        None => text,
    };
    match &cell.detail {
        Some(detail) if cell.text.is_empty() => escape(detail),
        Some(detail) => format!("{text} ({})", escape(detail)),
        None => text,
    }
}

/// Text whose characters mean nothing to Markdown or HTML.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '&' => {
                out.push('\\');
                out.push(c);
            }
            '\n' | '\r' | '\t' => out.push(' '),
            _ => out.push(c),
        }
    }
    out
}

/// Text as inline code; backticks inside become apostrophes.
fn code(text: &str) -> String {
    format!("`{}`", text.replace('`', "'").replace(['\n', '\r'], " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_in_names_are_only_characters() {
        assert_eq!(escape("a|b<script>*x*"), "a\\|b\\<script\\>\\*x\\*");
        assert_eq!(code("a`b\n"), "`a'b `");
    }
}
