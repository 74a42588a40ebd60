use std::path::{Path, PathBuf};
use std::time::Duration;

use machine_driver::{
    Birth, Capabilities, Context, Driver, Endpoint, Error, ErrorKind, Result, SshTarget, State,
    async_trait,
};
use tokio::net::TcpStream;

use crate::key;
use crate::record::Record;

/// A host that somebody else runs.
#[derive(Debug)]
pub(crate) struct GenericDriver {
    record: Record,
}

/// How long the SSH port may take to accept a connection, as in docker-machine.
const PATIENCE: Duration = Duration::from_secs(15);

impl GenericDriver {
    pub(crate) fn new(record: Record) -> Self {
        Self { record }
    }

    /// The copy of the key; before there is one, the key itself.
    fn key(&self) -> PathBuf {
        let base = &self.record.base;
        if base.ssh_key_path.is_empty() { &self.record.ssh_key } else { &base.ssh_key_path }.into()
    }

    fn ssh(&self) -> SshTarget {
        let base = &self.record.base;
        let configured = self.record.is_adopted();
        let or = |text: &str, default: &str| {
            if text.is_empty() && !configured { default.to_owned() } else { text.to_owned() }
        };
        SshTarget {
            host: base.ip_address.clone(),
            port: if base.ssh_port == 0 && !configured { 22 } else { base.ssh_port },
            user: or(&base.ssh_user, "root"),
            key: self.key(),
        }
    }

    fn docker_url(&self) -> String {
        let Record { base, engine_port, .. } = &self.record;
        let host = match base.ip_address.contains(':') {
            true => format!("[{}]", base.ip_address),
            false => base.ip_address.clone(),
        };
        if !self.record.is_adopted() {
            return format!("tcp://{host}:{engine_port}");
        }
        let user =
            if base.ssh_user.is_empty() { String::new() } else { format!("{}@", base.ssh_user) };
        let port = if base.ssh_port == 0 { String::new() } else { format!(":{}", base.ssh_port) };
        format!("ssh://{user}{host}{port}")
    }
}

#[async_trait]
impl Driver for GenericDriver {
    fn kind(&self) -> &'static str {
        "generic"
    }

    fn record(&self) -> serde_json::Value {
        serde_json::to_value(&self.record).expect("a record of text is JSON")
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint {
            ip: Some(self.record.base.ip_address.clone()).filter(|ip| !ip.is_empty()),
            docker_url: Some(self.docker_url()),
            ssh: Some(self.ssh()),
            ..Endpoint::default()
        }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            has_guest: !self.record.is_adopted(),
            existing_host: true,
            ..Capabilities::default()
        }
    }

    async fn pre_create_check(&self, _cx: &Context) -> Result<()> {
        if self.record.ssh_key.is_empty() { Ok(()) } else { key::check(&self.record.ssh_key) }
    }

    async fn create(&mut self, cx: &Context, _birth: &Birth) -> Result<()> {
        if self.record.is_adopted() {
            return cx.checkpoint(self);
        }
        if self.record.ssh_key.is_empty() {
            cx.progress
                .line("No SSH key specified. Assuming an existing key at the default location.");
            return cx.checkpoint(self);
        }
        let from = PathBuf::from(&self.record.ssh_key);
        let Some(to) = key::place(&cx.machine_dir, &from) else {
            return Err(Error::other(format!("SSH key does not exist: {:?}", self.record.ssh_key)));
        };
        // A resumed `create` may run where the key's relative name means nothing.
        if Path::new(&self.record.base.ssh_key_path) == to && to.exists() {
            return Ok(());
        }
        cx.progress.line("Importing SSH key...");
        key::import(&from, &to)?;
        if let Err(error) = key::import(&key::public(&from), &key::public(&to)) {
            without_public_half(cx, &error);
        }
        self.record.base.ssh_key_path = to.display().to_string();
        cx.checkpoint(self)
    }

    async fn start(&mut self, _cx: &Context) -> Result<()> {
        Err(cannot("start"))
    }

    async fn stop(&mut self, _cx: &Context) -> Result<()> {
        Err(cannot("stop"))
    }

    async fn kill(&mut self, _cx: &Context) -> Result<()> {
        Err(cannot("kill"))
    }

    /// The engine restarts existing hosts over SSH.
    async fn restart(&mut self, _cx: &Context) -> Result<()> {
        Err(cannot("restart"))
    }

    /// The host is not ours to remove.
    async fn remove(&mut self, _cx: &Context) -> Result<()> {
        Ok(())
    }

    /// docker-machine's: whoever accepts on the SSH port runs, and everything else is stopped. A
    /// host behind the user's own SSH configuration has no address that could be tried.
    async fn state(&self, _cx: &Context) -> Result<State> {
        if self.record.is_adopted() {
            return Ok(State::Running);
        }
        let SshTarget { host, port, .. } = self.ssh();
        let dial = TcpStream::connect((host.as_str(), port));
        match tokio::time::timeout(PATIENCE, dial).await {
            Ok(Ok(_stream)) => Ok(State::Running),
            Ok(Err(_)) | Err(_) => Ok(State::Stopped),
        }
    }
}

/// A key without its public half is as good.
fn without_public_half(cx: &Context, error: &Error) {
    let why = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    cx.progress.line(&format!("Couldn't copy SSH public key : {why}"));
}

fn cannot(what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("generic driver does not support {what}"))
        .hint("the host is somebody else's: do it there, for example with `machine ssh`")
}
