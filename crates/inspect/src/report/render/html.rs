//! A document as one HTML page that needs nothing else: no network, no font, and no script to be
//! read.
//!
//! The style sheet is inline, colours follow the reader's light or dark setting, and `<details>`
//! folds depth away. One short script adds a threshold to move, tables to sort and values under
//! the pointer. A content security policy forbids every request and every other script.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::report::chart;
use crate::report::section::{
    Block, Callout, Cell, Document, Fact, Figure, Section, Table, ThresholdPoint, Thresholds, Tone,
};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The content security policy's name of [`SCRIPT`] as the page has it: a test knows the right one.
const SCRIPT_HASH: &str = "sha256-TcuopysKOg/RLQi33z4UWt0wGQZGn+ZfKbu0o3BuFQc=";

/// Tables with more columns than this are shown as cards on a phone.
const NARROW_COLUMNS_MAX: usize = 3;

/// A word longer than this may be broken anywhere, in characters.
const UNBROKEN_MAX: usize = 18;

/// The whole page.
pub fn page(document: &Document) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy"
                    content={
                        "default-src 'none'; style-src 'unsafe-inline'; script-src '"
                        (SCRIPT_HASH) "'"
                    };
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (document.title) " · " (document.kind) }
                style { (PreEscaped(minified(STYLE))) }
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                header.masthead {
                    div.inner {
                        p.kind { span.logo aria-hidden="true" {} (document.kind) }
                        h1 { (document.title) }
                        p.subtitle { (document.subtitle) }
                    }
                }
                div.page {
                    (contents(document))
                    main id="content" {
                        @for item in &document.sections { (section(item)) }
                    }
                }
                script { (PreEscaped(minified_script())) }
                footer { p { (document.footer) } }
            }
        }
    }
    .into_string()
}

fn contents(document: &Document) -> Markup {
    let mut parts: Vec<(&str, Vec<&Section>)> = Vec::new();
    for item in &document.sections {
        match parts.last_mut() {
            Some((title, items)) if *title == item.part.title() => items.push(item),
            _ => parts.push((item.part.title(), vec![item])),
        }
    }
    html! {
        nav.contents aria-label="Contents" {
            @for (title, items) in &parts {
                p { (title) }
                ul { @for item in items { li { a href={ "#" (item.id) } { (item.title) } } } }
            }
        }
    }
}

fn section(item: &Section) -> Markup {
    html! {
        section id=(item.id) aria-labelledby={ (item.id) "-title" } {
            h2 id={ (item.id) "-title" } { (item.title) }
            p.finding { (words(&item.finding)) }
            (blocks(&item.blocks))
            @if !item.caveats.is_empty() {
                div.caveats {
                    h3 { "Keep in mind" }
                    ul { @for caveat in &item.caveats { li { (words(caveat)) } } }
                }
            }
        }
    }
}

/// Blocks in order; neighbouring charts share a row where there is room.
fn blocks(blocks: &[Block]) -> Markup {
    let mut rest = blocks;
    html! {
        @while let Some(first) = rest.first() {
            @let n_charts = rest.iter().take_while(|b| matches!(b, Block::Chart(_))).count();
            @if n_charts > 0 {
                div.charts { @for b in &rest[..n_charts] { (block(b)) } }
            } @else {
                (block(first))
            }
            @let () = rest = &rest[n_charts.max(1)..];
        }
    }
}

fn block(item: &Block) -> Markup {
    match item {
        Block::Text(text) => html! { p { (words(text)) } },
        Block::Callout(c) => callout(c),
        Block::Figures(list) => figures(list),
        Block::Facts(list) => facts(list),
        Block::Table(t) => table(t),
        Block::Chart(c) => html! {
            figure.chart {
                figcaption { (c.title) }
                (chart::svg(c))
                p.summary { (words(&c.summary)) }
            }
        },
        Block::List { title, items } => html! {
            div.list {
                h3 { (title) }
                ul { @for item in items { li { (words(item)) } } }
            }
        },
        Block::Thresholds(t) => thresholds(t),
        Block::Commands(lines) => html! {
            pre tabindex="0" { code { @for line in lines { (line) "\n" } } }
        },
        Block::Details { summary, blocks: inner } => html! {
            details { summary { (summary) } (blocks(inner)) }
        },
    }
}

/// The slider, which the script brings to life and shows, and the table that says the same.
fn thresholds(t: &Thresholds) -> Markup {
    let point = |p: &ThresholdPoint| {
        let (right, wrong) = t.flagged(p);
        serde_json::json!([p.threshold, written(right), written(wrong)])
    };
    let points: Vec<serde_json::Value> = t.points.iter().map(point).collect();
    let data = serde_json::json!({
        "positives": t.n_positive,
        "negatives": t.n_negative,
        "points": points,
    });
    let output = |name: &str, label: &str, detail: &str| {
        html! {
            div {
                dt { (label) }
                dd.value data-out=(name) {}
                dd.detail { (detail) }
            }
        }
    };
    html! {
        div.thresholds data-thresholds=(data.to_string()) hidden {
            label {
                span { "Act from a chance of " output data-out="threshold" {} " on" }
                input type="range" min="0" max="1" step="any" value=(t.threshold)
                    aria-label="Act from this chance on, in percent"
                    aria-valuetext=(format!("{:.1} %", 100.0 * t.threshold));
            }
            dl.figures aria-live="polite" {
                (output("flagged", "Flagged", "of 100 rows"))
                (output("right", "Right when flagged", "of 100 flagged"))
                (output("missed", "Missed", "of 100 rows"))
                (output("cost", "Cost", "of 100 rows, in the unit of the two costs"))
            }
            p.costs {
                label { "A false alarm costs "
                    input type="number" min="0" step="any" value=(t.costs[0]); }
                label { "a miss costs "
                    input type="number" min="0" step="any" value=(t.costs[1]); }
                button type="button" { "Go to the cheapest" }
                span.invalid role="alert" hidden { "A cost is a number of 0 or more." }
            }
        }
        details {
            summary { "The same as a table" }
            (table(&t.table()))
        }
    }
}

/// A number of rows as JSON, a whole one without a point.
fn written(rows: f64) -> serde_json::Value {
    if rows.fract() == 0.0 { serde_json::json!(rows as u64) } else { serde_json::json!(rows) }
}

fn callout(c: &Callout) -> Markup {
    html! {
        div class={ "callout " (tone_class(c.tone)) } {
            p.label { span.glyph aria-hidden="true" { (c.tone.mark()) } (c.label) }
            p { (words(&c.text)) }
        }
    }
}

fn figures(list: &[Figure]) -> Markup {
    html! {
        dl.figures {
            @for f in list {
                div {
                    dt { (f.label) }
                    dd.value { (words(&f.value)) }
                    dd.detail { (words(&f.detail)) }
                }
            }
        }
    }
}

fn facts(list: &[Fact]) -> Markup {
    html! {
        dl.facts {
            @for f in list {
                div {
                    dt { (f.name) }
                    dd { @if f.code { code { (f.value) } } @else { (words(&f.value)) } }
                }
            }
        }
    }
}

fn table(t: &Table) -> Markup {
    let wide = t.columns.len() > NARROW_COLUMNS_MAX;
    html! {
        div.scroll {
            table.cards[wide] {
                @if !t.caption.is_empty() { caption { (words(&t.caption)) } }
                thead { tr { @for c in &t.columns { th.n[c.numeric] scope="col" { (c.name) } } } }
                tbody {
                    @for row in &t.rows {
                        tr {
                            @for (i, (c, column)) in row.iter().zip(&t.columns).enumerate() {
                                @if i == 0 {
                                    th.n[column.numeric] scope="row" { (cell(c, column.scale)) }
                                } @else {
                                    td.n[column.numeric] data-l=[wide.then_some(&column.name)] {
                                        (cell(c, column.scale))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn cell(c: &Cell, scale: Option<modelwright_core::record::Interval>) -> Markup {
    html! {
        @if let Some(graphic) = &c.graphic { (chart::cell(graphic, scale)) }
        @match c.tone {
            Some(tone) => {
                span class={ "mark " (tone_class(tone)) } {
                    span.glyph aria-hidden="true" { (tone.mark()) } (c.text)
                }
            }
            None => { (words(&c.text)) }
        }
        @if let Some(detail) = &c.detail { small { (words(detail)) } }
    }
}

/// Text as HTML: escaped, a number stays with its percent sign, and long words may be broken.
///
/// Words may break after `_`, `.`, `/` and `-`, and anywhere every [`UNBROKEN_MAX`] characters, so
/// that a column named by a machine does not push a table off the page.
fn words(text: &str) -> Markup {
    let mut out = String::with_capacity(text.len() + 16);
    let mut since_break = 0;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            ' ' if characters.peek() == Some(&'%') => out.push('\u{a0}'),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(c),
        }
        since_break = if c == ' ' { 0 } else { since_break + 1 };
        let separator = matches!(c, '_' | '/' | '.') && since_break > 3;
        let inside = characters.peek().is_some_and(|next| next.is_alphabetic());
        if inside && (separator || since_break >= UNBROKEN_MAX) {
            out.push_str("<wbr>");
            since_break = 0;
        }
    }
    PreEscaped(out)
}

fn tone_class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Neutral => "neutral",
        Tone::Warning => "warning",
        Tone::Severe => "severe",
    }
}

/// The style sheet without the blanks that only people need.
fn minified(style: &str) -> String {
    style.lines().map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The script without indentation and comment lines.
fn minified_script() -> String {
    let lines = SCRIPT.lines().map(str::trim);
    let is_code = |l: &&str| !l.is_empty() && !l.starts_with("//") && !l.starts_with("/*");
    lines.filter(is_code).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    /// RFC 4648, section 4.
    fn base64(bytes: &[u8]) -> String {
        const DIGITS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut out = String::new();
        for part in bytes.chunks(3) {
            let byte = |i: usize| u32::from(part.get(i).copied().unwrap_or(0));
            let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
            for i in 0..4 {
                let digit = DIGITS[(bits >> (18 - 6 * i) & 63) as usize];
                out.push(if i <= part.len() { char::from(digit) } else { '=' });
            }
        }
        out
    }

    #[test]
    fn the_policy_names_the_script_of_the_page() {
        let hash = base64(&Sha256::digest(minified_script().as_bytes()));
        assert_eq!(SCRIPT_HASH, format!("sha256-{hash}"), "set SCRIPT_HASH to this");
    }

    #[test]
    fn foreign_text_is_escaped_and_can_be_broken() {
        assert_eq!(words("<b>&\"").into_string(), "&lt;b&gt;&amp;&quot;");
        assert_eq!(words("12 % of").into_string(), "12\u{a0}% of");
        assert_eq!(words("hours_per_week").into_string(), "hours_<wbr>per_<wbr>week");
        assert!(words(&"x".repeat(60)).into_string().contains("<wbr>"));
    }
}
