use std::time::Duration;

use machine_driver::{Error, ErrorKind, Result};

use super::{Engine, Machine, adopt};
use crate::ssh::Shell;
use crate::tls::docker::Client;

/// The version of the Engine at `url`, which is one of `machine`'s, asked once and whichever way
/// leads there. A host that was adopted is logged in to for it.
pub async fn docker_version(
    engine: &Engine,
    machine: &Machine<'_>,
    url: &str,
    deadline: Duration,
) -> Result<String> {
    if !url.starts_with("ssh://") {
        return Client::new(url, &machine.credentials())?.version(deadline).await;
    }
    let target = machine.endpoint().ssh.ok_or_else(|| machine.not_running())?;
    let dir = &machine.context.machine_dir;
    let answer = async {
        let shell = Shell::at_first_use(&target, dir, &engine.search_path)?;
        adopt::look(&shell).await
    };
    tokio::time::timeout(deadline, answer).await.unwrap_or_else(|_elapsed| {
        let seconds = deadline.as_secs_f32();
        Err(Error::new(ErrorKind::Timeout, format!("`{url}` did not answer within {seconds:.1} s")))
    })
}
