use std::sync::OnceLock;

use machine_driver::cloud::endpoint;
use machine_driver::{
    Account, Birth, Capabilities, Context, Driver, Endpoint, Result, State, async_trait,
};

use crate::check::Choice;
use crate::problem::explain;
use crate::record::Record;
use crate::{check, create, power, remove};

/// A server.
#[derive(Debug)]
pub(crate) struct OpenStack {
    pub(crate) record: Record,
    /// What the pre-create check found, so that `create` need not ask again.
    pub(crate) checked: OnceLock<Choice>,
}

impl OpenStack {
    pub(crate) fn new(record: Record) -> Self {
        Self { record, checked: OnceLock::new() }
    }
}

#[async_trait]
impl Driver for OpenStack {
    fn kind(&self) -> &'static str {
        "openstack"
    }

    fn record(&self) -> serde_json::Value {
        serde_json::to_value(&self.record).expect("a record of text and numbers is JSON")
    }

    fn made(&self) -> Vec<String> {
        let Record { ours, rancher, key_pair_name, machine_id, .. } = &self.record;
        [
            ("key pair", if self.record.existing_key { "" } else { key_pair_name }),
            ("volume", if ours.volume_is_own { &rancher.volume_id } else { "" }),
            ("server", machine_id),
            ("floating IP", &ours.floating_ip_id),
        ]
        .into_iter()
        .filter(|(_, id)| !id.is_empty())
        .map(|(what, id)| format!("{what} {id}"))
        .collect()
    }

    fn endpoint(&self) -> Endpoint {
        let Record { base, ours, .. } = &self.record;
        endpoint(base, base.ip(), &ours.private_ip_address, "root", base.key())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { has_guest: true, cloud_init: true, ..Capabilities::default() }
    }

    async fn pre_create_check(&self, cx: &Context) -> Result<()> {
        let choice = check::check(cx, &self.record).await?;
        self.checked.set(choice).ok();
        Ok(())
    }

    async fn create(&mut self, cx: &Context, birth: &Birth) -> Result<()> {
        create::create(self, cx, birth).await.map_err(explain)
    }

    async fn start(&mut self, cx: &Context) -> Result<()> {
        power::start(self, cx).await.map_err(explain)
    }

    async fn stop(&mut self, cx: &Context) -> Result<()> {
        power::stop(self, cx).await.map_err(explain)
    }

    /// Nova knows no harder way to stop a server.
    async fn kill(&mut self, cx: &Context) -> Result<()> {
        power::stop(self, cx).await.map_err(explain)
    }

    async fn restart(&mut self, cx: &Context) -> Result<()> {
        power::restart(self, cx).await.map_err(explain)
    }

    async fn remove(&mut self, cx: &Context) -> Result<()> {
        remove::remove(self, cx).await.map_err(explain)
    }

    async fn state(&self, cx: &Context) -> Result<State> {
        power::state(self, cx).await.map_err(explain)
    }

    fn account(&self) -> Option<&dyn Account> {
        Some(self)
    }
}
