use std::borrow::Cow;
use std::collections::BTreeMap;

type Text = Cow<'static, str>;

/// One option of `create`, as data.
///
/// From one table of these come the command-line flags, the environment variables, the keys of
/// the lab file, the plugin protocol and the documentation. Text is `Cow` because the flags of a
/// plugin are learned while running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// Without leading dashes, for example `qemu-memory`.
    pub name: Text,
    /// The environment variable that stands in for the flag, for example `QEMU_MEMORY`.
    pub env: Option<Text>,
    /// One line, imperative or noun phrase, no full stop.
    pub help: Text,
    pub kind: FlagKind,
    /// The value is redacted in logs, errors and `inspect`.
    pub secret: bool,
}

/// The type of a flag, with its default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlagKind {
    /// Default always false, as in docker-machine.
    Bool,
    Int(Option<i64>),
    Text(Option<Text>),
    List(Vec<Text>),
}

/// An empty `env` is none: docker-machine has flags without a variable.
impl Flag {
    pub const fn text(
        name: &'static str,
        env: &'static str,
        default: Option<&'static str>,
        help: &'static str,
    ) -> Self {
        let default = match default {
            Some(text) => Some(Cow::Borrowed(text)),
            None => None,
        };
        Self::new(name, env, help, FlagKind::Text(default))
    }

    pub const fn int(
        name: &'static str,
        env: &'static str,
        default: Option<i64>,
        help: &'static str,
    ) -> Self {
        Self::new(name, env, help, FlagKind::Int(default))
    }

    pub const fn bool(name: &'static str, env: &'static str, help: &'static str) -> Self {
        Self::new(name, env, help, FlagKind::Bool)
    }

    pub const fn list(name: &'static str, env: &'static str, help: &'static str) -> Self {
        Self::new(name, env, help, FlagKind::List(Vec::new()))
    }

    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    const fn new(
        name: &'static str,
        env: &'static str,
        help: &'static str,
        kind: FlagKind,
    ) -> Self {
        Self {
            name: Cow::Borrowed(name),
            env: if env.is_empty() { None } else { Some(Cow::Borrowed(env)) },
            help: Cow::Borrowed(help),
            kind,
            secret: false,
        }
    }
}

/// The typed value of one flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlagValue {
    Bool(bool),
    Int(i64),
    Text(String),
    List(Vec<String>),
}

/// The values of a driver's flags, by flag name. Holds every flag that has a value or a default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlagValues {
    values: BTreeMap<String, FlagValue>,
    given: BTreeMap<String, Origin>,
}

/// Where the value of a flag came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Default,
    /// The command line.
    Flag,
    /// The environment: the name of the variable.
    Variable(String),
}

impl FlagValues {
    /// The defaults of `flags`, none of them given by the user.
    pub fn defaults(flags: &[Flag]) -> Self {
        let mut values = BTreeMap::new();
        for flag in flags {
            let value = match &flag.kind {
                FlagKind::Bool => Some(FlagValue::Bool(false)),
                FlagKind::Int(default) => default.map(FlagValue::Int),
                FlagKind::Text(default) => {
                    default.as_ref().map(|text| FlagValue::Text(text.to_string()))
                }
                FlagKind::List(default) => {
                    Some(FlagValue::List(default.iter().map(ToString::to_string).collect()))
                }
            };
            if let Some(value) = value {
                values.insert(flag.name.to_string(), value);
            }
        }
        Self { values, given: BTreeMap::new() }
    }

    /// Sets a value that the user gave on the command line.
    pub fn set(&mut self, name: impl Into<String>, value: FlagValue) {
        self.set_from(name, value, Origin::Flag);
    }

    /// Sets a value that the user gave.
    pub fn set_from(&mut self, name: impl Into<String>, value: FlagValue, origin: Origin) {
        let name = name.into();
        self.given.insert(name.clone(), origin);
        self.values.insert(name, value);
    }

    /// Whether the user gave this flag, as opposed to its default.
    pub fn given(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    pub fn origin(&self, name: &str) -> Origin {
        self.given.get(name).cloned().unwrap_or(Origin::Default)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &FlagValue)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The text of a flag; `None` when it has neither value nor default, or is empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.values.get(name) {
            Some(FlagValue::Text(text)) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    pub fn int(&self, name: &str) -> Option<i64> {
        match self.values.get(name) {
            Some(FlagValue::Int(number)) => Some(*number),
            _ => None,
        }
    }

    pub fn bool(&self, name: &str) -> bool {
        matches!(self.values.get(name), Some(FlagValue::Bool(true)))
    }

    pub fn list(&self, name: &str) -> &[String] {
        match self.values.get(name) {
            Some(FlagValue::List(list)) => list,
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_not_given_and_empty_text_is_none() {
        let flags = [
            Flag::int("x-memory", "X_MEMORY", Some(1024), "Memory in MiB"),
            Flag::text("x-url", "X_URL", None, "Address"),
            Flag::list("x-open-port", "X_OPEN_PORT", "Port to open"),
        ];
        let mut values = FlagValues::defaults(&flags);
        assert_eq!(values.int("x-memory"), Some(1024));
        assert!(!values.given("x-memory"));
        assert_eq!(values.text("x-url"), None);
        values.set("x-url", FlagValue::Text(String::new()));
        assert_eq!(values.text("x-url"), None);
        assert!(values.given("x-url"));
        assert!(values.list("x-open-port").is_empty());
    }
}
