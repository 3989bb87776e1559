//! How long a client is waited for that sends its rows, and takes its answer, in parts.
//!
//! One pause is bounded always. Who sends a byte within each would keep a place for ever, and a few
//! such clients all places; where these are scarce, all pauses together are bounded too, by what
//! they bring. Where there are places enough a client may be as slow as it likes: its rows may be
//! those of a sensor.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;

/// See the module's text.
#[derive(Clone)]
pub(super) struct Patience {
    /// Of one pause.
    pub(super) pause_max: Duration,
    is_scarce: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl Patience {
    /// That of a server.
    pub(super) fn of(app: &Arc<App>) -> Self {
        let (pause_max, app) = (app.settings.limits.request_time_max, app.clone());
        Self { pause_max, is_scarce: Arc::new(move || app.places_are_scarce()) }
    }
}

/// How a client has been waited for so far.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// The pauses that its bytes have not made up for.
    waited: Duration,
}

impl Pace {
    /// Adds a pause and the bytes that came of it, a thousand of which make up for a second;
    /// whether the client is too slow.
    pub(super) fn add(&mut self, pause: Duration, n_bytes: usize, patience: &Patience) -> bool {
        let made_up = Duration::from_millis(n_bytes as u64);
        self.waited = (self.waited + pause).saturating_sub(made_up);
        self.waited > patience.pause_max && (patience.is_scarce)()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_slow_is_borne_as_long_as_there_are_places() {
        let patience = |is_scarce: bool| Patience {
            pause_max: Duration::from_secs(30),
            is_scarce: Arc::new(move || is_scarce),
        };
        let n_borne = |is_scarce: bool, pause: Duration, n_bytes: usize| {
            let (mut pace, patience) = (Pace::default(), patience(is_scarce));
            (0..1000).take_while(|_| !pace.add(pause, n_bytes, &patience)).count()
        };
        assert_eq!(n_borne(false, Duration::from_secs(20), 1), 1000);
        assert_eq!(n_borne(true, Duration::from_secs(20), 1), 1);
        assert_eq!(n_borne(true, Duration::from_secs(20), 20_000), 1000);
        // What was sent fast does not pay for ever.
        let (mut pace, patience) = (Pace::default(), patience(true));
        assert!(!pace.add(Duration::from_secs(1), 1 << 30, &patience));
        assert!(!pace.add(Duration::from_secs(20), 1, &patience));
        assert!(pace.add(Duration::from_secs(20), 1, &patience));
    }
}
