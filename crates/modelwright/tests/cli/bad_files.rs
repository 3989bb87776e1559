//! Wrong files and wrong questions about good files, one line each: what is typed, and what the
//! answer must say.

use std::fs;

use crate::harness::Folder;
use crate::tables::{customers, with_model};

/// Arguments, and fragments of the answer: what, where, expected, hint.
const CASES: &[(&str, &[&str])] = &[
    // Files that are not there, or no tables.
    ("profile nothere.csv", &["no such file", "nothere.csv"]),
    ("profile trian.csv", &["no such file", "did you mean `train.csv`"]),
    ("profile folder", &["directory", "folder"]),
    ("profile empty.csv", &["empty", "empty.csv"]),
    ("profile binary.csv", &["binary.csv"]),
    ("profile blank.csv", &["blank.csv"]),
    ("profile header_only.csv", &["header_only.csv"]),
    ("profile ragged.csv", &["line 3", "ragged.csv"]),
    ("profile quote.csv", &["quote", "quote.csv"]),
    ("profile cut.csv.gz", &["cut.csv.gz"]),
    ("profile broken.zst", &["broken.zst"]),
    ("profile cut.parquet", &["cut.parquet"]),
    ("profile broken.arrow", &["broken.arrow"]),
    ("profile broken.jsonl", &["broken.jsonl"]),
    ("profile scalars.json", &["scalars.json"]),
    ("profile sheet.xlsx", &["sheet.xlsx"]),
    ("profile odd_utf16.csv", &["odd_utf16.csv"]),
    // Questions that the table cannot answer.
    ("profile train.csv --target lft", &["no such column", "did you mean `left`"]),
    ("profile train.csv --kind plam=text", &["no such column", "did you mean `plan`"]),
    ("profile train.csv --kind plan=datetime", &["plan"]),
    ("fit train.csv --target lefd", &["no such column", "did you mean `left`"]),
    ("fit one_value.csv --target y", &["only one value", "column `y`"]),
    ("fit no_value.csv --target y", &["no value", "column `y`"]),
    ("fit one_column.csv --target y", &["nothing to learn from"]),
    ("fit two_rows.csv --target y", &["rows"]),
    ("fit infinite.csv --target y", &["not a finite number", "row 3"]),
    ("fit train.csv --target joined", &["date", "column `joined`"]),
    ("fit train.csv --target left --metric aucc", &["unknown metric", "--metric"]),
    ("fit train.csv --target left --metric rmse", &["rmse", "--metric"]),
    ("fit train.csv --target left --task regression", &["numbers", "column `left`"]),
    ("fit train.csv --target plan --task binary", &["two values", "multiclass"]),
    ("fit train.csv --target left --positive ys", &["--positive", "did you mean `yes`"]),
    ("fit train.csv --target age --task regression --positive yes", &["--positive"]),
    ("fit train.csv --target left --exclude agge", &["--exclude", "did you mean `age`"]),
    ("fit train.csv --target left --exclude left", &["second role", "left"]),
    ("fit train.csv --target left --exclude age,plan,visits,joined,income", &["learn from"]),
    ("fit train.csv --target left --weight wieght", &["--weight", "no such column"]),
    ("fit train.csv --target left --weight plan", &["plan", "number"]),
    ("fit weights.csv --target y --weight w", &["weight", "column `w`"]),
    ("fit train.csv --target left --group gruop", &["--group", "no such column"]),
    ("fit train.csv --target left --split group --group left", &["second role"]),
    ("fit train.csv --target left --split time --time-column plan", &["plan"]),
    ("fit train.csv --target left --sensitive gender", &["--sensitive", "no such column"]),
    ("fit train.csv --target left --kind age=datetime", &["age"]),
    // Test tables.
    ("fit train.csv --target left --test nothere.csv", &["no such file", "nothere.csv"]),
    ("fit train.csv --target left --test questions.csv", &["left"]),
    ("fit train.csv --target left --test strange_label.csv", &["perhaps"]),
    ("fit train.csv --target left --test word_for_number.csv", &["row 2", "column `age`", "forty"]),
    // Output places.
    ("fit train.csv --target left --out train.csv", &["output folder is a file", "--out"]),
    ("fit train.csv --target left --out foreign", &["refusing to overwrite", "model.mw"]),
    ("predict model questions.csv -o p.txt", &["unknown form of output", ".csv or .parquet"]),
    ("predict model questions.csv -o no/such/p.csv", &["folder does not exist", "p.csv"]),
    ("predict model questions.csv -o questions.csv", &["overwrite an input"]),
    ("predict model questions.csv -o folder.csv", &["output is a folder"]),
    ("profile train.csv -o train.csv", &["overwrite an input", "--output"]),
    ("explain model questions.csv --report questions.csv", &["overwrite an input", "--report"]),
    (
        "audit model answered.csv --sensitive plan --report answered.csv",
        &["overwrite an input", "--report"],
    ),
    ("monitor model questions.csv --report questions.csv", &["overwrite an input", "--report"]),
    ("report newer.json -o newer.json", &["overwrite an input", "--output"]),
    // Models.
    ("predict nothere questions.csv", &["no such file or folder", "nothere"]),
    ("predict mdel questions.csv", &["did you mean `model`"]),
    ("predict folder questions.csv", &["holds no model", "model.mw"]),
    ("predict train.csv questions.csv", &["not a Modelwright model", "MODEL is the first"]),
    ("predict empty.csv questions.csv", &["model file is empty"]),
    ("predict cut.mw questions.csv", &["cut off or changed", "cut.mw"]),
    ("predict flipped.mw questions.csv", &["checksum", "flipped.mw"]),
    ("predict appended.mw questions.csv", &["cut off or changed"]),
    ("inspect sheet.xlsx", &["not a Modelwright model", "sheet.xlsx"]),
    // Rows to predict.
    ("predict model nothere.csv", &["no such file", "nothere.csv"]),
    ("predict model empty.csv", &["empty", "empty.csv"]),
    ("predict model no_rows.csv", &["no rows", "no_rows.csv"]),
    ("predict model no_age.csv", &["column `age`", "no_age.csv"]),
    ("predict model misspelt.csv", &["column `visits`", "did you mean `visitz`"]),
    ("predict model word_for_number.csv", &["row 2", "column `age`", "forty"]),
    ("predict model word_for_date.csv", &["row 1", "column `joined`", "someday"]),
    ("predict model other.csv", &["none of the columns", "age"]),
    // Rows with answers.
    ("evaluate model questions.csv", &["no such column", "column `left`"]),
    ("evaluate model strange_label.csv", &["row 2", "perhaps", "no, yes"]),
    ("evaluate model no_answers.csv", &["no row has a known answer", "left"]),
    ("compare model nothere train.csv", &["no such file or folder"]),
    ("compare --scores nothere.csv", &["no such file"]),
    ("compare --scores word_for_number.csv", &["a learner's scores must be numbers"]),
    ("learning-curve model questions.csv", &["column `left`"]),
    ("learning-curve model no_answers.csv", &["no row has a known answer", "left"]),
    ("learning-curve model answered.csv", &["too few rows for a learning curve", "500 rows"]),
    ("audit model answered.csv", &["no sensitive column is named", "--sensitive"]),
    ("audit model answered.csv --sensitive pln", &["column `pln`", "did you mean `plan`"]),
    ("audit model answered.csv --sensitive left", &["the target cannot be a sensitive column"]),
    ("audit model answered.csv --sensitive plan --min-group 0", &["--min-group", "from 1"]),
    ("audit model questions.csv --sensitive plan", &["column `left`", "known answers"]),
    ("audit model no_answers.csv --sensitive plan", &["no row has a known answer", "left"]),
    // Records.
    ("report nothere.json", &["no such file or folder"]),
    ("report train.csv", &["not the record of a run", "train.csv"]),
    ("report newer.json", &["newer Modelwright", "9.9.9"]),
    ("replay train.csv train.csv", &["not the record of a run"]),
    ("replay model questions.csv", &["not the data of the run", "SHA-256"]),
    ("replay model train.csv --seed 7", &["from the record", "--seed"]),
    ("replay model train.csv --test train.csv", &["had no test table", "--test"]),
];

/// Everything that the cases name.
fn folder_of_bad_files() -> Folder {
    let folder = with_model();
    fs::create_dir_all(folder.path().join("folder")).unwrap();
    fs::create_dir_all(folder.path().join("folder.csv")).unwrap();
    folder
        .write("empty.csv", "")
        .write("blank.csv", "\n\n\n")
        .write("binary.csv", (0..4000_u32).map(|i| ((i * 7919) >> 3) as u8).collect::<Vec<u8>>())
        .write("header_only.csv", "a,b,c\n")
        .write("no_rows.csv", "age,plan,visits,joined,income\n")
        .write("ragged.csv", "a,b\n1,2\n1,2,3\n4,5\n")
        .write("quote.csv", "a,b\n1,\"two\n3,4\n")
        .write("cut.csv.gz", [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3])
        .write("broken.zst", [0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3, 4])
        .write("cut.parquet", b"PAR1 and then nothing of use")
        .write("broken.arrow", b"ARROW1\0\0 and then nothing of use")
        .write("broken.jsonl", "{\"a\": 1}\n{\"a\": \n")
        .write("scalars.json", "[1, 2, 3]")
        .write("sheet.xlsx", b"PK\x03\x04 a workbook")
        .write("odd_utf16.csv", b"\xff\xfea\0,\0b\0\n\0\x31")
        .write("one_value.csv", "x,y\n1,a\n2,a\n3,a\n")
        .write("no_value.csv", "x,y\n1,\n2,\n3,\n")
        .write("one_column.csv", "y\n1\n0\n1\n")
        .write("two_rows.csv", "x,y\n1,a\n2,b\n")
        .write("infinite.csv", format!("x,y\n1,2.5\n2,3.5\n3,inf\n{}", numbered(60)))
        .write("weights.csv", format!("x,y,w\n1,a,1\n2,b,-1\n{}", weighted(60)))
        .write("questions.csv", crate::tables::questions(500, 20))
        .write("strange_label.csv", answers("no", "perhaps"))
        .write("no_answers.csv", answers("", ""))
        .write("answered.csv", answers("no", "yes"))
        .write(
            "word_for_number.csv",
            rows("40,pro,3,2023-01-02,1500,no", "forty,pro,3,2023-01-02,1500,no"),
        )
        .write("word_for_date.csv", rows("40,pro,3,someday,1500,no", "40,pro,3,2023-01-02,1500,no"))
        .write("no_age.csv", "plan,visits,joined,income\npro,3,2023-01-02,1500\n")
        .write("misspelt.csv", "age,plan,visitz,joined,income\n40,pro,3,2023-01-02,1500\n")
        .write("other.csv", "p,q\n1,2\n")
        .write("newer.json", "{\"format_version\": 99, \"engine_version\": \"9.9.9\"}")
        .write("foreign/model.mw", "my own words");
    let model = fs::read(folder.path().join("model/model.mw")).unwrap();
    let mut flipped = model.clone();
    flipped[model.len() / 2] ^= 1;
    folder
        .write("cut.mw", &model[..model.len() / 2])
        .write("flipped.mw", flipped)
        .write("appended.mw", [&model[..], b"more"].concat());
    folder
}

fn rows(first: &str, second: &str) -> String {
    format!("age,plan,visits,joined,income,left\n{first}\n{second}\n")
}

fn answers(first: &str, second: &str) -> String {
    rows(
        &format!("40,pro,3,2023-01-02,1500,{first}"),
        &format!("41,pro,3,2023-01-02,1500,{second}"),
    )
}

fn numbered(n: usize) -> String {
    (0..n).map(|i| format!("{i},{}.5\n", i * 3)).collect::<Vec<_>>().concat()
}

fn weighted(n: usize) -> String {
    (0..n).map(|i| format!("{i},{},1\n", ["a", "b"][i % 2])).collect::<Vec<_>>().concat()
}

#[test]
fn every_bad_file_is_answered_with_what_where_expected_and_how_to_fix_it() {
    let folder = folder_of_bad_files();
    let before = folder.names();
    let mut faults = String::new();
    for (line, words) in CASES {
        let mut args: Vec<&str> = line.split_whitespace().collect();
        args.push("-q");
        if line.starts_with("fit ") {
            args.extend(["--time", "5"]);
        }
        faults += &folder.run(&args).faults_of_refusal(words);
        assert_eq!(folder.names(), before, "`{line}` must write nothing");
    }
    assert!(faults.is_empty(), "{faults}");
}

#[test]
fn an_output_folder_without_permission_is_named() {
    let folder = Folder::new();
    folder.write("t.csv", customers(0, 60));
    let ran = folder.run(&["fit", "t.csv", "--target", "left", "--out", "/proc/nothing", "-q"]);
    ran.refused(&["/proc/nothing"]);
}
