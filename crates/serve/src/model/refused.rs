//! Why a change of what is served is refused. The status says who can mend it: 404 names something
//! that is not there, 409 asks for what the state of the models does not allow now.

use modelwright_core::error::nearest;
use modelwright_core::{Error, ErrorKind};

use super::Entry;
use crate::problem::Problem;

/// No source has a file of the name; `names` are those that are known.
pub(super) fn no_such_model(name: &str, names: &[&str]) -> Problem {
    let problem = Problem::new(404, "no-such-model", "no source has a model of this name")
        .expected("the name of a file or folder that the server was told of")
        .got(name);
    match nearest(name, names) {
        Some(near) => problem.hint(format!("did you mean `{near}`?")),
        None => problem.hint("GET /v1/models names what there is"),
    }
}

/// The model has no such version in memory.
pub(crate) fn no_such_version(name: &str, entry: &Entry, version: &str) -> Problem {
    let known: Vec<String> = entry.versions.iter().map(|m| m.version.to_string()).collect();
    Problem::new(404, "no-such-version", format!("model `{name}` has no such version"))
        .expected(format!("one of {}", known.join(", ")))
        .got(version)
}

/// There is nothing to go back to.
pub(super) fn no_earlier_version(name: &str, entry: &Entry) -> Problem {
    let known: Vec<String> = entry.versions.iter().map(|m| m.version.to_string()).collect();
    let detail = format!("model `{name}` has no earlier version in memory");
    Problem::new(409, "no-earlier-version", detail)
        .expected(format!("a version below the current one, {}", entry.current))
        .got(&format!("versions {}", known.join(", ")))
        .hint("put the earlier file in its place and load it, or move the alias back")
}

/// The store has no such version, or cannot be asked.
pub(super) fn not_in_store(error: Error) -> Problem {
    of_source(error, 404, "no-such-version")
}

/// The file is at fault and not who asks: what is no sound model, or needs another program.
pub(super) fn not_sound(error: Error) -> Problem {
    of_source(error, 409, "no-sound-model")
}

/// An error of a source with a status of its own; what the machine could not do stays a 500.
fn of_source(error: Error, status: u16, kind: &'static str) -> Problem {
    let is_input = error.kind() == ErrorKind::Input;
    let mut problem = Problem::of_error(error);
    if is_input {
        (problem.status, problem.kind) = (status, kind);
    }
    problem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_at_fault_is_a_conflict_and_a_machine_at_fault_is_not() {
        let sound = not_sound(Error::input("not a model").expected("a ZIP").got("text"));
        assert_eq!((sound.status, sound.kind), (409, "no-sound-model"));
        assert_eq!(sound.expected.as_deref(), Some("a ZIP"));
        assert_eq!(not_sound(Error::work("the disk is gone")).status, 500);
        assert_eq!(not_in_store(Error::input("no version 7")).status, 404);
    }

    #[test]
    fn a_name_that_was_nearly_right_is_shown() {
        let near = no_such_model("shpo", &["shop", "houses"]);
        assert_eq!((near.status, near.hint.as_deref()), (404, Some("did you mean `shop`?")));
        assert_eq!(no_such_model("x", &[]).status, 404);
    }
}
