//! Releases on GitHub, or on a server of an enterprise that is like it.

use machine_driver::{Error, Result};

use super::known;

/// Where boot2docker's releases are asked for.
pub const BOOT2DOCKER: &str = "https://api.github.com/repos/boot2docker/boot2docker/releases";

/// The releases of one repository, each with its `boot2docker.iso`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Releases {
    /// What stands before `/latest` and `/tags/TAG` in the API.
    api: String,
    /// What stands before `/download/TAG/boot2docker.iso`.
    pages: String,
}

impl Releases {
    /// Reads an address of the API (`https://api.github.com/repos/ORG/REPO/releases`,
    /// `https://HOST/api/v3/repos/ORG/REPO/releases`), of which docker-machine knows the first two,
    /// or of the pages that people see (`https://github.com/ORG/REPO/releases`). Another address is
    /// none of releases: `None`.
    pub(super) fn parse(url: &str) -> Option<Self> {
        let (scheme, rest) = url.trim_end_matches('/').split_once("://")?;
        let mut path = rest.split('/');
        let host = path.next()?;
        let path: Vec<&str> = path.collect();
        let path = path.strip_suffix(&["latest"]).unwrap_or(&path);
        let pages =
            |host: &str, org: &str, repo: &str| format!("{scheme}://{host}/{org}/{repo}/releases");
        match *path {
            ["repos", org, repo, "releases"] => Some(Self {
                api: format!("{scheme}://{host}/repos/{org}/{repo}/releases"),
                pages: pages(host.strip_prefix("api.").unwrap_or(host), org, repo),
            }),
            ["api", "v3", "repos", org, repo, "releases"] => Some(Self {
                api: format!("{scheme}://{host}/api/v3/repos/{org}/{repo}/releases"),
                pages: pages(host, org, repo),
            }),
            [org, repo, "releases"] => {
                let api = match host {
                    "github.com" | "www.github.com" => "api.github.com/repos".to_owned(),
                    host => format!("{host}/api/v3/repos"),
                };
                Some(Self {
                    api: format!("{scheme}://{api}/{org}/{repo}/releases"),
                    pages: pages(host, org, repo),
                })
            }
            _ => None,
        }
    }

    /// Like [`Releases::parse`], for the setting that names boot2docker's own.
    pub(super) fn named(url: &str) -> Result<Self> {
        Self::parse(url).ok_or_else(|| {
            Error::other(format!("`{url}` is not the address of releases"))
                .hint(format!("the one of boot2docker is {BOOT2DOCKER}"))
        })
    }

    /// The page of one release, `…/releases/tag/TAG`.
    pub(super) fn parse_tag(url: &str) -> Option<(Self, String)> {
        let (releases, tag) = url.trim_end_matches('/').split_once("/releases/tag/")?;
        let releases = Self::parse(&format!("{releases}/releases"))?;
        is_tag(tag).then(|| (releases, tag.to_owned()))
    }

    pub(super) fn latest_url(&self) -> String {
        format!("{}/latest", self.api)
    }

    pub(super) fn tag_url(&self, tag: &str) -> String {
        format!("{}/tags/{tag}", self.api)
    }

    pub(super) fn iso_url(&self, tag: &str) -> String {
        format!("{}/download/{tag}/boot2docker.iso", self.pages)
    }

    /// The repository as docker-machine names it, for example `github.com/boot2docker/boot2docker`.
    pub(super) fn name(&self) -> &str {
        let name = self.pages.split_once("://").map_or(self.pages.as_str(), |(_, rest)| rest);
        name.trim_end_matches("/releases")
    }

    /// Whether an image from `url` is one of these releases.
    pub(super) fn contains(&self, url: &str) -> bool {
        url.strip_prefix(&self.pages).is_some_and(|rest| rest.starts_with("/download/"))
    }

    /// What `boot2docker.iso` of a release must be, where that is known beforehand.
    pub(super) fn known(&self, tag: &str) -> Option<&'static str> {
        self.is_boot2docker().then(|| known::sha256(tag)).flatten()
    }

    /// Whether these are the project's own, and not a mirror's or a fork's.
    pub(super) fn is_boot2docker(&self) -> bool {
        self.api == BOOT2DOCKER
    }
}

/// A tag becomes part of addresses and names.
pub(super) fn is_tag(tag: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._+".contains(c);
    !tag.is_empty() && !tag.starts_with('.') && tag.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_releases() {
        for (url, api, pages, name) in [
            (
                BOOT2DOCKER,
                BOOT2DOCKER,
                "https://github.com/boot2docker/boot2docker/releases",
                "github.com/boot2docker/boot2docker",
            ),
            (
                "https://github.com/me/b2d/releases/",
                "https://api.github.com/repos/me/b2d/releases",
                "https://github.com/me/b2d/releases",
                "github.com/me/b2d",
            ),
            (
                "https://git.corp/api/v3/repos/me/b2d/releases/latest",
                "https://git.corp/api/v3/repos/me/b2d/releases",
                "https://git.corp/me/b2d/releases",
                "git.corp/me/b2d",
            ),
            (
                "https://git.corp/me/b2d/releases/latest",
                "https://git.corp/api/v3/repos/me/b2d/releases",
                "https://git.corp/me/b2d/releases",
                "git.corp/me/b2d",
            ),
            (
                "http://127.0.0.1:8080/repos/me/b2d/releases",
                "http://127.0.0.1:8080/repos/me/b2d/releases",
                "http://127.0.0.1:8080/me/b2d/releases",
                "127.0.0.1:8080/me/b2d",
            ),
        ] {
            let releases = Releases::parse(url).unwrap();
            assert_eq!((releases.api.as_str(), releases.pages.as_str()), (api, pages));
            assert_eq!(releases.name(), name);
        }
        let iso =
            "https://github.com/boot2docker/boot2docker/releases/download/v1.8.0/boot2docker.iso";
        assert_eq!(Releases::named(BOOT2DOCKER).unwrap().iso_url("v1.8.0"), iso);
        for other in [iso, "https://mirror.example/b2d.iso", "releases", "/repos/a/b/releases"] {
            assert_eq!(Releases::parse(other), None, "{other}");
        }
    }

    #[test]
    fn only_the_projects_own_hashes_are_known() {
        let own = Releases::named(BOOT2DOCKER).unwrap();
        assert!(own.known("v18.09.4").is_some() && own.known("v99.0.0").is_none());
        let (fork, tag) =
            Releases::parse_tag("https://github.com/me/b2d/releases/tag/v18.09.4").unwrap();
        assert_eq!((tag.as_str(), fork.known(&tag)), ("v18.09.4", None));
        assert!(fork.contains(&fork.iso_url("v1")) && !fork.contains(&own.iso_url("v1")));
        assert!(!["", "..", "a/b", ".x"].iter().any(|tag| is_tag(tag)));
    }
}
