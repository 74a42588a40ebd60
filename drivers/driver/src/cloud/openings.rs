use std::net::IpAddr;
use std::time::{Duration, UNIX_EPOCH};

use crate::rest::Shared;
use crate::{Context, Error, ErrorKind, Result, http};

/// From where the ports for SSH and Docker can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Openings {
    World,
    /// Networks in CIDR form, also for single addresses.
    From(Vec<String>),
}

/// The variable that says what this computer's public address is.
const ADDRESS: &str = "MACHINE_PUBLIC_ADDRESS";
/// The variable that names a service which tells callers their address, as plain text.
const SERVICE: &str = "MACHINE_ADDRESS_SERVICE";
/// Kept by Amazon, whose own consoles use it; anybody may ask.
const DEFAULT_SERVICE: &str = "https://checkip.amazonaws.com";

/// Finds what [`openings`] would fail for, before anything is made.
pub async fn check_openings(cx: &Context) -> Result<()> {
    if cx.policy.open_to.is_empty() && cx.policy.open_to_world {
        return Ok(());
    }
    openings(cx).await.map(drop)
}

/// What the user's `--open-to` comes to. Without one it is the caller's address; the world only if
/// that is docker-machine's rule, and then with a warning.
pub async fn openings(cx: &Context) -> Result<Openings> {
    let open_to = &cx.policy.open_to;
    if open_to.is_empty() && cx.policy.open_to_world {
        cx.progress.warn(
            "SSH and Docker are open to the whole world, as with docker-machine: --open-to caller \
             closes them for others",
        );
        return Ok(Openings::World);
    }
    let mut networks = Vec::new();
    let caller = ["caller".to_owned()];
    for word in if open_to.is_empty() { &caller[..] } else { open_to } {
        match word.as_str() {
            "world" => return Ok(Openings::World),
            "caller" => networks.push(network(&callers_address(cx).await?)?),
            word => networks.push(network(word)?),
        }
    }
    networks.sort_unstable();
    networks.dedup();
    Ok(Openings::From(networks))
}

/// The address that the cloud sees us come from.
async fn callers_address(cx: &Context) -> Result<String> {
    if let Some(address) = cx.environment.var(ADDRESS) {
        return Ok(address.to_owned());
    }
    let service = cx.environment.var(SERVICE).unwrap_or(DEFAULT_SERVICE);
    let unknown = |why: Error| {
        Error::other("this computer's public address is not known")
            .caused_by(why)
            .hint("say to whom SSH and Docker are to be opened: --open-to 203.0.113.7")
            .hint(format!("or set `{ADDRESS}`, or `{SERVICE}` to a service that tells it"))
    };
    let ask = async {
        let request = http::client()?.get(service).timeout(Duration::from_secs(10));
        let failed = |error: reqwest::Error| {
            Error::other(format!("`{service}` does not tell it")).caused_by(error.without_url())
        };
        let answer = request.send().await.and_then(reqwest::Response::error_for_status);
        let text = answer.map_err(failed)?.text().await.map_err(failed)?;
        let address = text.trim().to_owned();
        address.parse::<IpAddr>().map(|_| address).map_err(|error| {
            Error::other(format!("`{service}` answers with no address")).caused_by(error)
        })
    };
    let shared = Shared::new(&cx.cache_dir, service);
    let minute = Duration::from_secs(60);
    shared.get("address", minute, UNIX_EPOCH, || ask).await.map_err(unknown)
}

/// `203.0.113.7` is `203.0.113.7/32`.
fn network(text: &str) -> Result<String> {
    let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
    let wrong = || {
        Error::new(ErrorKind::Flags, format!("`{text}` is no address and no network"))
            .hint("for example: --open-to 203.0.113.0/24, --open-to caller, --open-to world")
    };
    let address: IpAddr = address.parse().map_err(|_| wrong())?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        None => longest,
        Some(prefix) => prefix.parse().ok().filter(|it| *it <= longest).ok_or_else(wrong)?,
    };
    Ok(format!("{address}/{prefix}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks() {
        for (text, expected) in [
            ("203.0.113.7", "203.0.113.7/32"),
            ("203.0.113.0/24", "203.0.113.0/24"),
            ("2001:db8::1", "2001:db8::1/128"),
        ] {
            assert_eq!(network(text).unwrap(), expected);
        }
        for wrong in ["home", "203.0.113.7/33", "1.2.3.4/x", ""] {
            assert_eq!(network(wrong).unwrap_err().kind(), ErrorKind::Flags, "{wrong}");
        }
    }
}
