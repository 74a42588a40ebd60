use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::{Context, Result};

/// What stands on everything that is made in a cloud, in the very call that makes it: by this the
/// resources of a store are found whose ids were never recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tags {
    /// The store's id, 12 hexadecimal digits.
    pub store: String,
    /// The machine's name; empty for what the machines of a store share.
    pub machine: String,
    /// Seconds since 1970.
    pub created: u64,
    /// Seconds since 1970 at which `--ttl` ends.
    pub expires: Option<u64>,
}

/// The keys of [`Tags::pairs`] and [`Tags::words`].
pub const STORE: &str = "machine-store";
pub const NAME: &str = "machine-name";
pub const CREATED: &str = "machine-created";
pub const EXPIRES: &str = "machine-expires";

impl Tags {
    pub fn new(cx: &Context, expires: Option<SystemTime>) -> Result<Self> {
        Ok(Self {
            store: cx.store_id.get()?.to_owned(),
            machine: cx.machine.clone(),
            created: seconds(SystemTime::now()),
            expires: expires.map(seconds),
        })
    }

    /// The same for something that all machines of the store share.
    #[must_use]
    pub fn shared(self) -> Self {
        Self { machine: String::new(), expires: None, ..self }
    }

    /// For clouds whose tags have a key and a value. Keys and values are of `[a-zA-Z0-9.-]`.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = vec![(STORE, self.store.clone()), (CREATED, self.created.to_string())];
        if !self.machine.is_empty() {
            pairs.push((NAME, self.machine.clone()));
        }
        if let Some(expires) = self.expires {
            pairs.push((EXPIRES, expires.to_string()));
        }
        pairs
    }

    /// [`Tags::pairs`] as labels, with the user's own.
    pub fn labels(&self, users: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let ours = self.pairs().into_iter().map(|(key, value)| (key.to_owned(), value));
        users.clone().into_iter().chain(ours).collect()
    }

    /// Reads [`Tags::labels`] back.
    pub fn from_labels(labels: &BTreeMap<String, String>) -> Option<Self> {
        Self::from_pairs(labels.iter().map(|(key, value)| (key.as_str(), value.as_str())))
    }

    /// For clouds whose tags are words: `machine-store:0123456789ab`. Of `[a-zA-Z0-9:_-]`; a dot in
    /// the machine's name becomes an underscore, which no name has.
    pub fn words(&self) -> Vec<String> {
        self.pairs().into_iter().map(|(key, value)| word(key, &value)).collect()
    }

    /// For resources that have nothing but a name: `machine-STORE-CREATED-NAME`.
    pub fn label(&self) -> String {
        format!("machine-{}-{}-{}", self.store, self.created, self.machine)
    }

    /// Reads [`Tags::pairs`] back; `None` for what is not ours.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<Self> {
        let mut tags =
            Self { store: String::new(), machine: String::new(), created: 0, expires: None };
        for (key, value) in pairs {
            match key {
                STORE => value.clone_into(&mut tags.store),
                NAME => value.clone_into(&mut tags.machine),
                CREATED => tags.created = value.parse().ok()?,
                EXPIRES => tags.expires = value.parse().ok(),
                _ => {}
            }
        }
        Some(tags).filter(|tags| !tags.store.is_empty())
    }

    /// Reads [`Tags::words`] back.
    pub fn from_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let tags = Self::from_pairs(words.into_iter().filter_map(|word| word.split_once(':')))?;
        Some(Self { machine: tags.machine.replace('_', "."), ..tags })
    }

    /// Reads [`Tags::label`] back.
    pub fn from_label(label: &str) -> Option<Self> {
        let mut parts = label.strip_prefix("machine-")?.splitn(3, '-');
        let store = parts.next().filter(|it| it.len() == 12)?.to_owned();
        let created = parts.next()?.parse().ok()?;
        Some(Self { store, machine: parts.next()?.to_owned(), created, expires: None })
    }

    pub fn created_at(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.created)
    }

    pub fn expires_at(&self) -> Option<SystemTime> {
        self.expires.map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds))
    }
}

/// One tag of [`Tags::words`].
pub fn word(key: &str, value: &str) -> String {
    format!("{key}:{}", value.replace('.', "_"))
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_reads_back() {
        let tags = Tags {
            store: "0123456789ab".into(),
            machine: "web-1.lab".into(),
            created: 1_795_000_000,
            expires: Some(1_795_003_600),
        };
        let pairs = tags.pairs();
        let pairs = pairs.iter().map(|(key, value)| (*key, value.as_str()));
        assert_eq!(Tags::from_pairs(pairs).unwrap(), tags);
        let labels = tags.labels(&BTreeMap::from([("team".into(), "a".into())]));
        assert_eq!(
            (labels["team"].as_str(), Tags::from_labels(&labels)),
            ("a", Some(tags.clone()))
        );
        let words = tags.words();
        assert!(words.contains(&"machine-name:web-1_lab".to_owned()), "{words:?}");
        assert_eq!(Tags::from_words(words.iter().map(String::as_str)).unwrap(), tags);
        let label = Tags { expires: None, ..tags };
        assert_eq!(Tags::from_label(&label.label()).unwrap(), label);
        assert_eq!(Tags::from_words(["web", "team:a"]), None);
        assert_eq!(Tags::from_label("machine-of-mine"), None);
    }
}
