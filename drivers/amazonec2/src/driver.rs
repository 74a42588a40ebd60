use std::sync::OnceLock;

use machine_driver::cloud::endpoint;
use machine_driver::{
    Account, Birth, Capabilities, Context, Driver, Endpoint, Result, State, async_trait,
};

use crate::network::Subnet;
use crate::place::Place;
use crate::record::Record;
use crate::{check, create, power, remove};

/// An instance.
#[derive(Debug)]
pub(crate) struct AmazonEc2 {
    pub(crate) record: Record,
    /// What the pre-create check found, so that `create` need not ask again.
    pub(crate) checked: OnceLock<Subnet>,
}

impl AmazonEc2 {
    pub(crate) fn new(record: Record) -> Self {
        Self { record, checked: OnceLock::new() }
    }
}

#[async_trait]
impl Driver for AmazonEc2 {
    fn kind(&self) -> &'static str {
        "amazonec2"
    }

    fn record(&self) -> serde_json::Value {
        serde_json::to_value(&self.record).expect("a record of text and numbers is JSON")
    }

    fn made(&self) -> Vec<String> {
        let Record { base, key_name, instance_id, security_group_ids, .. } = &self.record;
        let has_key = self.record.owns_key() && !base.ssh_key_path.is_empty();
        let key = has_key.then(|| format!("key pair {key_name}"));
        let instance = Some(instance_id).filter(|id| !id.is_empty());
        let groups = security_group_ids.iter().map(|id| format!("security group {id}"));
        let instance = instance.map(|id| format!("instance {id}"));
        key.into_iter().chain(groups).chain(instance).collect()
    }

    fn endpoint(&self) -> Endpoint {
        let Record { base, private_ip_address: private, .. } = &self.record;
        // docker-machine asks for the address each time, and may have recorded none.
        let instead = self.record.uses_private_address() && !private.is_empty();
        let ip = base.ip().or(instead.then_some(private));
        endpoint(base, ip, private, "ubuntu", base.key())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { has_guest: true, cloud_init: true, ..Capabilities::default() }
    }

    async fn pre_create_check(&self, cx: &Context) -> Result<()> {
        let subnet = check::check(cx, &self.record).await?;
        self.checked.set(subnet).ok();
        Ok(())
    }

    async fn create(&mut self, cx: &Context, birth: &Birth) -> Result<()> {
        create::create(self, cx, birth).await
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

    async fn restart(&mut self, cx: &Context) -> Result<()> {
        power::restart(self, cx).await
    }

    async fn remove(&mut self, cx: &Context) -> Result<()> {
        remove::remove(self, cx).await
    }

    async fn state(&self, cx: &Context) -> Result<State> {
        let place = Place::open(cx, &self.record).await?;
        power::state(&place, self).await
    }

    fn account(&self) -> Option<&dyn Account> {
        Some(self)
    }
}
