use std::time::{Duration, SystemTime};

use machine_driver::rest::{Answer, Api, Pace, Rate, Request, Shared, all_pages};
use machine_driver::{Context, Error, ErrorKind, Result, http};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::access::{self, Access};
use crate::catalogue::{Catalogue, versioned};
use crate::problem::complaint;
use crate::record::Record;
use crate::session::{Named, Session};

/// A project in a region, seen by somebody who has logged in.
pub(crate) struct Place {
    pub(crate) nova: Api,
    pub(crate) neutron: Api,
    pub(crate) project: Named,
    pub(crate) user: Named,
    pub(crate) region: String,
    /// Whether another region could be meant.
    pub(crate) has_regions: bool,
    pub(crate) shared: Shared,
    /// Tells projects and regions apart, for locks.
    pub(crate) name: String,
    services: Services,
}

/// What is needed to reach one more service.
struct Services {
    access: Access,
    catalogue: Catalogue,
    session: Session,
    client: reqwest::Client,
    pace: Pace,
}

/// No OpenStack says what it allows; most have no limit, and some that have one stop at ten.
const RATE: Rate = Rate { per_second: 8.0, burst: 2 };

/// How old a list may be that is only waited on.
pub(crate) const POLL: Duration = Duration::from_secs(2);

/// How old a catalogue may be.
const HOUR: Duration = Duration::from_secs(3600);

impl Place {
    /// Logs in.
    pub(crate) async fn open(cx: &Context, record: &Record) -> Result<Self> {
        let access = access::access(cx, record).await?;
        let client = http::client_with(&access.tls)?;
        let pace = Pace::of(cx, &format!("{} {}", access.auth_url, access.request), RATE);
        let (session, login) = Session::open(&access, client.clone(), pace.clone()).await?;
        if login.project.id.is_empty() {
            let message = "Tenant id or name must be provided either using one of the environment \
                           variables OS_TENANT_ID and OS_TENANT_NAME or one of the CLI options \
                           --openstack-tenant-id and --openstack-tenant-name";
            return Err(Error::new(ErrorKind::Flags, message)
                .hint("list your projects: openstack federation project list")
                .hint("OS_PROJECT_ID and OS_PROJECT_NAME are as good"));
        }
        let region = login.catalog.region(&access.region)?;
        let has_regions = login.catalog.regions().len() > 1;
        let name = format!("{} {} {region}", access.auth_url, login.project.id);
        let services = Services { access, catalogue: login.catalog, session, client, pace };
        Ok(Self {
            nova: services.api("Nova", &["compute"], "compute", "v2.1", &[], &region)?,
            neutron: services.api("Neutron", &["network"], "network", "v2.0", &[], &region)?,
            shared: Shared::new(&cx.cache_dir, &format!("{name} {}", login.user.id)),
            project: login.project,
            user: login.user,
            has_regions,
            region,
            name,
            services,
        })
    }

    pub(crate) fn glance(&self) -> Result<Api> {
        self.services.api("Glance", &["image"], "image", "v2", &["v1"], &self.region)
    }

    pub(crate) fn cinder(&self) -> Result<Api> {
        let kinds = ["block-storage", "volumev3", "volume"];
        let version = format!("v3/{}", self.project.id);
        self.services.api("Cinder", &kinds, "volume", &version, &[], &self.region)
    }

    /// Something that hardly ever changes, for checks.
    pub(crate) async fn catalogue<T: Serialize + DeserializeOwned>(
        &self,
        key: &str,
        fetch: impl AsyncFnOnce() -> Result<T>,
    ) -> Result<T> {
        self.shared.get(key, HOUR, SystemTime::UNIX_EPOCH, async || fetch().await).await
    }
}

impl Services {
    /// `kinds` are the types under which catalogues have the service, `name` is what
    /// `clouds.yaml` calls it where it has an address of its own for it.
    fn api(
        &self,
        vendor: &'static str,
        kinds: &[&str],
        name: &str,
        version: &str,
        old: &[&str],
        region: &str,
    ) -> Result<Api> {
        let interface = self.access.interface.as_str();
        let names = kinds.iter().copied().chain([name]);
        let own = names
            .map(|name| {
                self.access.entry.text(&format!("{}_endpoint_override", name.replace('-', "_")))
            })
            .find(|it| !it.is_empty());
        let Some(url) = own.or_else(|| self.catalogue.url(kinds, region, interface)) else {
            return Err(Error::new(
                ErrorKind::Flags,
                format!("the cloud has no {vendor} (`{name}`) in its catalogue"),
            )
            .caused_by(format!("asked for region `{region}` and the {interface} address"))
            .hint("see what there is: openstack catalog list")
            .hint("other addresses: --openstack-endpoint-type internalURL"));
        };
        let url = versioned(&url, version, old);
        let pace = self.pace.clone();
        let api = Api::new(vendor, &url, self.session.clone(), complaint, pace)?;
        Ok(api.through(self.client.clone()))
    }
}

/// All objects of a list, over all its pages. Nova, Neutron and Cinder link the next page in
/// `KEY_links`, Glance in `next`. Of a link only the query counts: many a cloud does not know its
/// own address from outside.
pub(crate) async fn all<T: DeserializeOwned>(
    api: &Api,
    key: &str,
    path: &str,
    query: &[(&str, &str)],
) -> Result<Vec<T>> {
    let first =
        query.iter().fold(api.get(path), |request, (key, value)| request.query(key, *value));
    all_pages(api, first, |answer| page(answer, key, path)).await
}

fn page<T: DeserializeOwned>(
    answer: &Answer,
    key: &str,
    path: &str,
) -> Result<(Vec<T>, Option<String>)> {
    let mut body: Value = answer.json()?;
    let links = body[format!("{key}_links")].take();
    let linked = links.as_array().and_then(|links| links.iter().find(|it| it["rel"] == "next"));
    let next = linked.map_or(&body["next"], |link| &link["href"]);
    let next = next.as_str().and_then(|href| href.split_once('?'));
    let next = next.map(|(_, query)| format!("{path}?{query}"));
    Ok((from_value(answer, body[key].take())?, next))
}

/// The object under `key` of an answer.
pub(crate) async fn one<T: DeserializeOwned>(key: &str, request: Request<'_>) -> Result<T> {
    let answer = request.send().await?;
    let mut body: Value = answer.json()?;
    from_value(&answer, body[key].take())
}

fn from_value<T: DeserializeOwned>(answer: &Answer, value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(|error| {
        Error::other(format!("the answer to `{}` is not what was expected", answer.call))
            .caused_by(error)
    })
}

/// Ids are text, and were numbers once.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> Answer {
        Answer {
            status: reqwest::StatusCode::OK,
            headers: reqwest::header::HeaderMap::new(),
            body: body.into(),
            call: "GET /x".into(),
        }
    }

    #[test]
    fn the_next_page_is_on_the_same_path() {
        let nova = r#"{"servers":[1],"servers_links":[{"rel":"next",
            "href":"http://inside:8774/v2.1/servers/detail?limit=1&marker=a"}]}"#;
        let (items, next) = page::<u32>(&answer(nova), "servers", "/servers/detail").unwrap();
        assert_eq!((items, next.as_deref()), (vec![1], Some("/servers/detail?limit=1&marker=a")));
        let glance = r#"{"images":[],"first":"/v2/images","next":"/v2/images?marker=b"}"#;
        let (_, next) = page::<u32>(&answer(glance), "images", "/images").unwrap();
        assert_eq!(next.as_deref(), Some("/images?marker=b"));
        let neutron = r#"{"ports":[],"ports_links":[{"rel":"previous","href":"http://n/v2.0/ports?page_reverse=True"}]}"#;
        assert_eq!(page::<u32>(&answer(neutron), "ports", "/ports").unwrap().1, None);
        assert!(page::<u32>(&answer("{}"), "ports", "/ports").is_err());
    }
}
