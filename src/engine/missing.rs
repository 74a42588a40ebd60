use std::path::PathBuf;

use machine_driver::{
    Availability, Birth, Capabilities, Context, Driver, Endpoint, Error, ErrorKind, Flag,
    FlagValues, Kind, Result, SshTarget, State, async_trait,
};
use serde_json::Value;

/// The kind of every machine whose driver is not there. Its name is what `ls` shows, as in
/// docker-machine.
pub(super) static KIND: MissingKind = MissingKind;

/// See [`KIND`].
pub(super) const KIND_NAME: &str = "not-found";

pub(super) struct MissingKind;

/// A machine whose driver is not there. What stands in its record is enough to reach it; nothing
/// can be done with its power, and only force removes it.
#[derive(Debug)]
pub(super) struct MissingDriver {
    name: String,
    machine_dir: PathBuf,
    record: Value,
}

impl MissingDriver {
    pub(super) fn new(name: &str, machine_dir: PathBuf, record: Value) -> Self {
        Self { name: name.to_owned(), machine_dir, record }
    }

    /// The text is docker-machine's.
    fn error(&self) -> Error {
        let name = &self.name;
        let text = "not found. Do you have the plugin binary accessible in your PATH?";
        Error::new(ErrorKind::Unsupported, format!("Driver \"{name}\" {text}"))
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.record.get(key)?.as_str().filter(|text| !text.is_empty())
    }

    fn port(&self, key: &str) -> Option<u16> {
        self.record
            .get(key)?
            .as_u64()
            .and_then(|port| u16::try_from(port).ok())
            .filter(|it| *it > 0)
    }

    fn is_set(&self, key: &str) -> bool {
        self.record.get(key).and_then(Value::as_bool).unwrap_or(false)
    }

    /// The address that the driver would give: most record it under one key.
    fn ip(&self) -> Option<&str> {
        let private = self.is_set("UsePrivateIP") || self.is_set("PrivateIPOnly");
        let other = match self.name.as_str() {
            "amazonec2" if private => self.text("PrivateIPAddress"),
            "vmwarevcloudair" => self.text("PublicIP"),
            _ => None,
        };
        other.or_else(|| self.text("IPAddress"))
    }
}

#[async_trait]
impl Driver for MissingDriver {
    fn kind(&self) -> &str {
        &self.name
    }

    fn record(&self) -> Value {
        self.record.clone()
    }

    fn endpoint(&self) -> Endpoint {
        let ip = self.ip().map(str::to_owned);
        if let "none" | "noop" = self.name.as_str() {
            let docker_url = self.text("URL").map(str::to_owned);
            return Endpoint { ip, docker_url, ..Endpoint::default() };
        }
        let port = self.port("EnginePort").or_else(|| self.port("DockerPort")).unwrap_or(2376);
        let docker_url = ip.as_deref().map(|ip| match ip.contains(':') {
            true => format!("tcp://[{ip}]:{port}"),
            false => format!("tcp://{ip}:{port}"),
        });
        // VirtualBox forwards a port of this computer to the machine's own.
        let host = match self.name.as_str() {
            "virtualbox" => Some("127.0.0.1".to_owned()),
            _ => ip.clone(),
        };
        let ssh = host.map(|host| SshTarget {
            host,
            port: self.port("SSHPort").unwrap_or(22),
            user: self.text("SSHUser").unwrap_or("root").to_owned(),
            key: self
                .text("SSHKeyPath")
                .map_or_else(|| self.machine_dir.join("id_rsa"), PathBuf::from),
        });
        Endpoint { ip, private_ip: None, docker_url, ssh }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    async fn pre_create_check(&self, _cx: &Context) -> Result<()> {
        Err(self.error())
    }

    async fn create(&mut self, _cx: &Context, _birth: &Birth) -> Result<()> {
        Err(self.error())
    }

    async fn start(&mut self, _cx: &Context) -> Result<()> {
        Err(self.error())
    }

    async fn stop(&mut self, _cx: &Context) -> Result<()> {
        Err(self.error())
    }

    async fn kill(&mut self, _cx: &Context) -> Result<()> {
        Err(self.error())
    }

    async fn remove(&mut self, _cx: &Context) -> Result<()> {
        Err(self.error())
    }

    async fn state(&self, _cx: &Context) -> Result<State> {
        Err(self.error())
    }
}

#[async_trait]
impl Kind for MissingKind {
    fn name(&self) -> &'static str {
        KIND_NAME
    }

    fn summary(&self) -> &'static str {
        "Stands in for a driver that is not there"
    }

    fn flags(&self) -> Vec<Flag> {
        Vec::new()
    }

    fn configure(&self, _cx: &Context, _values: &FlagValues) -> Result<Box<dyn Driver>> {
        Err(Error::unsupported(self.name(), "new machines"))
    }

    fn load(&self, record: Value) -> Result<Box<dyn Driver>> {
        Ok(Box::new(MissingDriver::new(self.name(), PathBuf::new(), record)))
    }

    async fn availability(&self, _cx: &Context) -> Availability {
        Availability { installed: false, detail: "is no driver".into(), fix: None }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn endpoint(name: &str, record: Value) -> (Option<String>, Option<String>) {
        let endpoint = MissingDriver::new(name, PathBuf::from("/m"), record).endpoint();
        let ssh = endpoint
            .ssh
            .map(|it| format!("{}@{}:{} {}", it.user, it.host, it.port, it.key.display()));
        (endpoint.docker_url, ssh)
    }

    #[test]
    fn a_record_is_enough_to_reach_the_machine() {
        let known = |url: &str, ssh: &str| (Some(url.to_owned()), Some(ssh.to_owned()));
        let box_ = json!({"IPAddress": "192.168.99.100", "SSHPort": 34377, "SSHUser": "docker", "SSHKeyPath": "/k"});
        assert_eq!(
            endpoint("virtualbox", box_),
            known("tcp://192.168.99.100:2376", "docker@127.0.0.1:34377 /k")
        );
        let host =
            json!({"IPAddress": "10.0.0.5", "SSHPort": 0, "SSHUser": "", "EnginePort": 2377});
        assert_eq!(
            endpoint("generic", host),
            known("tcp://10.0.0.5:2377", "root@10.0.0.5:22 /m/id_rsa")
        );
        let cloud =
            json!({"IPAddress": "1.2.3.4", "PrivateIPAddress": "10.0.0.1", "UsePrivateIP": true});
        assert_eq!(endpoint("amazonec2", cloud).0.unwrap(), "tcp://10.0.0.1:2376");
        assert_eq!(endpoint("x", json!({"IPAddress": "::1"})).0.unwrap(), "tcp://[::1]:2376");
        assert_eq!(endpoint("ghost", json!({"IPAddress": ""})), (None, None));
        assert_eq!(endpoint("noop", json!({"URL": "tcp://x:1"})).0.unwrap(), "tcp://x:1");
    }
}
