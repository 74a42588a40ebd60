//! Waiting with a deadline, a description, and the last real error.

use std::future::Future;
use std::time::{Duration, Instant};

use crate::{Error, ErrorKind, Result};

/// What one look at the awaited thing found.
pub enum Look<T> {
    Ready(T),
    /// Not yet; the error, if there was one, is kept for the report.
    NotYet(Option<Error>),
    /// It will never be ready: the wait ends with this error at once.
    Hopeless(Error),
}

/// A wait: what for, how long, how often.
#[derive(Debug, Clone)]
pub struct Wait {
    what: String,
    deadline: Duration,
    interval: Duration,
    longest: Duration,
}

impl Wait {
    /// `what` reads after "waiting for". Looks every 50 ms at first, every second at the end.
    pub fn new(what: impl Into<String>, deadline: Duration) -> Self {
        Self {
            what: what.into(),
            deadline,
            interval: Duration::from_millis(50),
            longest: Duration::from_secs(1),
        }
    }

    /// Looks at least this often instead.
    #[must_use]
    pub fn at_least_every(mut self, longest: Duration) -> Self {
        self.longest = longest;
        self.interval = self.interval.min(longest);
        self
    }

    /// Looks at most this often, for a look that costs something.
    #[must_use]
    pub fn at_most_every(mut self, shortest: Duration) -> Self {
        self.interval = shortest;
        self.longest = self.longest.max(shortest);
        self
    }

    /// Looks until `look` finds the thing ready or hopeless, or the deadline has passed. A look
    /// that itself takes longer than the time left is cut off.
    pub async fn until<T, F, L>(self, mut look: L) -> Result<T>
    where
        F: Future<Output = Look<T>>,
        L: FnMut() -> F,
    {
        let end = Instant::now() + self.deadline;
        let mut pause = self.interval;
        let mut last = None;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match tokio::time::timeout(left, look()).await {
                Ok(Look::Ready(value)) => return Ok(value),
                Ok(Look::Hopeless(error)) => {
                    return Err(error.context(format!("gave up waiting for {}", self.what)));
                }
                Ok(Look::NotYet(error)) => last = error.or(last),
                Err(_elapsed) => return Err(self.timed_out(last)),
            }
            if Instant::now() + pause >= end {
                return Err(self.timed_out(last));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 5 / 4).min(self.longest);
        }
    }

    fn timed_out(&self, last: Option<Error>) -> Error {
        let seconds = self.deadline.as_secs_f32();
        let error = Error::new(
            ErrorKind::Timeout,
            format!("{} was not there after {seconds:.0} s", self.what),
        );
        match last {
            Some(last) => error.caused_by(last),
            None => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_last_error_is_kept() {
        let error = Wait::new("godot", Duration::from_secs(5))
            .until(async || Look::<()>::NotYet(Some(Error::other("still on the road"))))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert_eq!(error.to_string(), "godot was not there after 5 s");
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "still on the road");
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_hangs_is_cut_off() {
        let error = Wait::new("godot", Duration::from_secs(5))
            .until(async || std::future::pending::<Look<()>>().await)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
    }

    #[tokio::test(start_paused = true)]
    async fn hopeless_ends_at_once() {
        let mut looks = 0;
        let error = Wait::new("godot", Duration::from_secs(5))
            .until(|| {
                looks += 1;
                async { Look::<()>::Hopeless(Error::other("dead")) }
            })
            .await
            .unwrap_err();
        assert_eq!((looks, error.to_string().as_str()), (1, "gave up waiting for godot"));
    }
}
