//! The forms that all of EC2's answers have.

use machine_driver::{Error, Result, Tags};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A list: `<…Set><item>…</item><item>…</item></…Set>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Set<T> {
    #[serde(default = "Vec::new", rename = "item")]
    pub(crate) items: Vec<T>,
}

impl<T> Default for Set<T> {
    fn default() -> Self {
        Self { items: Vec::new() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

impl Set<Tag> {
    /// What its tags say of a resource; `None` if it is not ours.
    pub(crate) fn ours(&self) -> Option<Tags> {
        let pairs = self.items.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()));
        Tags::from_pairs(pairs)
    }
}

/// Reads an answer. Elements that are not asked for are passed over.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        Error::other("Amazon EC2's answer is not what was expected").caused_by(error)
    };
    let text = std::str::from_utf8(body).map_err(|error| failed(error.into()))?;
    quick_xml::de::from_str(text).map_err(|error| failed(error.into()))
}
