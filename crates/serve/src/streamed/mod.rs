//! Rows that are predicted while they come: `POST /predict?stream=true`.
//!
//! A body of any length, in memory that does not grow with it:
//!
//! ```text
//! body ──pipe──▶ decompression ──rows──▶ blocks of rows ──Outcome──▶ writer ──pipe──▶ answer
//! ```
//!
//! Both pipes are short, so that nobody runs ahead of another: a client that does not take its
//! answer is not read from. The head of the answer waits for the first block; what is wrong with
//! that, or with the request, is answered as ever. What goes wrong later breaks the answer off.
//! When the client leaves, both pipes end, and with them the work. What must be held at once, a
//! record or an Arrow batch, has a bound ([`blocks`]); a client that is slow gives its place up
//! where places are scarce ([`patience`]).
//!
//! Parquet, and Arrow's file format, are read from their end: they wait in a file without a name
//! that is gone when the request is.

mod blocks;
mod patience;
mod pipe;
mod spool;
mod work;

use std::sync::Arc;

use hyper::body::Incoming;
use tokio::sync::{mpsc, oneshot};

use crate::app::{App, Place};
use crate::ask::{Ask, Parts, Reply};
use crate::problem::Problem;
use crate::wire::negotiate::Form;
use patience::Patience;
use work::Work;

/// Pieces of an answer that wait for the client.
const PIECES_WAITING: usize = 16;

/// Whether a request wants this.
pub(crate) fn is_wanted(ask: &Ask) -> Result<bool, Problem> {
    match ask.query.get("stream") {
        None | Some("false" | "0") => Ok(false),
        Some("" | "true" | "1") => Ok(true),
        Some(other) => Err(Problem::new(400, "bad-parameter", "the parameter `stream` is wrong")
            .expected("`true` or `false`")
            .got(other)),
    }
}

/// Begins to answer; the place is given up at the end.
///
/// # Errors
/// Problems of the request and of its first rows.
pub(crate) async fn predict(
    app: &Arc<App>,
    mut ask: Ask,
    body: Incoming,
    place: Place,
) -> Result<Reply, Problem> {
    // What bounds the rows of a request bounds memory, which does not depend on them here.
    ask.rows_max = usize::MAX;
    let (form, answer) = forms(&ask)?;
    ask.terms()?;
    ask.level()?;
    let patience = Patience::of(app);
    let reader = pipe::reader(body, patience.clone());
    let (send, receive) = mpsc::channel(PIECES_WAITING);
    let (tell, told) = oneshot::channel();
    let (ctx, free) = app.engine.for_long();
    let handle = tokio::runtime::Handle::current();
    let out = pipe::Out::new(send, handle.clone(), patience);
    let work = Work { app: app.clone(), ask, form, answer, out, ctx, free, handle };
    tokio::task::spawn_blocking(move || {
        work.run(reader, tell);
        drop(place);
    });
    match told.await {
        Ok(Ok(())) => Ok(Reply::in_parts(answer.media_type(), Parts::Made(receive))),
        Ok(Err(problem)) => Err(problem),
        Err(_) => Err(Problem::new(500, "internal", "the work on this request broke off")),
    }
}

/// The form of the body, and that of the answer.
fn forms(ask: &Ask) -> Result<(Form, Form), Problem> {
    let rows = "text/csv, application/x-ndjson, application/vnd.apache.arrow.stream or \
                application/vnd.apache.parquet";
    let wrong = |what: &str| Problem::new(415, "not-in-parts", what).expected(rows);
    let form = match Form::declared(ask) {
        None => return Err(wrong("what comes in parts must say what it is (Content-Type)")),
        Some(Form::Json) => {
            return Err(wrong("a JSON document cannot be read in parts")
                .hint("send an object per line, as application/x-ndjson"));
        }
        Some(form) => form,
    };
    if ask.query.get("explain").is_some() {
        return Err(Problem::new(400, "bad-parameter", "rows in parts are not explained")
            .hint("ask for `explain` with at most 1,000 rows, without `stream`"));
    }
    Ok(match Form::of_answer(ask, form) {
        Form::Json => (form, Form::JsonLines),
        answer => (form, answer),
    })
}
