//! Every way a file can be wrong has its own message: what, where, and what to do.

use std::io::Write;

use modelwright_core::ErrorKind;
use modelwright_io::{ReadOptions, read_path};

use super::{context, error_of, fixture};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn broken_contents_say_what_is_wrong_and_where() {
    let long = "a,b\n1,2\n".repeat(5000);
    let packed = gzip(long.as_bytes());
    let parquet = std::fs::read(fixture("pyarrow_zstd.parquet")).unwrap();
    let arrow = std::fs::read(fixture("pyarrow_plain.arrow")).unwrap();
    let mut broken_gzip = packed.clone();
    broken_gzip[20] ^= 0xff;
    let cases: Vec<(&str, Vec<u8>, &[&str])> = vec![
        ("e.csv", vec![], &["the file is empty", "e.csv"]),
        ("e.csv.gz", gzip(b""), &["empty inside its compression"]),
        ("b.csv", b"  \n \n".to_vec(), &["only blanks"]),
        ("h.csv", b"a,b\n".to_vec(), &["header but no rows", "a, b"]),
        ("r.csv", b"a,b,c\n1,2,3\n4,5\n".to_vec(), &["line 3", "3 fields", "got:      2 fields"]),
        ("r.csv", b"a,b\n1,\"x\ny\"\n1,2,3\n".to_vec(), &["line 4", "3 fields", "quotes"]),
        ("q.csv", b"a,b\n1,2\n3,\"x\n4,5\n".to_vec(), &["never ends", "line 3"]),
        ("b.csv", b"a,b\n\x00\x01\x02\x00\x00\x07".to_vec(), &["binary file"]),
        ("x.xlsx", b"PK\x03\x04\x14\x00".to_vec(), &["Excel", "save the sheet as CSV"]),
        ("x.db", b"SQLite format 3\x00\x00".to_vec(), &["SQLite"]),
        ("x.csv.bz2", b"BZh91AY&SY\x00\x00".to_vec(), &["bzip2"]),
        ("x.pdf", b"%PDF-1.4\n".to_vec(), &["PDF"]),
        ("x.parquet", b"a,b\n1,2\n".to_vec(), &["no parquet file", "extension"]),
        ("x.arrow", b"a,b\n1,2\n".to_vec(), &["no arrow file"]),
        ("x.feather", b"FEA1\x00\x00\x00".to_vec(), &["version 1"]),
        ("t.csv.gz", packed[..packed.len() / 2].to_vec(), &["cut short"]),
        ("t.csv.gz", broken_gzip, &["broken"]),
        ("t.parquet", parquet[..parquet.len() / 2].to_vec(), &["broken or cut short"]),
        ("t.arrow", arrow[..arrow.len() / 2].to_vec(), &["broken or cut short"]),
        ("j.jsonl", b"{\"a\": 1}\n{\"a\": }\n".to_vec(), &["no JSON object", "line 2"]),
        ("j.jsonl", b"{\n  \"a\": 1\n}\n".to_vec(), &["line 1", "jq -c"]),
        ("j.jsonl", b"1\n2\n".to_vec(), &["no JSON object"]),
        ("j.json", b"[1, 2]".to_vec(), &["array cannot be read"]),
        ("j.json", b"[{\"a\": 1}".to_vec(), &["array cannot be read"]),
        ("j.json", b"[]".to_vec(), &["no objects"]),
        ("j.jsonl", b"{\"a\": 1, \"a\": 2}\n".to_vec(), &["twice"]),
        ("j.jsonl", b"{\"a\": [1]}\n".to_vec(), &["no column that can be used"]),
        (
            "mixed.csv",
            b"city,n\nM\xc3\xbcnchen,1\nK\xc3\xb6ln,2\nK\xf6ln,3\n".to_vec(),
            &["line 4", "not valid in its encoding", "iconv"],
        ),
    ];
    for (name, bytes, parts) in cases {
        let error = error_of(name, &bytes);
        for part in parts {
            assert!(error.contains(part), "{name}: expected {part:?} in\n{error}");
        }
        let is_empty = |line: &str| line.trim_end().ends_with(':');
        assert!(!error.lines().any(is_empty), "{name}: a part says nothing\n{error}");
    }
}

#[test]
fn a_path_that_is_no_file_is_explained() {
    let error = |name: &str| {
        let error = read_path(&fixture(name), &ReadOptions::default(), &context()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Input);
        error.to_string()
    };
    assert!(error("pandsa.csv").contains("did you mean `pandas.csv`?"));
    assert!(error("zzzzzz").contains("known: "));
    assert!(error("none/x.csv").contains("no folder"));
    let folder = error("");
    assert!(folder.contains("directory") && folder.contains("such as"), "{folder}");
}

#[test]
fn no_cut_of_any_file_and_no_flipped_byte_makes_a_panic() {
    let names = [
        "pandas.csv",
        "pandas.jsonl",
        "two_members.csv.gz",
        "pandas.csv.zst",
        "types.parquet",
        "pyarrow_lz4.feather",
        "pyarrow_stream.arrows",
        "pandas_utf16.csv",
    ];
    let ctx = context();
    for name in names {
        let bytes = std::fs::read(fixture(name)).unwrap();
        let step = (bytes.len() / 60).max(1);
        for at in (0..bytes.len()).step_by(step) {
            // Any result is fine; what must not happen is a panic.
            let options = ReadOptions::default();
            let _ = modelwright_io::read_bytes(name, &bytes[..at], &options, &ctx);
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x55;
            let _ = modelwright_io::read_bytes(name, &flipped, &options, &ctx);
        }
    }
}
