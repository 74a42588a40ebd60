use std::fmt;
use std::time::{Duration, SystemTime};

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use machine_driver::rest::Authorise;
use machine_driver::{Context, Error, ErrorKind, Reference, Result, Secret, async_trait};
use tokio::sync::Mutex;

use crate::connector::OurHttp;
use crate::flags::{ACCESS_KEY_VARIABLE, SECRET_KEY_VARIABLE, SESSION_TOKEN_VARIABLE};
use crate::record::Record;

/// Signs calls with the access key of the record, or with what Amazon's own tools would use:
/// variables, profiles with their roles, processes and single sign-on, web identity, the container's
/// or the instance's role.
pub(crate) struct Login {
    source: Source,
    region: String,
    /// Kept until it is about to expire.
    current: Mutex<Option<Credentials>>,
}

enum Source {
    Key(Credentials),
    Tools(SharedCredentialsProvider),
}

/// So long before they expire, credentials are fetched anew.
const MARGIN: Duration = Duration::from_secs(120);

/// docker-machine's words.
pub(crate) const MISSING: &str = "amazonec2 driver requires AWS credentials configured with the \
    --amazonec2-access-key and --amazonec2-secret-key options, environment variables, \
    ~/.aws/credentials, or an instance role";

impl Login {
    pub(crate) async fn new(cx: &Context, record: &Record) -> Result<Self> {
        let source = match recorded_key(cx, record).await? {
            Some(key) => Source::Key(key),
            None => Source::Tools(tools(record).await?),
        };
        let region = record.signing_region().to_owned();
        Ok(Self { source, region, current: Mutex::default() })
    }

    /// The access key itself, which tells accounts apart.
    pub(crate) async fn access_key(&self) -> Result<String> {
        Ok(self.credentials().await?.access_key_id().to_owned())
    }

    async fn credentials(&self) -> Result<Credentials> {
        let tools = match &self.source {
            Source::Key(key) => return Ok(key.clone()),
            Source::Tools(tools) => tools,
        };
        let mut current = self.current.lock().await;
        let soon = SystemTime::now() + MARGIN;
        let good = |it: &&Credentials| it.expiry().is_none_or(|end| end > soon);
        if let Some(credentials) = current.as_ref().filter(good) {
            return Ok(credentials.clone());
        }
        let fresh = tools.provide_credentials().await.map_err(|error| {
            let expired = format!("{error:?}").contains("sso");
            let error = Error::new(ErrorKind::Denied, MISSING).caused_by(error);
            match expired {
                true => error.hint("aws sso login"),
                false => error.hint("aws configure"),
            }
        })?;
        *current = Some(fresh.clone());
        Ok(fresh)
    }
}

/// A key that is recorded as a reference to variables which are not set any more gives way to what
/// the tools find.
async fn recorded_key(cx: &Context, record: &Record) -> Result<Option<Credentials>> {
    let gone = |secret: &Secret| matches!(secret.source(), Some(Reference::Env(name)) if cx.environment.var(name).is_none());
    let Record { access_key, secret_key, session_token, .. } = record;
    if access_key.is_empty() || secret_key.is_empty() {
        return Ok(None);
    }
    let reveal = async |secret: &Secret, what, variable| secret.reveal(cx, what, variable).await;
    let key = reveal(access_key, "AWS access key", ACCESS_KEY_VARIABLE).await;
    let secret = reveal(secret_key, "AWS secret key", SECRET_KEY_VARIABLE).await;
    let (key, secret) = match (key, secret) {
        (Ok(key), Ok(secret)) => (key, secret),
        (Err(_), _) | (_, Err(_)) if gone(access_key) || gone(secret_key) => return Ok(None),
        (Err(error), _) | (_, Err(error)) => return Err(error),
    };
    let token = match session_token.is_empty() {
        true => None,
        false => Some(reveal(session_token, "AWS session token", SESSION_TOKEN_VARIABLE).await?),
    };
    Ok(Some(Credentials::new(key, secret, token, None, "machine")))
}

/// What Amazon's tools would use. Their crate reads variables and files itself and cannot be handed
/// them: the one place where a driver does not go by its context.
async fn tools(record: &Record) -> Result<SharedCredentialsProvider> {
    let mut config = aws_config::defaults(BehaviorVersion::latest())
        .http_client(OurHttp::new()?)
        .region(Region::new(record.signing_region().to_owned()));
    if !record.profile.is_empty() {
        config = config.profile_name(&record.profile);
    }
    let config = config.load().await;
    config.credentials_provider().ok_or_else(|| Error::new(ErrorKind::Denied, MISSING))
}

#[async_trait]
impl Authorise for Login {
    async fn authorise(&self, request: &mut reqwest::Request) -> Result<()> {
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            Error::other("the call cannot be signed").caused_by(error)
        };
        let identity = self.credentials().await?.into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("ec2")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| failed(error.into()))?;
        let headers = request
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
        let signable = SignableRequest::new(
            request.method().as_str(),
            request.url().as_str(),
            headers,
            SignableBody::Bytes(body),
        )
        .map_err(|error| failed(error.into()))?;
        let (proof, _) =
            sign(signable, &params.into()).map_err(|error| failed(error.into()))?.into_parts();
        for (name, value) in proof.headers() {
            let mut value = reqwest::header::HeaderValue::from_str(value)
                .map_err(|error| failed(error.into()))?;
            value.set_sensitive(true);
            let name = reqwest::header::HeaderName::from_bytes(name.as_bytes());
            request.headers_mut().insert(name.map_err(|error| failed(error.into()))?, value);
        }
        Ok(())
    }

    /// A session may have been ended; the tools may have another one.
    async fn renew(&self) -> Result<bool> {
        let used = self.current.lock().await.take();
        let Some(used) = used else { return Ok(false) };
        Ok(self.credentials().await? != used)
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("region", &self.region).finish_non_exhaustive()
    }
}
