use machine_driver::{Error, Result};

use crate::store::SwarmOptions;

/// The endpoint of the swarm whose master a machine is: the machine's address with the port of the
/// swarm's host. The error is docker-machine's.
pub fn swarm_url(name: &str, url: &str, options: &SwarmOptions) -> Result<String> {
    if !options.master {
        let what = "is not a swarm master. The --swarm flag is intended for use with swarm masters";
        return Err(Error::other(format!("\"{name}\" {what}")));
    }
    let port = options.host.rsplit_once(':').map(|(_, port)| port.trim_end_matches('/'));
    let port = port.filter(|port| port.parse::<u16>().is_ok()).ok_or_else(|| {
        Error::other(format!("the swarm of `{name}` has no port in its host `{}`", options.host))
    })?;
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    Ok(format!("tcp://{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_swarm_has_its_own_port() {
        let mut options = SwarmOptions::default();
        let url = |options: &SwarmOptions| swarm_url("x1", "tcp://10.0.0.1:2376", options);
        assert_eq!(
            url(&options).unwrap_err().to_string(),
            "\"x1\" is not a swarm master. The --swarm flag is intended for use with swarm masters"
        );
        options.master = true;
        assert_eq!(url(&options).unwrap(), "tcp://10.0.0.1:3376");
        "tcp://0.0.0.0".clone_into(&mut options.host);
        url(&options).unwrap_err();
    }
}
