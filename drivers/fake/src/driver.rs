use std::path::PathBuf;
use std::time::Duration;

use machine_driver::{
    Birth, Capabilities, Context, Driver, Endpoint, Error, ErrorKind, Result, SshTarget, State,
    async_trait, file,
};

use crate::record::Record;
use crate::{Cloud, Step};

/// One machine of the fake cloud.
#[derive(Debug)]
pub(crate) struct Fake {
    record: Record,
}

impl Fake {
    pub(crate) fn new(record: Record) -> Self {
        Self { record }
    }

    /// Does what the script orders at `step`: first takes its time, then hangs, dies or fails.
    async fn reach(&self, cx: &Context, step: Step) -> Result<()> {
        let script = Cloud::read(self.record.cloud())?.script.remove(&cx.machine);
        let script = script.as_ref().unwrap_or(&self.record.script);
        let delay = script.delay_at(step);
        if delay > 0 {
            tokio::time::sleep(Duration::from_millis(delay)).await;
        }
        for (verb, orders) in
            [("hang", &script.hang), ("abort", &script.abort), ("fail", &script.fail)]
        {
            let Some(order) = orders.iter().find(|order| order.step == step) else { continue };
            let count = order.count.or((verb == "abort").then_some(1));
            let name = format!("{}/{verb}/{step}", cx.machine);
            if !Cloud::update(self.record.cloud(), |cloud| cloud.spend(&name, count))? {
                continue;
            }
            match verb {
                "hang" => std::future::pending().await,
                "abort" => std::process::abort(),
                _ => return Err(Error::other(format!("step `{step}` was told to fail"))),
            }
        }
        Ok(())
    }

    /// Makes a resource, unless it is recorded, and records its id.
    async fn make(&mut self, cx: &Context, kind: &str, before: Step, after: Step) -> Result<()> {
        if !self.record.id(kind).is_empty() {
            return Ok(());
        }
        self.reach(cx, before).await?;
        cx.progress.line(&format!("Creating {kind}..."));
        let owner = self.record.owner.clone();
        let resource = Cloud::update(self.record.cloud(), |cloud| cloud.make(kind, &owner))?;
        self.reach(cx, after).await?;
        if kind == "server" && !self.record.has_ssh {
            self.record.base.ip_address = resource.ip;
        }
        *self.record.id(kind) = resource.id;
        cx.checkpoint(self)
    }

    /// Deletes a resource; one that is gone already is done.
    async fn delete(&mut self, cx: &Context, kind: &str, step: Step) -> Result<()> {
        self.reach(cx, step).await?;
        let (id, owner) = (self.record.id(kind).clone(), self.record.owner.clone());
        Cloud::update(self.record.cloud(), |cloud| cloud.delete(kind, &id, &owner))?;
        self.record.id(kind).clear();
        cx.checkpoint(self)
    }

    fn set_server(&self, state: State) -> Result<()> {
        let id = &self.record.server;
        let found = Cloud::update(self.record.cloud(), |cloud| {
            cloud.find(id).map(|server| server.state = state.to_string())
        })?;
        found.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("server `{id}` does not exist in the cloud"))
        })
    }
}

#[async_trait]
impl Driver for Fake {
    fn kind(&self) -> &'static str {
        "fake"
    }

    fn record(&self) -> serde_json::Value {
        serde_json::to_value(&self.record).expect("a record of text and numbers is JSON")
    }

    fn endpoint(&self) -> Endpoint {
        let base = &self.record.base;
        let ip = (!base.ip_address.is_empty()).then(|| base.ip_address.clone());
        let docker_url = match &ip {
            _ if !self.record.url.is_empty() => Some(self.record.url.clone()),
            Some(ip) => Some(format!("tcp://{ip}:2376")),
            None => None,
        };
        let ssh = self.record.has_ssh.then(|| SshTarget {
            host: base.ip_address.clone(),
            port: base.ssh_port,
            user: base.ssh_user.clone(),
            key: PathBuf::from(&base.ssh_key_path),
        });
        Endpoint { ip, private_ip: None, docker_url, ssh }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            needs_image: !self.record.image.is_empty(),
            has_guest: self.record.has_ssh,
            ..Capabilities::default()
        }
    }

    fn image_source(&self) -> Option<&str> {
        Some(self.record.image.as_str()).filter(|image| !["", "default"].contains(image))
    }

    async fn pre_create_check(&self, cx: &Context) -> Result<()> {
        self.reach(cx, Step::PreCheck).await
    }

    async fn reserve(&mut self, cx: &Context) -> Result<()> {
        self.reach(cx, Step::Reserve).await
    }

    async fn create(&mut self, cx: &Context, birth: &Birth) -> Result<()> {
        if let Some(image) = &birth.image {
            let own = cx.machine_dir.join("boot2docker.iso");
            let line = format!("Copying {} to {}...", image.iso.display(), own.display());
            cx.progress.line(&line);
            file::link_or_copy(&image.iso, &own)?;
        }
        self.make(cx, "key", Step::Key, Step::AfterKey).await?;
        self.make(cx, "disk", Step::Disk, Step::AfterDisk).await?;
        self.make(cx, "server", Step::Server, Step::AfterServer).await?;
        std::fs::write(cx.machine_dir.join("console.log"), "fake: the server has started\n")?;
        self.start(cx).await
    }

    async fn start(&mut self, cx: &Context) -> Result<()> {
        self.reach(cx, Step::Start).await?;
        self.set_server(State::Running)
    }

    async fn stop(&mut self, cx: &Context) -> Result<()> {
        self.reach(cx, Step::Stop).await?;
        self.set_server(State::Stopped)
    }

    async fn kill(&mut self, cx: &Context) -> Result<()> {
        self.reach(cx, Step::Kill).await?;
        self.set_server(State::Stopped)
    }

    async fn remove(&mut self, cx: &Context) -> Result<()> {
        let failures: Vec<Error> = [
            self.delete(cx, "server", Step::RemoveServer).await,
            self.delete(cx, "disk", Step::RemoveDisk).await,
            self.delete(cx, "key", Step::RemoveKey).await,
        ]
        .into_iter()
        .filter_map(Result::err)
        .collect();
        if failures.is_empty() {
            return Cloud::update(self.record.cloud(), |cloud| cloud.forget(&cx.machine));
        }
        let all: Vec<String> = failures.iter().map(ToString::to_string).collect();
        Err(Error::other(format!("not everything could be removed: {}", all.join("; "))))
    }

    async fn state(&self, cx: &Context) -> Result<State> {
        self.reach(cx, Step::State).await?;
        let mut cloud = Cloud::read(self.record.cloud())?;
        let script = cloud.script.get(&cx.machine).unwrap_or(&self.record.script);
        if let Some(state) = script.reported_state() {
            return Ok(state);
        }
        if self.record.server.is_empty() {
            return Ok(State::None);
        }
        let server = cloud.find(&self.record.server);
        Ok(server.map_or(State::Missing, |server| server.state.parse().unwrap_or(State::Error)))
    }

    fn console(&self, cx: &Context) -> Option<PathBuf> {
        Some(cx.machine_dir.join("console.log"))
    }
}
