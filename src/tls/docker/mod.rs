//! Asking a Docker Engine over TLS whether it is there and which one it is.

mod about;
mod client;
mod error;

pub use about::{About, Api};
pub use client::Client;
pub use error::DockerError;
