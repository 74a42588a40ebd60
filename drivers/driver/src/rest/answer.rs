use std::fmt;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;

use crate::{Error, ErrorKind, Result};

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// Method and path, for errors.
    pub call: String,
}

/// What a vendor says of a call that it did not carry out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Complaint {
    /// The vendor's own word, for example `unprocessable_entity`.
    pub code: String,
    pub message: String,
    /// What the vendor's support asks for; looked for in the usual headers if it is `None`.
    pub request_id: Option<String>,
}

/// A call that was not carried out, as the cause of an [`Error`]. See [`problem`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub status: u16,
    pub code: String,
    pub message: String,
    pub request_id: Option<String>,
}

impl Answer {
    /// A header as text; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|error| {
            Error::other(format!("the answer to `{}` is not what was expected", self.call))
                .caused_by(error)
        })
    }

    /// The body as text, whatever it is.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The error that this answer is.
    pub(super) fn into_error(self, vendor: &str, complaint: fn(&Self) -> Complaint) -> Error {
        let Complaint { code, message, request_id } = complaint(&self);
        let request_id = request_id.filter(|id| !id.is_empty()).or_else(|| {
            ["x-request-id", "x-amzn-requestid", "x-openstack-request-id", "request-id"]
                .iter()
                .map(|name| self.header(name))
                .find(|id| !id.is_empty())
                .map(str::to_owned)
        });
        let kind = match self.status.as_u16() {
            401 | 403 => ErrorKind::Denied,
            404 | 410 => ErrorKind::NotFound,
            409 | 423 => ErrorKind::Conflict,
            408 | 504 => ErrorKind::Timeout,
            _ => ErrorKind::Other,
        };
        let problem = Problem { status: self.status.as_u16(), code, message, request_id };
        Error::new(kind, format!("{vendor} did not carry out `{}`", self.call)).caused_by(problem)
    }
}

/// The vendor's words in an error or in one of its causes.
pub fn problem(error: &Error) -> Option<&Problem> {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(problem) = cause.downcast_ref() {
            return Some(problem);
        }
        source = cause.source();
    }
    None
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        if !self.code.is_empty() {
            write!(f, " {}", self.code)?;
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        match &self.request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}
