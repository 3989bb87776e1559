//! The page: files of the binary, which load nothing from elsewhere.

use hyper::header::{HeaderMap, IF_NONE_MATCH};
use sha2::{Digest, Sha256};

use crate::ask::Reply;

/// What the page may do: its own files and nothing inline. Reports are shown in frames of their
/// own, which have a policy of their own.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; connect-src 'self'; frame-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// The form for a row, which the model server's page has too.
pub(crate) const ROW_FORM: &str = include_str!("page/row_form.js");

/// Name, type and text of each file.
const FILES: &[(&str, &str, &str)] = &[
    ("", HTML, include_str!("page/index.html")),
    ("style.css", STYLE, include_str!("page/style.css")),
    ("charts.css", STYLE, include_str!("page/charts.css")),
    ("api.js", SCRIPT, include_str!("page/api.js")),
    ("chart.js", SCRIPT, include_str!("page/chart.js")),
    ("compare.js", SCRIPT, include_str!("page/compare.js")),
    ("curve.js", SCRIPT, include_str!("page/curve.js")),
    ("dom.js", SCRIPT, include_str!("page/dom.js")),
    ("format.js", SCRIPT, include_str!("page/format.js")),
    ("main.js", SCRIPT, include_str!("page/main.js")),
    ("model.js", SCRIPT, include_str!("page/model.js")),
    ("models.js", SCRIPT, include_str!("page/models.js")),
    ("monitoring.js", SCRIPT, include_str!("page/monitoring.js")),
    ("parallel.js", SCRIPT, include_str!("page/parallel.js")),
    ("row_form.js", SCRIPT, ROW_FORM),
    ("run.js", SCRIPT, include_str!("page/run.js")),
    ("runs.js", SCRIPT, include_str!("page/runs.js")),
    ("score.js", SCRIPT, include_str!("page/score.js")),
    ("status.js", SCRIPT, include_str!("page/status.js")),
    ("watches.js", SCRIPT, include_str!("page/watches.js")),
];

/// The file at a path of the page, if it is one; only its name when the browser has it.
pub(crate) fn file(path: &str, headers: &HeaderMap) -> Option<Reply> {
    let name = if path == "/" { "" } else { path.strip_prefix("/ui/")? };
    if name.is_empty() && path != "/" {
        return None;
    }
    let (_, content_type, text) = FILES.iter().find(|(own, ..)| *own == name)?;
    let hash = Sha256::digest(text.as_bytes());
    let tag = format!("\"{:02x}{:02x}{:02x}{:02x}\"", hash[0], hash[1], hash[2], hash[3]);
    let is_known =
        headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut reply = Reply::new(content_type, if is_known { "" } else { *text });
    if is_known {
        reply.status = 304;
    }
    let reply = reply
        .header("etag", &tag)
        .header("cache-control", "no-cache")
        .header("content-security-policy", POLICY);
    Some(private(reply))
}

/// With the headers of everything that a browser shows.
pub(crate) fn private(reply: Reply) -> Reply {
    reply
        .header("x-content-type-options", "nosniff")
        .header("referrer-policy", "no-referrer")
        .header("cross-origin-resource-policy", "same-origin")
}

/// A report in a frame or window of its own: it may run its own script and nothing else, as an
/// origin of its own that cannot ask this server.
pub(super) fn document(html: String) -> Reply {
    Reply::new(HTML, html).header(
        "content-security-policy",
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-scripts \
         allow-popups",
    )
}

/// As a file that the browser keeps under a name.
pub(super) fn download(reply: Reply, name: &str) -> Reply {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let name: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    reply.header("content-disposition", &format!("attachment; filename=\"{name}\""))
}

#[cfg(test)]
mod tests {
    use super::FILES;

    #[test]
    fn what_has_axes_is_drawn_for_the_width_it_has() {
        let drawn = |text: &str| text.contains("axes({ x:") || text.contains("axes({\n");
        let charts: Vec<&str> =
            FILES.iter().filter(|(.., text)| drawn(text)).map(|file| file.0).collect();
        assert_eq!(charts, ["curve.js", "monitoring.js"]);
        for (name, _, text) in FILES.iter().filter(|file| charts.contains(&file.0)) {
            // A fixed width is scaled with its text: 5 pixels high on a phone.
            assert!(text.contains("fitted(") && !text.contains("WIDTH"), "{name}");
        }
    }
}
