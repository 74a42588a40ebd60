//! HTTP with deadlines and retries, one client for everything.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};

use crate::{Error, ErrorKind, Result};

/// A client with this program's name, a connect deadline, and proxies from the system's settings.
/// The crypto provider must be installed (`rustls::crypto::ring`), which `main` does first.
pub fn client() -> Result<reqwest::Client> {
    client_through(None)
}

/// What is special about the TLS of one vendor's servers. Files are PEM.
#[derive(Clone, Default)]
pub struct Tls {
    /// Believe any certificate.
    pub insecure: bool,
    /// The authorities to believe, instead of the system's.
    pub authorities: Option<Vec<u8>>,
    /// The client's certificate and its key.
    pub identity: Option<Vec<u8>>,
}

/// Like [`client`], for servers with a TLS of their own.
pub fn client_with(tls: &Tls) -> Result<reqwest::Client> {
    let wrong =
        |what: &'static str| move |error| Error::new(ErrorKind::Flags, what).caused_by(error);
    let mut builder = builder().tls_danger_accept_invalid_certs(tls.insecure);
    if let Some(authorities) = &tls.authorities {
        let wrong = wrong("Ill-formed CA certificate(s) PEM file");
        let all = reqwest::Certificate::from_pem_bundle(authorities).map_err(wrong)?;
        builder = builder.tls_certs_only(all);
    }
    if let Some(identity) = &tls.identity {
        let wrong = wrong("the client certificate and its key do not make a pair");
        builder = builder.identity(reqwest::Identity::from_pem(identity).map_err(wrong)?);
    }
    builder.build().map_err(|error| Error::other("cannot set up HTTP").caused_by(error))
}

/// Like [`client`], but plain HTTP goes through the proxy at this address, if there is one.
pub fn client_through(proxy: Option<&str>) -> Result<reqwest::Client> {
    let failed = |error| Error::other("cannot set up HTTP").caused_by(error);
    let mut builder = builder();
    if let Some(proxy) = proxy {
        let proxy = reqwest::Proxy::http(proxy).map_err(failed)?;
        // The exceptions are the system's (`no_proxy`), as for apt.
        builder = builder.proxy(proxy.no_proxy(reqwest::NoProxy::from_env()));
    }
    builder.build().map_err(failed)
}

/// The causes of an error, also those inside errors of the system, whose `source` leaves out the
/// error that they were made from.
pub fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(std::error::Error::source(error), |error| {
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        inner.map(|inner| inner as _).or_else(|| error.source())
    })
}

fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("machine/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(Duration::from_secs(30))
}

/// Runs `call` again after a failure of the network or a status that says "later" (408, 429, 5xx),
/// up to three more times with growing, jittered pauses. Other errors are final.
pub async fn with_retry<T, F>(call: impl FnMut() -> F) -> Result<T, reqwest::Error>
where
    F: Future<Output = Result<T, reqwest::Error>>,
{
    let pauses = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(300))
        .with_max_times(3)
        .with_jitter();
    call.retry(pauses).when(may_pass).await
}

/// Whether an error may be gone at the next try.
pub fn may_pass(error: &reqwest::Error) -> bool {
    match error.status() {
        Some(status) => status.is_server_error() || matches!(status.as_u16(), 408 | 429),
        None => error.is_connect() || error.is_timeout() || error.is_body() || error.is_request(),
    }
}
