//! Alerts of several files of rules about one model.

use std::collections::BTreeSet;

use super::*;

#[test]
fn an_alert_of_an_unknown_file_is_left_to_the_file_that_has_its_rule() {
    let folder = Folder::new("alerts-unknown");
    let (mut store, network) = (store(&folder), Remembering::default());
    let of = |source: &str, text: &str| {
        let rules = AlertRules::parse(text).unwrap();
        AlertRules { source: source.to_owned(), ..rules }
    };
    let (rules, other) = (of("a", RULES), of("b", &MAIL.replace("it drifts", "mail")));
    observe(&mut store, &rules, "churn", &found(true, None), DAY[0]).unwrap();
    // As versions before the column wrote it.
    store.in_transaction(|db| db.execute("UPDATE alerts SET source = NULL", &[])).unwrap();
    let seen = observe(&mut store, &other, "churn", &found(false, None), DAY[1]).unwrap();
    assert_eq!(seen, Observed::default());
    let whose = Whose::Model("churn", None);
    let sent = deliver(&mut store, &other, whose, &network, &clock(DAY[1])).unwrap();
    assert_eq!(sent, Delivery::default(), "nothing is given up for it");
    let seen = observe(&mut store, &rules, "churn", &found(false, None), DAY[2]).unwrap();
    assert_eq!(seen.ended, ["it drifts"]);
}

#[test]
fn a_rule_of_the_same_name_in_another_file_has_an_alert_of_its_own() {
    let folder = Folder::new("alerts-same-name");
    let (mut store, network) = (store(&folder), Remembering::default());
    let read = |name: &str, severity: &str| {
        let path = folder.path().join(name);
        let text = RULES.replace("\"slack\"", "\"alertmanager\"").replace("critical", severity);
        fs::write(&path, text).unwrap();
        AlertRules::read(&path).unwrap()
    };
    let (ours, theirs) = (read("ours.toml", "info"), read("theirs.toml", "critical"));
    let drifts = ["it drifts".to_owned()];
    let look = |store: &mut Store, rules: &AlertRules, drifts: bool, day: usize| {
        observe(store, rules, "churn", &found(drifts, None), DAY[day]).unwrap()
    };
    assert_eq!(look(&mut store, &ours, true, 0).began, drifts);
    assert_eq!(look(&mut store, &theirs, true, 0).began, drifts, "nobody told theirs of it yet");
    assert_eq!(look(&mut store, &ours, true, 1).lasting, drifts);
    let fires = [("it drifts".to_owned(), "critical".to_owned())];
    assert_eq!(store.open_alerts("churn").unwrap(), fires, "one metric of one name");
    assert_eq!(look(&mut store, &ours, false, 2).ended, drifts);
    assert_eq!(store.alerts(true).unwrap().len(), 1, "theirs lasts");
    assert_eq!(look(&mut store, &theirs, true, 2).lasting, drifts);
    let rules =
        |(_, body): &(String, Value)| body[0]["labels"]["rules"].as_str().map(str::to_owned);
    let mut told = BTreeSet::new();
    for file in [&ours, &theirs] {
        deliver(&mut store, file, Whose::All, &network, &clock(DAY[2])).unwrap();
        let of_file: BTreeSet<String> = network.taken().iter().filter_map(rules).collect();
        assert_eq!(of_file, BTreeSet::from([file.source.clone()]), "a sink belongs to its file");
        told.extend(of_file);
    }
    assert_eq!(told.len(), 2, "Alertmanager takes equal labels for one alert");
}
