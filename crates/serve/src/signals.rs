//! The signals of the system that a server heeds: to end, and to look for newer files.
//!
//! They are heard from one moment on and for good, so that none is lost between two waits: one
//! that nobody hears ends the process without a word.

use tokio::runtime::Runtime;

use modelwright_core::{Error, Result};

/// What a server hears from the system.
#[derive(Default)]
pub(crate) struct Signals {
    /// The wish that it ends.
    pub(crate) ends: Ends,
    /// The wish that it looks for newer models, keys and certificates.
    pub(crate) hang_ups: HangUps,
}

impl Signals {
    /// Hears them from now on.
    ///
    /// # Errors
    /// Work error when the system refuses to tell.
    pub(crate) fn heed(runtime: &Runtime) -> Result<Self> {
        let _entered = runtime.enter();
        let failed = |e: std::io::Error| Error::work("cannot listen to signals").because(e);
        Ok(Self { ends: Ends::heed().map_err(failed)?, hang_ups: HangUps::heed().map_err(failed)? })
    }
}

#[cfg(unix)]
mod system {
    use std::io;

    use tokio::signal::unix::{Signal, SignalKind, signal};

    /// SIGINT and SIGTERM, when they are heeded.
    #[derive(Default)]
    pub(crate) struct Ends(Option<(Signal, Signal)>);

    impl Ends {
        pub(super) fn heed() -> io::Result<Self> {
            let interrupt = signal(SignalKind::interrupt())?;
            Ok(Self(Some((interrupt, signal(SignalKind::terminate())?))))
        }

        /// Waits for the next one; forever when they are not heeded.
        pub(crate) async fn next(&mut self) {
            match &mut self.0 {
                Some((interrupt, terminate)) => {
                    tokio::select! {
                        _ = interrupt.recv() => {}
                        _ = terminate.recv() => {}
                    }
                }
                None => std::future::pending().await,
            }
        }
    }

    /// SIGHUP, when it is heeded.
    #[derive(Default)]
    pub(crate) struct HangUps(Option<Signal>);

    impl HangUps {
        pub(super) fn heed() -> io::Result<Self> {
            Ok(Self(Some(signal(SignalKind::hangup())?)))
        }

        /// Waits for the next one, forever when they are not heeded; those that came since the
        /// last are one.
        pub(crate) async fn next(&mut self) {
            match &mut self.0 {
                Some(signal) => {
                    signal.recv().await;
                }
                None => std::future::pending().await,
            }
        }
    }
}

#[cfg(not(unix))]
mod system {
    use std::io;

    /// Ctrl-C, when it is heeded.
    #[derive(Default)]
    pub(crate) struct Ends(bool);

    impl Ends {
        pub(super) fn heed() -> io::Result<Self> {
            Ok(Self(true))
        }

        /// Waits for the next one; forever when they are not heeded.
        pub(crate) async fn next(&mut self) {
            if !self.0 || tokio::signal::ctrl_c().await.is_err() {
                std::future::pending().await
            }
        }
    }

    /// Nothing: this system knows no such signal.
    #[derive(Default)]
    pub(crate) struct HangUps;

    impl HangUps {
        pub(super) fn heed() -> io::Result<Self> {
            Ok(Self)
        }

        /// Waits forever.
        pub(crate) async fn next(&mut self) {
            std::future::pending().await
        }
    }
}

pub(crate) use system::{Ends, HangUps};
