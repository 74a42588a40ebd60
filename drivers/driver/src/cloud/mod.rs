//! What the drivers of clouds have in common, besides [`crate::rest`].
//!
//! A driver whose cloud has servers, keys and firewalls behind one token says what is its own in an
//! `impl` of [`Cloud`], and is made by [`kind()`]:
//!
//! ```text
//!  Cloud      flags, keys of the record, calls, and how their JSON maps to Server, Firewall, Resource
//!    ▲
//!  Machine    when they are called: create, power, removal, what is left behind
//!  Place      one account: its Api, pages, lists that are shared by all who wait
//!  Record     docker-machine's base keys, the driver's own, what the kit keeps
//! ```
//!
//! Clouds with a life of their own (volumes, floating IPs, requests that are signed) use the pieces:
//! [`Removal`], [`wake`], [`or_found`], [`with_others`], [`openings()`], [`use_common`], [`states()`].

mod common;
mod create;
mod firewall;
mod flags;
mod keys;
mod kind;
mod machine;
mod openings;
mod place;
mod power;
mod record;
mod removal;
mod remove;
mod states;
mod user_data;
mod vendor;

pub use common::{Held, arrange_common, drop_common, use_common};
pub use firewall::FIREWALL;
pub use flags::{Given, flags};
pub use keys::{copied_key, copy_key, is_same_key, public_half};
pub use kind::kind;
pub use machine::{Machine, POLL};
pub use openings::{Openings, check_openings, openings};
pub use place::{Interface, Place};
pub use record::{Ids, Kept, Part, Record, or_default, read};
pub use removal::{Removal, with_others};
pub use states::states;
pub use user_data::{check_user_data, user_data};
pub use vendor::{About, Cloud, Firewall, Key, Power, Server, Wish};

use std::path::PathBuf;

use crate::{
    BaseRecord, Context, Driver, Endpoint, Error, ErrorKind, Result, SshTarget, State, nearest,
};

/// Switches a machine on that somebody has switched off before its making was at its end.
pub async fn wake(machine: &mut dyn Driver, cx: &Context) -> Result<()> {
    match machine.state(cx).await? {
        State::Stopped | State::Paused | State::Saved => machine.start(cx).await,
        _ => Ok(()),
    }
}

/// What a call made, or what `find` finds of it after one whose end is unclear: it may have been made
/// all the same, where no token would tell.
pub async fn or_found<T, F>(made: Result<T>, find: impl FnOnce() -> F) -> Result<T>
where
    F: Future<Output = Result<Option<T>>>,
{
    match made {
        Err(error) if matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Unreachable) => {
            match find().await {
                Ok(Some(found)) => Ok(found),
                Ok(None) | Err(_) => Err(error),
            }
        }
        made => made,
    }
}

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

/// The error that the account has such a thing, but not in the place that was asked for: `place` is
/// what it is called and its name, `elsewhere` are those that have it.
pub fn not_in(place: (&str, &str), what: &str, value: &str, elsewhere: &[&str]) -> Error {
    let (kind, place) = place;
    let error = Error::new(ErrorKind::Flags, format!("{kind} `{place}` has no {what} `{value}`"));
    match elsewhere {
        [] => error.hint(format!("no {kind} has it at the moment")),
        there => error.hint(format!("these have it: {}", there.join(", "))),
    }
}

/// The newest long-term Ubuntu of some images' names, where the release `26.04` stands between
/// `before` and `after`, with `dot` for its dot: those of April in even years are supported for long.
pub fn newest_lts<'a>(
    names: impl IntoIterator<Item = &'a str>,
    (before, dot, after): (&str, &str, &str),
) -> Option<&'a str> {
    let year = |name: &str| -> Option<u32> {
        let year = name.strip_prefix(before)?.strip_suffix(after)?.strip_suffix("04")?;
        year.strip_suffix(dot)?.parse().ok().filter(|year| year % 2 == 0)
    };
    names.into_iter().filter_map(|name| Some((year(name)?, name))).max().map(|(_, name)| name)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_long_term_ubuntu() {
        let slugs = ["24-04", "26-04", "26-10", "27-04"].map(|it| format!("ubuntu-{it}-x64"));
        let slugs = slugs.iter().map(String::as_str).chain(["debian-13-x64", "ubuntu-x-04-x64"]);
        let form = ("ubuntu-", "-", "-x64");
        assert_eq!(newest_lts(slugs, form), Some("ubuntu-26-04-x64"));
        let names = ["ubuntu-24.04", "ubuntu-22.04", "rocky-9"];
        assert_eq!(newest_lts(names, ("ubuntu-", ".", "")), Some("ubuntu-24.04"));
        assert_eq!(newest_lts(["rocky-9"], form), None);
    }

    #[tokio::test]
    async fn what_is_unclear_is_looked_for() {
        let error = |kind| Err(Error::new(kind, "no answer"));
        let found = async || Ok(Some(7));
        let nothing = async || Ok(None);
        assert_eq!(or_found(error(ErrorKind::Timeout), found).await.unwrap(), 7);
        assert_eq!(or_found(Ok(1), found).await.unwrap(), 1);
        let kept = or_found(error(ErrorKind::Unreachable), nothing).await.unwrap_err();
        assert_eq!(kept.to_string(), "no answer");
        assert!(or_found(error(ErrorKind::Conflict), found).await.is_err());
    }
}
