//! `adopt`: a host is used as it is. Nothing is written on it.

use std::sync::Arc;
use std::time::Duration;

use machine_driver::{Error, ErrorKind, Progress, Result, process};

use super::{Engine, Machine};
use crate::ssh;
use crate::store::{AuthOptions, HostOptions, Record, SwarmOptions, check_name};

/// `ssh://[USER@]HOST[:PORT]`. What is left out is for the user's SSH configuration to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub host: String,
    pub user: Option<String>,
    pub port: Option<u16>,
}

impl std::str::FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Error::new(ErrorKind::Flags, format!("`{text}` {why}"))
                .hint("for example: machine adopt lab1 ssh://me@192.0.2.1:22")
        };
        let rest = text.strip_prefix("ssh://").ok_or_else(|| wrong("is no ssh:// address"))?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#']) {
            return Err(wrong("has a path, which means nothing here"));
        }
        let (user, rest) = match rest.rsplit_once('@') {
            Some((user, _)) if user.contains(':') => {
                return Err(wrong("has a password, which ssh does not take"));
            }
            Some((user, rest)) => (Some(user.to_owned()), rest),
            None => (None, rest),
        };
        let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port))),
        };
        let port = port.map(str::parse::<u16>).transpose().ok().filter(|port| *port != Some(0));
        let port = port.ok_or_else(|| wrong("has no port that could be one"))?;
        let plain = |word: &str| {
            !word.is_empty()
                && !word.starts_with('-')
                && word.chars().all(|c| c.is_ascii_alphanumeric() || "-._:%+$".contains(c))
        };
        if !plain(host) || user.as_deref().is_some_and(|user| !plain(user)) {
            return Err(wrong("does not name a host"));
        }
        Ok(Self { host: host.to_owned(), user, port })
    }
}

/// Records a host after a look at its Engine through SSH. On error nothing is left.
pub async fn adopt(
    engine: &Engine,
    name: &str,
    address: &Address,
    progress: Arc<dyn Progress>,
) -> Result<()> {
    check_name(name)?;
    let _lock = engine.store.lock(name, &format!("adopt {name}"), Duration::ZERO)?;
    engine.store.sweep(name);
    if engine.store.exists(name) {
        return Err(Error::other(format!("Docker machine \"{name}\" already exists"))
            .hint(format!("remove it with `machine rm {name}`, or choose another name")));
    }
    let context = engine.context(name, "generic", Arc::clone(&progress));
    let driver = machine_driver_generic::adopted(
        &context,
        &address.host,
        address.user.as_deref(),
        address.port,
    );
    let target = driver.endpoint().ssh.expect("an adopted host is reached by SSH");
    process::find("ssh", &engine.search_path).ok_or(ssh::SshError::NoKey)?;
    progress.line("Looking at its Docker Engine through SSH...");
    let patience = Duration::from_secs(60);
    let shell =
        ssh::wait_for_shell(&target, &context.machine_dir, &engine.search_path, patience, true)
            .await
            .map_err(|error| error.hint(format!("does `ssh {}` let you in?", address.host)))?;
    let version = look(&shell).await?;
    progress.line(&format!("It has Docker {version}."));
    let dir = engine.store.machine_dir(name);
    let text = |path: &std::path::Path| path.display().to_string();
    let certs = &engine.certs;
    let auth = AuthOptions {
        cert_dir: text(&engine.store.certs_dir()),
        ca_cert_path: text(&certs.ca_cert),
        ca_private_key_path: text(&certs.ca_key),
        client_key_path: text(&certs.client_key),
        client_cert_path: text(&certs.client_cert),
        store_path: text(&dir),
        ..AuthOptions::default()
    };
    let options = HostOptions {
        swarm_options: SwarmOptions::default(),
        auth_options: auth,
        ..HostOptions::default()
    };
    let record = Record::new(name, "generic", driver.record(), options);
    engine.store.make_machine_dir(name)?;
    let saved = engine.store.save(&record);
    if saved.is_err() {
        engine.store.remove(name)?;
    }
    Ok(saved?)
}

/// The version of the Engine that the user reaches there: what `docker` will do through SSH.
pub(super) async fn look(shell: &ssh::Shell) -> Result<String> {
    let command = "docker version --format '{{.Server.Version}}'";
    let output = shell.run(command).await?;
    let version = output.stdout.trim();
    if output.status == ssh::ExitStatus::Code(0) && !version.is_empty() {
        return Ok(version.to_owned());
    }
    let said = output.stderr.trim().to_owned();
    let user = shell.user();
    let error =
        Error::other("the host's Docker Engine cannot be used").caused_by(if said.is_empty() {
            format!("`docker version` {}", output.status)
        } else {
            process::tail(&said, 4)
        });
    Err(if said.contains("not found") {
        error.hint("there is no docker command: `machine create -d generic` would install it")
    } else if said.contains("permission denied") {
        let user = if user.is_empty() { "$USER" } else { user };
        error.hint(format!("let the user in there: `sudo usermod -aG docker {user}`"))
    } else {
        error.hint("is it running? `sudo systemctl start docker` there starts it")
    })
}

/// Whether a machine was adopted: no certificates, its Engine is reached through SSH.
impl Machine<'_> {
    pub fn is_adopted(&self) -> bool {
        let capabilities = self.driver.capabilities();
        capabilities.existing_host && !capabilities.has_guest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let parts = |text: &str| {
            let address: Address = text.parse().ok()?;
            Some((address.user.unwrap_or_default(), address.host, address.port.unwrap_or(0)))
        };
        let some = |user: &str, host: &str, port| Some((user.to_owned(), host.to_owned(), port));
        assert_eq!(parts("ssh://me@192.0.2.1:2222"), some("me", "192.0.2.1", 2222));
        assert_eq!(parts("ssh://box"), some("", "box", 0));
        assert_eq!(parts("ssh://me@[fe80::1]:22/"), some("me", "fe80::1", 22));
        for bad in [
            "box",
            "ssh://",
            "ssh://-oProxyCommand=id",
            "ssh://me:pw@box",
            "ssh://box/path",
            "ssh://box:0",
            "ssh://box:x",
            "ssh://-x@box",
            "ssh://a b",
        ] {
            assert_eq!(parts(bad), None, "{bad}");
        }
    }
}
