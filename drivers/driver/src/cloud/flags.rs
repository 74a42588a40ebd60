use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::{Context, Error, ErrorKind, Flag, FlagValues, Result, Secret};

/// A table of flags as all clouds have them: each name begins with the driver's, and the variable
/// is the name in capitals, unless the flag has another one.
pub fn flags(driver: &str, table: impl IntoIterator<Item = Flag>) -> Vec<Flag> {
    let with_names = |flag: Flag| {
        let name = format!("{driver}-{}", flag.name);
        let variable = flag.env.unwrap_or_else(|| Cow::Owned(variable(&name)));
        Flag { name: name.into(), env: Some(variable), ..flag }
    };
    table.into_iter().map(with_names).collect()
}

fn variable(name: &str) -> String {
    name.to_uppercase().replace('-', "_")
}

/// The values of such a table, by the names that stand in it.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    driver: &'a str,
    values: &'a FlagValues,
}

impl<'a> Given<'a> {
    pub fn new(driver: &'a str, values: &'a FlagValues) -> Self {
        Self { driver, values }
    }

    /// The whole name, without dashes in front.
    pub fn name(&self, flag: &str) -> String {
        format!("{}-{flag}", self.driver)
    }

    /// Empty if there is no value.
    pub fn text(&self, flag: &str) -> String {
        self.values.text(&self.name(flag)).unwrap_or_default().to_owned()
    }

    pub fn int(&self, flag: &str) -> Option<i64> {
        self.values.int(&self.name(flag))
    }

    pub fn bool(&self, flag: &str) -> bool {
        self.values.bool(&self.name(flag))
    }

    /// Whether one of a flag's two names is given.
    pub fn either(&self, flag: &str, other: &str) -> bool {
        self.bool(flag) || self.bool(other)
    }

    pub fn list(&self, flag: &str) -> &'a [String] {
        self.values.list(&self.name(flag))
    }

    /// A number that is given as text; 0 if there is none.
    pub fn number(&self, flag: &str) -> Result<u64> {
        match self.text(flag).as_str() {
            "" => Ok(0),
            text => text.parse().map_err(|_| {
                let message = format!("--{} is a number, not `{text}`", self.name(flag));
                Error::new(ErrorKind::Flags, message)
            }),
        }
    }

    /// The pairs of a list of `key=value`. `what` is what one is called in errors.
    pub fn pairs(&self, flag: &str, what: &str) -> Result<BTreeMap<String, String>> {
        let pair = |text: &String| match text.split_once('=') {
            Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
            None => {
                let message = format!("{what} {text} is not in key=value format");
                Err(Error::new(ErrorKind::Flags, message))
            }
        };
        self.list(flag).iter().map(pair).collect()
    }

    /// An error for the first two flags that are given together and exclude each other.
    pub fn exclude(&self, pairs: &[(&str, &str, bool)]) -> Result<()> {
        let Some((one, other, _)) = pairs.iter().find(|(_, _, both)| *both) else { return Ok(()) };
        let (one, other) = (self.name(one), self.name(other));
        let message = format!("--{one} and --{other} are mutually exclusive");
        Err(Error::new(ErrorKind::Flags, message))
    }

    /// The secret without which nothing can be called. `missing` is docker-machine's text if there is
    /// none.
    pub fn token(&self, cx: &Context, flag: &str, missing: &str) -> Result<Secret> {
        let name = self.name(flag);
        let variable = variable(&name);
        let token = Secret::from_flag(cx, self.values, &name, &variable);
        token.filter(|token| !token.is_empty()).ok_or_else(|| {
            Error::new(ErrorKind::Denied, missing)
                .hint(format!("export {variable}=..."))
                .hint(format!("or keep it elsewhere: --{name} 'command:pass show {}'", self.driver))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_variables() {
        let all = flags(
            "hetzner",
            [
                Flag::text("server-type", "HETZNER_TYPE", Some("cx23"), "Size"),
                Flag::int("ssh-port", "", Some(22), "Port"),
            ],
        );
        let names: Vec<_> = all.iter().map(|it| (&*it.name, it.env.as_deref())).collect();
        assert_eq!(
            names,
            [
                ("hetzner-server-type", Some("HETZNER_TYPE")),
                ("hetzner-ssh-port", Some("HETZNER_SSH_PORT")),
            ]
        );
        let values = FlagValues::defaults(&all);
        let given = Given::new("hetzner", &values);
        assert_eq!((given.text("server-type").as_str(), given.int("ssh-port")), ("cx23", Some(22)));
        assert_eq!(given.text("image"), "");
    }
}
