//! A connection that ends after a while, however slowly the other side talks.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// How long the other side may be silent.
pub(super) const PAUSE_MAX: Duration = Duration::from_secs(10);

/// How long a conversation may take: less than a process keeps a notice to itself.
pub(super) const TIME_MAX: Duration = Duration::from_mins(1);

/// A connection that fails after [`TIME_MAX`].
#[derive(Debug)]
pub(super) struct Limited {
    stream: TcpStream,
    began: Instant,
}

impl Limited {
    /// Begins to count.
    pub(super) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_read_timeout(Some(PAUSE_MAX))?;
        stream.set_write_timeout(Some(PAUSE_MAX))?;
        #[expect(clippy::disallowed_methods, reason = "a time limit of the network, not of a run")]
        let began = Instant::now();
        Ok(Self { stream, began })
    }

    fn check(&self) -> io::Result<()> {
        if self.began.elapsed() < TIME_MAX {
            return Ok(());
        }
        let words = format!("it took more than {} s", TIME_MAX.as_secs());
        Err(io::Error::new(io::ErrorKind::TimedOut, words))
    }
}

impl Read for Limited {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.check()?;
        self.stream.read(into)
    }
}

impl Write for Limited {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.check()?;
        self.stream.write(from)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
