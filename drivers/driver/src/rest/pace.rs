use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::{Answer, retry};
use crate::{Context, Error, ErrorKind, Result, file};

/// How often one account is called, by all processes of this computer together: whoever wants to
/// call takes the next turn, so that a hundred machines made at once are refused nothing. And how
/// long it is waited for an answer.
#[derive(Debug, Clone)]
pub struct Pace {
    rate: Rate,
    /// For one attempt of a call.
    pub(super) attempt: Duration,
    /// Shared by processes; without it, by the clones of this value.
    path: Option<PathBuf>,
    turns: Arc<Mutex<Turns>>,
}

/// What a vendor allows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    pub per_second: f64,
    /// So many calls may be made at once after a time without any. In the second that follows, the
    /// vendor sees `burst + per_second` calls.
    pub burst: u32,
}

/// Seconds since 1970.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Turns {
    /// When the next turn is due if there were no bursts.
    next: f64,
    /// The vendor has said that it answers nobody before.
    closed_until: f64,
}

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(30);

/// How long a call may wait for its turn: a thousand of them at four a second take that.
const PATIENCE: f64 = 300.0;

impl Pace {
    /// The pace of an account, in the driver's cache. `MACHINE_API_RATE` replaces the vendor's calls
    /// per second, for accounts that have more, or share them with others; `MACHINE_API_TIMEOUT` the
    /// 30 seconds that an answer may take by fewer.
    pub fn of(cx: &Context, account: &str, rate: Rate) -> Self {
        let wish = |variable| {
            let number = cx.environment.var(variable).and_then(|it| it.parse::<f64>().ok());
            number.filter(|it| it.is_finite() && *it > 0.0)
        };
        let per_second = wish("MACHINE_API_RATE").unwrap_or(rate.per_second);
        let pace = Self::shared(&cx.cache_dir, account, Rate { per_second, ..rate });
        match wish("MACHINE_API_TIMEOUT") {
            None => pace,
            Some(seconds) => Self {
                attempt: Duration::from_secs_f64(seconds.min(ATTEMPT.as_secs_f64())),
                ..pace
            },
        }
    }

    /// The pace of the account that `account` tells from others (it is hashed, so it may be a
    /// secret). Its turns are kept in `dir`, which is the driver's cache.
    pub fn shared(dir: &Path, account: &str, rate: Rate) -> Self {
        let hash = &file::sha256_hex(account.as_bytes())[..16];
        let path = file::create_dir(dir).ok().map(|()| dir.join(format!("pace-{hash}")));
        Self { path, ..Self::alone(rate) }
    }

    /// For one process, or for what has no limit.
    pub fn alone(rate: Rate) -> Self {
        Self { rate, attempt: ATTEMPT, path: None, turns: Arc::default() }
    }

    /// Waits for a turn.
    pub(super) async fn turn(&self, vendor: &str) -> Result<()> {
        let begun = now();
        loop {
            let rate = self.rate;
            let due = self.change(move |turns| turns.take(rate, now())).await;
            if due - begun > PATIENCE {
                let minutes = ((due - begun) / 60.0).ceil();
                let message = format!("{vendor} takes no more calls for {minutes:.0} minutes");
                return Err(Error::new(ErrorKind::Timeout, message)
                    .hint("the account's limit of calls is used up: call again then"));
            }
            sleep_until(due).await;
            // Somebody may have been refused meanwhile.
            if self.change(|turns| turns.closed_until).await <= now() {
                return Ok(());
            }
        }
    }

    /// Notes what an answer says of the account's limit.
    pub(super) async fn heard(&self, answer: &Answer) {
        let remaining = ["ratelimit-remaining", "x-ratelimit-remaining"]
            .iter()
            .find_map(|name| answer.header(name).trim().parse::<f64>().ok());
        let wait = match answer.status.as_u16() {
            429 => Some(retry::told(answer).map_or(1.0, |wait| wait.as_secs_f64())),
            _ if remaining.is_some_and(|left| left < 1.0) => retry::reset(answer),
            _ => None,
        };
        if let Some(wait) = wait {
            let until = now() + wait;
            self.change(move |turns| turns.closed_until = turns.closed_until.max(until)).await;
        }
    }

    async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Turns) -> T + Send + 'static,
    ) -> T {
        let (path, turns) = (self.path.clone(), Arc::clone(&self.turns));
        let work = move || {
            let mut turns = turns.lock().unwrap_or_else(PoisonError::into_inner);
            // Turns that cannot be shared are still kept among ourselves.
            let file = path.and_then(|path| locked(&path).ok());
            if let Some(mut file) = file.as_ref() {
                let mut text = String::new();
                let read = file.read_to_string(&mut text).ok();
                *turns = read.and_then(|_| serde_json::from_str(&text).ok()).unwrap_or_default();
            }
            let value = change(&mut turns);
            if let Some(file) = file {
                write(file, *turns).ok();
            }
            value
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(value) => value,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }
}

impl Turns {
    /// Takes the next turn and says when it is due.
    fn take(&mut self, rate: Rate, now: f64) -> f64 {
        // A clock that was ahead when this was written must not hold us for days.
        if self.next > now + 3600.0 || self.closed_until > now + 86_400.0 {
            *self = Self::default();
        }
        let interval = 1.0 / rate.per_second;
        let ahead = f64::from(rate.burst.saturating_sub(1)) * interval;
        let due = (self.next - ahead).max(now);
        // After a pause that the vendor ordered nobody may rush in.
        let due = if self.closed_until > now { self.closed_until.max(self.next) } else { due };
        self.next = self.next.max(due).max(now) + interval;
        due
    }
}

fn locked(path: &Path) -> std::io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    file.lock()?;
    Ok(file)
}

fn write(mut file: File, turns: Turns) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&serde_json::to_vec(&turns)?)
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

async fn sleep_until(due: f64) {
    let wait = due - now();
    if wait > 0.0 {
        tokio::time::sleep(Duration::from_secs_f64(wait)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 4.0, burst: 5 };

    #[test]
    fn no_second_sees_more_than_burst_and_rate() {
        let mut turns = Turns::default();
        let due: Vec<f64> = (0..100).map(|_| turns.take(RATE, 1000.0)).collect();
        for start in &due {
            let seen = due.iter().filter(|it| (*start..start + 1.0).contains(*it)).count();
            assert!(seen <= 9, "{seen} at {start}");
        }
        assert!((due[99] - 1000.0 - 95.0 / 4.0).abs() < 0.01, "{}", due[99]);
    }

    #[test]
    fn a_closed_account_is_left_alone() {
        let mut turns = Turns { closed_until: 1010.0, ..Turns::default() };
        let due: Vec<f64> = (0..8).map(|_| turns.take(RATE, 1000.0)).collect();
        assert!(due.iter().all(|due| *due >= 1010.0), "{due:?}");
        assert!(due[7] >= 1011.0, "they come one by one: {due:?}");
    }

    #[tokio::test]
    async fn two_of_one_account_share_its_turns() {
        let dir = tempfile::tempdir().unwrap();
        let pace = || Pace::shared(dir.path(), "token", RATE);
        let (a, b) = (pace(), pace());
        let take = |pace: &Pace| {
            let pace = pace.clone();
            async move { pace.change(|turns| turns.take(RATE, 1000.0)).await }
        };
        for _ in 0..5 {
            assert!((take(&a).await - 1000.0).abs() < 0.001);
        }
        assert!(take(&b).await > 1000.2);
        let other = Pace::shared(dir.path(), "another", RATE);
        assert!((take(&other).await - 1000.0).abs() < 0.001);
    }
}
