//! What Triton's extensions define and this server does not do: refused, so that nobody takes an
//! answer for what they asked.

use serde_json::Value;

use crate::problem::Problem;

/// Names the memory of the same machine in which a tensor is, or is to be put.
const SHARED_MEMORY: &str = "shared_memory_region";

/// Refuses parameters of a tensor by which its values are not in the message.
///
/// # Errors
/// Problem 400 for Triton's shared memory.
pub(crate) fn refuse_shared_memory<'p>(
    names: impl Iterator<Item = &'p str>,
) -> Result<(), Problem> {
    let mut names = names;
    if names.all(|name| name != SHARED_MEMORY) {
        return Ok(());
    }
    Err(Problem::new(400, "no-such-extension", "shared memory is not served")
        .expected("values in the message, as JSON, typed lists or raw bytes")
        .got(SHARED_MEMORY)
        .hint("a Unix socket (--unix-socket) is the short way on one machine"))
}

/// Refuses parameters of `load` that bring a model or its configuration.
///
/// # Errors
/// Problem 400 for `config` and for files.
pub(crate) fn check_load_parameters<'p>(
    names: impl Iterator<Item = &'p str>,
) -> Result<(), Problem> {
    let mut names = names;
    let Some(other) = names.find(|name| *name == "config" || name.starts_with("file:")) else {
        return Ok(());
    };
    Err(Problem::new(400, "no-such-extension", "a model cannot be sent with `load`")
        .expected("a load without the parameters `config` and `file:`")
        .got(other)
        .hint("put the file where the server reads its models, then load it"))
}

/// The same of a body over HTTP; one that is no object says nothing.
///
/// # Errors
/// As [`check_load_parameters`].
pub(crate) fn check_load(body: &[u8]) -> Result<(), Problem> {
    let wish: Value = serde_json::from_slice(body).unwrap_or_default();
    let names = wish["parameters"].as_object().into_iter().flat_map(|all| all.keys());
    check_load_parameters(names.map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_done_is_refused_and_everything_else_is_let_pass() {
        assert!(refuse_shared_memory(["binary_data"].into_iter()).is_ok());
        assert_eq!(refuse_shared_memory([SHARED_MEMORY].into_iter()).unwrap_err().status, 400);
        assert!(check_load(b"").is_ok() && check_load(b"{\"parameters\":{\"a\":1}}").is_ok());
        for name in ["config", "file:1/model.mw"] {
            let body = format!("{{\"parameters\":{{\"{name}\":\"x\"}}}}");
            let refused = check_load(body.as_bytes()).unwrap_err();
            assert_eq!((refused.status, refused.got.as_deref()), (400, Some(name)));
        }
    }
}
