use std::time::{Duration, SystemTime};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::machine::POLL;
use super::power::ACTION;
use super::unknown;
use crate::rest::{
    Answer, Api, Authorise, Complaint, Pace, Rate, Request, Shared, all_pages, problem,
};
use crate::wait::{Look, Wait};
use crate::{Context, Error, ErrorKind, Result};

/// How a vendor's interface of JSON objects behaves.
#[derive(Debug, Clone, Copy)]
pub struct Interface {
    /// The vendor, for errors.
    pub vendor: &'static str,
    /// How often it may be called.
    pub rate: Rate,
    /// Reads its form of errors.
    pub complaint: fn(&Answer) -> Complaint,
    /// How many objects are asked for at once, as `per_page`: the most that it gives.
    pub per_page: &'static str,
    /// The next page, from a page and the path of the list.
    pub next: fn(&Value, &str) -> Option<String>,
}

/// An account, seen through one token.
pub struct Place {
    pub api: Api,
    pub shared: Shared,
    /// Tells accounts apart, for locks. It holds the token.
    pub(super) name: String,
    interface: &'static Interface,
}

/// How long something may still be in use when what used it is going.
const RELEASE: Duration = Duration::from_secs(120);

/// Anything that users name.
#[derive(Deserialize)]
struct Named {
    id: u64,
    #[serde(default)]
    name: String,
    /// Of an address.
    #[serde(default)]
    ip: String,
}

#[derive(Deserialize)]
struct Action {
    id: u64,
    status: String,
    #[serde(default)]
    error: Option<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    message: String,
}

impl Place {
    /// `who` tells accounts and regions apart, and is hashed: it may be a token.
    pub fn new(
        cx: &Context,
        interface: &'static Interface,
        url: &str,
        who: &str,
        authorise: impl Authorise + 'static,
    ) -> Result<Self> {
        let name = format!("{url} {who}");
        let Interface { vendor, rate, complaint, .. } = *interface;
        let api = Api::new(vendor, url, authorise, complaint, Pace::of(cx, &name, rate))?;
        Ok(Self { api, shared: Shared::new(&cx.cache_dir, &name), name, interface })
    }

    /// The object under `key` of an answer.
    pub async fn one<T: DeserializeOwned>(&self, key: &str, request: Request<'_>) -> Result<T> {
        let mut answer: Value = request.send().await?.json()?;
        self.read(answer[key].take())
    }

    /// The same as what the kit knows of such objects: the vendor's form is `J`.
    pub async fn one_as<J: DeserializeOwned, T: From<J>>(
        &self,
        key: &str,
        request: Request<'_>,
    ) -> Result<T> {
        self.one::<J>(key, request).await.map(T::from)
    }

    /// [`Place::all`] as what the kit knows of such objects.
    pub async fn all_as<J: DeserializeOwned, T: From<J>>(
        &self,
        key: &str,
        path: &str,
    ) -> Result<Vec<T>> {
        Ok(self.all::<J>(key, path).await?.into_iter().map(T::from).collect())
    }

    /// All objects of a list, over all its pages.
    pub async fn all<T: DeserializeOwned>(&self, key: &str, path: &str) -> Result<Vec<T>> {
        let first = self.api.get(path).query("per_page", self.interface.per_page);
        all_pages(&self.api, first, |answer| {
            let mut page: Value = answer.json()?;
            let next = (self.interface.next)(&page, path);
            Ok((self.read(page[key].take())?, next))
        })
        .await
    }

    /// A list that hardly ever changes, for checks: what was looked up answers for an hour.
    pub async fn catalogue<T>(&self, key: &str, path: &str) -> Result<Vec<T>>
    where
        T: Serialize + DeserializeOwned,
    {
        let hour = Duration::from_secs(3600);
        let fetch = async || self.all(key, path).await;
        self.shared.get(key, hour, SystemTime::UNIX_EPOCH, fetch).await
    }

    /// The ids of things of the account that are named by number, name or address. `flag` and `what` are
    /// as in [`unknown`]; the list is that of `key`. Without names nothing is asked.
    pub async fn ids<S: AsRef<str>>(
        &self,
        key: &str,
        (flag, what): (&str, &str),
        names: &[S],
    ) -> Result<Vec<u64>> {
        let names = names.iter().map(AsRef::as_ref).filter(|name: &&str| !name.is_empty());
        let names: Vec<&str> = names.collect();
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let all: Vec<Named> = self.all(key, &format!("/{key}")).await?;
        let id = |name: &&str| {
            let is_it =
                |it: &&Named| [&it.name, &it.ip, &it.id.to_string()].iter().any(|it| it == name);
            all.iter()
                .find(is_it)
                .map(|it| it.id)
                .ok_or_else(|| unknown(flag, what, name, all.iter().map(|it| it.name.as_str())))
        };
        names.iter().map(id).collect()
    }

    /// Has the vendor do something that takes a while, and waits for the end of it. The answer has an
    /// `action` with `id` and `status`, which is then found at `path_of` its id.
    pub async fn act(
        &self,
        what: &str,
        request: Request<'_>,
        path_of: impl Fn(u64) -> String,
    ) -> Result<()> {
        let action: Action = self.one("action", request).await?;
        self.end_of(what, &path_of(action.id)).await
    }

    async fn end_of(&self, what: &str, path: &str) -> Result<()> {
        Wait::new(format!("the end of `{what}`"), ACTION)
            .at_least_every(POLL)
            .until(async || match self.one::<Action>("action", self.api.get(path)).await {
                Ok(action) => match action.status.as_str() {
                    "completed" | "success" => Look::Ready(()),
                    "errored" | "error" => {
                        let vendor = self.interface.vendor;
                        let error = Error::other(format!("{vendor} could not do `{what}`"));
                        Look::Hopeless(match action.error {
                            Some(why) => error.caused_by(why.message),
                            None => error,
                        })
                    }
                    _ => Look::NotYet(None),
                },
                Err(error) => Look::NotYet(Some(error)),
            })
            .await
    }

    /// Deletes something; what is gone is success.
    pub async fn delete(&self, path: impl AsRef<str>) -> Result<()> {
        self.api.delete(path).send_if_there().await.map(drop)
    }

    /// Deletes something that may be locked or in use for a while yet. If the answer has an `action`,
    /// its end is waited for, which is then found at `path_of`.
    pub async fn delete_when_free(
        &self,
        path: &str,
        path_of: impl Fn(u64) -> String,
    ) -> Result<()> {
        let is_busy = |error: &Error| {
            let code = problem(error).map_or("", |it| it.code.as_str());
            error.kind() == ErrorKind::Conflict || code == "resource_in_use"
        };
        let deleted = Wait::new(format!("`{path}` to be free"), RELEASE)
            .at_least_every(POLL)
            .until(async || match self.api.delete(path).send_if_there().await {
                Err(error) if is_busy(&error) => Look::NotYet(Some(error)),
                done => Look::Ready(done),
            })
            .await??;
        let body = deleted.map(|answer| answer.body).unwrap_or_default();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        match body["action"]["id"].as_u64() {
            Some(id) => self.end_of("delete", &path_of(id)).await,
            None => Ok(()),
        }
    }

    fn read<T: DeserializeOwned>(&self, value: Value) -> Result<T> {
        serde_json::from_value(value).map_err(|error| {
            let vendor = self.interface.vendor;
            Error::other(format!("{vendor}'s answer is not what was expected")).caused_by(error)
        })
    }
}
