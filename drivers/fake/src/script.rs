use std::collections::BTreeMap;
use std::str::FromStr;

use machine_driver::{Error, ErrorKind, FlagValues, Result, State};
use serde::{Deserialize, Serialize};

use crate::{Order, Step};

/// What goes wrong with one machine, and when.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Script {
    /// Steps that fail; without a count always.
    pub fail: Vec<Order>,
    /// Steps that never end; without a count always.
    pub hang: Vec<Order>,
    /// Steps at which the process dies as by `kill -9`; without a count once, so that the next
    /// command can be seen to carry on.
    pub abort: Vec<Order>,
    /// Milliseconds that a step takes.
    pub delay: BTreeMap<String, u64>,
    /// The word for [`State`] that is reported instead of the truth; empty for the truth.
    pub state: String,
}

impl Script {
    pub(crate) fn from_flags(values: &FlagValues) -> Result<Self> {
        let orders = |flag: &str| -> Result<Vec<Order>> {
            values.list(flag).iter().map(|text| read(flag, text)).collect()
        };
        let state = values.text("fake-state").unwrap_or_default();
        if !state.is_empty() {
            read::<State>("fake-state", state)?;
        }
        Ok(Self {
            fail: orders("fake-fail")?,
            hang: orders("fake-hang")?,
            abort: orders("fake-abort")?,
            delay: values
                .list("fake-delay")
                .iter()
                .map(|text| delay(text))
                .collect::<Result<_>>()?,
            state: state.to_owned(),
        })
    }

    pub(crate) fn delay_at(&self, step: Step) -> u64 {
        self.delay.get(step.as_str()).copied().unwrap_or(0)
    }

    /// The state that is to be reported, if any is.
    pub(crate) fn reported_state(&self) -> Option<State> {
        self.state.parse().ok().filter(|_| !self.state.is_empty())
    }
}

/// Reads `STEP=MILLIS`.
fn delay(text: &str) -> Result<(String, u64)> {
    let (step, millis) = text.split_once('=').unwrap_or((text, ""));
    let step: Step = read("fake-delay", step)?;
    Ok((step.to_string(), read("fake-delay", millis)?))
}

fn read<T: FromStr<Err: ToString>>(flag: &str, text: &str) -> Result<T> {
    text.parse().map_err(|error: T::Err| {
        let error = error.to_string();
        Error::new(ErrorKind::Flags, format!("--{flag} `{text}` is wrong")).caused_by(error)
    })
}

#[cfg(test)]
mod tests {
    use machine_driver::FlagValue;

    use super::*;

    fn with(flag: &str, value: FlagValue) -> Result<Script> {
        let mut values = FlagValues::default();
        values.set(flag, value);
        Script::from_flags(&values)
    }

    #[test]
    fn flags_become_a_script() {
        let script =
            with("fake-delay", FlagValue::List(vec!["stop=20".into(), "key=5".into()])).unwrap();
        assert_eq!((script.delay_at(Step::Stop), script.delay_at(Step::Kill)), (20, 0));
        let script = with("fake-state", FlagValue::Text("paused".into())).unwrap();
        assert_eq!(script.reported_state(), Some(State::Paused));
        assert_eq!(Script::default().reported_state(), None);
    }

    #[test]
    fn wrong_flags_are_errors_of_flags() {
        let list = |text: &str| FlagValue::List(vec![text.into()]);
        for (flag, value) in [
            ("fake-fail", list("lunch")),
            ("fake-hang", list("key:many")),
            ("fake-delay", list("key")),
            ("fake-state", FlagValue::Text("Jogging".into())),
        ] {
            assert_eq!(with(flag, value).unwrap_err().kind(), ErrorKind::Flags, "{flag}");
        }
    }
}
