use std::time::{Duration, SystemTime};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::machine::POLL;
use super::power::ACTION;
use crate::rest::{
    Answer, Api, Authorise, Bearer, Complaint, Pace, Rate, Request, Shared, all_pages,
};
use crate::wait::{Look, Wait};
use crate::{Context, Error, Result, Secret};

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
#[derive(Debug)]
pub struct Place {
    pub api: Api,
    pub shared: Shared,
    /// Tells accounts apart, for locks. It holds the token.
    pub(super) name: String,
    interface: &'static Interface,
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
    /// The account of a token that is sent with each call. `what` and `variable` are for
    /// [`Secret::reveal`].
    pub async fn with_token(
        cx: &Context,
        interface: &'static Interface,
        url: &str,
        token: &Secret,
        (what, variable): (&str, &str),
    ) -> Result<Self> {
        let token = token.reveal(cx, what, variable).await?;
        Self::new(cx, interface, url, &token, Bearer::new(&token)?)
    }

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

    /// Has the vendor do something that takes a while, and waits for the end of it. The answer has an
    /// `action` with `id` and `status`, which is then found at `path`.
    pub async fn act(
        &self,
        what: &str,
        request: Request<'_>,
        path: impl Fn(u64) -> String,
    ) -> Result<()> {
        let action: Action = self.one("action", request).await?;
        let path = path(action.id);
        Wait::new(format!("the end of `{what}`"), ACTION)
            .at_least_every(POLL)
            .until(async || match self.one::<Action>("action", self.api.get(&path)).await {
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

    fn read<T: DeserializeOwned>(&self, value: Value) -> Result<T> {
        serde_json::from_value(value).map_err(|error| {
            let vendor = self.interface.vendor;
            Error::other(format!("{vendor}'s answer is not what was expected")).caused_by(error)
        })
    }
}
