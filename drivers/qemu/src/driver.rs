use std::path::PathBuf;

use machine_driver::seed::Seed;
use machine_driver::{
    Birth, Capabilities, Context, Driver, Endpoint, FlagValues, Forwards, Image, Result, Size,
    Snapshots, SshTarget, State, async_trait,
};

use crate::files::{Files, PORTABLE};
use crate::record::Record;
use crate::{
    birth, check, copy, flags, image, materials, names, network, platform, ports, power, resize,
    saved,
};

/// One machine.
#[derive(Debug)]
pub(crate) struct Qemu {
    pub(crate) record: Record,
}

impl Qemu {
    pub(crate) fn new(record: Record) -> Self {
        Self { record }
    }

    /// Takes, or finds again, the machine's address on its shared network.
    pub(crate) fn join_network(&mut self, cx: &Context) -> Result<()> {
        let (address, mac) = network::join(cx, &self.record.network)?;
        (self.record.private_ip, self.record.mac) = (Some(address), mac);
        Ok(())
    }
}

#[async_trait]
impl Driver for Qemu {
    fn kind(&self) -> &'static str {
        "qemu"
    }

    fn record(&self) -> serde_json::Value {
        serde_json::to_value(&self.record).expect("a record is plain data")
    }

    fn endpoint(&self) -> Endpoint {
        let Record { base, engine_port, private_ip, .. } = &self.record;
        let ready = *engine_port != 0;
        Endpoint {
            ip: Some(base.ip_address.clone()),
            private_ip: private_ip.map(Into::into),
            docker_url: ready.then(|| format!("tcp://{}:{engine_port}", base.ip_address)),
            ssh: ready.then(|| SshTarget {
                host: base.ip_address.clone(),
                port: base.ssh_port,
                user: base.ssh_user.clone(),
                key: PathBuf::from(&base.ssh_key_path),
            }),
        }
    }

    fn values(&self) -> FlagValues {
        flags::values(&self.record)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            needs_image: true,
            born_provisioned: true,
            has_guest: true,
            forward: true,
            suspend: true,
            change_image: true,
            resize: true,
            snapshot: true,
            portable: true,
            copy: true,
            ..Capabilities::default()
        }
    }

    async fn pre_create_check(&self, cx: &Context) -> Result<()> {
        check::check(cx, &self.record).await
    }

    async fn reserve(&mut self, cx: &Context) -> Result<()> {
        if self.record.base.ssh_port == 0 {
            self.record.base.ssh_port = ports::take(cx, 0)?.unwrap_or_default();
        }
        if self.record.engine_port == 0 {
            self.record.engine_port = ports::take(cx, 0)?.unwrap_or_default();
        }
        for forward in &mut self.record.forwards {
            if forward.host_port == 0 {
                forward.host_port = ports::take(cx, 0)?.unwrap_or_default();
            }
        }
        if !self.record.network.is_empty() {
            self.join_network(cx)?;
        }
        cx.checkpoint(self)
    }

    async fn create(&mut self, cx: &Context, birth: &Birth) -> Result<()> {
        birth::create(self, cx, birth).await
    }

    async fn announce(&self, cx: &Context) -> Result<()> {
        names::announce(cx, &self.record).await
    }

    async fn start(&mut self, cx: &Context) -> Result<()> {
        saved::start(self, cx).await
    }

    async fn suspend(&mut self, cx: &Context) -> Result<()> {
        saved::suspend(self, cx).await
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

    async fn resize(&mut self, cx: &Context, size: Size) -> Result<()> {
        resize::resize(self, cx, size).await
    }

    fn portable_files(&self) -> Vec<String> {
        PORTABLE.map(str::to_owned).to_vec()
    }

    async fn settle(&mut self, cx: &Context) -> Result<()> {
        let renamed = self.record.renamed || self.record.base.machine_name != cx.machine;
        self.record = self.record.at_home(cx);
        self.record.renamed = renamed;
        // Its place on a network is another store's to give: it has none here.
        self.record.network.clear();
        for forward in &mut self.record.forwards {
            forward.host_port = ports::take(cx, forward.host_port)?.unwrap_or_default();
        }
        self.reserve(cx).await
    }

    async fn copy(&self, cx: &Context, to: &Context) -> Result<Box<dyn Driver>> {
        Ok(Box::new(Self::new(copy::copy(&self.record, cx, to).await?)))
    }

    fn identity(&self, cx: &Context, seed: Seed) -> Result<Seed> {
        materials::with_network(cx, &self.record, seed)
    }

    async fn state(&self, cx: &Context) -> Result<State> {
        let files = Files::new(cx);
        if !platform::is_held(&files.lock())? {
            return Ok(saved::state_without_process(&files));
        }
        Ok(power::monitored_state(&files).await)
    }

    fn glance(&self, cx: &Context) -> Option<State> {
        let files = Files::new(cx);
        let held = platform::is_held(&files.lock()).ok()?;
        Some(if held { State::Running } else { saved::state_without_process(&files) })
    }

    fn image_source(&self) -> Option<&str> {
        Some(self.record.boot2docker_url.as_str()).filter(|source| !source.is_empty())
    }

    fn image_version(&self) -> Option<&str> {
        Some(self.record.image_version.as_str()).filter(|version| !version.is_empty())
    }

    async fn change_image(&mut self, cx: &Context, image: &Image) -> Result<()> {
        image::change(self, cx, image)
    }

    fn console(&self, cx: &Context) -> Option<PathBuf> {
        Some(Files::new(cx).console())
    }

    fn forwards(&mut self) -> Option<&mut dyn Forwards> {
        Some(self)
    }

    fn snapshots(&mut self) -> Option<&mut dyn Snapshots> {
        Some(self)
    }
}
