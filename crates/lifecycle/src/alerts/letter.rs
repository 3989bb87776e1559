//! A notice as a letter (RFC 5322): a subject that says it, a text of plain words.
//!
//! The letters of one alert are one thread, by the headers that mail programs go by, and a letter
//! that is sent twice has the same `Message-ID`, by which servers and programs drop the second.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::rules::Sink;
use super::shapes::{Notice, What};
use crate::when::moment_seconds;

/// Bytes of text in an encoded word: the word stays below the 75 characters that it may have.
const WORD_BYTES: usize = 42;

/// Characters in a line of encoded text.
const LINE: usize = 76;

/// Headers and text of a notice for a sink, lines ending with CR LF.
pub(super) fn letter(notice: &Notice, sink: &Sink) -> String {
    let from = sink.from.as_deref().unwrap_or_default();
    let domain = from.split_once('@').map_or("localhost", |(_, domain)| domain);
    let thread = notice.id.split("-notice-").next().unwrap_or_default();
    let id = |name: &str| {
        let fits = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '.' };
        format!("<{}@{domain}>", name.chars().map(fits).collect::<String>())
    };
    let headers = [
        ("From", format!("Modelwright <{from}>")),
        ("To", sink.recipients.join(",\r\n ")),
        ("Subject", subject(&notice.title())),
        ("Date", date(moment_seconds(&notice.at).unwrap_or(0))),
        ("Message-ID", id(&notice.id)),
        ("References", id(thread)),
        // Nobody's holiday answers it.
        ("Auto-Submitted", "auto-generated".to_owned()),
        ("MIME-Version", "1.0".to_owned()),
        ("Content-Type", "text/plain; charset=utf-8".to_owned()),
        ("Content-Transfer-Encoding", "base64".to_owned()),
    ];
    let mut out = String::new();
    for (name, value) in headers {
        out += &[name, ": ", &value, "\r\n"].concat();
    }
    out += "\r\n";
    let encoded = STANDARD.encode(words(notice));
    for line in encoded.as_bytes().chunks(LINE) {
        out += &String::from_utf8_lossy(line);
        out += "\r\n";
    }
    out
}

/// The text: what, since when, why, and where to look.
fn words(notice: &Notice) -> String {
    let mut lines = vec![notice.summary.clone(), String::new()];
    if notice.what != What::Resolved {
        lines.extend(notice.cause.iter().map(|line| format!("- {line}")));
    }
    lines.push(String::new());
    lines.push(format!("Model: {}", notice.model));
    lines.push(format!("Rule: {} ({})", notice.rule, notice.severity.name()));
    lines.push(format!("Since: {}", notice.began));
    if notice.what == What::Resolved {
        lines.push(format!("Over: {}", notice.at));
    }
    if let Some(link) = &notice.link {
        lines.extend([String::new(), link.clone()]);
    }
    lines.join("\r\n") + "\r\n"
}

/// A subject on one line, in encoded words (RFC 2047) where it is more than ASCII.
fn subject(title: &str) -> String {
    let title: String = title.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if title.is_ascii() && title.len() <= LINE {
        return title;
    }
    let mut words: Vec<String> = vec![String::new()];
    for c in title.chars() {
        let last = words.len() - 1;
        if words[last].len() + c.len_utf8() > WORD_BYTES {
            words.push(c.to_string());
        } else {
            words[last].push(c);
        }
    }
    let encoded: Vec<String> =
        words.iter().map(|word| format!("=?utf-8?B?{}?=", STANDARD.encode(word))).collect();
    encoded.join("\r\n ")
}

/// A moment in the form of letters: `Fri, 27 Nov 2026 03:04:05 +0000`.
fn date(seconds: i64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    // The first of January 1970 was a Thursday.
    let day = DAYS[usize::try_from(seconds.div_euclid(86_400).rem_euclid(7)).unwrap_or(0)];
    let text = crate::when::moment_text(seconds);
    let number = |from: usize, to: usize| text.get(from..to).unwrap_or("00");
    let month = number(5, 7).parse::<usize>().unwrap_or(1).clamp(1, 12);
    let (date, year, time) = (number(8, 10), number(0, 4), number(11, 19));
    format!("{day}, {date} {} {year} {time} +0000", MONTHS[month - 1])
}

/// Whether a text can be an address in a letter and in SMTP: ASCII, one `@`, nothing that would
/// end it.
pub(super) fn is_address(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_graphic() && !"<>(),;:\\\"[]".contains(c);
    let parts: Vec<&str> = text.split('@').collect();
    parts.len() == 2 && parts.iter().all(|p| !p.is_empty()) && text.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::{AlertRules, Severity};

    fn sink() -> Sink {
        let rules = "[[sink]]\nname = \"mail\"\nkind = \"email\"\nurl = \"smtp://h\"\n\
                     from = \"mw@example.org\"\nrecipients = [\"a@x.org\", \"b@x.org\"]\n";
        AlertRules::parse(rules).unwrap().sinks.remove(0)
    }

    fn notice(rule: &str) -> Notice {
        Notice {
            id: "alert-3-notice-7".to_owned(),
            what: What::Firing,
            model: "churn@champion".to_owned(),
            rule: rule.to_owned(),
            severity: Severity::Critical,
            summary: "Größer als zuvor.".to_owned(),
            cause: vec!["`age`: mean 38 → 45".to_owned()],
            began: "2026-11-27T03:04:05Z".to_owned(),
            at: "2026-11-27T03:04:05Z".to_owned(),
            link: Some("https://models.example.org".to_owned()),
            rules: None,
        }
    }

    #[test]
    fn a_letter_says_what_happened_and_belongs_to_its_alert() {
        let text = letter(&notice("it drifts"), &sink());
        let (headers, body) = text.split_once("\r\n\r\n").unwrap();
        for line in [
            "To: a@x.org,\r\n b@x.org",
            "Subject: [critical] churn@champion: it drifts",
            "Date: Fri, 27 Nov 2026 03:04:05 +0000",
            "Message-ID: <alert-3-notice-7@example.org>",
            "References: <alert-3@example.org>",
        ] {
            assert!(headers.contains(line), "{line} in {headers}");
        }
        let body = STANDARD.decode(body.replace("\r\n", "")).unwrap();
        let body = String::from_utf8(body).unwrap();
        assert!(body.starts_with("Größer als zuvor.\r\n\r\n- `age`: mean 38 → 45"), "{body}");
        assert!(text.split("\r\n").all(|line| line.len() <= 78), "{text}");
    }

    #[test]
    fn nothing_in_a_name_can_become_a_header() {
        let text = letter(&notice("x\r\nBcc: all@example.org"), &sink());
        assert!(!text.contains("\r\nBcc"), "{text}");
        let long = letter(&notice(&"ü".repeat(200)), &sink());
        assert!(long.split("\r\n").all(|line| line.len() <= 78), "{long}");
        for wrong in ["", "a", "a@b@c", "a b@c", "<a@b>", "a@b\r\nX: y", "ä@b.org"] {
            assert!(!is_address(wrong), "{wrong:?}");
        }
        assert!(is_address("on-call+mw@example.org"));
    }
}
