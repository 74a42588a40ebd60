use std::path::PathBuf;

use machine_driver::cloud::docker_url;
use machine_driver::{
    Account, Birth, Capabilities, Context, Driver, Endpoint, Result, SshTarget, State, async_trait,
};

use crate::problem::explain;
use crate::record::Record;
use crate::{check, create, power, remove};

/// A server.
#[derive(Debug)]
pub(crate) struct OpenStack {
    pub(crate) record: Record,
}

#[async_trait]
impl Driver for OpenStack {
    fn kind(&self) -> &'static str {
        "openstack"
    }

    fn record(&self) -> serde_json::Value {
        serde_json::to_value(&self.record).expect("a record of text and numbers is JSON")
    }

    fn endpoint(&self) -> Endpoint {
        let Record { base, ours, .. } = &self.record;
        let ip = Some(base.ip_address.clone()).filter(|ip| !ip.is_empty());
        let user = if base.ssh_user.is_empty() { "root" } else { &base.ssh_user };
        Endpoint {
            docker_url: ip.as_deref().map(docker_url),
            private_ip: ours.private_ip_address.parse().ok(),
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

impl OpenStack {
    /// docker-machine does not record the path of the machine's own key.
    fn key(&self) -> PathBuf {
        let base = &self.record.base;
        match base.ssh_key_path.as_str() {
            "" => {
                let dir = PathBuf::from(&base.store_path).join("machines").join(&base.machine_name);
                dir.join("id_rsa")
            }
            path => path.into(),
        }
    }
}
