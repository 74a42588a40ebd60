use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::StoreError;

/// What is being done with a machine, step by step: one JSON object a line, each on disk before
/// its step has a side effect. A line that a crash cut off is passed over.
#[derive(Debug, Clone)]
pub struct Journal {
    path: PathBuf,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Seconds since 1970, UTC.
    pub at: i64,
    #[serde(flatten)]
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum What {
    /// The machine is being made; the first line.
    Create,
    Begin {
        step: String,
    },
    Done {
        step: String,
    },
    Failed {
        step: String,
        error: String,
    },
    /// All steps are done; the last line.
    Complete,
    /// The machine is being removed; never undone.
    Remove,
}

/// Where work on a machine stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// The step that was not closed, or failed; `remove` for a half-removed machine.
    pub step: String,
    pub error: Option<String>,
    /// Seconds since 1970 of the last event.
    pub at: i64,
}

impl Journal {
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    pub fn create(&self) -> Result<(), StoreError> {
        self.append(What::Create)
    }

    pub fn begin(&self, step: &str) -> Result<(), StoreError> {
        self.append(What::Begin { step: step.to_owned() })
    }

    pub fn done(&self, step: &str) -> Result<(), StoreError> {
        self.append(What::Done { step: step.to_owned() })
    }

    pub fn failed(&self, step: &str, error: &str) -> Result<(), StoreError> {
        self.append(What::Failed { step: step.to_owned(), error: error.to_owned() })
    }

    pub fn complete(&self) -> Result<(), StoreError> {
        self.append(What::Complete)
    }

    pub fn removing(&self) -> Result<(), StoreError> {
        self.append(What::Remove)
    }

    /// All readable events; none for a machine that docker-machine made.
    pub fn events(&self) -> Result<Vec<Event>, StoreError> {
        match fs::read_to_string(&self.path) {
            Ok(text) => {
                Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(source) => Err(StoreError::Read { path: self.path.clone(), source }),
        }
    }

    /// `None` for a machine that is complete or has no journal.
    pub fn unfinished(&self) -> Result<Option<Unfinished>, StoreError> {
        Ok(self.events()?.iter().fold(None, |unfinished, event| {
            let at = event.at;
            let stopped_at =
                |step: &str, error| Some(Unfinished { step: step.to_owned(), error, at });
            match &event.what {
                What::Create => stopped_at("start", None),
                What::Begin { step } | What::Done { step } => stopped_at(step, None),
                What::Failed { step, error } => stopped_at(step, Some(error.clone())),
                What::Remove => stopped_at("remove", None),
                What::Complete => {
                    let _: Option<Unfinished> = unfinished;
                    None
                }
            }
        }))
    }

    fn append(&self, what: What) -> Result<(), StoreError> {
        let failed = |source| StoreError::write(&self.path, source);
        let event = Event { at: time::OffsetDateTime::now_utc().unix_timestamp(), what };
        let mut line = serde_json::to_vec(&event).map_err(|error| failed(error.into()))?;
        // The newline comes first as well, so that a line cut off by a crash spoils no other.
        line.insert(0, b'\n');
        line.push(b'\n');
        let mut file =
            OpenOptions::new().create(true).append(true).open(&self.path).map_err(failed)?;
        file.write_all(&line).and_then(|()| file.sync_data()).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(dir: &tempfile::TempDir) -> Journal {
        Journal::at(dir.path().join("journal.jsonl"))
    }

    #[test]
    fn tells_where_it_stopped() {
        let dir = tempfile::tempdir().unwrap();
        let journal = journal(&dir);
        assert_eq!(journal.unfinished().unwrap(), None);
        journal.create().unwrap();
        journal.begin("image").unwrap();
        assert_eq!(journal.unfinished().unwrap().unwrap().step, "image");
        journal.failed("image", "no mirror").unwrap();
        let unfinished = journal.unfinished().unwrap().unwrap();
        assert_eq!(unfinished.error.as_deref(), Some("no mirror"));
        journal.complete().unwrap();
        assert_eq!(journal.unfinished().unwrap(), None);
        journal.removing().unwrap();
        assert_eq!(journal.unfinished().unwrap().unwrap().step, "remove");
    }

    #[test]
    fn a_torn_line_spoils_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let journal = journal(&dir);
        journal.create().unwrap();
        let mut text = fs::read_to_string(&journal.path).unwrap();
        text.push_str(r#"{"at":1,"event":"beg"#);
        fs::write(&journal.path, text).unwrap();
        journal.begin("boot").unwrap();
        assert_eq!(journal.unfinished().unwrap().unwrap().step, "boot");
        assert_eq!(journal.events().unwrap().len(), 2);
    }
}
