//! Keys, key sets and certificates, exchanged while the server runs.
//!
//! Their files are looked at as those of models are: every so often, and on SIGHUP. What is new
//! counts for the next request or connection; a file that is no good changes nothing, and the log
//! says why, once.

use modelwright_core::Result;

use crate::app::App;

/// Takes what changed since the last look; with `again` all of it.
pub(crate) fn look(app: &App, again: bool) {
    let tell = |what: &str, done: Option<Result<()>>| match done {
        None => {}
        Some(Ok(())) => app.log.event(&format!("{what} read"), "", None, None),
        Some(Err(error)) => {
            let text = error.to_string();
            app.log.event(&format!("{what} not read"), "", None, Some(&text));
        }
    };
    let settings = &app.settings;
    tell("keys", settings.keys.as_ref().and_then(|keys| keys.renew(again)));
    tell("key set", settings.jwt.as_ref().and_then(|jwt| jwt.renew(again)));
    tell("certificate", app.tls.as_ref().and_then(|tls| tls.renew(again)));
}
