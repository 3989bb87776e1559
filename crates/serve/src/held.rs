//! How many bytes of bodies are held at a time, so that many large ones do not take all memory.
//!
//! A body of announced length takes its bytes before it comes; one that comes in pieces, or grows
//! while it is decompressed, takes them as it grows. Small bodies are not counted: as many as there
//! may be requests are little.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::problem::Problem;

/// How soon a client may send its body again.
const RETRY_S: u32 = 1;

/// The bytes of all bodies.
#[derive(Debug)]
pub(crate) struct Bodies {
    n_now: AtomicU64,
    n_max: u64,
}

/// The bytes of one body, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    of: Arc<Bodies>,
    n: u64,
}

impl Bodies {
    /// At most so many bytes at a time.
    pub(crate) fn new(n_max: usize) -> Arc<Self> {
        Arc::new(Self { n_now: AtomicU64::new(0), n_max: n_max as u64 })
    }

    /// A body of which nothing is there yet.
    pub(crate) fn begin(self: &Arc<Self>) -> Held {
        Held { of: self.clone(), n: 0 }
    }
}

impl Held {
    /// Takes what a body of so many bytes needs beyond what it has.
    ///
    /// # Errors
    /// Problem 503 when other bodies leave too little.
    pub(crate) fn reach(&mut self, n_bytes: usize) -> Result<(), Problem> {
        let more = (n_bytes as u64).saturating_sub(self.n);
        if more == 0 {
            return Ok(());
        }
        let taken = self.of.n_now.fetch_add(more, Ordering::Relaxed).saturating_add(more);
        if taken > self.of.n_max {
            self.of.n_now.fetch_sub(more, Ordering::Relaxed);
            let most = self.of.n_max;
            return Err(Problem::new(503, "overload", "the server holds too many large bodies")
                .expected(format!("at most {most} bytes of bodies at a time"))
                .hint("send smaller bodies, come back later, or raise --max-bodies")
                .retry_after(RETRY_S));
        }
        self.n += more;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.of.n_now.fetch_sub(self.n, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_taken_as_a_body_grows_and_given_back_at_its_end() {
        let bodies = Bodies::new(100);
        let mut one = bodies.begin();
        one.reach(60).unwrap();
        one.reach(40).unwrap();
        let mut two = bodies.begin();
        two.reach(40).unwrap();
        assert_eq!(two.reach(41).unwrap_err().status, 503);
        drop(one);
        two.reach(100).unwrap();
        drop(two);
        assert_eq!(bodies.n_now.load(Ordering::Relaxed), 0);
    }
}
