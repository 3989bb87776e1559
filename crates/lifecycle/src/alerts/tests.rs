//! Alerts from the finding to the sink, and what happens when a sink does not answer.

use std::cell::{Cell, RefCell};
use std::fs;
use std::time::Duration;

use modelwright_core::record::{
    ColumnDrift, DatasetDrift, MetricChange, MonitorRecord, Performance, RowsRecord, Status,
    Summary, Verdict, WatchedModel,
};
use modelwright_core::task::Task;
use serde_json::Value;

use super::*;
use crate::outputs::tests::Folder;
use crate::smtp::{Letter, MailServer, Unreached};
use crate::store::Store;
use crate::when::{moment_seconds, moment_text};

mod by_file;

pub(super) const DAY: [&str; 4] = [
    "2026-03-01T00:00:00Z",
    "2026-03-02T00:00:00Z",
    "2026-03-03T00:00:00Z",
    "2026-03-04T00:00:00Z",
];

pub(super) const RULES: &str = r#"
link = "https://models.example.org/churn"

[[rule]]
name = "it drifts"
when = "drift"
severity = "critical"
remind = "2d"

[[rule]]
name = "it is worse"
when = "metric"
metric = "roc_auc"
below = 0.8
to = ["pager"]

[[sink]]
name = "team"
kind = "slack"
url = "https://hooks.example.org/T/secret"

[[sink]]
name = "pager"
kind = "webhook"
url = "https://pager.example.org/in"
"#;

fn rows_of_a_file() -> RowsRecord {
    RowsRecord { names: vec!["new.csv".to_owned()], n_rows: 500, is_exact: true }
}

pub(super) fn found(drifts: bool, roc_auc: Option<f64>) -> MonitorRecord {
    let metric = |value| MetricChange {
        name: "roc_auc".to_owned(),
        larger_is_better: true,
        value: Some(value),
        ci95: None,
        reference: Some(0.9),
        reference_ci95: None,
        change: None,
        change_ci95: None,
        worse: false,
        lost: None,
        note: None,
    };
    let performance = |value| Performance {
        method: String::new(),
        n_rows: 500,
        compared_with: None,
        metrics: vec![metric(value)],
        caveat: String::new(),
    };
    MonitorRecord {
        format_version: 1,
        engine_version: "0".to_owned(),
        created: String::new(),
        model: WatchedModel {
            target: "left".to_owned(),
            task: Task::Binary,
            metric: "roc_auc".to_owned(),
            created: String::new(),
        },
        reference: rows_of_a_file(),
        current: rows_of_a_file(),
        verdict: Verdict {
            status: if drifts { Status::Alarm } else { Status::Stable },
            summary: if drifts { "1 of 2 columns drifted." } else { "Nothing moved." }.to_owned(),
            drift: drifts,
            performance: false,
            quality: false,
        },
        explanation: vec!["`age` < 30 & more: mean 38 → 45.".to_owned()],
        quality: Vec::new(),
        columns: vec![ColumnDrift {
            column: "a\"ge".to_owned(),
            kind: modelwright_core::data::Kind::Number,
            importance: None,
            measure: Some("Wasserstein".to_owned()),
            score: Some(0.4),
            threshold: Some(0.1),
            exceeds: drifts,
            p_value: None,
            p_adjusted: None,
            drifted: drifts,
            psi: None,
            reference: Summary::default(),
            current: Summary { n_rows: 10, n_missing: 1, ..Summary::default() },
            words: String::new(),
        }],
        dataset: DatasetDrift { n_columns: 2, n_drifted: 1, share: 0.5, ..DatasetDrift::default() },
        predictions: None,
        target: None,
        multivariate: None,
        performance: roc_auc.map(performance),
        estimated: None,
        season: None,
        over_time: None,
        accumulated: None,
        notes: Vec::new(),
    }
}

/// A network that remembers what it was given, and answers as it is told.
#[derive(Default)]
pub(super) struct Remembering {
    bodies: RefCell<Vec<(String, Value)>>,
    n_tries: RefCell<usize>,
    /// What it says, and whether another try may help.
    refuses: RefCell<Option<bool>>,
    /// For whom letters are not taken, the next one last.
    unreached: RefCell<Vec<Vec<Unreached>>>,
}

impl Transport for Remembering {
    fn post(
        &self,
        url: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Result<(), (String, bool)> {
        *self.n_tries.borrow_mut() += 1;
        assert!(headers.iter().any(|(name, _)| name == "Content-Type"));
        if let Some(may_help) = *self.refuses.borrow() {
            return Err(("it answered 503".to_owned(), may_help));
        }
        self.bodies.borrow_mut().push((url.to_owned(), serde_json::from_slice(body).unwrap()));
        Ok(())
    }

    fn mail(&self, _: &MailServer, letter: &Letter) -> Result<Vec<Unreached>, (String, bool)> {
        *self.n_tries.borrow_mut() += 1;
        if let Some(may_help) = *self.refuses.borrow() {
            return Err(("it answered 451".to_owned(), may_help));
        }
        let sent = (letter.to.join(" "), Value::String(letter.text.clone()));
        self.bodies.borrow_mut().push(sent);
        let unreached = self.unreached.borrow_mut().pop().unwrap_or_default();
        Ok(unreached)
    }

    fn pause(&self, _: Duration) {}
}

impl Remembering {
    pub(super) fn taken(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut *self.bodies.borrow_mut())
    }
}

/// A clock that stands still.
pub(super) fn clock(moment: &str) -> impl Fn() -> String + '_ {
    move || moment.to_owned()
}

pub(super) fn store(folder: &Folder) -> Store {
    Store::open(&folder.path().join("store"), DAY[0]).unwrap()
}

#[test]
fn an_alert_is_told_when_it_begins_when_it_is_due_again_and_when_it_ends() {
    let (folder, rules) = (Folder::new("alerts-life"), AlertRules::parse(RULES).unwrap());
    let (mut store, network) = (store(&folder), Remembering::default());
    let mut look = |drifts, auc, at| {
        let observed = observe(&mut store, &rules, "churn", &found(drifts, auc), at).unwrap();
        let delivery = deliver(&mut store, &rules, Whose::All, &network, &clock(at)).unwrap();
        assert!(delivery.failed.is_empty());
        let whats: Vec<(String, String)> = network
            .taken()
            .into_iter()
            .map(|(url, body)| (url, body["what"].as_str().unwrap_or("message").to_owned()))
            .collect();
        (observed, whats.len(), whats)
    };
    let (observed, n, told) = look(true, Some(0.7), DAY[0]);
    assert_eq!(observed.began, ["it drifts", "it is worse"]);
    assert_eq!(n, 3, "drift to both sinks, the metric to the pager alone: {told:?}");
    let (observed, n, _) = look(true, None, DAY[1]);
    assert_eq!((observed.lasting, n), (vec!["it drifts".to_owned()], 0), "seen, and told already");
    let (_, _, told) = look(true, None, DAY[2]);
    assert_eq!(told[1].1, "reminder");
    let (observed, n, told) = look(false, None, DAY[3]);
    assert_eq!((observed.ended, n), (vec!["it drifts".to_owned()], 2));
    assert_eq!(told[1].1, "resolved");
    // A metric that nobody measured says nothing: its alert lasts.
    let open = store.alerts(true).unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!((open[0].rule.as_str(), open[0].severity.as_str()), ("it is worse", "warning"));
}

#[test]
fn a_sink_that_fails_loses_nothing_and_is_not_pestered() {
    let (folder, rules) = (Folder::new("alerts-retry"), AlertRules::parse(RULES).unwrap());
    let (mut store, network) = (store(&folder), Remembering::default());
    observe(&mut store, &rules, "churn", &found(true, None), DAY[0]).unwrap();
    *network.refuses.borrow_mut() = Some(true);
    let delivery = deliver(&mut store, &rules, Whose::All, &network, &clock(DAY[0])).unwrap();
    assert_eq!((delivery.n_sent, delivery.failed.len()), (0, 2));
    assert_eq!(*network.n_tries.borrow(), 6, "three tries each");
    // Not yet due again.
    deliver(&mut store, &rules, Whose::All, &network, &clock("2026-03-01T00:00:30Z")).unwrap();
    assert_eq!(*network.n_tries.borrow(), 6);
    // What no try can help is not tried again at once.
    *network.refuses.borrow_mut() = Some(false);
    deliver(&mut store, &rules, Whose::All, &network, &clock("2026-03-01T00:01:10Z")).unwrap();
    assert_eq!(*network.n_tries.borrow(), 8);
    let row = &store.alerts(true).unwrap()[0];
    assert_eq!((row.n_waiting, row.error.as_deref()), (2, Some("it answered 503")));
    // Another process, later: both are told at last, once.
    drop(store);
    *network.refuses.borrow_mut() = None;
    let mut store = Store::open(&folder.path().join("store"), DAY[1]).unwrap();
    let delivery = deliver(&mut store, &rules, Whose::All, &network, &clock(DAY[1])).unwrap();
    assert_eq!((delivery.n_sent, network.taken().len()), (2, 2));
    assert_eq!(
        deliver(&mut store, &rules, Whose::All, &network, &clock(DAY[2])).unwrap().n_sent,
        0
    );
}

#[test]
fn a_sink_that_comes_back_is_told_in_the_order_in_which_things_happened() {
    let (folder, rules) = (Folder::new("alerts-order"), AlertRules::parse(RULES).unwrap());
    let (mut store, network) = (store(&folder), Remembering::default());
    let mut look = |drifts, at| {
        observe(&mut store, &rules, "churn", &found(drifts, None), at).unwrap();
        deliver(&mut store, &rules, Whose::All, &network, &clock(at)).unwrap().n_sent
    };
    *network.refuses.borrow_mut() = Some(false);
    assert_eq!(look(true, DAY[0]), 0);
    *network.refuses.borrow_mut() = None;
    // The end is due, but the beginning, which failed a moment ago, is not yet tried again.
    assert_eq!(look(false, "2026-03-01T00:00:10Z"), 0);
    // Both are due, and the first fails: the second is not sent past it.
    *network.refuses.borrow_mut() = Some(false);
    assert_eq!(look(false, "2026-03-01T00:02:00Z"), 0);
    assert_eq!(*network.n_tries.borrow(), 4, "the beginning alone, twice for each of two sinks");
    *network.refuses.borrow_mut() = None;
    assert_eq!(look(false, DAY[1]), 4);
    let of_pager = network.taken().into_iter().filter(|(url, _)| url.contains("pager"));
    let whats: Vec<Value> = of_pager.map(|(_, body)| body["what"].clone()).collect();
    assert_eq!(whats, ["firing", "resolved"]);
}

fn notice(what: What) -> Notice {
    Notice {
        id: "alert-1-notice-2".to_owned(),
        what,
        model: "churn".to_owned(),
        rule: "it drifts".to_owned(),
        severity: Severity::Critical,
        summary: "1 of 2 columns drifted.".to_owned(),
        cause: vec!["`age` < 30 & more".to_owned()],
        began: DAY[0].to_owned(),
        at: DAY[1].to_owned(),
        link: Some("https://models.example.org".to_owned()),
        rules: None,
    }
}

fn shaped(kind: SinkKind, what: What) -> Value {
    let rules = AlertRules::parse(RULES).unwrap();
    let sink = Sink { kind, ..rules.sinks[0].clone() };
    body(&notice(what), &sink).0
}

#[test]
fn every_sink_gets_its_form() {
    let slack = shaped(SinkKind::Slack, What::Firing);
    assert_eq!(slack["text"], "[critical] churn: it drifts: 1 of 2 columns drifted.");
    assert_eq!(slack["blocks"][1]["text"]["text"], "• `age` &lt; 30 &amp; more");
    let teams = shaped(SinkKind::Teams, What::Resolved);
    let card = &teams["attachments"][0]["content"];
    assert_eq!(card["body"].as_array().unwrap().len(), 2, "what is over needs no cause");
    assert_eq!(card["actions"][0]["url"], "https://models.example.org");
    let event = shaped(SinkKind::Cloudevents, What::Firing);
    assert_eq!(event["type"], "modelwright.alert.firing");
    assert_eq!(
        (&event["specversion"], &event["data"]["rule"]),
        (&"1.0".into(), &"it drifts".into())
    );
    let firing = &shaped(SinkKind::Alertmanager, What::Firing)[0];
    assert_eq!((&firing["startsAt"], &firing["endsAt"]), (&DAY[0].into(), &DAY[3].into()));
    let resolved = &shaped(SinkKind::Alertmanager, What::Resolved)[0];
    assert_eq!(
        (&resolved["endsAt"], &resolved["labels"]["severity"]),
        (&DAY[1].into(), &"critical".into())
    );
    assert_eq!(shaped(SinkKind::Webhook, What::Test)["what"], "test");
}

#[test]
fn metrics_are_written_for_prometheus_and_files_get_lines() {
    let folder = Folder::new("alerts-files");
    let text = format!(
        "[[rule]]\nname = \"r\"\nwhen = \"share\"\nabove = 0.4\n[[sink]]\nname = \"f\"\nkind = \
         \"file\"\npath = {0:?}\n[[sink]]\nname = \"p\"\nkind = \"prometheus\"\npath = {1:?}\n",
        folder.path().join("alerts.jsonl"),
        folder.path().join("{model}.prom"),
    );
    let rules = AlertRules::parse(&text).unwrap();
    let (mut store, network) = (store(&folder), Remembering::default());
    let seen = found(true, Some(0.75));
    observe(&mut store, &rules, "churn@champion", &seen, DAY[0]).unwrap();
    let of = Whose::Model("churn@champion", Some(&seen));
    let delivery = deliver(&mut store, &rules, of, &network, &clock(DAY[0])).unwrap();
    assert_eq!((delivery.n_sent, delivery.failed.len()), (1, 0), "{delivery:?}");
    let lines = fs::read_to_string(folder.path().join("alerts.jsonl")).unwrap();
    let line: Value = serde_json::from_str(lines.trim()).unwrap();
    assert_eq!(line["summary"], "1 of 2 columns drifted (50 %; the bound is 40 %).");
    let page = fs::read_to_string(folder.path().join("churn@champion.prom")).unwrap();
    for expected in [
        "modelwright_monitor_status{model=\"churn@champion\"} 2\n",
        "modelwright_column_drifted{model=\"churn@champion\",column=\"a\\\"ge\"} 1\n",
        "modelwright_column_missing_share{model=\"churn@champion\",column=\"a\\\"ge\"} 0.1\n",
        "metric=\"roc_auc\",how=\"measured\",part=\"value\"} 0.75\n",
        "modelwright_alert_firing{model=\"churn@champion\",rule=\"r\",severity=\"warning\"} 1\n",
    ] {
        assert!(page.contains(expected), "{expected} is not in\n{page}");
    }
}

#[test]
fn rules_that_cannot_work_are_refused_with_a_reason() {
    let sink = "[[sink]]\nname = \"s\"\nkind = \"webhook\"\nurl = \"http://x\"\n";
    let refused = |text: &str, words: &str| {
        let error = AlertRules::parse(&format!("{sink}{text}")).unwrap_err().to_string();
        assert!(error.contains(words), "{text}: {error}");
    };
    refused("[[rule]]\nname = \"r\"\nwhen = \"metric\"\nmetric = \"roc_auc\"", "not complete");
    refused("[[rule]]\nname = \"r\"\nwhen = \"metric\"\nmetric = \"auc?\"\nbelow = 1", "metric");
    refused("[[rule]]\nname = \"r\"\nwhen = \"column\"", "names none");
    refused("[[rule]]\nname = \"r\"\nwhen = \"drift\"\nto = [\"z\"]", "sink that is not there");
    refused(
        "[[rule]]\nname = \"r\"\nwhen = \"drift\"\n[[rule]]\nname = \"r\"\nwhen = \"drift\"",
        "two",
    );
    refused("[[rule]]\nname = \"r\"\nwhen = \"sometimes\"", "cannot be understood");
    refused("[[rule]]\nname = \"r\"\nwhen = \"drift\"\nremind = \"soon\"", "cannot be understood");
    refused("[[sink]]\nname = \"t\"\nkind = \"file\"", "does not say where");
}

const MAIL: &str = r#"
[[rule]]
name = "it drifts"
when = "drift"
[[sink]]
name = "on call"
kind = "email"
url = "smtps://mail.example.org"
from = "mw@example.org"
recipients = ["ops@example.org", "ada@example.org"]
"#;

#[test]
fn a_letter_is_sent_once_and_one_that_was_not_taken_is_kept() {
    let folder = Folder::new("alerts-mail");
    let mut store = store(&folder);
    let (rules, network) = (AlertRules::parse(MAIL).unwrap(), Remembering::default());
    *network.refuses.borrow_mut() = Some(true);
    observe(&mut store, &rules, "m", &found(true, None), DAY[0]).unwrap();
    let delivery = deliver(&mut store, &rules, Whose::All, &network, &clock(DAY[0])).unwrap();
    assert_eq!(delivery.failed[0].1, "it answered 451");
    assert_eq!(*network.n_tries.borrow(), 3);
    *network.refuses.borrow_mut() = None;
    observe(&mut store, &rules, "m", &found(true, None), DAY[1]).unwrap();
    assert_eq!(
        deliver(&mut store, &rules, Whose::All, &network, &clock(DAY[1])).unwrap().n_sent,
        1
    );
    let taken = network.taken();
    assert_eq!(taken[0].0, "ops@example.org ada@example.org");
    let text = taken[0].1.as_str().unwrap();
    assert!(text.contains("Message-ID: <alert-1-"), "{text}");
    assert!(text.contains("-notice-1@example.org>"), "{text}");
    let of_alert = |text: &str| {
        text.split(['<', '@']).find_map(|id| Some(id.split_once("-notice-")?.0.to_owned()))
    };
    let first = of_alert(text);
    observe(&mut store, &rules, "m", &found(false, None), DAY[2]).unwrap();
    assert_eq!(
        deliver(&mut store, &rules, Whose::All, &network, &clock(DAY[2])).unwrap().n_sent,
        1
    );
    let text = network.taken()[0].1.as_str().unwrap().to_owned();
    assert!(text.contains("Subject: [resolved] m: it drifts"), "{text}");
    assert!(text.contains(&format!("References: <{}@example.org>", first.unwrap())), "{text}");
}

#[test]
fn whom_a_letter_did_not_reach_is_said_and_those_who_may_be_reached_are_tried_alone() {
    let folder = Folder::new("alerts-partly");
    let mut store = store(&folder);
    let (rules, network) = (AlertRules::parse(MAIL).unwrap(), Remembering::default());
    let unreached = |to: &str, why: &str, may_help| Unreached {
        to: to.to_owned(),
        why: why.to_owned(),
        may_help,
    };
    let first = vec![unreached("ada@example.org", "it answered 452", true)];
    *network.unreached.borrow_mut() = vec![Vec::new(), first];
    observe(&mut store, &rules, "m", &found(true, None), DAY[0]).unwrap();
    let delivery = deliver(&mut store, &rules, Whose::All, &network, &clock(DAY[0])).unwrap();
    assert_eq!((delivery.n_sent, delivery.partly), (1, Vec::new()));
    let to: Vec<String> = network.taken().into_iter().map(|(to, _)| to).collect();
    assert_eq!(to, ["ops@example.org ada@example.org", "ada@example.org"]);
    let never = vec![unreached("ops@example.org", "it answered 550", false)];
    *network.unreached.borrow_mut() = vec![never];
    observe(&mut store, &rules, "m", &found(false, None), DAY[1]).unwrap();
    let delivery = deliver(&mut store, &rules, Whose::All, &network, &clock(DAY[1])).unwrap();
    assert_eq!(delivery.n_sent, 1);
    let but = "it was not taken for ops@example.org: it answered 550";
    assert_eq!(delivery.partly, [("on call".to_owned(), but.to_owned())]);
    assert_eq!(network.taken().len(), 1);
}

#[test]
fn an_alert_ends_with_its_rule_and_a_sink_that_is_gone_is_given_up() {
    let folder = Folder::new("alerts-removed");
    let (mut store, network) = (store(&folder), Remembering::default());
    let path = folder.path().join("rules.toml");
    let read = |text: &str| {
        fs::write(&path, text).unwrap();
        AlertRules::read(&path).unwrap()
    };
    let rules = read(RULES);
    observe(&mut store, &rules, "churn", &found(true, Some(0.7)), DAY[0]).unwrap();
    *network.refuses.borrow_mut() = Some(false);
    deliver(&mut store, &rules, Whose::Model("churn", None), &network, &clock(DAY[0])).unwrap();
    *network.refuses.borrow_mut() = None;
    // A file of another model's rules knows nothing of these alerts, nor of their sinks.
    let mail = AlertRules::parse(&MAIL.replace("it drifts", "mail")).unwrap();
    let other = AlertRules { source: "elsewhere".to_owned(), ..mail };
    let seen = observe(&mut store, &other, "churn", &found(false, None), DAY[1]).unwrap();
    let sent = deliver(&mut store, &other, Whose::Model("churn", None), &network, &clock(DAY[1]));
    assert_eq!((seen, sent.unwrap()), (Observed::default(), Delivery::default()));
    // The metric's rule and the team's channel are removed.
    let from = RULES.find("[[rule]]\nname = \"it is worse\"").unwrap();
    let to = RULES.find("[[sink]]\nname = \"pager\"").unwrap();
    let rules = read(&format!("{}{}", &RULES[..from], &RULES[to..]));
    let seen = observe(&mut store, &rules, "churn", &found(false, None), DAY[2]).unwrap();
    assert_eq!(seen.ended, ["it drifts", "it is worse"]);
    let whose = Whose::Model("churn", None);
    let delivery = deliver(&mut store, &rules, whose, &network, &clock(DAY[2])).unwrap();
    assert_eq!(delivery.given_up, [("team".to_owned(), 1)], "the end has no taker there either");
    let told: Vec<Value> = network.taken().into_iter().map(|(_, body)| body).collect();
    let of = |body: &Value| (body["rule"].clone(), body["what"].clone());
    assert!(told.iter().any(|b| of(b) == ("it is worse".into(), "resolved".into())), "{told:?}");
    assert!(store.alerts(true).unwrap().is_empty());
    let again = deliver(&mut store, &rules, whose, &network, &clock(DAY[3])).unwrap();
    assert_eq!(again, Delivery::default(), "nothing is left to be tried");
}

/// A network whose every try takes a minute of a clock of its own.
struct Slow {
    seconds: Cell<i64>,
    n_tries: Cell<usize>,
}

impl Slow {
    fn takes_a_minute(&self) {
        self.seconds.set(self.seconds.get() + 60);
        self.n_tries.set(self.n_tries.get() + 1);
    }
}

impl Transport for Slow {
    fn post(&self, url: &str, _: &[(String, String)], _: &[u8]) -> Result<(), (String, bool)> {
        if url.contains("pager") {
            return Ok(());
        }
        self.takes_a_minute();
        Err(("no answer".to_owned(), true))
    }

    fn mail(&self, _: &MailServer, letter: &Letter) -> Result<Vec<Unreached>, (String, bool)> {
        self.takes_a_minute();
        // Every other try, the connection breaks first.
        if self.n_tries.get() % 2 == 1 {
            return Err(("no answer".to_owned(), true));
        }
        let busy = |to: &String| Unreached { to: to.clone(), why: "busy".into(), may_help: true };
        Ok(letter.to.iter().map(busy).collect())
    }

    fn pause(&self, _: Duration) {}
}

#[test]
fn a_slow_sink_does_not_keep_others_waiting_nor_its_notice_beyond_the_lease() {
    let folder = Folder::new("alerts-slow");
    let mut store = store(&folder);
    let slow = Slow { seconds: Cell::new(0), n_tries: Cell::new(0) };
    let start = moment_seconds(DAY[0]).unwrap();
    let now = || moment_text(start + slow.seconds.get());
    let rules = AlertRules::parse(RULES).unwrap();
    observe(&mut store, &rules, "m", &found(true, None), DAY[0]).unwrap();
    let delivery = deliver(&mut store, &rules, Whose::All, &slow, &now).unwrap();
    assert_eq!((delivery.n_sent, delivery.failed.len()), (1, 1), "the slow one was tried once");
    assert_eq!(slow.n_tries.get(), 3);
    let mail = AlertRules::parse(MAIL).unwrap();
    observe(&mut store, &mail, "by mail", &found(true, None), &now()).unwrap();
    let begun = slow.seconds.get();
    let whose = Whose::Model("by mail", None);
    let delivery = deliver(&mut store, &mail, whose, &slow, &now).unwrap();
    assert_eq!(delivery.partly.len(), 1, "{delivery:?}");
    assert!(slow.seconds.get() - begun < 300, "{} s", slow.seconds.get() - begun);
}

#[test]
fn an_alert_is_closed_by_hand_once() {
    let folder = Folder::new("alerts-close");
    let (mut store, rules) = (store(&folder), AlertRules::parse(RULES).unwrap());
    observe(&mut store, &rules, "churn", &found(true, None), DAY[0]).unwrap();
    let id = store.alerts(true).unwrap()[0].id;
    store.close_alert(id, DAY[1]).unwrap();
    assert!(store.alerts(true).unwrap().is_empty());
    assert_eq!(store.alerts(false).unwrap()[0].n_waiting, 0);
    let error = store.close_alert(id, DAY[2]).unwrap_err().to_string();
    assert!(error.contains("no alert of this number that lasts"), "{error}");
}

#[test]
fn a_notice_that_one_process_sends_is_not_sent_by_another_meanwhile() {
    let folder = Folder::new("alerts-lease");
    let (mut store, rules) = (store(&folder), AlertRules::parse(MAIL).unwrap());
    observe(&mut store, &rules, "m", &found(true, None), DAY[0]).unwrap();
    // Each of the tries may take a minute, with pauses between them.
    let until = "2026-03-01T00:05:00Z";
    let mut take = |now: &str| store.take_notice(&rules, None, (now, until)).unwrap();
    assert!(take(DAY[0]).is_some());
    assert!(take("2026-03-01T00:04:00Z").is_none());
    assert!(take(until).is_some(), "whoever took it did not live to tell");
}

#[test]
fn a_notice_that_cannot_be_read_is_given_up_and_what_follows_on_it_is_sent() {
    let (folder, rules) = (Folder::new("alerts-garbled"), AlertRules::parse(RULES).unwrap());
    let (mut store, network) = (store(&folder), Remembering::default());
    observe(&mut store, &rules, "churn", &found(true, None), DAY[0]).unwrap();
    store.in_transaction(|db| db.execute("UPDATE notices SET body = '{'", &[])).unwrap();
    let delivery = deliver(&mut store, &rules, Whose::All, &network, &clock(DAY[0])).unwrap();
    assert_eq!((delivery.n_sent, delivery.failed.len(), delivery.unreadable.len()), (0, 0, 2));
    assert!(delivery.unreadable[0].1.contains("cannot be read"), "{delivery:?}");
    // The end of the alert is told although its beginning could not be.
    observe(&mut store, &rules, "churn", &found(false, None), DAY[1]).unwrap();
    let delivery = deliver(&mut store, &rules, Whose::All, &network, &clock(DAY[1])).unwrap();
    assert_eq!((delivery.n_sent, delivery.failed.len(), delivery.unreadable.len()), (2, 0, 0));
}

#[test]
fn rules_whose_letters_could_not_be_sent_are_refused() {
    let refused = |from: &str, to: &str| AlertRules::parse(&MAIL.replace(from, to)).unwrap_err();
    for (from, to, what) in [
        ("from = \"mw@example.org\"\n", "", "who sends"),
        ("\"ops@example.org\"", "\"ops\"", "cannot go there"),
        ("\"ops@example.org\"", "\"a@b.c\\r\\nBcc: x@y.z\"", "cannot go there"),
        ("recipients = [\"ops@example.org\", \"ada@example.org\"]", "", "nobody"),
        ("smtps://", "https://", "server of mail"),
        ("from =", "user = \"u\"\nfrom =", "by half"),
        ("from =", "user = \"u\"\npassword = \"p\"\nfrom =", "stands in the alert rules"),
    ] {
        let error = refused(from, to).to_string();
        assert!(error.contains(what) && error.contains("on call"), "{error}");
    }
}
