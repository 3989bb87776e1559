//! The page on which a person tries a model: a form built from the server's own description.

use crate::ask::Reply;

/// The page; it loads nothing from elsewhere.
pub(crate) fn page() -> Reply {
    Reply::new("text/html; charset=utf-8", &include_bytes!("docs.html")[..]).header(
        "content-security-policy",
        "default-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
         img-src data:; frame-ancestors 'none'",
    )
}
