//! Who may come in: by key or token, for what, how often, how much at a time.

use std::sync::Arc;

use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use crate::access::{Jwt, Known, Refused, Scope, Turn};
use crate::app::App;
use crate::problem::Problem;
use crate::ui;

/// How soon a key may ask again when all that it may ask at a time is being answered.
const RETRY_S: u32 = 1;

/// Lets a request in, by its key where keys are needed; `who` becomes the key's, also of one that
/// is refused. The request counts as one of the key's as long as the turn lives.
pub(super) fn admit(
    app: &App,
    headers: &HeaderMap,
    scope: Scope,
    who: &mut Option<Arc<Known>>,
) -> Result<Turn, Problem> {
    if scope == Scope::Admin && !app.settings.admin_is_open() {
        return Err(forbidden("models cannot be changed from outside")
            .hint("start the server with --admin, or with --keys"));
    }
    if !app.settings.needs_key() {
        return Ok(Turn::default());
    }
    let bearer = headers.get(AUTHORIZATION).and_then(|v| {
        let value = v.as_bytes();
        let (kind, key) = value.split_at_checked(7)?;
        kind.eq_ignore_ascii_case(b"bearer ").then_some(key.trim_ascii())
    });
    let known = match (&app.settings.jwt, bearer) {
        (Some(jwt), Some(token)) if Jwt::is_token(token) => Ok(of_token(app, jwt, token)?),
        _ => {
            let own = headers.get("x-api-key").map(HeaderValue::as_bytes);
            // A browser sends the key that it was given on the page.
            let cookie = || app.ui.as_ref().and_then(|_| ui::key_of(headers)).map(str::as_bytes);
            let given = bearer.or(own).or_else(cookie).zip(app.settings.keys.as_ref());
            let known = given.and_then(|(key, keys)| keys.find(key));
            known.ok_or(Refused::Unknown)
        }
    };
    let admitted = known.and_then(|known| {
        let turn = known.admit(scope);
        *who = Some(known);
        turn
    });
    admitted.map_err(|refused| refusal(app, refused, scope))
}

/// What is said to who is refused; those who ask for too much are counted.
pub(crate) fn refusal(app: &App, refused: Refused, scope: Scope) -> Problem {
    match refused {
        Refused::Unknown => Problem::new(401, "no-key", "a key is needed").expected(
            match (&app.settings.keys, &app.settings.jwt) {
                (_, None) => "Authorization: Bearer KEY, or X-Api-Key: KEY",
                (None, _) => "Authorization: Bearer TOKEN",
                _ => "Authorization: Bearer KEY or TOKEN, or X-Api-Key: KEY",
            },
        ),
        Refused::Forbidden => {
            forbidden("the key does not allow this").expected(format!("scope `{}`", scope.name()))
        }
        Refused::TooOften(seconds) => {
            app.stats.n_too_often.add(1);
            Problem::new(429, "too-many-requests", "the key's rate is used up").retry_after(seconds)
        }
        Refused::TooManyAtOnce(n_max) => {
            app.stats.n_too_many_at_once.add(1);
            Problem::new(429, "too-many-at-once", "the key has too many requests at a time")
                .expected(format!("at most {n_max} at a time"))
                .retry_after(RETRY_S)
        }
    }
}

/// A refusal of somebody who is known, or needs not be.
pub(super) fn forbidden(detail: &str) -> Problem {
    Problem::new(403, "forbidden", detail)
}

/// Who has a token.
fn of_token(app: &App, jwt: &Jwt, token: &[u8]) -> Result<Arc<Known>, Problem> {
    let found = jwt.find(token);
    if let Some(trouble) = jwt.take_trouble() {
        app.log.event("key set not read", "", None, Some(&trouble));
    }
    found.map_err(|why| {
        Problem::new(401, "bad-token", "the token is not taken")
            .expected("a signed token of the issuer, for this audience, that has not expired")
            .got(&why)
    })
}
