use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use machine_driver::{Error, Result, Silent};

use super::api::{self, Part};
use crate::engine::Engine;
use crate::tls::docker::Client;

/// A machine whose Engine answers, and its part in a swarm.
pub(super) struct Member {
    pub(super) name: String,
    pub(super) docker: Client,
    /// Where the other machines reach it.
    pub(super) address: Option<String>,
    pub(super) part: Part,
}

/// Asks a machine for its part. Takes no lock and changes nothing.
pub(super) async fn open(engine: &Engine, name: &str) -> Result<Member> {
    let machine = engine.load(name, Arc::new(Silent))?;
    let url = machine.docker_url()?;
    if url.starts_with("ssh://") {
        return Err(Error::unsupported(machine.driver.kind(), "swarms of adopted hosts"));
    }
    let docker = Client::new(&url, &machine.credentials())?;
    let endpoint = machine.endpoint();
    let own = |ip: &String| ip.parse() != Ok(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let address = endpoint.private_ip.map(|ip| ip.to_string()).or(endpoint.ip.filter(own));
    let part = api::part(&docker).await?;
    Ok(Member { name: name.to_owned(), docker, address, part })
}

/// All machines at once: those that answer, in their order, and why the others do not.
pub(super) async fn open_all(
    engine: &Engine,
    names: impl IntoIterator<Item = &str>,
) -> (Vec<Member>, Vec<(String, Error)>) {
    let opened = names.into_iter().map(async |name| (name, open(engine, name).await));
    let (mut members, mut failures) = (Vec::new(), Vec::new());
    for (name, result) in futures_util::future::join_all(opened).await {
        match result {
            Ok(member) => members.push(member),
            Err(error) => failures.push((name.to_owned(), error)),
        }
    }
    (members, failures)
}

/// The first that can decide something: a manager of a swarm that has a quorum.
pub(super) fn manager(members: &[Member]) -> Option<&Member> {
    members.iter().find(|member| member.part.is_active() && member.part.control_available)
}
