use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Result, file};

/// Answers that all processes of this computer share: whoever waits for the same list looks at one
/// that somebody has just fetched, and only one fetches at a time.
#[derive(Debug, Clone)]
pub struct Shared {
    dir: Option<PathBuf>,
    prefix: String,
}

#[derive(Serialize, Deserialize)]
struct Entry<T> {
    /// When it was asked for, seconds since 1970.
    taken: f64,
    value: T,
}

impl Shared {
    /// `dir` is the driver's cache; `account` tells accounts and regions apart and is hashed.
    pub fn new(dir: &Path, account: &str) -> Self {
        let prefix = file::sha256_hex(account.as_bytes())[..16].to_owned();
        Self { dir: file::create_dir(dir).ok().map(|()| dir.to_owned()), prefix }
    }

    /// Drops an answer that is known not to be true any more.
    pub fn forget(&self, key: &str) {
        if let Some(path) = self.path(key) {
            // What cannot be dropped grows old soon.
            std::fs::remove_file(path).ok();
        }
    }

    fn path(&self, key: &str) -> Option<PathBuf> {
        Some(self.dir.as_ref()?.join(format!("{key}-{}.json", self.prefix)))
    }

    /// What `fetch` would find, not older than `age` and asked for after `since`.
    pub async fn get<T, F>(
        &self,
        key: &str,
        age: Duration,
        since: SystemTime,
        fetch: impl FnOnce() -> F,
    ) -> Result<T>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = Result<T>>,
    {
        let Some(path) = self.path(key) else { return fetch().await };
        let oldest = seconds(since).max(seconds(SystemTime::now()) - age.as_secs_f64());
        if let Some(value) = read(&path, oldest) {
            return Ok(value);
        }
        let _turn = lock(path.with_extension("lock")).await;
        // Whoever held the lock may have fetched it meanwhile.
        if let Some(value) = read(&path, oldest) {
            return Ok(value);
        }
        let taken = seconds(SystemTime::now());
        let value = fetch().await?;
        let entry = Entry { taken, value };
        let text = serde_json::to_vec(&entry).expect("what was read as JSON is JSON");
        // A cache that cannot be written is one that does not help.
        file::write_atomic(&path, &text, 0o600).ok();
        Ok(entry.value)
    }
}

fn read<T: DeserializeOwned>(path: &Path, oldest: f64) -> Option<T> {
    let entry: Entry<T> = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    let fresh = entry.taken >= oldest && entry.taken <= seconds(SystemTime::now());
    fresh.then_some(entry.value)
}

/// `None` where there can be no lock, which only costs calls.
async fn lock(path: PathBuf) -> Option<File> {
    let work = move || {
        let file = File::create(path).ok()?;
        file.lock().ok().map(|()| file)
    };
    tokio::task::spawn_blocking(work).await.ok().flatten()
}

fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn one_call_answers_all_who_wait() {
        let dir = tempfile::tempdir().unwrap();
        let calls = AtomicU32::new(0);
        let ask = |since| {
            let shared = Shared::new(dir.path(), "account");
            let calls = &calls;
            async move {
                let fetch = async || {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    Ok(calls.fetch_add(1, Ordering::SeqCst))
                };
                shared.get("list", Duration::from_secs(60), since, fetch).await.unwrap()
            }
        };
        let all = futures_util::future::join_all((0..50).map(|_| ask(UNIX_EPOCH))).await;
        assert!(all.iter().all(|it| *it == 0), "{all:?}");
        assert_eq!(ask(SystemTime::now()).await, 1, "what was asked for before does not count");
        assert_eq!(calls.load(Ordering::SeqCst), 2);
    }
}
