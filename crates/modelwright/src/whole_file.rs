//! The training file as the last fit reads it, when it does not fit in memory.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use modelwright_automl::whole_file::{AllRows, Tables};
use modelwright_core::data::{Schema, Store};
use modelwright_core::record::TextLayout;
use modelwright_core::{Context, Result};
use modelwright_io::{ReadOptions, stream_path};
use modelwright_lifecycle::scratch::Scratch;

/// Where large temporary files belong, on systems that have it: `/tmp` may be memory.
const ON_DISK: &str = "/var/tmp";

/// A file that can be read more than once.
#[derive(Debug)]
struct WholeFile {
    path: PathBuf,
    text: TextLayout,
}

/// All rows of a file, for [`modelwright_automl::FitInput::all_rows`]; `None` for standard input
/// and pipes, which are read once.
pub fn all_rows(path: &Path, text: &TextLayout) -> Option<Arc<dyn AllRows>> {
    let file = || WholeFile { path: path.to_owned(), text: text.clone() };
    path.is_file().then(|| Arc::new(file()) as Arc<dyn AllRows>)
}

impl AllRows for WholeFile {
    fn tables(&self, schema: &Schema, n_rows: usize, ctx: &Context) -> Result<Tables> {
        let schema = Some(schema.clone());
        let options = ReadOptions { schema, ..ReadOptions::of_text(&self.text)? };
        Ok(Box::new(stream_path(&self.path, &options, n_rows, ctx)?))
    }

    fn store(&self, room: u64) -> Arc<dyn Store> {
        let asked = env::var_os("TMPDIR").filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let on_disk = Some(PathBuf::from(ON_DISK)).filter(|folder| folder.is_dir());
        let folder = asked.or(on_disk).unwrap_or_else(env::temp_dir);
        Arc::new(Scratch::new(&folder, room))
    }
}
