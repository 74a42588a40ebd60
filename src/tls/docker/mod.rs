//! Asking a Docker Engine over TLS whether it is there and which one it is.

mod client;
mod error;

pub use client::Client;
pub use error::DockerError;
