//! Asking a Docker Engine over TLS: whether it is there, which one it is, and what its API gives.

mod about;
mod api;
mod client;
mod error;

pub use about::{About, Api};
pub use client::Client;
pub use error::DockerError;
