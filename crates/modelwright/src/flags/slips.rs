//! Turns what clap refuses into our one shape of error: what, where, expected, got, hint.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Error as Refusal};
use modelwright_core::error::nearest;
use modelwright_core::{Error, Result};

use super::Cli;
use crate::command::serve::FLAGS_OF_KSERVE;
use crate::command::train::help_of_learner;
use crate::output;

/// Prints help or version when that is what was asked for; anything else becomes an error.
///
/// # Errors
/// The input error that explains the refusal.
pub(super) fn answer(refusal: &Refusal, args: &[OsString]) -> Result<()> {
    match refusal.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let text = refusal.render();
            let styled = output::stdout_is_styled();
            let text = if styled { text.ansi().to_string() } else { text.to_string() };
            help_of_learner(&text, args).unwrap_or_else(|| output::print(&text))
        }
        _ => Err(explain(refusal, args)),
    }
}

fn explain(refusal: &Refusal, args: &[OsString]) -> Error {
    let command = command_of(args);
    let help = match &command {
        Some(command) => format!("see `modelwright {command} --help`"),
        None => "see `modelwright --help`".to_owned(),
    };
    let argument = text(refusal, ContextKind::InvalidArg);
    match refusal.kind() {
        ErrorKind::UnknownArgument => unknown_argument(refusal, &argument, args, &help),
        ErrorKind::InvalidSubcommand => unknown_command(refusal, command.as_deref()),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            Error::input("no command was given")
                .at(format!("modelwright {}", command.as_deref().unwrap_or_default()).trim_end())
                .expected(format!("one of: {}", commands_of(command.as_deref()).join(", ")))
                .hint(help)
        }
        ErrorKind::MissingRequiredArgument => {
            let missing = list(refusal, ContextKind::InvalidArg);
            Error::input(format!("missing {}", missing.join(" and ")))
                .at(format!("modelwright {}", command.unwrap_or_default()).trim_end())
                .expected(usage(refusal))
                .hint(help)
        }
        ErrorKind::ValueValidation => invalid_value(refusal, &argument, &help),
        ErrorKind::InvalidValue => unlisted_value(refusal, &argument, &help),
        ErrorKind::ArgumentConflict => {
            let prior = list(refusal, ContextKind::PriorArg);
            let what = if prior.is_empty() || prior.contains(&argument) {
                format!("`{argument}` was given more than once")
            } else {
                format!("`{argument}` cannot be used with `{}`", prior.join("`, `"))
            };
            Error::input(what).hint(help)
        }
        ErrorKind::TooManyValues => Error::input("too many values")
            .at(argument)
            .got(text(refusal, ContextKind::InvalidValue))
            .hint(help),
        ErrorKind::InvalidUtf8 => {
            Error::input("an argument is not UTF-8").expected("text in UTF-8").hint(help)
        }
        _ => Error::input(first_line(refusal)).hint(help),
    }
}

fn unknown_argument(refusal: &Refusal, argument: &str, args: &[OsString], help: &str) -> Error {
    if !argument.starts_with('-') {
        return Error::input(format!("unexpected argument `{argument}`"))
            .expected(usage(refusal))
            .hint(meant_by_stray(argument, args).unwrap_or_else(|| help.to_owned()));
    }
    if let Some(negative) = negative_value(argument, args) {
        return negative;
    }
    let error = Error::input(format!("unknown flag `{argument}`"));
    if command_of(args).as_deref() == Some("serve")
        && let Some((_, instead)) = FLAGS_OF_KSERVE.iter().find(|(flag, _)| *flag == argument)
    {
        return error.expected("the flags of `modelwright serve`").hint(*instead);
    }
    match text(refusal, ContextKind::SuggestedArg) {
        near if near.is_empty() => error.hint(help),
        near => error.hint(format!("did you mean `{near}`?")),
    }
}

/// A negative number behind a flag, which looks like a flag of its own: `--time -5s`.
fn negative_value(argument: &str, args: &[OsString]) -> Option<Error> {
    let digit = argument.strip_prefix('-')?.chars().next()?;
    let words: Vec<&str> = args.iter().filter_map(|a| a.to_str()).collect();
    let at = words.iter().position(|w| digit.is_ascii_digit() && w.starts_with(argument))?;
    let flag = words.get(at.checked_sub(1)?).filter(|flag| flag.starts_with("--"))?;
    let error = Error::input("the value must not be negative").at(*flag).got(words[at]);
    Some(error.hint(format!("leave the sign out: {flag} {}", words[at].trim_start_matches('-'))))
}

/// What a word without a flag may have been meant as.
fn meant_by_stray(word: &str, args: &[OsString]) -> Option<String> {
    let words: Vec<&str> = args.iter().filter_map(|a| a.to_str()).collect();
    let has = |flag: &str| words.iter().any(|w| w.split('=').next() == Some(flag));
    let at = words.iter().rposition(|w| *w == word)?;
    let (before, flag) = (words.get(at.checked_sub(1)?)?, words.get(at.checked_sub(2)?)?);
    if ["--exclude", "--sensitive"].contains(flag) {
        return Some(format!("a list has commas and no blanks: {flag} {before},{word}"));
    }
    if *flag == "--time" || *flag == "--memory" {
        return Some(format!("number and unit stand together: {flag} {before}{word}"));
    }
    if has("retrain") && !has("--data") {
        return Some(format!("name the rows by a flag: --data {word}"));
    }
    let asks = has("fit") || has("train");
    (asks && !has("--target")).then(|| format!("did you mean `--target {word}`?"))
}

fn unknown_command(refusal: &Refusal, of: Option<&str>) -> Error {
    let name = text(refusal, ContextKind::InvalidSubcommand);
    let error = Error::input(format!("unknown command `{name}`"));
    if name == "help" {
        return error.expected("a command, or the flag --help").hint("see `modelwright --help`");
    }
    one_of(error, &name, &commands_of(of))
}

/// Says what is known, once: as the expectation beside the nearest name, or else as the hint.
fn one_of(error: Error, name: &str, known: &[String]) -> Error {
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    match nearest(name, &known) {
        Some(_) => error.expected(format!("one of: {}", known.join(", "))).suggest(name, known),
        None => error.suggest(name, known),
    }
}

/// A value that one of our own parsers refused: its error has all parts but the flag.
fn invalid_value(refusal: &Refusal, argument: &str, help: &str) -> Error {
    let value = text(refusal, ContextKind::InvalidValue);
    let source = std::error::Error::source(refusal);
    let Some(refused) = source.and_then(|s| s.downcast_ref::<Error>()) else {
        let error = Error::input("invalid value").at(flag_name(argument)).got(value).hint(help);
        return match source {
            Some(source) => error.expected(expected_by(source)),
            None => error,
        };
    };
    let place = refused.place();
    let at = match &place.source {
        Some(file) if *file == value => format!("{} {file}", flag_name(argument)),
        _ => flag_name(argument),
    };
    let mut error = Error::input(refused.what()).at(at);
    // A value that is a file has rows, and what was found in one of them says more than its name.
    error = match (place.line, place.row) {
        (Some(line), _) => error.line(line),
        (_, Some(row)) => error.row(row),
        (None, None) => error,
    };
    if let Some(column) = &place.column {
        error = error.column(column);
    }
    error = match refused.got_text().filter(|_| place.source.is_some()) {
        Some(found) => error.got(found),
        None => error.got(value),
    };
    if let Some(expected) = refused.expected_text() {
        error = error.expected(expected);
    }
    error.hint(refused.hint_text().unwrap_or(help))
}

/// What a parser that is not ours would have taken.
fn expected_by(refused: &(dyn std::error::Error + 'static)) -> String {
    if refused.is::<std::num::ParseIntError>() {
        return "a whole number".to_owned();
    }
    if refused.is::<std::num::ParseFloatError>() {
        return "a number".to_owned();
    }
    // The range of a whole number: `99999 is not in 0..=65535`.
    let text = refused.to_string();
    match text.split_once(" is not in ").and_then(|(_, range)| range.split_once("..")) {
        Some((low, "")) => format!("a whole number from {low}"),
        Some((low, high)) => {
            format!("a whole number from {low} to {}", high.trim_start_matches('='))
        }
        None => text,
    }
}

/// A value outside a fixed list, or no value at all.
fn unlisted_value(refusal: &Refusal, argument: &str, help: &str) -> Error {
    let value = text(refusal, ContextKind::InvalidValue);
    let known = list(refusal, ContextKind::ValidValue);
    let error = if value.is_empty() {
        Error::input("a value is missing").at(flag_name(argument))
    } else {
        Error::input("unknown value").at(flag_name(argument)).got(&value)
    };
    if known.is_empty() {
        return error.expected(argument).hint(help);
    }
    one_of(error, &value, &known)
}

/// `--time <DURATION>` without the placeholder.
fn flag_name(argument: &str) -> String {
    argument.split(" <").next().unwrap_or(argument).to_owned()
}

fn text(refusal: &Refusal, kind: ContextKind) -> String {
    list(refusal, kind).join(", ")
}

fn list(refusal: &Refusal, kind: ContextKind) -> Vec<String> {
    match refusal.get(kind) {
        Some(ContextValue::String(one)) => vec![one.clone()],
        Some(ContextValue::Strings(many)) => many.clone(),
        _ => Vec::new(),
    }
}

/// The usage line, without its title.
fn usage(refusal: &Refusal) -> String {
    let usage = match refusal.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(usage)) => usage.to_string(),
        _ => String::new(),
    };
    let usage = usage.trim_start_matches("Usage:");
    usage.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn first_line(refusal: &Refusal) -> String {
    let all = refusal.render().to_string();
    let line = all.lines().next().unwrap_or("the arguments are wrong");
    line.trim_start_matches("error: ").to_owned()
}

fn commands() -> Vec<String> {
    Cli::command().get_subcommands().map(|c| c.get_name().to_owned()).collect()
}

/// The commands of a command that has some (`runs`), else of the program.
fn commands_of(command: Option<&str>) -> Vec<String> {
    let program = Cli::command();
    let of = command.and_then(|name| program.find_subcommand(name));
    let of = of.filter(|c| c.has_subcommands()).unwrap_or(&program);
    of.get_subcommands().map(|c| c.get_name().to_owned()).collect()
}

/// The subcommand that was typed, if any.
fn command_of(args: &[OsString]) -> Option<String> {
    let known = commands();
    let typed = args.iter().skip(1).filter_map(|a| a.to_str());
    typed.filter(|a| known.iter().any(|k| k == a)).map(str::to_owned).next()
}
