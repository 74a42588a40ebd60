use std::collections::BTreeSet;

use machine_driver::{Error, ErrorKind, Result, cloud};
use serde::Deserialize;

/// What Keystone says of the services that there are.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Catalogue {
    services: Vec<Service>,
}

#[derive(Debug, Clone, Deserialize)]
struct Service {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    endpoints: Vec<Endpoint>,
}

#[derive(Debug, Clone, Deserialize)]
struct Endpoint {
    interface: String,
    url: String,
    #[serde(default)]
    region: Option<String>,
    #[serde(default)]
    region_id: Option<String>,
}

impl Endpoint {
    fn region(&self) -> &str {
        self.region_id.as_deref().or(self.region.as_deref()).unwrap_or_default()
    }
}

impl Catalogue {
    /// The regions that have servers.
    pub(crate) fn regions(&self) -> BTreeSet<&str> {
        self.endpoints(&["compute"]).map(Endpoint::region).filter(|it| !it.is_empty()).collect()
    }

    /// The region to use: the one that is wished, which must be there, or the only one.
    pub(crate) fn region(&self, wish: &str) -> Result<String> {
        let regions = self.regions();
        if wish.is_empty() && regions.len() > 1 {
            let all: Vec<&str> = regions.into_iter().collect();
            return Err(Error::new(ErrorKind::Flags, "the cloud has several regions")
                .hint(format!("choose one with --openstack-region: {}", all.join(", "))));
        }
        if !wish.is_empty() && !regions.is_empty() && !regions.contains(wish) {
            return Err(cloud::unknown("openstack-region", "region", wish, regions));
        }
        let only = regions.first().copied().unwrap_or_default();
        Ok(if wish.is_empty() { only.to_owned() } else { wish.to_owned() })
    }

    /// The address of a service, which may be known under several types. `None` if there is no
    /// such service there.
    pub(crate) fn url(&self, kinds: &[&str], region: &str, interface: &str) -> Option<String> {
        let fits = |it: &&Endpoint| {
            // Old catalogues say `publicURL`.
            it.interface.trim_end_matches("URL") == interface
                && (region.is_empty() || it.region() == region || it.region().is_empty())
        };
        self.endpoints(kinds).find(fits).map(|it| it.url.trim_end_matches('/').to_owned())
    }

    fn endpoints<'a>(&'a self, kinds: &'a [&'a str]) -> impl Iterator<Item = &'a Endpoint> {
        kinds.iter().flat_map(|kind| {
            let services = self.services.iter().filter(move |it| it.kind == *kind);
            services.flat_map(|it| &it.endpoints)
        })
    }
}

/// `url` with a version: catalogues name some services without one. A version that is too old is
/// replaced if `old` says so.
pub(crate) fn versioned(url: &str, version: &str, old: &[&str]) -> String {
    let is_version = |part: &str| {
        part.strip_prefix('v').is_some_and(|it| it.starts_with(|it: char| it.is_ascii_digit()))
    };
    let authority = url.find("://").map_or(0, |at| at + 3);
    let (host, path) =
        url.split_at(authority + url[authority..].find('/').unwrap_or(url.len() - authority));
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match parts.iter().position(|part| is_version(part)) {
        Some(at) if old.contains(&parts[at]) => parts[at] = version,
        Some(_) => {}
        None => parts.push(version),
    }
    format!("{host}/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue() -> Catalogue {
        serde_json::from_str(
            r#"[{"type":"compute","name":"nova","id":"1","endpoints":[
                {"id":"a","interface":"public","region":"One","region_id":"One","url":"https://c/v2.1/"},
                {"id":"b","interface":"internal","region":"One","region_id":"One","url":"http://i/v2.1"},
                {"id":"c","interface":"public","region":"Two","region_id":"Two","url":"https://d/v2.1"}]},
               {"type":"volumev3","endpoints":[{"interface":"public","region":"One","url":"https://v/v3/p"}]},
               {"type":"empty","endpoints":[]}]"#,
        )
        .unwrap()
    }

    #[test]
    fn an_endpoint_is_of_a_type_a_region_and_an_interface() {
        let catalogue = catalogue();
        let url = |kinds: &[&str], region, interface| catalogue.url(kinds, region, interface);
        assert_eq!(url(&["compute"], "Two", "public").unwrap(), "https://d/v2.1");
        assert_eq!(url(&["compute"], "One", "internal").unwrap(), "http://i/v2.1");
        assert_eq!(url(&["block-storage", "volumev3"], "One", "public").unwrap(), "https://v/v3/p");
        assert_eq!(url(&["image"], "One", "public"), None);
    }

    #[test]
    fn a_region_is_chosen_or_the_only_one() {
        let catalogue = catalogue();
        assert_eq!(catalogue.region("Two").unwrap(), "Two");
        assert!(catalogue.region("").unwrap_err().hints()[0].ends_with("One, Two"));
        let hint = catalogue.region("two").unwrap_err().hints()[0].clone();
        assert_eq!(hint, "did you mean `--openstack-region Two`?");
    }

    #[test]
    fn versions_are_added_where_none_is() {
        assert_eq!(versioned("http://n:9696", "v2.0", &[]), "http://n:9696/v2.0");
        assert_eq!(versioned("http://h/networking/", "v2.0", &[]), "http://h/networking/v2.0");
        assert_eq!(versioned("http://h/compute/v2.1/p", "v2.1", &[]), "http://h/compute/v2.1/p");
        assert_eq!(versioned("http://g:9292/v1", "v2", &["v1"]), "http://g:9292/v2");
        assert_eq!(versioned("http://vhost/image", "v2", &["v1"]), "http://vhost/image/v2");
    }
}
