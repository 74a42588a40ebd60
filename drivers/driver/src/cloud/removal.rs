use crate::{Error, ErrorKind, Result};

/// A removal that carries on past what fails and reports all of it.
#[derive(Debug, Default)]
pub struct Removal {
    failures: Vec<Error>,
}

impl Removal {
    /// Notes how the removal of one resource ended; "not found" is done. `true` if it is gone, so
    /// that it can be struck from the record.
    pub fn is_gone<T>(&mut self, what: &str, outcome: Result<T>) -> bool {
        match outcome {
            Ok(_) => true,
            Err(error) if error.kind() == ErrorKind::NotFound => true,
            Err(error) => {
                self.failures.push(error.context(format!("{what} could not be removed")));
                false
            }
        }
    }

    /// What was looked for. That it could not be is noted, and keeps nobody from removing what is
    /// known already.
    pub fn found<T>(&mut self, outcome: Result<Vec<T>>) -> Vec<T> {
        outcome.unwrap_or_else(|error| {
            self.failures.push(error);
            Vec::new()
        })
    }

    /// All failures as one error.
    pub fn end(mut self) -> Result<()> {
        match self.failures.len() {
            0 => Ok(()),
            1 => Err(self.failures.remove(0)),
            count => {
                let all: Vec<String> = self.failures.iter().map(Error::one_line).collect();
                let error = Error::other(format!("{count} resources could not be removed"));
                let error = error.caused_by(all.join("; "));
                Err(self.failures.iter().flat_map(Error::hints).fold(error, |error, hint| {
                    if error.hints().contains(hint) { error } else { error.hint(hint) }
                }))
            }
        }
    }
}

/// The recorded ids, and those that an attempt may have made without recording them.
pub fn with_others(recorded: &[String], found: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut ids = recorded.to_vec();
    for id in found {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_failures_are_told() {
        let mut removal = Removal::default();
        assert!(removal.is_gone("the key", Err::<(), _>(Error::new(ErrorKind::NotFound, "404"))));
        assert!(!removal.is_gone("the disk", Err::<(), _>(Error::other("busy").hint("wait"))));
        assert!(!removal.is_gone("the server", Err::<(), _>(Error::other("locked").hint("wait"))));
        let nothing: Vec<u8> = removal.found(Err(Error::other("no list")));
        assert!(nothing.is_empty());
        assert_eq!(removal.found(Ok(vec![1])), [1]);
        let error = removal.end().unwrap_err();
        assert_eq!(
            error.one_line(),
            "3 resources could not be removed: the disk could not be removed: busy; the server \
             could not be removed: locked; no list"
        );
        assert_eq!(error.hints(), ["wait"]);
    }
}
