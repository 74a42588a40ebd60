//! How a machine comes into being. Each step looks first whether it was done already.

use std::fs::{self, File};

use machine_driver::seed::{Interface, Seed};
use machine_driver::{Birth, Context, Error, ErrorKind, Image, Result, State, file};

use crate::driver::VirtualBox;
use crate::files::Files;
use crate::info::{Info, info};
use crate::manage::Manage;
use crate::version::Version;
use crate::{import, lock, network, settings, share, start, uuid, vmdk};

pub(crate) async fn create(vb: &mut VirtualBox, cx: &Context, birth: &Birth) -> Result<()> {
    let manage = Manage::find(cx)?;
    let files = Files::new(cx);
    let there = match vb.record.uuid.is_empty() {
        true => None,
        false => known(info(&manage, vb.record.id()).await)?,
    };
    if there.as_ref().is_some_and(|info| info.state() != State::Stopped && !info.is_inaccessible) {
        return start::start(vb, cx).await;
    }
    let image = birth.image.as_ref().ok_or_else(|| Error::other("there is no boot image"))?;
    copy_image(vb, cx, &files, image)?;
    let version = vb.version(&manage).await?;
    {
        let _lock = lock::lock(cx).await?;
        cx.progress.line("Creating VirtualBox VM...");
        register(vb, cx, &manage, &files, version, there.is_some()).await?;
        let there = there.unwrap_or_default();
        cx.progress.line("Creating SSH key...");
        make_disk(vb, cx, &manage, &files, birth).await?;
        // Behind it: processors and memory may have been taken over with the disk.
        let hardware = settings::hardware(&vb.record, version, &files.console());
        modify(&manage, vb.record.id(), &hardware).await?;
        attach(vb, &manage, &files, &there).await?;
        share_folder(vb, &manage, &there).await?;
        cx.progress.line("Starting the VM...");
        start::prepare(vb, cx, &manage, &there).await?;
    }
    start::boot(vb, cx, &manage).await
}

/// A machine that VirtualBox does not know is none, and no error.
pub(crate) fn known(found: Result<Info>) -> Result<Option<Info>> {
    match found {
        Ok(info) => Ok(Some(info)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

pub(crate) async fn modify(manage: &Manage, id: &str, args: &[String]) -> Result<()> {
    let all: Vec<&str> =
        ["modifyvm", id].into_iter().chain(args.iter().map(String::as_str)).collect();
    manage.run_unlocked(&all).await.map(drop)
}

fn copy_image(vb: &mut VirtualBox, cx: &Context, files: &Files, image: &Image) -> Result<()> {
    let (from, to) = (&image.iso, files.iso());
    // An image that was asked for by name has been announced by whoever fetched it.
    if vb.record.boot2docker_url.is_empty() {
        let text = format!("Copying {} to {}...", from.display(), to.display());
        cx.progress.line(&text);
    }
    file::link_or_copy(from, &to)
        .map_err(|error| Error::from(error).context(format!("cannot copy `{}`", from.display())))?;
    vb.record.image_version.clone_from(&image.version);
    cx.checkpoint(vb)
}

/// Gives a machine that is off another image, by one rename. VirtualBox knows the CD by its path.
pub(crate) fn change_image(vb: &mut VirtualBox, cx: &Context, image: &Image) -> Result<()> {
    let files = Files::new(cx);
    let next = files.iso().with_extension("iso.new");
    let replace = || {
        file::link_or_copy(&image.iso, &next)?;
        fs::rename(&next, files.iso())?;
        // Two names of one file stay two names when one is renamed to the other.
        fs::remove_file(&next).or_else(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })?;
        file::sync_dir(files.dir())
    };
    replace().map_err(|error| Error::from(error).context("cannot put the new image in place"))?;
    vb.record.image_version.clone_from(&image.version);
    cx.checkpoint(vb)
}

/// Has VirtualBox know the machine, under a UUID that is on record before.
async fn register(
    vb: &mut VirtualBox,
    cx: &Context,
    manage: &Manage,
    files: &Files,
    version: Version,
    is_there: bool,
) -> Result<()> {
    if is_there {
        return Ok(());
    }
    if vb.record.uuid.is_empty() {
        vb.record.uuid = uuid::random()?;
    }
    if vb.record.mac.is_empty() {
        vb.record.mac = uuid::random_mac()?;
    }
    cx.checkpoint(vb)?;
    // Settings that were written and never registered.
    match fs::remove_dir_all(files.settings()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let base = files.dir().display().to_string();
    let mut args = vec!["createvm", "--basefolder", &base, "--name", &cx.machine];
    args.extend(["--uuid", &vb.record.uuid, "--register"]);
    if version >= Version::new(7, 1, 0) {
        args.extend([
            "--platform-architecture",
            if network::APPLE_SILICON { "arm" } else { "x86" },
        ]);
    }
    manage.run(&args).await.map(drop)
}

/// The disk, with the key and what else the guest is told at its start. One that is ready may have
/// been used and is never made again.
async fn make_disk(
    vb: &mut VirtualBox,
    cx: &Context,
    manage: &Manage,
    files: &Files,
    birth: &Birth,
) -> Result<()> {
    if vb.record.disk_ready {
        return Ok(());
    }
    if vb.record.import_vm.is_empty() {
        let start = seed(vb, cx, birth)?.to_tar()?;
        let megabytes = u64::try_from(vb.record.disk_size).unwrap_or_default();
        write_disk(files, megabytes, &start).map_err(|error| {
            let path = files.disk();
            Error::from(error).context(format!("cannot make the disk `{}`", path.display()))
        })?;
    } else {
        import::import(vb, cx, manage).await?;
    }
    vb.record.disk_ready = true;
    cx.checkpoint(vb)
}

fn write_disk(files: &Files, megabytes: u64, start: &[u8]) -> std::io::Result<()> {
    let mut temp = tempfile::Builder::new().prefix(file::TEMPORARY).tempfile_in(files.dir())?;
    let uuid = uuid::random().map_err(std::io::Error::other)?;
    let disk: &mut File = temp.as_file_mut();
    vmdk::write(disk, "disk.vmdk", megabytes, start, &uuid)?;
    disk.sync_all()?;
    temp.persist(files.disk())?;
    file::sync_dir(files.dir())
}

/// The seed with what the driver knows: the machine's place on its internal network.
fn seed(vb: &VirtualBox, cx: &Context, birth: &Birth) -> Result<Seed> {
    let mut seed = birth.seed.clone();
    if let Some(address) = vb.record.private_ip {
        let mac = crate::address::with_colons(&vb.record.mac);
        seed.interfaces.push(Interface { mac, address: address.into(), prefix: network::PREFIX });
        seed.hosts.extend(network::hosts(cx, &vb.record.internal_network)?);
    }
    Ok(seed)
}

/// The image as a CD, the disk behind it.
async fn attach(vb: &VirtualBox, manage: &Manage, files: &Files, there: &Info) -> Result<()> {
    let id = vb.record.id();
    if !there.has_storage("SATA") {
        let args = ["storagectl", id, "--name", "SATA", "--add", "sata", "--hostiocache", "on"];
        manage.run(&args).await?;
    }
    let media = [("0", "dvddrive", files.iso()), ("1", "hdd", files.disk())];
    for (port, kind, path) in media {
        let path = path.display().to_string();
        let args = [
            "storageattach",
            id,
            "--storagectl",
            "SATA",
            "--port",
            port,
            "--device",
            "0",
            "--type",
            kind,
            "--medium",
            &path,
        ];
        manage.run(&args).await?;
    }
    Ok(())
}

async fn share_folder(vb: &VirtualBox, manage: &Manage, there: &Info) -> Result<()> {
    let id = vb.record.id();
    for name in ["MountPrefix", "MountDir"] {
        let property = format!("/VirtualBox/GuestAdd/SharedFolders/{name}");
        manage.run(&["guestproperty", "set", id, &property, "/"]).await?;
    }
    let Some((name, path)) = share::share(&vb.record) else { return Ok(()) };
    if !there.shares(&name) {
        let args = ["sharedfolder", "add", id, "--name", &name, "--hostpath", &path, "--automount"];
        manage.run(&args).await?;
    }
    let key = format!("VBoxInternal2/SharedFoldersEnableSymlinksCreate/{name}");
    manage.run(&["setextradata", id, &key, "1"]).await.map(drop)
}
