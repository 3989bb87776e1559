//! What a run can be asked, for callers that are no command line.
//!
//! The flags of the subcommands are the only declaration: [`keywords`] lists them as data, from
//! which a binding makes its own signatures and texts, and [`options`] reads values by name, with
//! the same parsers, the same defaults and the same complaints. A new flag is a new keyword.

use std::ffi::OsString;

use clap::{Arg, ArgAction, CommandFactory};
use modelwright_core::record::Options;
use modelwright_core::{Error, Result};
use modelwright_learners::LEARNERS;
use serde::Serialize;

use crate::flags::{self, Cli, Command, values};
use crate::learner_text::parameters_json;

/// Every learner with its parameters: name, default, domain and text of each.
pub fn learners() -> Vec<serde_json::Value> {
    LEARNERS.iter().map(parameters_json).collect()
}

/// Stands for a comma inside a name while lists are parsed.
const COMMA: char = '\u{f82c}';

/// One thing that can be asked by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Keyword {
    /// The flag's name with underscores, e.g. `time_column`.
    pub name: String,
    /// What it means.
    pub text: String,
    /// The form of its value, e.g. `COLUMN,…`; empty for a switch.
    pub value: String,
    /// The value when nothing is said, as it would be typed.
    pub default: Option<String>,
    /// The names that it may take; empty when it takes others.
    pub choices: Vec<String>,
    /// How many values it takes.
    pub takes: Takes,
}

/// How many values a keyword takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Takes {
    /// None: it is on or off.
    Switch,
    /// One.
    One,
    /// One or none.
    OneOrNone,
    /// A list, separated by commas.
    List,
    /// It may be given several times.
    Repeated,
}

/// What was asked, resolved.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What the record keeps of it.
    pub options: Options,
    /// Worker threads; `None` takes all processors.
    pub threads: Option<usize>,
}

/// Names of flags that only a command line needs: the last four are parameters of a learner, or
/// what programs do with estimators.
const ONLY_TYPED: [&str; 13] = [
    "json",
    "quiet",
    "store",
    "mlflow",
    "help",
    "version",
    "plan_only",
    "list_params",
    "learner",
    "init_score",
    "quantiles",
    "contamination",
    "continue",
];

/// A quantity as the command line takes it: a `time` in seconds, a `latency` in microseconds or a
/// `size` in bytes.
///
/// # Errors
/// Input error when the text is none.
pub fn quantity(kind: &str, text: &str) -> Result<f64> {
    match kind {
        "latency" => values::latency(text),
        "size" => values::size(text).map(|bytes| bytes as f64),
        _ => values::duration(text).map(|time| time.as_secs_f64()),
    }
}

/// What errors cost, as the command line takes it: `fp=1,fn=5`.
///
/// # Errors
/// Input error when the text is none.
pub fn costs(text: &str) -> Result<Vec<(String, f64)>> {
    values::costs(text).map(|costs| costs.0)
}

/// All that `verb` (`fit` or `train`) can be asked, in the order of its help.
///
/// # Errors
/// Input error when there is no such verb.
pub fn keywords(verb: &str) -> Result<Vec<Keyword>> {
    let mut root = Cli::command();
    root.build();
    let command = root
        .find_subcommand(verb)
        .ok_or_else(|| Error::input("no such command").got(verb).suggest(verb, ["fit", "train"]))?;
    let mut args: Vec<&Arg> = command.get_arguments().filter(|a| a.get_long().is_some()).collect();
    args.sort_by_key(|a| (a.is_global_set(), a.get_id().as_str() != "target"));
    let all = args.into_iter().map(keyword);
    Ok(all.filter(|k| !ONLY_TYPED.contains(&k.name.as_str())).collect())
}

fn keyword(arg: &Arg) -> Keyword {
    let names = arg.get_value_names().unwrap_or_default();
    let is_switch = matches!(arg.get_action(), ArgAction::SetTrue);
    let least = arg.get_num_args().map_or(1, |range| range.min_values());
    let takes = match arg.get_action() {
        _ if is_switch => Takes::Switch,
        ArgAction::Append if arg.get_value_delimiter().is_some() => Takes::List,
        ArgAction::Append => Takes::Repeated,
        _ if least == 0 => Takes::OneOrNone,
        _ => Takes::One,
    };
    let default = arg.get_default_values().first().map(|v| v.to_string_lossy().into_owned());
    let possible = if is_switch { Vec::new() } else { arg.get_possible_values() };
    Keyword {
        name: arg.get_long().unwrap_or_default().replace('-', "_"),
        text: arg.get_help().map(ToString::to_string).unwrap_or_default(),
        value: if is_switch { String::new() } else { names.join(" ") },
        default: default.filter(|_| !is_switch),
        choices: possible.iter().map(|v| v.get_name().to_owned()).collect(),
        takes,
    }
}

/// Reads what is asked of `verb` (`fit` or `train`) by names with underscores.
///
/// A switch has no value; a list is given once for each of its elements, which may hold commas.
/// `learner` is the learner that `train` trains.
///
/// # Errors
/// Input error as on the command line: for an unknown name, a value that cannot be read, and names
/// that need or exclude each other.
pub fn options(verb: &str, given: &[(String, Option<String>)]) -> Result<Asked> {
    let known = keywords(verb)?;
    let learner = given.iter().find(|(name, _)| name == "learner");
    let mut args: Vec<OsString> = vec!["modelwright".into(), verb.into()];
    args.extend(learner.and_then(|(_, value)| value.as_ref()).map(OsString::from));
    args.push("-".into());
    for (name, value) in given.iter().filter(|(name, _)| name != "learner") {
        let Some(keyword) = known.iter().find(|k| k.name == *name) else {
            return Err(Error::input(format!("unknown keyword `{name}`"))
                .suggest(name, known.iter().map(|k| k.name.as_str())));
        };
        let flag = format!("--{}", name.replace('_', "-"));
        args.push(match value {
            None => flag.into(),
            Some(value) if keyword.takes == Takes::List => {
                format!("{flag}={}", value.replace(',', COMMA.encode_utf8(&mut [0; 4]))).into()
            }
            Some(value) => format!("{flag}={value}").into(),
        });
    }
    let Some(Cli { global, command }) = flags::parse(args)? else {
        return Err(Error::input("a question was expected, not help").at(verb));
    };
    let options = match &command {
        Command::Fit(fit) => fit.options(&global)?,
        Command::Train(train) => train.options(&global)?,
        _ => return Err(Error::input("no such command").got(verb)),
    };
    Ok(Asked { options: with_commas(options)?, threads: global.threads })
}

/// Puts commas back where they stood inside names.
fn with_commas(options: Options) -> Result<Options> {
    let failed = |e| Error::work("cannot read the options").because(e);
    let text = serde_json::to_string(&options).map_err(failed)?;
    if !text.contains(COMMA) {
        return Ok(options);
    }
    serde_json::from_str(&text.replace(COMMA, ",")).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(verb: &str, given: &[(&str, Option<&str>)]) -> Result<Asked> {
        let owned =
            |(name, value): &(&str, Option<&str>)| ((*name).to_owned(), value.map(str::to_owned));
        options(verb, &given.iter().map(owned).collect::<Vec<_>>())
    }

    #[test]
    fn every_flag_of_a_run_is_a_keyword_with_a_text() {
        for verb in ["fit", "train"] {
            let keywords = keywords(verb).unwrap();
            assert_eq!(keywords[0].name, "target");
            for name in ["time", "seed", "threads", "memory", "holdout", "exclude", "kind"] {
                assert!(keywords.iter().any(|k| k.name == name), "{verb} {name}");
            }
            assert!(keywords.iter().all(|k| !k.text.is_empty()), "{keywords:?}");
        }
        assert!(keywords("fitt").is_err());
    }

    #[test]
    fn defaults_are_those_of_the_command_line() {
        let asked = ask("fit", &[("target", Some("y"))]).unwrap();
        let wanted = Options {
            time_limit_s: Some(60.0),
            memory_limit_bytes: asked.options.memory_limit_bytes,
            ..Options::new("y")
        };
        assert_eq!(asked.options, wanted);
        assert_eq!(asked.threads, None);
    }

    #[test]
    fn names_in_lists_may_hold_commas() {
        let given = [("target", Some("y")), ("exclude", Some("a,b")), ("exclude", Some("c"))];
        assert_eq!(ask("fit", &given).unwrap().options.exclude, ["a,b", "c"]);
    }

    #[test]
    fn slips_are_answered_as_on_the_command_line() {
        for (given, words) in [
            (("holdot", Some("0.2")), "did you mean `holdout`"),
            (("holdout", Some("2")), "0.01 to 0.9"),
            (("split", Some("group")), "--group"),
            (("metric", Some("auc")), "roc_auc"),
        ] {
            let error = ask("fit", &[("target", Some("y")), given]).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        assert!(ask("fit", &[]).unwrap_err().to_string().contains("--target"));
    }

    #[test]
    fn one_learner_is_asked_for_with_its_parameters() {
        let given = [
            ("learner", Some("gbdt")),
            ("target", Some("y")),
            ("param", Some("max_leaves=7")),
            ("keep_leaks", None),
        ];
        let options = ask("train", &given).unwrap().options;
        let single = options.single.unwrap();
        assert_eq!((single.learner.as_str(), single.params.len()), ("gbdt", 1));
        assert!(options.keep_leaks);
    }
}
