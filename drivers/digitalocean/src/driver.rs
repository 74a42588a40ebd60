use std::path::PathBuf;

use machine_driver::cloud::docker_url;
use machine_driver::{
    Account, Birth, Capabilities, Context, Driver, Endpoint, Result, SshTarget, State, async_trait,
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

    fn endpoint(&self) -> Endpoint {
        let Record { base, private_ip_address, .. } = &self.record;
        let ip = Some(base.ip_address.clone()).filter(|ip| !ip.is_empty());
        let user = if base.ssh_user.is_empty() { "root" } else { &base.ssh_user };
        Endpoint {
            docker_url: ip.as_deref().map(docker_url),
            private_ip: private_ip_address.parse().ok(),
            ssh: ip.clone().map(|host| SshTarget {
                host,
                port: if base.ssh_port == 0 { 22 } else { base.ssh_port },
                user: user.to_owned(),
                key: self.key(),
            }),
            ip,
        }
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
        let dir = PathBuf::from(&base.store_path).join("machines").join(&base.machine_name);
        match (base.ssh_key_path.as_str(), self.record.owns_key()) {
            ("", true) => dir.join("id_rsa"),
            ("", false) => crate::ssh_key::copied(&dir, ssh_key).unwrap_or_default(),
            (path, _) => path.into(),
        }
    }
}
