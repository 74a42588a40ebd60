use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A place in the driver where a script can make something happen.
///
/// Each is reached before its effect. The `After…` steps lie between the effect and the
/// checkpoint: the resource exists and its id is recorded nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Step {
    PreCheck,
    Reserve,
    Key,
    AfterKey,
    Disk,
    AfterDisk,
    Server,
    AfterServer,
    Start,
    Stop,
    Kill,
    RemoveServer,
    RemoveDisk,
    RemoveKey,
    State,
}

impl Step {
    const ALL: [(Self, &'static str); 15] = [
        (Self::PreCheck, "pre-check"),
        (Self::Reserve, "reserve"),
        (Self::Key, "key"),
        (Self::AfterKey, "after-key"),
        (Self::Disk, "disk"),
        (Self::AfterDisk, "after-disk"),
        (Self::Server, "server"),
        (Self::AfterServer, "after-server"),
        (Self::Start, "start"),
        (Self::Stop, "stop"),
        (Self::Kill, "kill"),
        (Self::RemoveServer, "remove-server"),
        (Self::RemoveDisk, "remove-disk"),
        (Self::RemoveKey, "remove-key"),
        (Self::State, "state"),
    ];

    /// All steps, in the order in which a machine's life meets them.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().map(|(step, _)| step)
    }

    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(step, _)| *step == self).map_or("", |(_, word)| word)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Step {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL.iter().find(|(_, known)| *known == word).map(|(step, _)| *step).ok_or_else(|| {
            let words: Vec<_> = Self::all().map(Self::as_str).collect();
            format!("`{word}` is not a step; the steps are {}", words.join(", "))
        })
    }
}

impl TryFrom<String> for Step {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        word.parse()
    }
}

impl From<Step> for String {
    fn from(step: Step) -> Self {
        step.as_str().to_owned()
    }
}
