//! Logging in to machines: russh behind one module, and the command lines of the system's own
//! `ssh` and `scp` for those who have them.
//!
//! A machine's host key is pinned in the file `known_hosts` of its directory, put there by us
//! before the first boot ([`pin`]) or on first contact. Addresses and ports move, the key does
//! not, so it stands there under one name for all machines and is never looked up by address.

mod copy;
mod error;
pub mod external;
mod forward;
mod host_key;
mod key;
mod local;
mod quote;
mod ready;
mod run;
mod session;
mod shell;
mod socket;
pub mod terminal;
mod upload;
mod users_config;

pub use error::SshError;
pub use host_key::pin;
pub use local::{
    LocalListener, is_there as socket_is_there, place as socket_place, url as socket_url,
};
pub use quote::quoted;
pub use ready::{wait_for_shell, wait_ready};
pub use run::{ExitStatus, Output, Pty};
pub use session::{Session, connect, learn_host_key};
pub use shell::{Shell, SystemSsh};
pub use users_config::{host_alias, ssh_config};

#[cfg(test)]
mod tests;
