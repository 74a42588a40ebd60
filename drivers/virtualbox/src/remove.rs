//! Removing a machine with everything that was made for it.

use std::path::Path;
use std::{fs, io};

use machine_driver::{Context, Error, ErrorKind, Result};

use crate::birth::known;
use crate::driver::VirtualBox;
use crate::files::{Files, OWNED};
use crate::info::{Info, info};
use crate::manage::Manage;
use crate::{lock, network, ports, power};

/// Carries on past a failure, and reports all of them.
pub(crate) async fn remove(vb: &mut VirtualBox, cx: &Context) -> Result<()> {
    let mut failures: Vec<Error> = Vec::new();
    // The machine first: as long as it is registered, its files are in use.
    if let Err(error) = outside(vb, cx).await {
        failures.push(error);
    }
    if failures.is_empty() {
        failures.extend(files(cx).err());
    }
    failures.extend(ports::release_all(cx).err());
    failures.extend(network::leave(cx, &vb.record.internal_network).err());
    match failures.len() {
        0 => Ok(()),
        1 => Err(failures.remove(0)),
        _ => {
            let all: Vec<String> = failures.iter().map(Error::one_line).collect();
            Err(Error::other("not everything could be removed").caused_by(all.join("; ")))
        }
    }
}

/// What VirtualBox has of it.
async fn outside(vb: &mut VirtualBox, cx: &Context) -> Result<()> {
    let manage = match Manage::find(cx) {
        // Nothing was ever asked of it.
        Err(_) if vb.record.uuid.is_empty() && vb.record.base.ssh_port == 0 => return Ok(()),
        manage => manage?,
    };
    let _lock = lock::lock(cx).await?;
    let there = known(info(&manage, vb.record.id()).await)?.filter(|it| is_ours(vb, cx, it));
    if let Some(there) = &there {
        unregister(vb, cx, &manage, there).await?;
    }
    forget_image(cx, &manage).await?;
    let adapter = there.as_ref().and_then(|info| Some(info.host_only()?.0.to_owned()));
    network::release(vb, cx, &manage, adapter.as_deref()).await
}

/// Whether this is the record's machine, where only the name says so: one of the same name may have
/// been there before, or in another store. docker-machine puts the settings into the directory of
/// the machine.
fn is_ours(vb: &VirtualBox, cx: &Context, there: &Info) -> bool {
    if !vb.record.uuid.is_empty() {
        return true;
    }
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let recorded = Path::new(&vb.record.base.store_path).join("machines").join(&cx.machine);
    let settings = Path::new(there.value("CfgFile").unwrap_or_default());
    [recorded, cx.machine_dir.clone()]
        .iter()
        .any(|dir| settings.starts_with(dir) || real(settings).starts_with(real(dir)))
}

async fn unregister(vb: &VirtualBox, cx: &Context, manage: &Manage, there: &Info) -> Result<()> {
    let id = vb.record.id();
    if there.is_inaccessible {
        return manage.run_unlocked(&["unregistervm", id]).await.map(drop);
    }
    power::switch_off(manage, id, there.state()).await?;
    match manage.run_unlocked(&["unregistervm", id, "--delete"]).await {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        // Its media may be gone already, and then it cannot delete them.
        Err(error) if !Files::new(cx).disk().exists() => {
            tracing::debug!(%error, "unregistered without its media");
            manage.run_unlocked(&["unregistervm", id]).await.map(drop)
        }
        result => result.map(drop),
    }
}

/// VirtualBox keeps the CD in its list of media when the machine is gone.
async fn forget_image(cx: &Context, manage: &Manage) -> Result<()> {
    let iso = Files::new(cx).iso().display().to_string();
    match manage.run(&["closemedium", "dvd", &iso]).await {
        Err(error) if !error.one_line().contains("VERR_FILE_NOT_FOUND") => Err(error),
        _ => Ok(()),
    }
}

fn files(cx: &Context) -> Result<()> {
    let files = Files::new(cx);
    let gone = |result: io::Result<()>, what: &Path| match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::from(error).context(format!("cannot delete `{}`", what.display())))
        }
        _ => Ok(()),
    };
    for name in OWNED {
        let path = files.dir().join(name);
        gone(fs::remove_file(&path), &path)?;
    }
    gone(fs::remove_dir_all(files.settings()), &files.settings())
}
