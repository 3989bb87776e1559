//! Whether anybody still waits for the work of a request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use modelwright_core::Context;

use crate::model::Model;

/// Held by who waits for work; one that is dropped before its end tells the work to stop. So it is
/// when a client leaves, and when a request takes too long.
pub(crate) struct Waiting<'m> {
    model: &'m Model,
    has_left: Arc<AtomicBool>,
    is_over: bool,
}

impl<'m> Waiting<'m> {
    /// For work of `model`.
    pub(crate) fn new(model: &'m Model) -> Self {
        Self { model, has_left: Arc::default(), is_over: false }
    }

    /// `ctx` for the work: it is cancelled when nobody waits any more.
    pub(crate) fn context(&self, ctx: &Context) -> Context {
        ctx.with_cancel(self.has_left.clone())
    }

    /// The work has come to its end.
    pub(crate) fn end(mut self) {
        self.is_over = true;
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.has_left.store(true, Ordering::Relaxed);
            self.model.stats.n_given_up.add(1);
        }
    }
}
