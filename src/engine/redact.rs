use machine_driver::{REDACTED, Reference};
use serde_json::Value;

use super::Engine;

/// The keys under which docker-machine's drivers keep secrets, for records whose driver is not
/// here.
const KNOWN: [&str; 13] = [
    "AccessToken",
    "SecretKey",
    "SessionToken",
    "Password",
    "SSHPassword",
    "APIKey",
    "ApiKey",
    "ApiSecretKey",
    "ApiToken",
    "ClientSecret",
    "Auth",
    "ApplicationCredentialSecret",
    "UserDomainPassword",
];

/// A driver's record as people may see it: secrets are replaced, references to them are not.
pub fn redacted(engine: &Engine, driver_name: &str, record: &Value) -> Value {
    let kind = engine.registry.find(driver_name).ok();
    let keys = kind.map(machine_driver::Kind::secret_keys).unwrap_or_default();
    without_secrets(record, keys)
}

fn without_secrets(record: &Value, keys: &[&str]) -> Value {
    let Value::Object(fields) = record else { return record.clone() };
    let fields = fields.iter().map(|(key, value)| {
        let secret = KNOWN.contains(&key.as_str()) || keys.contains(&key.as_str());
        let value = match value {
            Value::String(text)
                if secret && !text.is_empty() && Reference::parse(text).is_none() =>
            {
                Value::from(REDACTED)
            }
            value => without_secrets(value, keys),
        };
        (key.clone(), value)
    });
    Value::Object(fields.collect())
}
