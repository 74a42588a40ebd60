use std::fmt;

use async_trait::async_trait;
use reqwest::header::{AUTHORIZATION, HeaderValue};

use crate::{Error, Result};

/// How calls prove who makes them.
#[async_trait]
pub trait Authorise: Send + Sync {
    /// Adds the proof to a request that is otherwise complete. Called again for each attempt.
    async fn authorise(&self, request: &mut reqwest::Request) -> Result<()>;

    /// The vendor answered 401. Whether a new proof could be had, with which the call is made once
    /// more.
    async fn renew(&self) -> Result<bool> {
        Ok(false)
    }
}

/// `Authorization: Bearer TOKEN`.
#[derive(Clone)]
pub struct Bearer {
    value: HeaderValue,
}

impl Bearer {
    pub fn new(token: &str) -> Result<Self> {
        let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| {
            Error::new(crate::ErrorKind::Denied, "the token has characters that no token has")
        })?;
        value.set_sensitive(true);
        Ok(Self { value })
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(<redacted>)")
    }
}

#[async_trait]
impl Authorise for Bearer {
    async fn authorise(&self, request: &mut reqwest::Request) -> Result<()> {
        request.headers_mut().insert(AUTHORIZATION, self.value.clone());
        Ok(())
    }
}

/// No proof is needed, such as for logging in.
#[derive(Debug, Clone, Copy)]
pub struct Anybody;

#[async_trait]
impl Authorise for Anybody {
    async fn authorise(&self, _request: &mut reqwest::Request) -> Result<()> {
        Ok(())
    }
}
