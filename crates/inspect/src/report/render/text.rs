//! A table as aligned text for a terminal.

use unicode_width::UnicodeWidthStr;

use crate::report::section::{Cell, Graphic, Table};

/// No cell is wider than this; longer text is cut with an ellipsis.
const CELL_WIDTH_MAX: usize = 44;

/// The blocks of a small histogram, from low to high.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// How many blocks a small histogram has at most.
const BLOCKS_MAX: usize = 12;

/// The table with a heading line; columns are as wide as their widest cell.
///
/// The quiet second lines of cells are left out.
pub fn table(table: &Table) -> String {
    let head: Vec<String> = table.columns.iter().map(|c| c.name.clone()).collect();
    let mut lines = vec![head];
    lines.extend(table.rows.iter().map(|row| row.iter().map(cell).collect()));
    let widths: Vec<usize> = (0..table.columns.len())
        .map(|i| lines.iter().filter_map(|l| l.get(i)).map(|c| c.width()).max().unwrap_or(0))
        .collect();
    let written = lines.iter().map(|line| {
        let cells = line.iter().zip(&widths).zip(&table.columns).map(|((cell, width), column)| {
            let pad = " ".repeat(width - cell.width());
            if column.numeric { pad + cell } else { cell.clone() + &pad }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    });
    written.collect()
}

fn cell(cell: &Cell) -> String {
    let text = match &cell.graphic {
        Some(Graphic::Histogram(counts)) if cell.text.is_empty() => spark(counts),
        _ => cell.text.clone(),
    };
    cut(&text)
}

/// Text of at most [`CELL_WIDTH_MAX`] columns.
fn cut(text: &str) -> String {
    if text.width() <= CELL_WIDTH_MAX {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        let mut longer = out.clone();
        longer.push(c);
        if longer.width() >= CELL_WIDTH_MAX {
            break;
        }
        out = longer;
    }
    out.push('…');
    out
}

/// A histogram as a line of blocks; an empty bar is a blank.
pub(super) fn spark(counts: &[usize]) -> String {
    let per_bar = counts.len().div_ceil(BLOCKS_MAX).max(1);
    let bars: Vec<usize> = counts.chunks(per_bar).map(|c| c.iter().sum()).collect();
    let tallest = bars.iter().copied().max().unwrap_or(0).max(1);
    let block = |n: &usize| match n {
        0 => ' ',
        // From 1 row (the lowest block) to the tallest bar (the highest).
        n => BLOCKS[((n * BLOCKS.len()).div_ceil(tallest)).clamp(1, BLOCKS.len()) - 1],
    };
    bars.iter().map(block).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::section::TableColumn;

    #[test]
    fn columns_are_aligned_by_display_width() {
        let mut t = Table::new("", vec![TableColumn::words("名前"), TableColumn::numbers("n")]);
        t.rows.push(vec![Cell::new("a"), Cell::new("12")]);
        t.rows.push(vec![Cell::new("日本語"), Cell::new("3")]);
        assert_eq!(table(&t), "名前     n\na       12\n日本語   3\n");
    }

    #[test]
    fn a_histogram_becomes_blocks_and_long_text_is_cut() {
        assert_eq!(spark(&[0, 1, 100]), " ▁█");
        assert_eq!(cut(&"x".repeat(99)).width(), CELL_WIDTH_MAX);
    }
}
