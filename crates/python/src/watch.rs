//! A long run in a thread of its own, watched by the thread that called.
//!
//! The caller's thread waits without the interpreter, hands events to Python, and looks for Ctrl-C
//! now and then. The first Ctrl-C asks the run to end with the best it has; the second gives it up.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use modelwright_core::context::{Event, Progress};
use modelwright_core::{Error, Result};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;

use crate::error::{Realm, raise};

/// How often Ctrl-C is looked for.
const TICK: Duration = Duration::from_millis(50);

/// What comes from the thread of a run.
enum Message<T> {
    Event(Event),
    Done(Result<T>),
}

/// A run that can be asked to end.
pub(crate) struct Watched<T> {
    messages: Receiver<Message<T>>,
    cancel: Arc<AtomicBool>,
}

/// What a run ended with.
pub(crate) struct Ended<T> {
    pub(crate) value: T,
    /// Whether it was asked to end early.
    pub(crate) was_interrupted: bool,
}

/// Sends the events of a run to its watcher.
struct Sending<T>(Mutex<Sender<Message<T>>>);

impl<T: Send> Progress for Sending<T> {
    fn event(&self, event: Event) {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody listens any more to a run that was given up.
        let _ = sender.send(Message::Event(event));
    }
}

/// Begins a run: `work` gets where its events go and what asks it to end.
pub(crate) fn begin<T: Send + 'static>(
    work: impl FnOnce(Box<dyn Progress>, Arc<AtomicBool>) -> Result<T> + Send + 'static,
) -> Result<Watched<T>> {
    let (sender, messages) = channel();
    let cancel = Arc::new(AtomicBool::new(false));
    let (of_work, events) = (cancel.clone(), sender.clone());
    let run = move || {
        let events = Box::new(Sending(Mutex::new(events)));
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(events, of_work)));
        let done = done.unwrap_or_else(|_| {
            Err(Error::work("the run broke off: this is a bug in Modelwright")
                .hint("please report it with the lines above"))
        });
        let _ = sender.send(Message::Done(done));
    };
    thread::Builder::new()
        .name("modelwright-run".to_owned())
        .spawn(run)
        .map_err(|e| Error::work("cannot start a thread for the run").because(e))?;
    Ok(Watched { messages, cancel })
}

impl<T: Send> Watched<T> {
    /// Waits for the end; calls `on_event(kind, text, score, is_best)` meanwhile.
    pub(crate) fn wait(
        self,
        py: Python<'_>,
        on_event: Option<&Py<PyAny>>,
        realm: Realm,
    ) -> PyResult<Ended<T>> {
        let mut was_interrupted = false;
        let mut failed: Option<PyErr> = None;
        let messages = Mutex::new(self.messages);
        loop {
            let message = py.detach(|| {
                messages.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(TICK)
            });
            match message {
                Ok(Message::Event(event)) => {
                    let told = on_event.filter(|_| failed.is_none()).map(|f| tell(py, f, event));
                    if let Some(Err(error)) = told {
                        let is_first = !self.cancel.swap(true, Ordering::SeqCst);
                        // Ctrl-C may come while Python hears of an event.
                        if is_first && error.is_instance_of::<PyKeyboardInterrupt>(py) {
                            was_interrupted = true;
                        } else {
                            failed = Some(error);
                        }
                    }
                }
                Ok(Message::Done(done)) => {
                    if let Some(error) = failed {
                        return Err(error);
                    }
                    let value = done.map_err(|e| raise(py, &e, realm))?;
                    return Ok(Ended { value, was_interrupted });
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    let error = Error::work("the run ended without a result");
                    return Err(raise(py, &error, realm));
                }
            }
            if let Err(error) = py.check_signals() {
                let is_first = !self.cancel.swap(true, Ordering::SeqCst);
                if !is_first || !error.is_instance_of::<PyKeyboardInterrupt>(py) {
                    return Err(error);
                }
                was_interrupted = true;
                if let Some(f) = on_event {
                    let text = "finishing with the best model so far; interrupt again to stop";
                    tell(py, f, Event::Note(text.to_owned()))?;
                }
            }
        }
    }
}

/// Does `work` in a thread beside the one that called, which looks for Ctrl-C meanwhile: it asks
/// the work to end, and is raised when that is over. What the work says comes back otherwise.
pub(crate) fn beside<T: Send>(
    py: Python<'_>,
    work: impl FnOnce(Arc<AtomicBool>) -> Result<T> + Send,
) -> PyResult<Result<T>> {
    let cancel = Arc::new(AtomicBool::new(false));
    thread::scope(|scope| {
        let (sender, ended) = channel();
        let of_work = cancel.clone();
        let worker = thread::Builder::new().name("modelwright-fit".to_owned());
        let worker = worker.spawn_scoped(scope, move || {
            let done = work(of_work);
            let _ = sender.send(());
            done
        });
        let worker = match worker {
            Ok(worker) => worker,
            Err(e) => return Ok(Err(Error::work("cannot start a thread for the fit").because(e))),
        };
        let ended = Mutex::new(ended);
        let mut interrupted = None;
        loop {
            let waited = py
                .detach(|| ended.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(TICK));
            if waited != Err(RecvTimeoutError::Timeout) {
                break;
            }
            if let Err(error) = py.check_signals() {
                cancel.store(true, Ordering::SeqCst);
                interrupted = Some(error);
            }
        }
        let done = py.detach(|| worker.join());
        match (interrupted, done) {
            (Some(error), _) => Err(error),
            (None, Ok(done)) => Ok(done),
            (None, Err(_)) => {
                Ok(Err(Error::work("the fit broke off: this is a bug in Modelwright")
                    .hint("please report it with the lines above")))
            }
        }
    })
}

fn tell(py: Python<'_>, on_event: &Py<PyAny>, event: Event) -> PyResult<()> {
    let (kind, text, score, best) = match event {
        Event::Phase(name) => ("phase", name, None, false),
        Event::Trial { name, score, best } => ("trial", name, score, best),
        Event::Note(text) => ("note", text, None, false),
        Event::Warning(text) => ("warning", text, None, false),
    };
    on_event.call1(py, (kind, text, score, best)).map(drop)
}
