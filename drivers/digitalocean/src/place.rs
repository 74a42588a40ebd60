use std::time::{Duration, SystemTime};

use machine_driver::rest::{
    Answer, Api, Bearer, Complaint, Pace, Rate, Request, Shared, all_pages,
};
use machine_driver::{Context, Error, ErrorKind, Result, Tags, tags};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::flags::TOKEN_VARIABLE;
use crate::record::Record;

/// The account, seen through one token.
pub(crate) struct Place {
    pub(crate) api: Api,
    pub(crate) shared: Shared,
    /// Tells accounts apart, for locks.
    pub(crate) name: String,
}

/// 250 calls a minute, as the vendor's page on rate limits has it; the burst is ours.
const RATE: Rate = Rate { per_second: 250.0 / 60.0, burst: 3 };

/// How old a list may be that is only waited on: each second somebody asks for all.
pub(crate) const POLL: Duration = Duration::from_secs(2);

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Account {
    #[serde(default)]
    pub(crate) uuid: String,
    #[serde(default)]
    pub(crate) droplet_limit: u64,
    #[serde(default)]
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) status_message: String,
    #[serde(default)]
    team: Team,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Team {
    #[serde(default)]
    uuid: String,
}

impl Account {
    /// Droplets belong to the team where there is one: a colleague's token does as well.
    pub(crate) fn owner(&self) -> &str {
        if self.team.uuid.is_empty() { &self.uuid } else { &self.team.uuid }
    }
}

impl Place {
    pub(crate) async fn open(cx: &Context, record: &Record) -> Result<Self> {
        let what = "DigitalOcean access token";
        let token = record.access_token.reveal(cx, what, TOKEN_VARIABLE).await?;
        let name = format!("{} {token}", record.api_url());
        let pace = Pace::of(cx, &name, RATE);
        let api =
            Api::new("DigitalOcean", record.api_url(), Bearer::new(&token)?, complaint, pace)?;
        Ok(Self { api, shared: Shared::new(&cx.cache_dir, &name), name })
    }

    pub(crate) async fn account(&self, age: Duration) -> Result<Account> {
        let fetch = async || self.one("account", self.api.get("/v2/account")).await;
        self.shared.get("account", age, SystemTime::UNIX_EPOCH, fetch).await
    }

    /// The object under `key` of an answer.
    pub(crate) async fn one<T: DeserializeOwned>(
        &self,
        key: &str,
        request: Request<'_>,
    ) -> Result<T> {
        let mut answer: Value = request.send().await?.json()?;
        from_value(answer[key].take())
    }

    /// All objects of a list, over all its pages.
    pub(crate) async fn all<T: DeserializeOwned>(&self, key: &str, path: &str) -> Result<Vec<T>> {
        let first = self.api.get(path).query("per_page", "200");
        all_pages(&self.api, first, |answer| {
            let mut page: Value = answer.json()?;
            let next = page["links"]["pages"]["next"].as_str().map(str::to_owned);
            Ok((from_value(page[key].take())?, next))
        })
        .await
    }

    /// A list that hardly ever changes, for checks.
    pub(crate) async fn catalogue<T: Serialize + DeserializeOwned>(
        &self,
        key: &str,
    ) -> Result<Vec<T>> {
        let path = format!("/v2/{key}");
        let fetch = async || self.all(key, &path).await;
        let hour = Duration::from_secs(3600);
        self.shared.get(key, hour, SystemTime::UNIX_EPOCH, fetch).await
    }
}

fn from_value<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(|error| {
        Error::other("DigitalOcean's answer is not what was expected").caused_by(error)
    })
}

/// The tag on everything of a store.
pub(crate) fn store_tag(store: &str) -> String {
    tags::word(tags::STORE, store)
}

/// The tag that says when a droplet's time is up. It names the droplet, so that nobody loses theirs
/// when it is deleted.
pub(crate) fn expiry_tag(tags: &Tags) -> Option<String> {
    let key = format!("{}{}", expiry_prefix(&tags.store), tags.machine);
    tags.expires.map(|at| format!("{}:{at}", key.replace('.', "_")))
}

/// What all such tags of a store begin with.
pub(crate) fn expiry_prefix(store: &str) -> String {
    format!("{}-{store}-", tags::EXPIRES)
}

/// The machine and the time of such a tag.
pub(crate) fn read_expiry(tag: &str, store: &str) -> Option<(String, u64)> {
    let (machine, at) = tag.strip_prefix(&expiry_prefix(store))?.split_once(':')?;
    Some((machine.replace('_', "."), at.parse().ok()?))
}

fn complaint(answer: &Answer) -> Complaint {
    told(&answer.body)
}

/// DigitalOcean has two forms of errors.
fn told(body: &[u8]) -> Complaint {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
    let message = if body["message"].is_string() { text("message") } else { text("error") };
    Complaint { code: text("id"), message, request_id: Some(text("request_id")) }
}

/// Adds what helps against a refused token.
pub(crate) fn with_token_hint(error: Error) -> Error {
    if error.kind() != ErrorKind::Denied || !error.hints().is_empty() {
        return error;
    }
    error
        .hint("make a token at https://cloud.digitalocean.com/account/api/tokens")
        .hint("`machine driver show digitalocean` lists what it must be allowed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_errors_are_read() {
        let said = told(br#"{"id":"not_found","message":"gone","request_id":"r1"}"#);
        assert_eq!((said.code.as_str(), said.message.as_str()), ("not_found", "gone"));
        assert_eq!(said.request_id.as_deref(), Some("r1"));
        let said = told(br#"{"error":"no","messages":null,"root_causes":[]}"#);
        assert_eq!(said.message, "no");
        assert_eq!(told(b"<html>").message, "");
    }
}
