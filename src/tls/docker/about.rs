use std::fmt;

use serde::{Deserialize, Serialize};

/// What an Engine says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// For example `28.2.2`.
    pub version: String,
    /// The oldest and the newest version of the API that it speaks.
    pub apis: Option<(Api, Api)>,
}

/// A version of Docker's API, for example 1.44.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Api(pub u32, pub u32);

/// The parts of the answer to `GET /version` that we use.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    version: String,
    #[serde(default)]
    api_version: String,
    /// Engines before 1.13 do not have it: they speak one version.
    #[serde(rename = "MinAPIVersion", default)]
    min_api_version: String,
}

impl About {
    pub(super) fn read(answer: &[u8]) -> Option<Self> {
        let answer: Answer = serde_json::from_slice(answer).ok()?;
        let newest = Api::read(&answer.api_version);
        let apis =
            newest.map(|newest| (Api::read(&answer.min_api_version).unwrap_or(newest), newest));
        Some(Self { version: answer.version, apis })
    }
}

impl Api {
    pub(super) fn read(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self(major.parse().ok()?, minor.parse().ok()?))
    }
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_of_all_ages() {
        let apis = |answer: &str| About::read(answer.as_bytes()).unwrap().apis;
        let now = r#"{"Version": "29.0.4", "ApiVersion": "1.52", "MinAPIVersion": "1.44"}"#;
        assert_eq!(apis(now), Some((Api(1, 44), Api(1, 52))));
        let old = r#"{"Version": "1.8.0", "ApiVersion": "1.20"}"#;
        assert_eq!(apis(old), Some((Api(1, 20), Api(1, 20))));
        assert_eq!(apis(r#"{"Version": "28.2.2"}"#), None);
        assert_eq!(About::read(b"{}"), None);
        assert!(Api(1, 9) < Api(1, 44) && Api(1, 52).to_string() == "1.52");
    }
}
