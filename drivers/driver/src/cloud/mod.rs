//! What the drivers of clouds have in common, besides [`crate::rest`].

mod common;
mod openings;
mod removal;
mod states;

pub use common::{Held, arrange_common, drop_common, use_common};
pub use openings::{Openings, check_openings, openings};
pub use removal::Removal;
pub use states::states;

use std::path::PathBuf;

use crate::{BaseRecord, Endpoint, Error, ErrorKind, SshTarget, nearest};

/// The error that the account has no such thing, with the nearest that it has. `flag` is without
/// dashes, `what` reads after "no": `region`.
pub fn unknown<'a>(
    flag: &str,
    what: &str,
    value: &str,
    there: impl IntoIterator<Item = &'a str>,
) -> Error {
    let there: Vec<&str> = there.into_iter().collect();
    let error = Error::new(ErrorKind::Flags, format!("there is no {what} `{value}`"));
    match nearest(value, there.iter().copied()) {
        Some(near) => error.hint(format!("did you mean `--{flag} {near}`?")),
        None if there.is_empty() => error,
        None => error.hint(format!("there are: {}", there[..there.len().min(20)].join(", "))),
    }
}

/// The port on which the Engine listens.
pub const ENGINE_PORT: u16 = 2376;

/// How a machine of a cloud is reached: the Engine on its usual port of `ip`, and SSH with the
/// record's user and port, `user` and 22 where it has none, and `key`.
pub fn endpoint(
    base: &BaseRecord,
    ip: Option<&str>,
    private_ip: &str,
    user: &str,
    key: PathBuf,
) -> Endpoint {
    let user = if base.ssh_user.is_empty() { user } else { &base.ssh_user };
    Endpoint {
        ip: ip.map(str::to_owned),
        private_ip: private_ip.parse().ok(),
        docker_url: ip.map(docker_url),
        ssh: ip.map(|host| SshTarget {
            host: host.to_owned(),
            port: if base.ssh_port == 0 { 22 } else { base.ssh_port },
            user: user.to_owned(),
            key,
        }),
    }
}

/// `tcp://ADDRESS:2376`, with brackets around an IPv6 address.
pub fn docker_url(address: &str) -> String {
    match address.contains(':') {
        true => format!("tcp://[{address}]:{ENGINE_PORT}"),
        false => format!("tcp://{address}:{ENGINE_PORT}"),
    }
}
