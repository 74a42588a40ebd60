use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Step;

/// "At this step, so many times": `STEP` or `STEP:COUNT`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Order {
    pub step: Step,
    /// `None` when no count was said; what that means is the flag's to say.
    pub count: Option<u32>,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            Some(count) => write!(f, "{}:{count}", self.step),
            None => write!(f, "{}", self.step),
        }
    }
}

impl FromStr for Order {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((step, count)) = text.split_once(':') else {
            return Ok(Self { step: text.parse()?, count: None });
        };
        let count = count.parse().map_err(|_| format!("`{count}` in `{text}` is not a count"))?;
        Ok(Self { step: step.parse()?, count: Some(count) })
    }
}

impl TryFrom<String> for Order {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Order> for String {
    fn from(order: Order) -> Self {
        order.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_read_back() {
        for text in ["key", "server:3", "remove-disk:0"] {
            assert_eq!(text.parse::<Order>().unwrap().to_string(), text);
        }
        assert!("lunch".parse::<Order>().unwrap_err().contains("the steps are pre-check, "));
        assert_eq!("key:x".parse::<Order>().unwrap_err(), "`x` in `key:x` is not a count");
    }
}
