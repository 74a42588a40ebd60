use std::net::IpAddr;
use std::path::PathBuf;

use machine_driver::{
    Birth, Capabilities, Context, Driver, Endpoint, ErrorKind, Forwards, Image, Result, Size,
    Snapshots, SshTarget, State, async_trait,
};
use tokio::sync::OnceCell;

use crate::files::Files;
use crate::info::info;
use crate::manage::Manage;
use crate::record::{Network, Record};
use crate::version::{self, Version};
use crate::{address, birth, check, network, ports, power, remove, resize, start};

/// One machine.
#[derive(Debug)]
pub(crate) struct VirtualBox {
    pub(crate) record: Record,
    version: OnceCell<Version>,
}

impl VirtualBox {
    pub(crate) fn new(record: Record) -> Self {
        Self { record, version: OnceCell::new() }
    }

    /// VirtualBox's version, asked for once.
    pub(crate) async fn version(&self, manage: &Manage) -> Result<Version> {
        self.version.get_or_try_init(|| version::version(manage)).await.copied()
    }
}

#[async_trait]
impl Driver for VirtualBox {
    fn kind(&self) -> &'static str {
        "virtualbox"
    }

    fn record(&self) -> serde_json::Value {
        serde_json::to_value(&self.record).expect("a record is plain data")
    }

    fn endpoint(&self) -> Endpoint {
        let Record { base, network, engine_port, private_ip, .. } = &self.record;
        let ip = Some(base.ip_address.clone()).filter(|ip| !ip.is_empty());
        let port = match network {
            Network::HostOnly => 2376,
            Network::Nat => *engine_port,
        };
        let url = |ip: &String| format!("tcp://{ip}:{port}");
        Endpoint {
            docker_url: ip.as_ref().filter(|_| port != 0).map(url),
            ip,
            private_ip: private_ip.map(Into::into),
            ssh: (base.ssh_port != 0).then(|| SshTarget {
                host: "127.0.0.1".to_owned(),
                port: base.ssh_port,
                user: if base.ssh_user.is_empty() {
                    "docker".into()
                } else {
                    base.ssh_user.clone()
                },
                key: PathBuf::from(&base.ssh_key_path),
            }),
        }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            needs_image: true,
            // A host-only address is known only when the guest has it, and an imported disk has been
            // provisioned before.
            born_provisioned: self.record.network == Network::Nat
                && self.record.import_vm.is_empty(),
            has_guest: true,
            forward: true,
            suspend: true,
            change_image: true,
            resize: true,
            snapshot: true,
            ..Capabilities::default()
        }
    }

    async fn pre_create_check(&self, cx: &Context) -> Result<()> {
        check::check(self, cx).await
    }

    async fn reserve(&mut self, cx: &Context) -> Result<()> {
        if self.record.base.ssh_port == 0 {
            self.record.base.ssh_port = ports::take_or_another(cx, 0)?;
        }
        if self.record.network == Network::Nat && self.record.engine_port == 0 {
            self.record.engine_port = ports::take_or_another(cx, 0)?;
        }
        network::join(self, cx)?;
        cx.checkpoint(self)
    }

    async fn create(&mut self, cx: &Context, birth: &Birth) -> Result<()> {
        birth::create(self, cx, birth).await
    }

    fn neighbours(&self, cx: &Context) -> Result<Vec<(IpAddr, String)>> {
        match self.record.internal_network.as_str() {
            "" => Ok(Vec::new()),
            network => network::hosts(cx, network),
        }
    }

    async fn start(&mut self, cx: &Context) -> Result<()> {
        start::start(self, cx).await
    }

    async fn stop(&mut self, cx: &Context) -> Result<()> {
        power::stop(self, cx).await
    }

    async fn kill(&mut self, cx: &Context) -> Result<()> {
        power::kill(self, cx).await
    }

    async fn suspend(&mut self, cx: &Context) -> Result<()> {
        power::suspend(self, cx).await
    }

    async fn resize(&mut self, cx: &Context, size: Size) -> Result<()> {
        resize::resize(&mut self.record, cx, size).await
    }

    async fn remove(&mut self, cx: &Context) -> Result<()> {
        remove::remove(self, cx).await
    }

    async fn state(&self, cx: &Context) -> Result<State> {
        match info(&Manage::find(cx)?, self.record.id()).await {
            Ok(info) => Ok(info.state()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(State::Missing),
            Err(error) => Err(error),
        }
    }

    fn image_source(&self) -> Option<&str> {
        Some(self.record.boot2docker_url.as_str()).filter(|source| !source.is_empty())
    }

    fn image_version(&self) -> Option<&str> {
        Some(self.record.image_version.as_str()).filter(|version| !version.is_empty())
    }

    async fn change_image(&mut self, cx: &Context, image: &Image) -> Result<()> {
        birth::change_image(self, cx, image)
    }

    fn console(&self, cx: &Context) -> Option<PathBuf> {
        Some(Files::new(cx).console())
    }

    fn address_query(&self) -> Option<&'static str> {
        (self.record.network == Network::HostOnly).then_some(address::QUERY)
    }

    fn learn_address(&mut self, answer: &str) -> Result<()> {
        self.record.base.ip_address = address::address(&self.record, answer)?.to_string();
        Ok(())
    }

    fn snapshots(&mut self) -> Option<&mut dyn Snapshots> {
        Some(self)
    }

    fn forwards(&mut self) -> Option<&mut dyn Forwards> {
        Some(self)
    }
}
