//! What a journal keeps, whatever happens to its process or its disk.

use modelwright_core::data::{Field, Kind, Storage};
use modelwright_io::read_path;

use super::*;

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn folder(name: &str) -> Folder {
    let path = std::env::temp_dir().join(format!("mw-journal-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    Folder(path)
}

fn schema() -> Schema {
    Schema {
        fields: vec![
            Field::new("x", Storage::Number, Kind::Number),
            Field::new("name", Storage::String, Kind::Category),
            Field::new("at", Storage::Instant, Kind::Datetime),
        ],
    }
}

fn table(x: &[f64]) -> Table {
    let n = x.len();
    let texts = (0..n).map(|i| (i % 2 == 0).then(|| format!("{i}")));
    let columns = vec![
        Column::numbers("x", x.to_vec()),
        Column::strings("name", texts),
        Column::instants("at", (1_700_000_000_000_000..).take(n).collect()),
    ];
    Table::new(columns).unwrap()
}

#[test]
fn rows_come_back_as_they_were_and_old_files_go() {
    let (folder, ctx) = (folder("rows"), Context::unlimited(0, 1));
    let mut journal = Journal::open(&folder.0, schema(), 1, "0", &ctx).unwrap();
    assert_eq!(journal.rotate("1", &ctx).unwrap(), None);
    let rows = table(&[0.1, f64::NAN, f64::INFINITY, -3.0]);
    journal.append(&rows).unwrap();
    let path = journal.rotate("2", &ctx).unwrap().unwrap();
    let options = ReadOptions { schema: Some(schema()), ..ReadOptions::default() };
    let read = read_path(&path, &options, &ctx).unwrap().table;
    for (own, read) in rows.columns().iter().zip(read.columns()) {
        for row in 0..4 {
            assert_eq!(own.display(row), read.display(row), "{} {row}", own.name);
        }
    }
    journal.append(&table(&[1.0])).unwrap();
    journal.rotate("3", &ctx).unwrap();
    journal.append(&table(&[1.0])).unwrap();
    journal.rotate("4", &ctx).unwrap();
    let left: Vec<PathBuf> = parts(&folder.0).unwrap();
    assert_eq!(left, [folder.0.join("part-4.parquet")], "one byte is allowed beside the newest");
}

#[test]
fn lines_that_were_left_become_a_file_without_the_one_that_is_not_whole() {
    let (folder, ctx) = (folder("left"), Context::unlimited(0, 1));
    let mut journal = Journal::open(&folder.0, schema(), 1 << 20, "0", &ctx).unwrap();
    journal.append(&table(&[1.0, 2.0, 3.0])).unwrap();
    journal.flush().unwrap();
    let other = Journal::open(&folder.0, schema(), 1 << 20, "1", &ctx).err().unwrap();
    assert_eq!(other.what(), "another process writes rows down here");
    assert!(folder.0.join(LINES).metadata().unwrap().len() > 0, "its lines are untouched");
    // As a process that is killed leaves it: what was flushed, with half a line at the end.
    drop(journal);
    let lines = folder.0.join(LINES);
    let mut bytes = fs::read(&lines).unwrap();
    bytes.truncate(bytes.len() - 5);
    fs::write(&lines, &bytes).unwrap();
    drop(Journal::open(&folder.0, schema(), 1 << 20, "1", &ctx).unwrap());
    let file = read_path(&folder.0.join("part-1.parquet"), &ReadOptions::default(), &ctx);
    assert_eq!(file.unwrap().table.n_rows(), 2);
    assert_eq!(fs::read(&lines).unwrap(), b"");
}

#[test]
fn rows_are_there_once_wherever_a_process_is_killed_while_lines_become_a_file() {
    let (folder, ctx) = (folder("once"), Context::unlimited(0, 1));
    let rows = || {
        let read = |path: &PathBuf| read_path(path, &ReadOptions::default(), &ctx);
        let of = |path| read(path).unwrap().table.n_rows();
        parts(&folder.0).unwrap().iter().map(of).sum::<usize>()
    };
    let open = |name| Journal::open(&folder.0, schema(), 1 << 20, name, &ctx).unwrap();
    let mut journal = open("0");
    journal.append(&table(&[1.0, 2.0])).unwrap();
    journal.flush().unwrap();
    let lines = fs::read(folder.0.join(LINES)).unwrap();
    journal.rotate("1", &ctx).unwrap();
    drop(journal);
    // Killed after the file was there, before its lines were gone.
    fs::write(turning_path(&folder.0, "1"), &lines).unwrap();
    drop(open("2"));
    assert_eq!((rows(), named(&folder.0, TURNING).unwrap().len()), (2, 0));
    // Killed before the file was there; meanwhile new lines had come.
    fs::write(turning_path(&folder.0, "3"), &lines).unwrap();
    fs::write(folder.0.join(LINES), &lines).unwrap();
    drop(open("3"));
    assert_eq!((rows(), named(&folder.0, TURNING).unwrap().len()), (6, 0));
    assert_eq!(parts(&folder.0).unwrap().len(), 3, "no file takes another's place");
}

#[test]
fn lines_that_nobody_can_read_are_left_and_keep_no_journal_from_being_opened() {
    let (folder, ctx) = (folder("unread"), Context::unlimited(0, 1));
    let open = |name, bytes| Journal::open(&folder.0, schema(), bytes, name, &ctx).unwrap();
    let mut journal = open("0", 1 << 20);
    journal.append(&table(&[1.0])).unwrap();
    journal.flush().unwrap();
    drop(journal);
    fs::remove_file(folder.0.join(SCHEMA)).unwrap();
    drop(open("1", 1 << 20));
    // Damaged, though there is a schema: no number.
    fs::write(folder.0.join(LINES), "{\"x\":\"no number\"}\n").unwrap();
    drop(open("2", 1 << 20));
    assert_eq!(named(&folder.0, UNREAD).unwrap(), ["1", "2"]);
    assert_eq!(named(&folder.0, TURNING).unwrap(), Vec::<String>::new());
    // They count among what the folder may hold.
    let mut journal = open("3", 1);
    journal.append(&table(&[1.0])).unwrap();
    let newest = journal.rotate("4", &ctx).unwrap().unwrap();
    assert_eq!(named(&folder.0, UNREAD).unwrap(), Vec::<String>::new());
    assert_eq!(parts(&folder.0).unwrap(), [newest]);
}

#[test]
fn a_folder_that_is_no_journal_gets_no_file() {
    let (folder, ctx) = (folder("foreign"), Context::unlimited(0, 1));
    fs::create_dir_all(&folder.0).unwrap();
    fs::write(folder.0.join("notes.txt"), "mine").unwrap();
    recover_left(&folder.0, "1", &ctx).unwrap();
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);
}

#[test]
fn a_damaged_line_costs_no_other_rows() {
    let (folder, ctx) = (folder("damaged"), Context::unlimited(0, 1));
    let mut journal = Journal::open(&folder.0, schema(), 1 << 20, "0", &ctx).unwrap();
    journal.append(&table(&[1.0, 2.0, 3.0])).unwrap();
    drop(journal);
    let lines = folder.0.join(LINES);
    let text = fs::read_to_string(&lines).unwrap();
    // As a disk that was full for a moment left it before failed writes were taken back.
    let half = text.lines().next().unwrap().split_at(6).0;
    fs::write(&lines, format!("{text}{half}{text}")).unwrap();
    recover_left(&folder.0, "1", &ctx).unwrap();
    let file = read_path(&folder.0.join("part-1.parquet"), &ReadOptions::default(), &ctx);
    assert_eq!(file.unwrap().table.n_rows(), 5, "of six, one stood behind the half line");
    assert_eq!(named(&folder.0, UNREAD).unwrap(), ["1"]);
    assert!(!lines.exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_was_full_for_a_moment_costs_no_rows() {
    let (folder, ctx) = (folder("full"), Context::unlimited(0, 1));
    let mut journal = Journal::open(&folder.0, schema(), 1 << 20, "0", &ctx).unwrap();
    journal.append(&table(&[1.0])).unwrap();
    journal.flush().unwrap();
    let disk = std::mem::replace(&mut journal.lines, {
        OpenOptions::new().append(true).open("/dev/full").unwrap()
    });
    journal.append(&table(&[2.0, 3.0])).unwrap();
    assert!(journal.flush().is_err() && journal.rotate("1", &ctx).is_err());
    journal.lines = disk;
    journal.append(&table(&[4.0])).unwrap();
    let path = journal.rotate("2", &ctx).unwrap().unwrap();
    assert_eq!(read_path(&path, &ReadOptions::default(), &ctx).unwrap().table.n_rows(), 4);
    // What waits is bounded: then rows are refused, and those before them are still there.
    journal.lines = OpenOptions::new().append(true).open("/dev/full").unwrap();
    journal.waiting = vec![b' '; WAITING_BYTES];
    assert!(journal.append(&table(&[5.0])).is_err());
    assert_eq!((journal.waiting.len(), journal.n_rows()), (WAITING_BYTES, 0));
}

#[test]
fn rows_go_on_to_the_old_lines_where_no_new_ones_can_be_begun() {
    let (folder, ctx) = (folder("begun"), Context::unlimited(0, 1));
    let mut journal = Journal::open(&folder.0, schema(), 1 << 20, "0", &ctx).unwrap();
    journal.append(&table(&[1.0])).unwrap();
    journal.flush().unwrap();
    // Nothing can be made under this name.
    fs::create_dir(folder.0.join(NEXT)).unwrap();
    assert!(journal.rotate("1", &ctx).is_err());
    journal.append(&table(&[2.0])).unwrap();
    journal.flush().unwrap();
    let lines = fs::read_to_string(folder.0.join(LINES)).unwrap();
    assert_eq!(lines.lines().count(), 2);
    fs::remove_dir(folder.0.join(NEXT)).unwrap();
    let path = journal.rotate("2", &ctx).unwrap().unwrap();
    assert_eq!(read_path(&path, &ReadOptions::default(), &ctx).unwrap().table.n_rows(), 2);
    assert!(!folder.0.join(NEXT).exists() && folder.0.join(LINES).exists());
}
