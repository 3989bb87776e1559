//! The table depends on the file alone: not on threads, and not on where blocks are cut.

use modelwright_core::Context;
use modelwright_io::{ReadOptions, read_bytes};

use super::{assert_same, context};

/// Quotes around line ends, doubled quotes, late surprises in every column.
fn awkward() -> String {
    let mut text = String::from("id,mixed,\"na\"\"me\",when,late\n");
    for i in 0..400 {
        let name =
            ["plain", "\"with, comma\"", "\"two\nlines\"", "\"a \"\"quote\"\"\"", "5\" pipe"]
                [i % 5];
        let mixed = if i == 333 { "word".to_owned() } else { format!("{}.50", i % 17) };
        let when = format!("{:02}/{:02}/2024", i % 12 + 1, if i == 390 { 31 } else { i % 12 + 1 });
        let late = if i < 200 { String::new() } else { format!("\"{i},5\"") };
        text.extend(format!("{i},{mixed},{name},{when},{late}\n").chars());
    }
    text
}

#[test]
fn blocks_of_any_size_and_any_number_of_threads_give_the_same_table() {
    let text = awkward();
    let read = |block_bytes, threads| {
        let options = ReadOptions { block_bytes, ..ReadOptions::default() };
        let ctx = Context::unlimited(0, threads);
        read_bytes("awkward.csv", text.as_bytes(), &options, &ctx).unwrap()
    };
    let expected = read(1 << 20, 1);
    assert_eq!(expected.table.n_rows(), 400);
    for block_bytes in [1, 7, 64, 1000, 5000] {
        for threads in [1, 2, 4] {
            let case = format!("{block_bytes} bytes, {threads} threads");
            assert_same(&read(block_bytes, threads), &expected, &case);
        }
    }
}

#[test]
fn errors_name_the_same_line_whatever_the_blocks_are() {
    let good = awkward();
    let text = format!("{good}1,2,3\n{good}");
    let line = good.matches('\n').count() as u64 + 1;
    for block_bytes in [1, 100, 3000, 1 << 20] {
        let options = ReadOptions { block_bytes, ..ReadOptions::default() };
        let error = read_bytes("t.csv", text.as_bytes(), &options, &context()).unwrap_err();
        assert_eq!(error.place().line, Some(line), "{block_bytes}: {error}");
    }
}

#[test]
fn json_lines_do_not_depend_on_blocks_or_threads() {
    let mut text = String::new();
    for i in 0..300 {
        let extra = if i > 150 { format!(", \"late\": \"{i}\"") } else { String::new() };
        let mixed = if i == 250 { "\"word\"".to_owned() } else { format!("{i}.5") };
        text.extend(format!("{{\"id\": {i}, \"mixed\": {mixed}{extra}}}\n").chars());
    }
    let read = |block_bytes, threads| {
        let options = ReadOptions { block_bytes, ..ReadOptions::default() };
        let ctx = Context::unlimited(0, threads);
        read_bytes("t.jsonl", text.as_bytes(), &options, &ctx).unwrap()
    };
    let expected = read(1 << 20, 1);
    for (block_bytes, threads) in [(1, 1), (1, 4), (100, 2), (4000, 2)] {
        assert_same(&read(block_bytes, threads), &expected, "json");
    }
}

#[test]
fn a_row_limit_gives_the_first_rows_of_the_whole() {
    let text = awkward();
    let ctx = context();
    for n in [1, 13, 200, 1000] {
        for block_bytes in [50, 1 << 20] {
            let options =
                ReadOptions { n_rows_max: Some(n), block_bytes, ..ReadOptions::default() };
            let file = read_bytes("t.csv", text.as_bytes(), &options, &ctx).unwrap();
            assert_eq!(file.table.n_rows(), n.min(400));
        }
    }
}
