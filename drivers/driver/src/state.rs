use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The state of a machine, in docker-machine's words and order.
///
/// `Missing` has no counterpart there: the host says that the machine does not exist any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum State {
    /// Nothing is known; docker-machine prints an empty word.
    None,
    Running,
    Paused,
    Saved,
    Stopped,
    Stopping,
    Starting,
    Error,
    Timeout,
    Missing,
}

impl State {
    const ALL: [(Self, &'static str); 10] = [
        (Self::None, ""),
        (Self::Running, "Running"),
        (Self::Paused, "Paused"),
        (Self::Saved, "Saved"),
        (Self::Stopped, "Stopped"),
        (Self::Stopping, "Stopping"),
        (Self::Starting, "Starting"),
        (Self::Error, "Error"),
        (Self::Timeout, "Timeout"),
        (Self::Missing, "Not Found"),
    ];

    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(state, _)| *state == self).map_or("", |(_, word)| word)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Reads the words of [`State::as_str`], in any case.
impl FromStr for State {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .iter()
            .find(|(_, known)| known.eq_ignore_ascii_case(word))
            .map(|(state, _)| *state)
            .ok_or_else(|| format!("`{word}` is not a machine state"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back() {
        for (state, word) in State::ALL {
            assert_eq!(word.to_lowercase().parse::<State>().unwrap(), state);
        }
        assert!("Jogging".parse::<State>().is_err());
    }
}
