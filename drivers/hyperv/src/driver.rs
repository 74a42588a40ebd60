use std::sync::Arc;

use machine_driver::{
    Birth, Capabilities, Context, Driver, Endpoint, Result, Size, SshTarget, State, async_trait,
};

use crate::hypervisor::{self, Hypervisor};
use crate::record::Record;
use crate::{birth, check, power, resize, states};

/// Where the Engine listens in the guest.
const ENGINE_PORT: u16 = 2376;

/// One machine.
#[derive(Debug)]
pub(crate) struct HyperV {
    pub(crate) record: Record,
    pub(crate) hypervisor: Arc<Hypervisor>,
}

impl HyperV {
    /// The address as last seen by this run of the program, else as recorded.
    fn address(&self) -> Option<String> {
        let recorded = Some(&self.record.base.ip_address).filter(|address| !address.is_empty());
        self.hypervisor.seen(&self.record).map(|seen| seen.to_string()).or(recorded.cloned())
    }
}

#[async_trait]
impl Driver for HyperV {
    fn kind(&self) -> &'static str {
        "hyperv"
    }

    fn record(&self) -> serde_json::Value {
        serde_json::to_value(&self.record).expect("a record is plain data")
    }

    fn endpoint(&self) -> Endpoint {
        let base = &self.record.base;
        let Some(ip) = self.address() else { return Endpoint::default() };
        Endpoint {
            docker_url: Some(format!("tcp://{ip}:{ENGINE_PORT}")),
            ssh: Some(SshTarget {
                host: ip.clone(),
                port: if base.ssh_port == 0 { 22 } else { base.ssh_port },
                user: if base.ssh_user.is_empty() { "docker" } else { &base.ssh_user }.to_owned(),
                key: self.record.ssh_key(),
            }),
            private_ip: self.record.nat_ip.map(Into::into),
            ip: Some(ip),
        }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            needs_image: true,
            born_provisioned: true,
            has_guest: true,
            suspend: true,
            resize: true,
            ..Capabilities::default()
        }
    }

    async fn pre_create_check(&self, cx: &Context) -> Result<()> {
        check::check(&self.hypervisor, cx, &self.record).await
    }

    async fn reserve(&mut self, cx: &Context) -> Result<()> {
        birth::reserve(self, cx).await
    }

    async fn create(&mut self, cx: &Context, birth: &Birth) -> Result<()> {
        birth::create(self, cx, birth).await
    }

    async fn start(&mut self, cx: &Context) -> Result<()> {
        power::start(self, cx).await
    }

    async fn stop(&mut self, cx: &Context) -> Result<()> {
        power::stop(self, cx).await
    }

    async fn kill(&mut self, cx: &Context) -> Result<()> {
        power::kill(self, cx).await
    }

    async fn remove(&mut self, cx: &Context) -> Result<()> {
        power::remove(self, cx).await
    }

    async fn suspend(&mut self, cx: &Context) -> Result<()> {
        power::suspend(self, cx).await
    }

    async fn resize(&mut self, cx: &Context, size: Size) -> Result<()> {
        resize::resize(self, cx, size).await
    }

    async fn state(&self, cx: &Context) -> Result<State> {
        let found = states::look_at(&self.hypervisor, cx, &self.record).await?;
        Ok(found.map_or(State::Missing, |found| found.state()))
    }

    fn may_have_moved(&self) -> bool {
        let Record { nat_ip, address_since, .. } = self.record;
        nat_ip.is_none() && !hypervisor::is_one_boot(address_since, hypervisor::switched_on())
    }

    async fn locate(&mut self, cx: &Context) -> Result<()> {
        let Some(found) = states::look_at(&self.hypervisor, cx, &self.record).await? else {
            return Ok(());
        };
        match found.address() {
            Some(address) if found.state() == State::Running => {
                power::record_address(self, cx, address)
            }
            _ => Ok(()),
        }
    }

    fn image_source(&self) -> Option<&str> {
        Some(self.record.boot2docker_url.as_str()).filter(|source| !source.is_empty())
    }
}
