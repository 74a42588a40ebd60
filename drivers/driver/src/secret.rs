use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Context, Error, ErrorKind, FlagValues, Origin, Result, process};

/// A password, token or key: the value itself, or where it is found each time it is needed.
///
/// In a record it is one string under docker-machine's own key: the reference where there is one,
/// else the literal. The value never appears in [`fmt::Debug`] or [`fmt::Display`].
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret {
    value: Option<String>,
    from: Option<Reference>,
}

/// Where a secret is found. Written `env:NAME`, `file:PATH`, `command:PROGRAM ARGUMENTS` or
/// `profile:NAME`, also by users as the value of a secret flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// A variable of the environment.
    Env(String),
    /// A file whose content it is, without the blanks around.
    File(PathBuf),
    /// A program that prints it. Words are parted at blanks; no shell is involved.
    Command(String),
    /// An entry of the vendor's own configuration, which only its driver can read.
    Profile(String),
}

/// How long the program of a `command:` reference may take: it may ask for a fingerprint.
const COMMAND_DEADLINE: Duration = Duration::from_secs(60);

impl Secret {
    /// The literal, which is stored as it is.
    pub fn literal(value: impl Into<String>) -> Self {
        Self { value: Some(value.into()), from: None }
    }

    pub fn reference(from: Reference) -> Self {
        Self { value: None, from: Some(from) }
    }

    /// The secret that a flag gives; `None` if it has no value. What came from `variable`, the
    /// flag's own, is stored as a reference to it. So is a literal that is not to be stored, with
    /// a warning, for it must be in that variable when it is needed again.
    pub fn from_flag(
        cx: &Context,
        values: &FlagValues,
        flag: &str,
        variable: &str,
    ) -> Option<Self> {
        let text = values.text(flag)?.to_owned();
        if let Origin::Variable(name) = values.origin(flag) {
            return Some(Self { value: Some(text), from: Some(Reference::Env(name)) });
        }
        Some(match Reference::parse(&text) {
            Some(from) => Self::reference(from),
            None if cx.policy.store_secrets => Self::literal(text),
            None => {
                cx.progress.warn(&format!(
                    "the value of --{flag} is not stored: put it into `{variable}` for later \
                     commands, or store it with --store-secrets"
                ));
                Self { value: Some(text), from: Some(Reference::Env(variable.to_owned())) }
            }
        })
    }

    pub fn is_empty(&self) -> bool {
        self.from.is_none() && self.value.as_deref().is_none_or(str::is_empty)
    }

    /// Where it is found, unless it is stored as it is.
    pub fn source(&self) -> Option<&Reference> {
        self.from.as_ref()
    }

    /// The value. `what` is what it is called in errors, for example `DigitalOcean access token`.
    /// A value in `variable` replaces a stored literal, so that it can be changed in one place.
    pub async fn reveal(&self, cx: &Context, what: &str, variable: &str) -> Result<String> {
        if self.from.is_none()
            && let Some(newer) = cx.environment.var(variable)
        {
            return Ok(newer.to_owned());
        }
        if let Some(value) = &self.value {
            return Ok(value.clone());
        }
        let missing = |why: String| {
            Error::new(ErrorKind::Denied, format!("the {what} is not there")).caused_by(why)
        };
        match &self.from {
            None => {
                Err(missing("none is recorded".to_owned()).hint(format!("export {variable}=...")))
            }
            Some(Reference::Env(name)) => {
                cx.environment.var(name).map(str::to_owned).ok_or_else(|| {
                    missing(format!("the variable `{name}` is not set"))
                        .hint(format!("export {name}=..."))
                })
            }
            Some(Reference::File(path)) => {
                let text = std::fs::read_to_string(absolute(path, cx)).map_err(|error| {
                    missing(format!("`{}` cannot be read: {error}", path.display()))
                })?;
                Ok(text.trim().to_owned())
            }
            Some(Reference::Command(line)) => printed(cx, line)
                .await
                .map_err(|error| error.context(format!("the {what} is not there"))),
            Some(Reference::Profile(name)) => {
                Err(missing(format!("the profile `{name}` is for the vendor's own configuration")))
            }
        }
    }
}

/// `~/` is the caller's home, which no shell has put in behind `file:`.
fn absolute(path: &Path, cx: &Context) -> PathBuf {
    match (path.strip_prefix("~"), &cx.environment.home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

async fn printed(cx: &Context, line: &str) -> Result<String> {
    let mut words = line.split_whitespace();
    let program = words.next().unwrap_or_default();
    let path = process::find(program, &cx.search_path).ok_or_else(|| {
        Error::new(ErrorKind::MissingTool, format!("there is no program `{program}`"))
    })?;
    let output = process::Run::new(path).args(words).deadline(COMMAND_DEADLINE).output().await?;
    Ok(output.stdout.trim().to_owned())
}

impl Reference {
    /// Reads the written form; anything else is a literal.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        match kind {
            _ if rest.is_empty() => None,
            "env" => Some(Self::Env(rest.to_owned())),
            "file" => Some(Self::File(rest.into())),
            "command" => Some(Self::Command(rest.to_owned())),
            "profile" => Some(Self::Profile(rest.to_owned())),
            _ => None,
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Command(line) => write!(f, "command:{line}"),
            Self::Profile(name) => write!(f, "profile:{name}"),
        }
    }
}

/// What stands for the value of a secret wherever people can see it.
pub const REDACTED: &str = "<redacted>";

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.from {
            Some(from) => from.fmt(f),
            None if self.is_empty() => Ok(()),
            None => f.write_str(REDACTED),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({self})")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.from {
            Some(from) => serializer.collect_str(from),
            None => serializer.serialize_str(self.value.as_deref().unwrap_or_default()),
        }
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
        Ok(match Reference::parse(&text) {
            Some(from) => Self::reference(from),
            None if text.is_empty() => Self::default(),
            None => Self::literal(text),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_is_seen_in_the_record_and_nowhere_else() {
        let secret = Secret::literal("hunter2");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"hunter2\"");
        assert_eq!(format!("{secret} {secret:?}"), "<redacted> Secret(<redacted>)");
        let secret =
            Secret { value: Some("hunter2".into()), from: Some(Reference::Env("T".into())) };
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"env:T\"");
        assert_eq!(format!("{secret:?}"), "Secret(env:T)");
    }

    #[test]
    fn every_form_reads_back() {
        for text in ["env:T", "file:/run/t", "command:pass show do", "profile:work", "plain", ""] {
            let json = serde_json::to_string(text).unwrap();
            let secret: Secret = serde_json::from_str(&json).unwrap();
            assert_eq!(serde_json::to_string(&secret).unwrap(), json);
            assert_eq!(secret.source().is_some(), text.contains(':'));
        }
        assert!(serde_json::from_str::<Secret>("null").unwrap().is_empty());
    }
}
