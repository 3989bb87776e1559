//! A notice in the form that a sink understands.
//!
//! Slack: a message with `text` and blocks of `mrkdwn`. Teams: a message with an adaptive card, as
//! its workflow webhooks take it. CloudEvents 1.0, structured JSON. Alertmanager: a list for
//! `POST /api/v2/alerts`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::rules::{Severity, Sink, SinkKind};
use crate::when::{Span, moment_seconds, moment_text};

/// How long Alertmanager keeps an alert that nobody renewed, unless the sink says otherwise.
const HOLD: Span = Span::seconds(2 * 86_400);

/// What a notice says of its alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// It began.
    Firing,
    /// It still lasts.
    Reminder,
    /// It ended.
    Resolved,
    /// Nothing happened: somebody tries whether notices arrive.
    Test,
}

impl What {
    /// The name in the store and in bodies.
    pub fn name(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Reminder => "reminder",
            Self::Resolved => "resolved",
            Self::Test => "test",
        }
    }
}

/// What somebody is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// The same for the same notice, however often it is sent.
    pub id: String,
    /// What happened.
    pub what: What,
    /// The model, as it was named.
    pub model: String,
    /// The rule's name.
    pub rule: String,
    /// How serious.
    pub severity: Severity,
    /// In one sentence.
    pub summary: String,
    /// The likely cause, in words.
    pub cause: Vec<String>,
    /// When the alert began, ISO 8601 in UTC.
    pub began: String,
    /// When this was found.
    pub at: String,
    /// Where people can look.
    pub link: Option<String>,
    /// The file of the rule: another file may have a rule of the same name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<String>,
}

impl Notice {
    pub(super) fn title(&self) -> String {
        let mark = match self.what {
            What::Firing => self.severity.name(),
            What::Reminder => "still",
            What::Resolved => "resolved",
            What::Test => "test",
        };
        format!("[{mark}] {}: {}", self.model, self.rule)
    }
}

/// The body of a notice, and its content type.
pub fn body(notice: &Notice, sink: &Sink) -> (Value, &'static str) {
    const JSON: &str = "application/json";
    match sink.kind {
        SinkKind::Slack => (slack(notice), JSON),
        SinkKind::Teams => (teams(notice), JSON),
        SinkKind::Cloudevents => (cloud_event(notice), "application/cloudevents+json"),
        SinkKind::Alertmanager => (alertmanager(notice, sink.hold.unwrap_or(HOLD)), JSON),
        SinkKind::Webhook | SinkKind::File | SinkKind::Prometheus | SinkKind::Email => {
            (json!(notice), JSON)
        }
    }
}

/// Slack's three control characters, which it wants escaped.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn slack(notice: &Notice) -> Value {
    let section =
        |text: String| json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } });
    let title = escaped(&notice.title());
    let mut blocks = vec![section(format!("*{title}*\n{}", escaped(&notice.summary)))];
    if !notice.cause.is_empty() && notice.what != What::Resolved {
        let lines: Vec<String> =
            notice.cause.iter().map(|line| format!("• {}", escaped(line))).collect();
        blocks.push(section(lines.join("\n")));
    }
    if let Some(link) = &notice.link {
        blocks.push(section(format!("<{link}|Look at it>")));
    }
    json!({ "text": format!("{title}: {}", escaped(&notice.summary)), "blocks": blocks })
}

fn teams(notice: &Notice) -> Value {
    let text = |text: &str, more: Value| {
        let mut block = json!({ "type": "TextBlock", "wrap": true, "text": text });
        if let (Value::Object(block), Value::Object(more)) = (&mut block, more) {
            block.extend(more);
        }
        block
    };
    let mut parts = vec![
        text(&notice.title(), json!({ "weight": "Bolder", "size": "Medium" })),
        text(&notice.summary, json!({})),
    ];
    if notice.what != What::Resolved {
        parts.extend(notice.cause.iter().map(|line| text(&format!("- {line}"), json!({}))));
    }
    let actions: Vec<Value> = notice
        .link
        .iter()
        .map(|link| json!({ "type": "Action.OpenUrl", "title": "Look at it", "url": link }))
        .collect();
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": parts,
                "actions": actions,
            },
        }],
    })
}

fn cloud_event(notice: &Notice) -> Value {
    json!({
        "specversion": "1.0",
        "id": notice.id,
        "source": "/modelwright/monitor",
        "type": format!("modelwright.alert.{}", notice.what.name()),
        "subject": notice.model,
        "time": notice.at,
        "datacontenttype": "application/json",
        "data": notice,
    })
}

/// An alert ends when it is said to, or when it was not renewed for `hold`.
fn alertmanager(notice: &Notice, hold: Span) -> Value {
    let ends = match (notice.what, moment_seconds(&notice.at)) {
        (What::Resolved, _) | (_, None) => notice.at.clone(),
        (_, Some(at)) => moment_text(at.saturating_add(hold.as_seconds())),
    };
    let mut alert = json!({
        "labels": {
            "alertname": notice.rule,
            "model": notice.model,
            "severity": notice.severity.name(),
            "source": "modelwright",
        },
        "annotations": { "summary": notice.summary, "description": notice.cause.join("\n") },
        "startsAt": notice.began,
        "endsAt": ends,
    });
    if let Some(link) = &notice.link {
        alert["generatorURL"] = json!(link);
    }
    if let Some(rules) = &notice.rules {
        // Alertmanager takes alerts of equal labels for one.
        alert["labels"]["rules"] = json!(rules);
    }
    json!([alert])
}
