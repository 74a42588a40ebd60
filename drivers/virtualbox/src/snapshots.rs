//! Snapshots of a machine: VirtualBox's own, of which the record says which are ours.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use machine_driver::{
    Context, Error, Result, Snapshot, Snapshots, State, async_trait, check_snapshot_name,
    no_snapshot, snapshot_exists,
};
use serde::{Deserialize, Serialize};

use crate::driver::VirtualBox;
use crate::info::info;
use crate::manage::Manage;
use crate::power;

/// One of them, with what the record says of the machine besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Saved {
    name: String,
    #[serde(rename = "UUID")]
    uuid: String,
    /// Seconds since 1970.
    created: u64,
    /// The machine was running, or saved.
    has_memory: bool,
    #[serde(rename = "CPU")]
    cpus: i64,
    memory: i64,
    image_version: String,
}

/// What `snapshot take` says before the id.
const TAKEN: &str = "Snapshot taken. UUID: ";

#[async_trait]
impl Snapshots for VirtualBox {
    fn list(&self, _cx: &Context) -> Result<Vec<Snapshot>> {
        Ok(self.record.snapshots.iter().map(Saved::listed).collect())
    }

    /// A crash before the record is on disk leaves one in VirtualBox that is not ours to list; it goes
    /// with the machine.
    async fn save(&mut self, cx: &Context, name: &str) -> Result<Snapshot> {
        check_snapshot_name(name)?;
        if self.find(name).is_some() {
            return Err(snapshot_exists(cx, name));
        }
        let manage = Manage::find(cx)?;
        let id = self.record.id();
        let state = info(&manage, id).await?.state();
        let said = manage.run_unlocked(&["snapshot", id, "take", name]).await?;
        let uuid = said.lines().find_map(|line| line.strip_prefix(TAKEN));
        let uuid =
            uuid.ok_or_else(|| Error::other("VirtualBox does not say which snapshot it took"))?;
        let saved = Saved {
            name: name.to_owned(),
            uuid: uuid.trim().to_owned(),
            created: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| it.as_secs()),
            has_memory: state != State::Stopped,
            cpus: self.record.cpus,
            memory: self.record.memory,
            image_version: self.record.image_version.clone(),
        };
        let listed = saved.listed();
        self.record.snapshots.push(saved);
        cx.checkpoint(self)?;
        Ok(listed)
    }

    async fn restore(&mut self, cx: &Context, name: &str) -> Result<()> {
        let saved = self.find(name).cloned().ok_or_else(|| no_snapshot(cx, name))?;
        let manage = Manage::find(cx)?;
        power::kill(self, cx).await?;
        let args = ["snapshot", self.record.id(), "restore", &saved.uuid];
        manage.run_unlocked(&args).await?;
        (self.record.cpus, self.record.memory) = (saved.cpus, saved.memory);
        self.record.image_version = saved.image_version;
        cx.checkpoint(self)
    }

    async fn remove(&mut self, cx: &Context, name: &str) -> Result<()> {
        let uuid = self.find(name).map(|saved| saved.uuid.clone());
        let uuid = uuid.ok_or_else(|| no_snapshot(cx, name))?;
        let manage = Manage::find(cx)?;
        match manage.run_unlocked(&["snapshot", self.record.id(), "delete", &uuid]).await {
            // Somebody else was quicker.
            Err(error) if error.one_line().contains("Could not find a snapshot") => {}
            result => drop(result?),
        }
        self.record.snapshots.retain(|saved| saved.name != name);
        cx.checkpoint(self)
    }
}

impl VirtualBox {
    fn find(&self, name: &str) -> Option<&Saved> {
        self.record.snapshots.iter().find(|saved| saved.name == name)
    }
}

impl Saved {
    fn listed(&self) -> Snapshot {
        Snapshot {
            name: self.name.clone(),
            created: UNIX_EPOCH + Duration::from_secs(self.created),
            memory: self.has_memory,
            size: None,
        }
    }
}
