//! Wrong flags, one line each: what is typed, and what the answer must say.

use crate::harness::Folder;

/// Arguments, and fragments of the answer: what, where, expected, hint.
const CASES: &[(&str, &[&str])] = &[
    // Commands.
    ("", &["no command was given", "one of: profile, fit", "--help"]),
    ("ft a.csv", &["unknown command `ft`", "did you mean `fit`"]),
    ("explode", &["unknown command `explode`", "known: profile"]),
    ("--json", &["no command was given", "one of: profile"]),
    // Unknown and misspelt flags.
    ("fit a.csv --targt y", &["unknown flag `--targt`", "did you mean `--target`"]),
    ("fit a.csv --target y --quietly", &["unknown flag `--quietly`", "did you mean `--quiet`"]),
    ("profile a.csv --zzz", &["unknown flag `--zzz`", "modelwright profile --help"]),
    ("predict m.mw a.csv b.csv", &["unexpected argument `b.csv`", "expected: modelwright predict"]),
    ("fit a.csv y", &["unexpected argument `y`", "did you mean `--target y`"]),
    ("fit a.csv --target y --exclude p q", &["a list has commas", "--exclude p,q"]),
    ("fit a.csv --target y --time 60 s", &["stand together", "--time 60s"]),
    ("help", &["unknown command `help`", "--help"]),
    // Missing arguments.
    ("fit", &["missing --target <COLUMN> and <DATA>", "modelwright fit --help"]),
    ("fit a.csv", &["missing --target", "where:    modelwright fit", "expected: modelwright fit"]),
    ("profile", &["missing <DATA>"]),
    ("predict", &["missing <MODEL> and <DATA>"]),
    ("predict m.mw", &["missing <DATA>", "modelwright predict --help"]),
    ("evaluate m.mw", &["missing <DATA>"]),
    ("compare a.mw b.mw", &["missing <DATA>"]),
    ("compare", &["missing <MODEL_A>"]),
    ("compare a.mw b.mw c.csv --smaller-is-better", &["--scores"]),
    ("evaluate m.mw a.csv --permutations none", &["--permutations", "none"]),
    ("fit a.csv --target y --mitigation auto", &["--mitigation", "--fair DEFINITION"]),
    (
        "fit a.csv --target y --sensitive g --fair equalized_odds --mitigation reweigh",
        &["--mitigation", "reweighing"],
    ),
    ("evaluate m.mw a.csv --by", &["a value is missing", "--by"]),
    ("learning-curve m.mw", &["missing <DATA>"]),
    ("inspect", &["missing <MODEL>"]),
    ("report", &["missing <MODEL|RECORD>"]),
    ("replay r.json", &["missing <DATA>"]),
    ("fit a.csv --target", &["a value is missing", "--target"]),
    ("fit a.csv --target y --time", &["a value is missing", "--time"]),
    // Durations.
    (
        "fit a.csv --target y --time soon",
        &["not a duration", "--time", "60s, 5m", "got:      soon"],
    ),
    ("fit a.csv --target y --time 0", &["more than zero", "--time"]),
    ("fit a.csv --target y --time=-5s", &["more than zero", "--time", "-5s"]),
    ("fit a.csv --target y --time -5s", &["must not be negative", "--time", "--time 5s"]),
    ("fit a.csv --target y --time 1h30", &["not a duration", "5m30s"]),
    // What is said of text.
    ("profile a.csv --separator ab", &["not a separator", "tab, blank", "--separator"]),
    ("profile a.csv --charset utf-9", &["unknown encoding", "--charset", "UTF-8"]),
    ("predict m.mw a.csv --decimal dot", &["--decimal", "point", "comma"]),
    // Arguments in another order.
    ("retrain m.mw new.csv", &["unexpected argument `new.csv`", "--data new.csv"]),
    ("data list", &["unknown command `list`", "snapshot"]),
    ("fit a.csv --target y --time 10y", &["not a duration", "10y"]),
    ("fit a.csv --target y --time nan", &["not a duration"]),
    ("fit a.csv --target y --time 9999d", &["too long", "one year"]),
    // What a picked model is to be.
    ("pick", &["missing <MODEL>"]),
    ("pick m --fastest-within much", &["not a share", "0.5%", "got:      much"]),
    ("pick m --max-latency 50", &["not a time for one row", "50us"]),
    ("pick m --max-size huge", &["not a size", "500kB"]),
    ("pick m --one-model-each", &["--offer"]),
    ("pick m --fastest-tied --offer 2", &["--fastest-tied", "--offer"]),
    ("fit a.csv --target y --distill --interpretable", &["--distill", "--interpretable"]),
    ("fit a.csv --target y --prefer-simple --max-size 1MB", &["--prefer-simple", "--max-size"]),
    ("fit a.csv --target y --max-latency 1", &["not a time for one row", "--max-latency"]),
    ("fit a.csv --target y --learners gbdt,lightgbmm", &["unknown learner", "--learners"]),
    // Sizes, threads, seeds.
    ("fit a.csv --target y --memory lots", &["not a size of memory", "--memory", "4GiB"]),
    ("fit a.csv --target y --memory 4", &["cannot be right", "at least 64MiB", "write the unit"]),
    ("fit a.csv --target y --memory=-1GB", &["cannot be right", "at least 64MiB"]),
    ("profile a.csv --threads 0", &["not a number of threads", "--threads", "from 1 to"]),
    ("profile a.csv --threads many", &["not a number of threads", "got:      many"]),
    ("profile a.csv --threads 1.5", &["not a number of threads"]),
    ("profile a.csv --seed x", &["not a seed", "--seed", "whole number"]),
    ("profile a.csv --seed=-1", &["not a seed", "-1"]),
    // Shares.
    ("fit a.csv --target y --holdout 1.5", &["not a share", "--holdout", "0.01 to 0.9"]),
    ("fit a.csv --target y --holdout 20%", &["not a share", "got:      20%"]),
    ("fit a.csv --target y --holdout nan", &["not a share"]),
    // Choices.
    ("fit a.csv --target y --task clasify", &["unknown task", "--task", "binary, multiclass"]),
    ("fit a.csv --target y --task regresion", &["did you mean `regression`"]),
    ("fit a.csv --target y --preset fast", &["unknown value", "--preset", "quick, balanced, best"]),
    ("fit a.csv --target y --preset bst", &["unknown value", "did you mean `best`"]),
    ("fit a.csv --target y --split randm", &["--split", "did you mean `random`"]),
    ("report m.mw --format pdf", &["unknown value", "--format", "html, markdown, json"]),
    // Costs and intervals.
    ("fit a.csv --target y --cost fp", &["needs an error and a number", "--cost", "fp=1,fn=5"]),
    ("fit a.csv --target y --cost fp=-1", &["cannot be negative", "--cost", "got:      fp=-1"]),
    ("fit a.csv --target y --cost fp=1,fp=2", &["two costs", "--cost"]),
    ("fit a.csv --target y --intervals 1", &["not a level", "--intervals", "between 0 and 1"]),
    ("fit a.csv --target y --intervals 0.9,90%", &["not a level", "got:      90%"]),
    ("fit a.csv --target y --intervals none,0.9", &["stands beside levels", "--intervals"]),
    // Kinds.
    ("profile a.csv --kind zip", &["COLUMN=KIND", "--kind", "kinds: number"]),
    ("profile a.csv --kind zip=categry", &["unknown column kind", "did you mean `category`"]),
    ("profile a.csv --kind =text", &["COLUMN=KIND"]),
    // Other libraries' files.
    ("runs show nosuch", &["<RUN>", "a whole number", "nosuch"]),
    ("serve m.mw --port 99999", &["--port", "a port from 0 to 65535", "99999"]),
    ("pick m.mw --fastest-within 5", &["--fastest-within", "did you mean `5%`?"]),
    ("import m.txt", &["missing --output"]),
    ("export m.mw --format lightgbm", &["missing --output"]),
    ("export m.mw --format lightgmb -o x.txt", &["--format", "lightgbm"]),
    ("export m.mw --format lightgbm -o x.txt --member 0", &["--member", "N.K"]),
    ("export m.mw --format lightgbm -o x.txt --member 1.x", &["--member", "N.K"]),
    // Flags that need or exclude each other.
    ("fit a.csv --target y --split group", &["needs `--group COLUMN`", "--split group"]),
    ("fit a.csv --target y --split time", &["needs `--time-column COLUMN`"]),
    ("fit a.csv --target y --test t.csv --holdout 0.3", &["cannot be used with", "--holdout"]),
    ("fit a.csv --target y --target z", &["given more than once", "--target"]),
    ("report m.mw --format html --json", &["cannot be used with", "--format"]),
    ("fit a.csv --target y --exclude a,,b", &["the name is empty", "--exclude"]),
];

#[test]
fn every_wrong_flag_is_answered_with_what_where_expected_and_how_to_fix_it() {
    let folder = Folder::new();
    folder.write("a.csv", "x,y\n1,2\n");
    let mut faults = String::new();
    for (line, words) in CASES {
        let args: Vec<&str> = line.split_whitespace().collect();
        faults += &folder.run(&args).faults_of_refusal(words);
        assert_eq!(folder.names(), ["a.csv"], "`{line}` must write nothing");
    }
    assert!(faults.is_empty(), "{faults}");
}
