use std::time::Duration;

use machine_driver::{Error, ErrorKind, Result};
use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Client, DockerError};

/// What the Engine says when it refuses.
#[derive(Deserialize)]
struct Refusal {
    message: String,
}

impl Client {
    /// The answer to `GET /PATH`. <https://docs.docker.com/reference/api/engine/>
    pub async fn get<T: DeserializeOwned>(&self, path: &str, deadline: Duration) -> Result<T> {
        let answer = self.request(Method::GET, path, None, deadline).await?;
        serde_json::from_slice(&answer).map_err(|error| {
            Error::other(format!("Docker's answer to `{path}` is not understood")).caused_by(error)
        })
    }

    /// `POST /PATH` with a JSON body, and the answer, which may be empty.
    pub async fn post(&self, path: &str, body: &Value, deadline: Duration) -> Result<Vec<u8>> {
        self.request(Method::POST, path, Some(body), deadline).await
    }

    /// `DELETE /PATH`.
    pub async fn delete(&self, path: &str, deadline: Duration) -> Result<()> {
        self.request(Method::DELETE, path, None, deadline).await.map(drop)
    }

    /// A refusal is an error with the Engine's own words as its cause.
    async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        deadline: Duration,
    ) -> Result<Vec<u8>> {
        let sorted = |error| self.sorted(error, deadline);
        let url = format!("https://{}/{path}", self.endpoint);
        let mut request = self.http.request(method, url).timeout(deadline);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(sorted)?;
        let status = response.status();
        let answer = response.bytes().await.map_err(sorted)?.to_vec();
        if status.is_success() {
            return Ok(answer);
        }
        let kind = match status.as_u16() {
            404 => ErrorKind::NotFound,
            _ => ErrorKind::Other,
        };
        let error =
            DockerError::Status { endpoint: self.endpoint.clone(), status: status.as_u16() };
        let error = Error::new(kind, error.to_string());
        Err(match serde_json::from_slice::<Refusal>(&answer) {
            Ok(refusal) => error.caused_by(refusal.message),
            Err(_) => error,
        })
    }
}
