use std::path::PathBuf;

use machine_driver::cloud::endpoint;
use machine_driver::{
    Account, Birth, Capabilities, Context, Driver, Endpoint, Result, State, async_trait,
};

use crate::place::{Place, with_token_hint};
use crate::record::Record;
use crate::{check, create, power, remove};

/// A droplet.
#[derive(Debug)]
pub(crate) struct DigitalOcean {
    pub(crate) record: Record,
}

#[async_trait]
impl Driver for DigitalOcean {
    fn kind(&self) -> &'static str {
        "digitalocean"
    }

    fn record(&self) -> serde_json::Value {
        serde_json::to_value(&self.record).expect("a record of text and numbers is JSON")
    }

    fn made(&self) -> Vec<String> {
        let Record { ssh_key_id, droplet_id, .. } = &self.record;
        let key = Some(ssh_key_id).filter(|id| **id != 0 && self.record.owns_key());
        let droplet = Some(droplet_id).filter(|id| **id != 0);
        let key = key.map(|id| format!("SSH key {id}"));
        key.into_iter().chain(droplet.map(|id| format!("droplet {id}"))).collect()
    }

    fn endpoint(&self) -> Endpoint {
        let Record { base, private_ip_address, .. } = &self.record;
        endpoint(base, base.ip(), private_ip_address, "root", self.key())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { has_guest: true, cloud_init: true, ..Capabilities::default() }
    }

    async fn pre_create_check(&self, cx: &Context) -> Result<()> {
        check::check(cx, &self.record).await
    }

    async fn create(&mut self, cx: &Context, birth: &Birth) -> Result<()> {
        create::create(self, cx, birth).await.map_err(with_token_hint)
    }

    async fn start(&mut self, cx: &Context) -> Result<()> {
        power::start(self, cx).await.map_err(with_token_hint)
    }

    async fn stop(&mut self, cx: &Context) -> Result<()> {
        power::stop(self, cx).await.map_err(with_token_hint)
    }

    async fn kill(&mut self, cx: &Context) -> Result<()> {
        power::kill(self, cx).await.map_err(with_token_hint)
    }

    async fn restart(&mut self, cx: &Context) -> Result<()> {
        power::restart(self, cx).await.map_err(with_token_hint)
    }

    async fn remove(&mut self, cx: &Context) -> Result<()> {
        remove::remove(self, cx).await.map_err(with_token_hint)
    }

    async fn state(&self, cx: &Context) -> Result<State> {
        let place = Place::open(cx, &self.record).await?;
        power::state(&place, self).await.map_err(with_token_hint)
    }

    fn account(&self) -> Option<&dyn Account> {
        Some(self)
    }
}

impl DigitalOcean {
    /// docker-machine does not record the path of the machine's own key. With a key of the user's
    /// that has no path, their agent and default keys count.
    fn key(&self) -> PathBuf {
        let Record { base, ssh_key, .. } = &self.record;
        if base.ssh_key_path.is_empty() && !self.record.owns_key() {
            return crate::ssh_key::copied(&base.machine_dir(), ssh_key).unwrap_or_default();
        }
        base.key()
    }
}
