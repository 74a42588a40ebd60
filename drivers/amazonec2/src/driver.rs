use machine_driver::cloud::docker_url;
use machine_driver::{
    Account, Birth, Capabilities, Context, Driver, Endpoint, Result, SshTarget, State, async_trait,
};

use crate::place::Place;
use crate::record::Record;
use crate::{check, create, power, remove};

/// An instance.
#[derive(Debug)]
pub(crate) struct AmazonEc2 {
    pub(crate) record: Record,
}

#[async_trait]
impl Driver for AmazonEc2 {
    fn kind(&self) -> &'static str {
        "amazonec2"
    }

    fn record(&self) -> serde_json::Value {
        serde_json::to_value(&self.record).expect("a record of text and numbers is JSON")
    }

    fn endpoint(&self) -> Endpoint {
        let record = &self.record;
        let private = Some(record.private_ip_address.as_str()).filter(|it| !it.is_empty());
        let stored = Some(record.base.ip_address.as_str()).filter(|it| !it.is_empty());
        // docker-machine asks for the address each time, and may have recorded none.
        let ip = stored.or(private.filter(|_| record.uses_private_address())).map(str::to_owned);
        Endpoint {
            docker_url: ip.as_deref().map(docker_url),
            private_ip: private.and_then(|it| it.parse().ok()),
            ssh: ip.clone().map(|host| SshTarget {
                host,
                port: record.ssh_port(),
                user: record.ssh_user().to_owned(),
                key: record.key(),
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
