//! A document as Markdown (GitHub's dialect): tables stay tables, charts become their summary.

use super::text::spark;
use crate::report::section::{Block, Cell, Document, Graphic, Section, Table, Tone};

/// The whole document.
pub fn page(document: &Document) -> String {
    let mut out = format!("# {}\n\n{}\n", escape(&document.title), escape(&document.subtitle));
    for part in &document.sections {
        out.push('\n');
        out.push_str(&section(part));
    }
    out.push_str(&format!("\n---\n\n{}\n", escape(&document.footer)));
    out
}

/// One section.
pub fn section(section: &Section) -> String {
    let mut out = format!("## {}\n\n{}\n", section.title, escape(&section.finding));
    blocks(&mut out, &section.blocks);
    if !section.caveats.is_empty() {
        out.push_str("\n**Keep in mind**\n\n");
        for caveat in &section.caveats {
            out.push_str(&format!("- {}\n", escape(caveat)));
        }
    }
    out
}

fn blocks(out: &mut String, blocks: &[Block]) {
    for block in blocks {
        out.push('\n');
        match block {
            Block::Text(text) => out.push_str(&format!("{}\n", escape(text))),
            Block::Callout(c) => out.push_str(&format!(
                "> **{} {}** {}\n",
                mark(c.tone),
                escape(&c.label),
                escape(&c.text)
            )),
            Block::Figures(figures) => {
                for f in figures {
                    out.push_str(&format!(
                        "- **{}:** {} ({})\n",
                        escape(&f.label),
                        escape(&f.value),
                        escape(&f.detail)
                    ));
                }
            }
            Block::Facts(facts) => {
                for f in facts {
                    let value = if f.code { code(&f.value) } else { escape(&f.value) };
                    out.push_str(&format!("- {}: {value}\n", escape(&f.name)));
                }
            }
            Block::Table(t) => table(out, t),
            Block::Chart(c) => {
                let stop = if c.title.ends_with('?') { "" } else { "." };
                out.push_str(&format!("*{}{stop}* {}\n", escape(&c.title), escape(&c.summary)));
            }
            Block::Commands(lines) => {
                out.push_str("```sh\n");
                for line in lines {
                    // A fence inside a name must not close ours.
                    out.push_str(&format!("{}\n", line.replace("```", "'''")));
                }
                out.push_str("```\n");
            }
            Block::Details { summary, blocks: inner } => {
                out.push_str(&format!("**{}**\n", escape(summary)));
                self::blocks(out, inner);
            }
        }
    }
}

fn table(out: &mut String, table: &Table) {
    if !table.caption.is_empty() {
        out.push_str(&format!("{}\n\n", escape(&table.caption)));
    }
    out.push('|');
    for column in &table.columns {
        out.push_str(&format!(" {} |", escape(&column.name)));
    }
    out.push_str("\n|");
    for column in &table.columns {
        out.push_str(if column.numeric { "---:|" } else { "---|" });
    }
    out.push('\n');
    for row in &table.rows {
        out.push('|');
        for cell in row {
            out.push_str(&format!(" {} |", cell_text(cell)));
        }
        out.push('\n');
    }
}

fn cell_text(cell: &Cell) -> String {
    let text = match &cell.graphic {
        Some(Graphic::Histogram(counts)) if cell.text.is_empty() => spark(counts),
        _ => escape(&cell.text),
    };
    let text = match cell.tone {
        Some(tone) => format!("{} {text}", mark(tone)),
        None => text,
    };
    match &cell.detail {
        Some(detail) if cell.text.is_empty() => escape(detail),
        Some(detail) => format!("{text} ({})", escape(detail)),
        None => text,
    }
}

fn mark(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "✓",
        Tone::Neutral => "•",
        Tone::Warning => "▲",
        Tone::Severe => "✕",
    }
}

/// Text whose characters mean nothing to Markdown or HTML.
fn escape(text: &str) -> String {
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
