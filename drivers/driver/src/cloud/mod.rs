//! What the drivers of clouds have in common, besides [`crate::rest`].

mod common;
mod openings;
mod removal;
mod states;

pub use common::{Held, arrange_common, drop_common, use_common};
pub use openings::{Openings, check_openings, openings};
pub use removal::Removal;
pub use states::states;

use crate::{Error, ErrorKind, nearest};

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

/// `tcp://ADDRESS:2376`, with brackets around an IPv6 address.
pub fn docker_url(address: &str) -> String {
    match address.contains(':') {
        true => format!("tcp://[{address}]:{ENGINE_PORT}"),
        false => format!("tcp://{address}:{ENGINE_PORT}"),
    }
}
