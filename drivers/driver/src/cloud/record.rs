use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::Given;
use crate::{BaseRecord, Context, Error, ErrorKind, Result};

/// The `Driver` object of a machine of a [`super::Cloud`]: docker-machine's base keys, the keys of
/// its driver, what the kit keeps of it, and whatever else there is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record<Own> {
    #[serde(flatten)]
    pub base: BaseRecord,
    #[serde(flatten)]
    pub own: Own,
    #[serde(flatten)]
    pub kept: Kept,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

/// What the kit keeps of a machine. The keys are there where they say something.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Kept {
    #[serde(rename = "PrivateIPAddress", skip_serializing_if = "String::is_empty")]
    pub private_ip_address: String,
    #[serde(rename = "IPv6Address", skip_serializing_if = "String::is_empty")]
    pub ipv6_address: String,
    /// The address of the interface, if it is not the vendor's.
    #[serde(rename = "APIURL", skip_serializing_if = "String::is_empty")]
    pub api_url: String,
    /// Something may have been made whose id is not recorded.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub may_have_more: bool,
}

impl<Own> Record<Own> {
    /// The one of an unborn machine. `ssh-user`, `ssh-port` and `api-url` are read here; `api_url`
    /// is the vendor's own.
    pub fn new(cx: &Context, given: &Given<'_>, api_url: &str, own: Own) -> Result<Self> {
        let port = given.int("ssh-port").and_then(|port| u16::try_from(port).ok()).unwrap_or(0);
        if port == 0 {
            let message = format!("--{} is a port from 1 to 65535", given.name("ssh-port"));
            return Err(Error::new(ErrorKind::Flags, message));
        }
        let ssh_user = given.text("ssh-user");
        let base = BaseRecord { ssh_user, ssh_port: port, ..BaseRecord::of(cx) };
        let other = Some(given.text("api-url")).filter(|url| url != api_url);
        let kept = Kept { api_url: other.unwrap_or_default(), ..Kept::default() };
        Ok(Self { base, own, kept, unknown: Map::new() })
    }

    /// The address of the interface; `default` is the vendor's own.
    pub fn api_url<'a>(&'a self, default: &'a str) -> &'a str {
        if self.kept.api_url.is_empty() { default } else { &self.kept.api_url }
    }
}

/// Reads a record of the driver `name`.
pub fn read<T: DeserializeOwned>(name: &str, record: Value) -> Result<T> {
    serde_json::from_value(record).map_err(|error| {
        Error::other(format!("this is no record of driver `{name}`")).caused_by(error)
    })
}

/// For a key that Go may have written as `null`, as it does with empty lists.
pub fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Something that a machine has in the account for itself alone.
pub struct Part<'a> {
    /// The vendor's word, for example `droplet`.
    pub(super) kind: &'static str,
    /// Where its id is recorded.
    pub(super) ids: &'a mut dyn Ids,
    /// Otherwise it is one of the user's, which stays.
    pub(super) is_own: bool,
    /// There is no second one if one is recorded.
    pub(super) once: bool,
}

impl<'a> Part<'a> {
    pub fn new(kind: &'static str, ids: &'a mut dyn Ids) -> Self {
        Self { kind, ids, is_own: true, once: false }
    }

    /// The account has each only once, so that no second one can have been made.
    #[must_use]
    pub fn once(self) -> Self {
        Self { once: true, ..self }
    }

    /// Leaves alone what is recorded there unless it is the machine's own.
    #[must_use]
    pub fn only_if(self, is_own: bool) -> Self {
        Self { is_own, ..self }
    }

    /// What is recorded of the machine's own.
    pub(super) fn own(&self) -> Vec<String> {
        if self.is_own { self.ids.all() } else { Vec::new() }
    }
}

/// The place of an id in a record: a number or a text, of which 0 and nothing stand for none, or a
/// list of numbers.
pub trait Ids: Send {
    fn all(&self) -> Vec<String>;
    /// Records one. Of a list it is one more.
    fn put(&mut self, id: &str);
    fn clear(&mut self);
}

impl Ids for u64 {
    fn all(&self) -> Vec<String> {
        Some(*self).filter(|id| *id != 0).map(|id| id.to_string()).into_iter().collect()
    }

    fn put(&mut self, id: &str) {
        *self = id.parse().unwrap_or_default();
    }

    fn clear(&mut self) {
        *self = 0;
    }
}

impl Ids for String {
    fn all(&self) -> Vec<String> {
        Some(self.clone()).filter(|id| !id.is_empty()).into_iter().collect()
    }

    fn put(&mut self, id: &str) {
        id.clone_into(self);
    }

    fn clear(&mut self) {
        Self::clear(self);
    }
}

impl Ids for Vec<u64> {
    fn all(&self) -> Vec<String> {
        self.iter().map(u64::to_string).collect()
    }

    fn put(&mut self, id: &str) {
        self.extend(id.parse::<u64>().ok());
    }

    fn clear(&mut self) {
        Self::clear(self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default, rename_all = "PascalCase")]
    struct Own {
        #[serde(rename = "ServerID")]
        server_id: u64,
        #[serde(deserialize_with = "or_default")]
        volumes: Vec<String>,
    }

    #[test]
    fn a_record_keeps_its_order_and_what_it_does_not_know() {
        let text = r#"{"IPAddress":"192.0.2.1","MachineName":"m1","SSHUser":"root","SSHPort":22,"SSHKeyPath":"","StorePath":"/s","SwarmMaster":false,"SwarmHost":"","SwarmDiscovery":"","ServerID":7,"Volumes":[],"MayHaveMore":true,"Other":{"a":1}}"#;
        let record: Record<Own> = read("x", serde_json::from_str(text).unwrap()).unwrap();
        assert_eq!((record.own.server_id, record.kept.may_have_more), (7, true));
        assert_eq!(serde_json::to_string(&record).unwrap(), text);
        let gos = text.replace("[]", "null");
        let same: Record<Own> = read("x", serde_json::from_str(&gos).unwrap()).unwrap();
        assert_eq!(same, record);
        let error = read::<Record<Own>>("x", Value::from(1)).unwrap_err();
        assert_eq!(error.to_string(), "this is no record of driver `x`");
    }

    #[test]
    fn ids_of_all_forms() {
        let (mut number, mut text, mut list) = (0_u64, String::new(), Vec::<u64>::new());
        for ids in [&mut number as &mut dyn Ids, &mut text, &mut list] {
            assert_eq!(Part::new("server", &mut *ids).own(), [""; 0]);
            ids.put("7");
            assert_eq!(Part::new("server", &mut *ids).own(), ["7"]);
            assert_eq!(Part::new("server", &mut *ids).only_if(false).own(), [""; 0]);
            ids.clear();
            assert_eq!(ids.all(), [""; 0]);
        }
    }
}
