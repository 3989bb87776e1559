//! A process that says that it is there, every minute, so that machines that share a store can tell
//! long work from work whose machine died.

use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use modelwright_core::Result;
use modelwright_lifecycle::store::Store;

use crate::machine;

/// Between two words: many fit into [`modelwright_lifecycle::store::SILENCE_MIN`].
const BEAT: Duration = Duration::from_mins(1);

/// Beats until it is dropped.
pub(crate) struct Heart {
    /// Dropping it wakes the thread.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Heart {
    /// Begins to say it with `say`, in the store in `folder`. Where no thread can be started, or
    /// the store is busy, the process is silent: that costs it its place only after a quarter of an
    /// hour.
    pub(crate) fn start(
        folder: &Path,
        say: impl Fn(&mut Store, &str) -> Result<()> + Send + 'static,
    ) -> Self {
        let (stop, stopped) = channel();
        let folder = folder.to_owned();
        let beat = move || {
            while stopped.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                let said =
                    Store::read(&folder).and_then(|mut store| say(&mut store, &machine::utc_now()));
                drop(said);
            }
        };
        let thread = std::thread::Builder::new().name("heart".to_owned()).spawn(beat).ok();
        Self { stop: Some(stop), thread }
    }
}

impl Drop for Heart {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It only waits or writes a line; a panic in it would be of no consequence here.
            let _ = thread.join();
        }
    }
}
