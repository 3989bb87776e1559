//! The page on which a person tries a model: a form built from the server's own description.

use crate::ask::Reply;
use crate::ui::ROW_FORM;

/// The page; it loads nothing from elsewhere, and runs no script but its own files.
pub(crate) fn page() -> Reply {
    Reply::new("text/html; charset=utf-8", &include_bytes!("docs.html")[..]).header(
        "content-security-policy",
        "default-src 'self'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'",
    )
}

/// A script of the page.
pub(crate) fn script(name: &str) -> Option<Reply> {
    let text = match name {
        "docs.js" => include_str!("docs.js"),
        "row_form.js" => ROW_FORM,
        _ => return None,
    };
    let reply = Reply::new("text/javascript; charset=utf-8", text);
    Some(reply.header("x-content-type-options", "nosniff").header("cache-control", "no-cache"))
}
