//! The work of one request in parts, on a thread that waits for its client.

use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use modelwright_core::Context;
use modelwright_io::TableWriter;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};

use super::blocks::Blocks;
use super::pipe::Out;
use crate::app::App;
use crate::ask::Ask;
use crate::http::body;
use crate::problem::Problem;
use crate::wire::answer::Outcome;
use crate::wire::negotiate::Form;
use crate::wire::{plain, tabular};

/// See the module's text.
pub(super) struct Work {
    pub(super) app: Arc<App>,
    pub(super) ask: Ask,
    pub(super) form: Form,
    pub(super) answer: Form,
    pub(super) out: Out,
    pub(super) ctx: Context,
    pub(super) free: Arc<Semaphore>,
    pub(super) handle: Handle,
}

/// Who waits for the first rows.
type Waiting = oneshot::Sender<Result<(), Problem>>;

/// Writes answers in a form.
enum Answers {
    Lines(Out),
    Table(TableWriter<Out>),
}

impl Work {
    /// Predicts all that comes.
    pub(super) fn run(self, reader: impl Read + Send + 'static, tell: Waiting) {
        let mut tell = Some(tell);
        let done = catch_unwind(AssertUnwindSafe(|| self.all(reader, &mut tell)));
        let done = done.unwrap_or_else(|_| {
            Err(Problem::new(500, "internal", "the work on this request broke off"))
        });
        let Err(problem) = done else { return };
        match tell.take() {
            Some(tell) => drop(tell.send(Err(problem))),
            None => self.break_off(&problem),
        }
    }

    fn all(
        &self,
        reader: impl Read + Send + 'static,
        tell: &mut Option<Waiting>,
    ) -> Result<(), Problem> {
        let encoding = self.ask.header("content-encoding").unwrap_or_default();
        let reader = body::decoder(&encoding.trim().to_ascii_lowercase(), reader)?;
        let body_bytes_max = self.app.settings.limits.body_bytes_max;
        let mut blocks = Blocks::open(&self.ask, self.form, reader, body_bytes_max, &self.ctx)?;
        let mut answers = match self.answer {
            Form::JsonLines | Form::Json => Answers::Lines(self.out.clone()),
            form => Answers::Table(tabular::writer(form, self.out.clone())),
        };
        while let Some(batch) = blocks.next(&self.ask)? {
            if self.out.is_given_up() {
                return Ok(());
            }
            if batch.n_rows == 0 {
                continue;
            }
            let permit = self.handle.block_on(self.free.clone().acquire_owned());
            let outcome = Outcome::of(&self.ask, batch, &self.ctx)?;
            drop(permit);
            begin(tell);
            answers.write(&self.ask, &outcome)?;
            self.out.clone().flush().map_err(|e| unwritten(&e))?;
        }
        if tell.is_some() {
            return Err(Problem::malformed("the body has no rows").expected("at least one"));
        }
        answers.finish()?;
        self.out.clone().flush().map_err(|e| unwritten(&e))
    }

    /// The client sees an answer without end, and where the form allows, why.
    fn break_off(&self, problem: &Problem) {
        let is_left = problem.kind == CLIENT_LEFT;
        if !is_left {
            let (model, text) = (&self.ask.model, problem.told());
            let text = format!("request {}: {text}", self.ask.request_id);
            self.app.log.event("answer broken off", &model.name, Some(model.version), Some(&text));
            if self.answer == Form::JsonLines {
                let mut out = self.out.clone();
                let mut line = problem.to_json(&self.ask.request_id);
                line.push(b'\n');
                if out.write_all(&line).and_then(|()| out.flush()).is_ok() {
                    // A connection that is broken off drops what it has not sent yet; it sends
                    // when nothing more is there.
                    std::thread::sleep(LAST_LINE_PAUSE);
                }
            }
        }
        self.out.break_off(problem.text());
    }
}

/// Lets the head of the answer go.
fn begin(tell: &mut Option<Waiting>) {
    if let Some(tell) = tell.take() {
        // A client that has left is noticed when it is written to.
        let _ = tell.send(Ok(()));
    }
}

/// How long the last line has until the connection is broken off.
const LAST_LINE_PAUSE: Duration = Duration::from_millis(100);

/// The kind of a problem that nobody needs to hear of.
const CLIENT_LEFT: &str = "client-left";

fn unwritten(cause: &io::Error) -> Problem {
    let kind = if cause.kind() == io::ErrorKind::BrokenPipe { CLIENT_LEFT } else { "not-taken" };
    Problem::new(500, kind, cause.to_string())
        .hint("read the answer while the body is sent, or send fewer rows")
}

impl Answers {
    fn write(&mut self, ask: &Ask, outcome: &Outcome) -> Result<(), Problem> {
        match self {
            Self::Lines(out) => {
                out.write_all(&plain::write_lines(ask, outcome)).map_err(|e| unwritten(&e))
            }
            Self::Table(writer) => {
                let table = outcome.table(ask)?;
                writer.write(&table).map_err(|e| unwritten(&io::Error::other(e)))
            }
        }
    }

    fn finish(self) -> Result<(), Problem> {
        match self {
            Self::Lines(_) => Ok(()),
            Self::Table(writer) => {
                writer.finish().map(drop).map_err(|e| unwritten(&io::Error::other(e)))
            }
        }
    }
}
