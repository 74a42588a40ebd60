//! What may be tried again, and when.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Answer, Complaint};
use crate::{Error, ErrorKind, http};

/// An attempt without an answer.
pub(super) enum Failure {
    Connection(reqwest::Error),
    /// Nothing came within this time.
    Late(Duration),
}

/// Attempts after failures that may be the vendor's for long: 5 in all.
const TRIES: u32 = 4;

/// Words with which vendors ask for patience behind a status that says something else.
const PATIENCE: [&str; 5] =
    ["RequestLimitExceeded", "Throttling", "ThrottlingException", "RequestThrottled", "overLimit"];

/// The pause before the next attempt; `None` if the answer is final. "Try later" was not carried
/// out, so it may always be repeated, as long as the call's deadline allows.
pub(super) fn after_answer(
    answer: &Answer,
    complaint: &Complaint,
    repeatable: bool,
    attempt: u32,
) -> Option<Duration> {
    if is_try_later(answer, complaint) {
        return Some(told(answer).unwrap_or_else(|| growing(attempt)) + jitter(250));
    }
    let may_pass = answer.status.is_server_error() || answer.status.as_u16() == 408;
    (may_pass && repeatable && attempt < TRIES)
        .then(|| told(answer).unwrap_or_else(|| growing(attempt)) + jitter(250))
}

pub(super) fn after_failure(failure: &Failure, repeatable: bool, attempt: u32) -> Option<Duration> {
    let never_sent = matches!(failure, Failure::Connection(error) if error.is_connect());
    // What is wrong with a certificate is wrong the next time too.
    if matches!(failure, Failure::Connection(error) if tls(error).is_some()) {
        return None;
    }
    ((repeatable || never_sent) && attempt < TRIES).then(|| growing(attempt) + jitter(250))
}

fn is_try_later(answer: &Answer, complaint: &Complaint) -> bool {
    answer.status.as_u16() == 429 || PATIENCE.contains(&complaint.code.as_str())
}

/// What the two sides of a TLS connection did not agree on: certificates, mostly.
fn tls(error: &reqwest::Error) -> Option<rustls::Error> {
    http::causes(error).find_map(|it| it.downcast_ref::<rustls::Error>()).cloned()
}

/// Whether that is why a call was not made, for hints.
pub fn is_about_tls(error: &Error) -> bool {
    std::error::Error::source(error)
        .is_some_and(|cause| cause.downcast_ref::<rustls::Error>().is_some())
}

/// 0.4 s, 0.8 s, … 13 s.
fn growing(attempt: u32) -> Duration {
    Duration::from_millis(400 << attempt.min(5))
}

/// When the vendor says that it will answer again, in `Retry-After` (seconds or a date) or in the
/// `RateLimit-Reset` of the usual kinds (seconds, or seconds since 1970).
pub(super) fn told(answer: &Answer) -> Option<Duration> {
    let retry_after = answer.header("retry-after").trim().parse::<f64>().ok();
    let seconds =
        retry_after.filter(|it| it.is_finite() && *it >= 0.0).or_else(|| reset(answer))?;
    Some(Duration::from_secs_f64(seconds.min(86_400.0)))
}

/// Seconds until the vendor's window ends.
pub(super) fn reset(answer: &Answer) -> Option<f64> {
    let header = ["ratelimit-reset", "x-ratelimit-reset"]
        .iter()
        .map(|name| answer.header(name).trim())
        .find(|text| !text.is_empty())?;
    let number: f64 = header.parse().ok().filter(|number: &f64| number.is_finite())?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |it| it.as_secs_f64());
    Some(if number > 1e9 { (number - now).max(0.0) } else { number.max(0.0) })
}

/// Up to so many milliseconds, so that those who were refused together do not come together.
pub(super) fn jitter(up_to: u64) -> Duration {
    let mut bytes = [0; 2];
    // Without random numbers everybody comes at once, which the pace still parts.
    let random = ring::rand::SystemRandom::new();
    ring::rand::SecureRandom::fill(&random, &mut bytes).ok();
    Duration::from_millis(u64::from(u16::from_ne_bytes(bytes)) * up_to / u64::from(u16::MAX))
}

impl Failure {
    pub(super) fn into_error(self, vendor: &str, call: &str, repeatable: bool) -> Error {
        if let Self::Connection(error) = &self
            && let Some(why) = tls(error)
        {
            let message = format!("no TLS connection to {vendor} can be made");
            return Error::new(ErrorKind::Unreachable, message).caused_by(why);
        }
        let unclear = if repeatable { "" } else { ", and may have carried it out" };
        match self {
            Self::Late(after) => {
                let seconds = after.as_secs_f32();
                let message =
                    format!("{vendor} did not answer `{call}` within {seconds:.0} s{unclear}");
                Error::new(ErrorKind::Timeout, message)
            }
            Self::Connection(error) if error.is_connect() => {
                Error::new(ErrorKind::Unreachable, format!("{vendor} cannot be reached"))
                    .caused_by(error.without_url())
                    .hint("is this computer on the network, and is a proxy needed (`HTTPS_PROXY`)?")
            }
            Self::Connection(error) => {
                let message = format!("the connection broke while {vendor} had `{call}`{unclear}");
                Error::new(ErrorKind::Unreachable, message).caused_by(error.without_url())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &str)]) -> Answer {
        let headers = headers.iter().map(|(name, value)| {
            (reqwest::header::HeaderName::from_static(name), value.parse().unwrap())
        });
        Answer {
            status: reqwest::StatusCode::from_u16(status).unwrap(),
            headers: headers.collect(),
            body: Vec::new(),
            call: "GET /".into(),
        }
    }

    fn again(answer: &Answer, code: &str, repeatable: bool) -> Option<Duration> {
        let complaint = Complaint { code: code.into(), ..Complaint::default() };
        after_answer(answer, &complaint, repeatable, 0)
    }

    #[test]
    fn a_call_that_may_have_been_carried_out_is_not_repeated() {
        assert!(again(&answer(503, &[]), "", true).is_some());
        assert!(again(&answer(503, &[]), "", false).is_none());
        assert!(again(&answer(422, &[]), "", true).is_none());
        assert!(after_failure(&Failure::Late(Duration::ZERO), false, 0).is_none());
    }

    #[test]
    fn try_later_is_always_repeated_when_told() {
        let pause = again(&answer(429, &[("retry-after", "7")]), "", false).unwrap();
        assert!(pause >= Duration::from_secs(7) && pause < Duration::from_secs(8), "{pause:?}");
        assert!(again(&answer(503, &[]), "RequestLimitExceeded", false).is_some());
        let pause = again(&answer(429, &[("ratelimit-reset", "3")]), "", false).unwrap();
        assert!(pause >= Duration::from_secs(3) && pause < Duration::from_secs(4), "{pause:?}");
    }

    #[test]
    fn a_reset_may_be_a_time() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let left = reset(&answer(200, &[("ratelimit-reset", &(now + 60).to_string())])).unwrap();
        assert!((58.0..=60.0).contains(&left), "{left}");
    }
}
