//! Taking over a machine of boot2docker's own command (`--virtualbox-import-boot2docker-vm`).

use std::fs;
use std::path::{Path, PathBuf};

use machine_driver::{Context, Error, Result, file};

use crate::driver::VirtualBox;
use crate::files::Files;
use crate::info::info;
use crate::manage::Manage;

/// Copies its disk and its key, and takes its processors and memory. The other machine is switched
/// off, and otherwise stays as it is.
pub(crate) async fn import(vb: &mut VirtualBox, cx: &Context, manage: &Manage) -> Result<()> {
    let files = Files::new(cx);
    let name = vb.record.import_vm.clone();
    // It is mostly off already, which is an error.
    manage.run(&["controlvm", &name, "poweroff"]).await.ok();
    let other = info(manage, &name).await?;
    let missing = |what: &str| Error::other(format!("`{name}` has no {what}"));
    let number = |key| other.value(key).and_then(|text| text.parse().ok());
    vb.record.cpus = number("cpus").ok_or_else(|| missing("number of CPUs"))?;
    vb.record.memory = number("memory").ok_or_else(|| missing("size of memory"))?;
    let disk = other.value("SATA-1-0").filter(|it| *it != "none").ok_or_else(|| missing("disk"))?;
    let settings = other.value("CfgFile").unwrap_or_default();
    let key = key(Path::new(settings)).ok_or_else(|| {
        missing("key: there is no `.ssh/id_boot2docker` above its settings")
            .hint(format!("its settings are `{settings}`"))
    })?;
    let bytes = fs::read(&key).map_err(|error| {
        Error::from(error).context(format!("cannot read the key `{}`", key.display()))
    })?;
    file::write_atomic(&files.imported_key(), &bytes, 0o600)?;
    vb.record.base.ssh_key_path = files.imported_key().display().to_string();
    cx.checkpoint(vb)?;
    // What an attempt that was cut off has left would be in the way.
    fs::remove_file(files.disk()).ok();
    let target = files.disk().display().to_string();
    manage.run(&["clonemedium", "disk", disk, &target, "--format", "VMDK"]).await.map(drop)
}

/// boot2docker keeps its machines and its key in one home directory, which is nowhere written down.
fn key(settings: &Path) -> Option<PathBuf> {
    settings.ancestors().map(|dir| dir.join(".ssh").join("id_boot2docker")).find(|key| key.exists())
}
