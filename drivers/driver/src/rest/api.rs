use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;

use super::{Answer, Authorise, Complaint, Pace, Request};
use crate::{Error, ErrorKind, Result, http};

/// The interface of one account. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    pub(super) vendor: &'static str,
    base: String,
    pub(super) http: reqwest::Client,
    pub(super) authorise: Arc<dyn Authorise>,
    pub(super) complaint: fn(&Answer) -> Complaint,
    pub(super) pace: Pace,
    pub(super) deadline: Duration,
}

impl Api {
    /// `base` is what all paths are put behind, for example `https://api.digitalocean.com`;
    /// `complaint` reads the vendor's form of errors.
    pub fn new(
        vendor: &'static str,
        base: &str,
        authorise: impl Authorise + 'static,
        complaint: fn(&Answer) -> Complaint,
        pace: Pace,
    ) -> Result<Self> {
        let url = reqwest::Url::parse(base).ok().filter(reqwest::Url::has_host);
        if url.is_none_or(|url| !["http", "https"].contains(&url.scheme())) {
            return Err(Error::new(
                ErrorKind::Flags,
                format!("`{base}` is no address of {vendor}"),
            )
            .hint("an address begins with `https://`"));
        }
        Ok(Self {
            vendor,
            base: base.trim_end_matches('/').to_owned(),
            http: http::client()?,
            authorise: Arc::new(authorise),
            complaint,
            deadline: pace.attempt * 4,
            pace,
        })
    }

    /// Calls through this client, for a vendor whose servers have a TLS of their own. See
    /// [`http::client_with`].
    #[must_use]
    pub fn through(self, client: reqwest::Client) -> Self {
        Self { http: client, ..self }
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    pub fn get(&self, path: impl AsRef<str>) -> Request<'_> {
        self.request(Method::GET, path.as_ref())
    }

    pub fn post(&self, path: impl AsRef<str>) -> Request<'_> {
        self.request(Method::POST, path.as_ref())
    }

    pub fn put(&self, path: impl AsRef<str>) -> Request<'_> {
        self.request(Method::PUT, path.as_ref())
    }

    pub fn delete(&self, path: impl AsRef<str>) -> Request<'_> {
        self.request(Method::DELETE, path.as_ref())
    }

    /// Any call. `path` begins with a slash, or is empty, or is a whole address that the vendor
    /// gave: of that only path and query are taken, so that no proof is sent elsewhere.
    pub fn request(&self, method: Method, path: &str) -> Request<'_> {
        let path = match reqwest::Url::parse(path) {
            Ok(url) => {
                let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
                let base = reqwest::Url::parse(&self.base).map_or_else(
                    |_| String::new(),
                    |base| base.path().trim_end_matches('/').to_owned(),
                );
                let path = url.path();
                format!("{}{query}", path.strip_prefix(base.as_str()).unwrap_or(path))
            }
            Err(_) => path.to_owned(),
        };
        Request::new(self, method, path)
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api")
            .field("vendor", &self.vendor)
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}
