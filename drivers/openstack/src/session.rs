use std::sync::{Arc, Mutex, PoisonError};

use machine_driver::rest::{Anybody, Api, Authorise, Pace};
use machine_driver::{Error, ErrorKind, Result, async_trait};
use serde::Deserialize;
use serde_json::Value;

use crate::access::Access;
use crate::catalogue::Catalogue;
use crate::problem;

/// Someone who is logged in. The token is renewed when a service does not take it any more; it is
/// in no file.
#[derive(Clone)]
pub(crate) struct Session {
    keystone: Api,
    request: Arc<Value>,
    token: Arc<Mutex<String>>,
}

/// What Keystone says of a log-in.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Login {
    #[serde(default)]
    pub(crate) catalog: Catalogue,
    #[serde(default)]
    pub(crate) project: Named,
    #[serde(default)]
    pub(crate) user: Named,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Named {
    pub(crate) id: String,
    pub(crate) name: String,
}

#[derive(Deserialize)]
struct Body {
    token: Login,
}

impl Session {
    pub(crate) async fn open(
        access: &Access,
        client: reqwest::Client,
        pace: Pace,
    ) -> Result<(Self, Login)> {
        let keystone = Api::new("Keystone", &access.auth_url, Anybody, problem::complaint, pace)?;
        let session = Self {
            keystone: keystone.through(client),
            request: Arc::new(access.request.clone()),
            token: Arc::default(),
        };
        let login = session.login().await?;
        Ok((session, login))
    }

    async fn login(&self) -> Result<Login> {
        // Twice the same log-in is no more than two tokens.
        let request = self.keystone.post("/auth/tokens").json(&*self.request).repeatable();
        let answer = request.send().await.map_err(|error| match status_of(&error) {
            // Nova and Glance offer their versions.
            Some(300 | 404 | 405) => {
                let url = self.keystone.base();
                Error::new(
                    ErrorKind::Flags,
                    format!("there is no Keystone of version 3 at `{url}`"),
                )
                .caused_by(error)
                .hint("OS_AUTH_URL is the address of the identity service, best with `/v3`")
            }
            _ => error,
        })?;
        let token = answer.header("x-subject-token").to_owned();
        if token.is_empty() {
            return Err(Error::other("Keystone's answer has no token"));
        }
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = token;
        Ok(answer.json::<Body>()?.token)
    }
}

fn status_of(error: &Error) -> Option<u16> {
    machine_driver::rest::problem(error).map(|it| it.status)
}

#[async_trait]
impl Authorise for Session {
    async fn authorise(&self, request: &mut reqwest::Request) -> Result<()> {
        let token = self.token.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut value = reqwest::header::HeaderValue::try_from(token).map_err(|_| {
            Error::new(ErrorKind::Denied, "the token has characters that no token has")
        })?;
        value.set_sensitive(true);
        request.headers_mut().insert("x-auth-token", value);
        Ok(())
    }

    /// Tokens end, commonly after an hour.
    async fn renew(&self) -> Result<bool> {
        self.login().await.map(|_| true)
    }
}
