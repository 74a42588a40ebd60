use std::fs;
use std::path::Path;
use std::time::Duration;

use machine_driver::{Error, Result};
use time::OffsetDateTime;

use super::super::{Certificate, ClientPaths, TlsError};
use super::{About, Api, DockerError};

/// A client for one Docker Engine, to be used again while it is waited for.
#[derive(Debug, Clone)]
pub struct Client {
    pub(super) http: reqwest::Client,
    pub(super) endpoint: String,
    /// When our own certificate ends; `None` if that cannot be read from it.
    expires: Option<OffsetDateTime>,
}

impl Client {
    /// `url` is a Docker endpoint, `tcp://HOST:PORT` or `https://HOST:PORT`. Reads the three files
    /// now and connects later. rustls needs its default crypto provider installed, which `main`
    /// does first.
    pub fn new(url: &str, paths: &ClientPaths) -> Result<Self> {
        let endpoint = url
            .strip_prefix("tcp://")
            .or_else(|| url.strip_prefix("https://"))
            .map(|rest| rest.trim_end_matches('/'))
            .filter(|endpoint| !endpoint.is_empty())
            .ok_or_else(|| Error::other(format!("`{url}` is not a Docker endpoint with TLS")))?;
        let unusable = |path: &Path| {
            let message = format!("`{}` cannot be used", path.display());
            move |error: reqwest::Error| Error::other(message).caused_by(error)
        };
        let authorities = reqwest::Certificate::from_pem_bundle(&read(&paths.ca)?)
            .map_err(unusable(&paths.ca))?;
        let certificate = read(&paths.cert)?;
        let expires = Certificate::parse(&String::from_utf8_lossy(&certificate));
        let expires = expires.ok().map(|certificate| certificate.expires());
        let pair = [certificate, b"\n".to_vec(), read(&paths.key)?].concat();
        let identity = reqwest::Identity::from_pem(&pair).map_err(unusable(&paths.cert))?;
        // Machines are asked directly, whatever proxy is set for the rest of the world; and each
        // question has its own connection, for between two of them the guest may have rebooted.
        let http = reqwest::Client::builder()
            .tls_certs_only(authorities)
            .identity(identity)
            .no_proxy()
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .build()
            .map_err(unusable(&paths.cert))?;
        Ok(Self { http, endpoint: endpoint.to_owned(), expires })
    }

    /// Whether the Engine answers, within `deadline` from connecting to the answer's end; and the
    /// newest version of the API that it speaks, if it says so (Engines since 17.04 do:
    /// <https://docs.docker.com/reference/api/engine/version/v1.44/#tag/System/operation/SystemPing>).
    pub async fn ping(&self, deadline: Duration) -> Result<Option<Api>> {
        let response = self.ask("_ping", deadline).await?;
        let newest = response.headers().get("Api-Version").and_then(|value| value.to_str().ok());
        let newest = newest.and_then(Api::read);
        self.body(response, deadline).await?;
        Ok(newest)
    }

    /// The Engine's version, for example `28.2.2`. The question names no version of the API, so an
    /// Engine of any age answers it.
    pub async fn version(&self, deadline: Duration) -> Result<String> {
        Ok(self.about(deadline).await?.version)
    }

    /// The same with the versions of the API that the Engine speaks.
    pub async fn about(&self, deadline: Duration) -> Result<About> {
        let response = self.ask("version", deadline).await?;
        let answer = self.body(response, deadline).await?;
        let not_docker =
            || DockerError::NotDocker { endpoint: self.endpoint.clone(), source: None };
        Ok(About::read(&answer).ok_or_else(not_docker)?)
    }

    /// What a failure of the transport means here.
    pub(super) fn sorted(&self, error: reqwest::Error, deadline: Duration) -> DockerError {
        match DockerError::from_transport(error, &self.endpoint, deadline) {
            // Engines do not always say why.
            DockerError::ClientCertificate { endpoint, source }
                if self.expires.is_some_and(|end| end < OffsetDateTime::now_utc()) =>
            {
                DockerError::ClientExpired { endpoint, source }
            }
            error => error,
        }
    }

    async fn ask(&self, path: &str, deadline: Duration) -> Result<reqwest::Response, DockerError> {
        let url = format!("https://{}/{path}", self.endpoint);
        let sent = self.http.get(url).timeout(deadline).send().await;
        let response = sent.map_err(|error| self.sorted(error, deadline))?;
        if !response.status().is_success() {
            let status = response.status().as_u16();
            return Err(DockerError::Status { endpoint: self.endpoint.clone(), status });
        }
        Ok(response)
    }

    async fn body(
        &self,
        response: reqwest::Response,
        deadline: Duration,
    ) -> Result<Vec<u8>, DockerError> {
        let body = response.bytes().await.map_err(|error| self.sorted(error, deadline))?;
        Ok(body.to_vec())
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::read(path, source))
}
