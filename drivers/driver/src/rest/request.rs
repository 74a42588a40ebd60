use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::retry::{self, Failure};
use super::{Answer, Api};
use crate::{Error, ErrorKind, Result};

/// One call, made when it is sent.
#[must_use = "nothing is called before it is sent"]
pub struct Request<'a> {
    api: &'a Api,
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Vec<u8>,
    repeatable: bool,
    deadline: Duration,
    wrong: Option<Error>,
}

impl<'a> Request<'a> {
    pub(super) fn new(api: &'a Api, method: Method, path: String) -> Self {
        let repeatable = [Method::GET, Method::HEAD, Method::PUT, Method::DELETE].contains(&method);
        Self {
            api,
            method,
            path,
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: Vec::new(),
            repeatable,
            deadline: api.deadline,
            wrong: None,
        }
    }

    pub fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(value) => {
                self.headers.insert(HeaderName::from_static(name), value);
            }
            Err(error) => {
                let message = format!("the value for the header `{name}` is impossible");
                self.wrong = Some(Error::new(ErrorKind::Flags, message).caused_by(error));
            }
        }
        self
    }

    pub fn json(self, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => self.body("application/json", body),
            Err(error) => Self { wrong: Some(Error::other("no JSON").caused_by(error)), ..self },
        }
    }

    pub fn form(self, fields: &[(String, String)]) -> Self {
        let mut url = reqwest::Url::parse("http://form/").expect("a constant address");
        url.query_pairs_mut().extend_pairs(fields);
        let body = url.query().unwrap_or_default().as_bytes().to_vec();
        self.body("application/x-www-form-urlencoded; charset=utf-8", body)
    }

    pub fn body(mut self, content_type: &'static str, body: Vec<u8>) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        self.body = body;
        self
    }

    /// Making this call twice does what making it once does: it carries a client token, or
    /// the vendor refuses a second one of that name.
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Another deadline for the call with all its repetitions.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The answer's body, from JSON.
    pub async fn fetch<T: DeserializeOwned>(self) -> Result<T> {
        self.send().await?.json()
    }

    /// Like [`Request::send`], where "not found" is `None`: for what may be gone already.
    pub async fn send_if_there(self) -> Result<Option<Answer>> {
        match self.send().await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes the call, and makes it again where that may help and cannot harm. Any status but a
    /// 2xx is an error. The deadline begins when the account's rate lets the first attempt through.
    pub async fn send(mut self) -> Result<Answer> {
        if let Some(wrong) = self.wrong.take() {
            return Err(wrong);
        }
        let call = format!("{} {}", self.method, self.path.split('?').next().unwrap_or_default());
        let pace = &self.api.pace;
        pace.turn(self.api.vendor).await?;
        let _change = match self.method.is_safe() {
            true => None,
            false => Some(super::CHANGES.begin().await),
        };
        let end = Instant::now() + self.deadline;
        let mut renewed = false;
        for attempt in 0.. {
            if attempt > 0 {
                pace.turn(self.api.vendor).await?;
            }
            let (pause, error) = match self.attempt(&call, end).await? {
                Ok(answer) if answer.status.is_success() => {
                    pace.heard(&answer).await;
                    return Ok(answer);
                }
                Ok(answer) if answer.status == StatusCode::UNAUTHORIZED && !renewed => {
                    renewed = true;
                    if self.api.authorise.renew().await? {
                        continue;
                    }
                    (None, answer.into_error(self.api.vendor, self.api.complaint))
                }
                Ok(answer) => {
                    pace.heard(&answer).await;
                    let complaint = (self.api.complaint)(&answer);
                    let pause = retry::after_answer(&answer, &complaint, self.repeatable, attempt);
                    (pause, answer.into_error(self.api.vendor, self.api.complaint))
                }
                Err(failure) => {
                    let pause = retry::after_failure(&failure, self.repeatable, attempt);
                    (pause, failure.into_error(self.api.vendor, &call, self.repeatable))
                }
            };
            let Some(pause) = pause.filter(|pause| Instant::now() + *pause < end) else {
                return Err(error);
            };
            tracing::debug!(call, attempt, ?pause, error = error.one_line(), "called again");
            tokio::time::sleep(pause).await;
        }
        unreachable!("the attempts are bounded by the deadline")
    }

    /// One attempt. The inner error is one of the connection.
    async fn attempt(&self, call: &str, end: Instant) -> Result<Result<Answer, Failure>> {
        let url = format!("{}{}", self.api.base(), self.path);
        let mut url = reqwest::Url::parse(&url).map_err(|error| {
            Error::new(ErrorKind::Flags, format!("`{url}` is no address")).caused_by(error)
        })?;
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        let mut request = reqwest::Request::new(self.method.clone(), url);
        request.headers_mut().extend(self.headers.clone());
        if !self.body.is_empty() {
            *request.body_mut() = Some(self.body.clone().into());
        }
        self.api.authorise.authorise(&mut request).await?;
        let left = end.saturating_duration_since(Instant::now()).min(self.api.pace.attempt);
        let answered = tokio::time::timeout(left, async {
            let response = self.api.http.execute(request).await?;
            let (status, headers) = (response.status(), response.headers().clone());
            let body = response.bytes().await?.to_vec();
            Ok(Answer { status, headers, body, call: call.to_owned() })
        });
        Ok(match answered.await {
            Ok(Ok(answer)) => {
                tracing::debug!(call, status = answer.status.as_u16(), "answered");
                Ok(answer)
            }
            Ok(Err(error)) => Err(Failure::Connection(error)),
            Err(_elapsed) => Err(Failure::Late(left)),
        })
    }
}
