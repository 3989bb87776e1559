//! What an MLflow client is told when something cannot be done: its codes, in its form.

use modelwright_core::{Error, ErrorKind};
use modelwright_lifecycle::store::tracking::Refusal;
use serde_json::json;

use crate::ask::Reply;

/// The codes that clients tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    Missing,
    Exists,
    Invalid,
    NoEndpoint,
    NotImplemented,
    Internal,
}

impl Code {
    /// Its name and the status that goes with it.
    fn words(self) -> (&'static str, u16) {
        match self {
            Self::Missing => ("RESOURCE_DOES_NOT_EXIST", 404),
            Self::Exists => ("RESOURCE_ALREADY_EXISTS", 400),
            Self::Invalid => ("INVALID_PARAMETER_VALUE", 400),
            Self::NoEndpoint => ("ENDPOINT_NOT_FOUND", 404),
            Self::NotImplemented => ("NOT_IMPLEMENTED", 501),
            Self::Internal => ("INTERNAL_ERROR", 500),
        }
    }
}

/// Why a request is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: Code,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::Invalid, message)
    }

    /// The answer.
    pub(super) fn reply(&self) -> Reply {
        let (name, status) = self.code.words();
        let mut reply = Reply::json(&json!({ "error_code": name, "message": self.message }));
        reply.status = status;
        reply
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Missing(message) => Self::new(Code::Missing, message),
            Refusal::Exists(message) => Self::new(Code::Exists, message),
            Refusal::Invalid(message) => Self::new(Code::Invalid, message),
            Refusal::Failed(error) => error.into(),
            Refusal::Database(cause) => Self::new(Code::Internal, cause.to_string()),
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        // A store that cannot be read is no fault of the client, who would not ask again.
        let code = match error.kind() {
            ErrorKind::Input => Code::Invalid,
            _ => Code::Internal,
        };
        Self::new(code, error.to_string())
    }
}
