//! The whole way from a mirror to an image.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::Path;
use std::sync::Arc;

use machine_driver::{Error, Progress, Result, file};

use crate::apt::{self, Archive, Package};
use crate::content::{self, Choice};
use crate::manifest::{
    FORMAT, FileEntry, INITRD, ISO, KERNEL, MANIFEST, Manifest, OnMedium, PackageEntry,
};
use crate::tree::Tree;
use crate::write::{self, Firmware, Medium};

/// For direct kernel boot and both boot loaders. A panic ends the machine after ten seconds, when
/// its console has been read. The kernel's test whether the timer interrupts at all fails on a host
/// that is too busy to run the guest in time, and the kernel gives up then; virtual timers work.
pub const COMMAND_LINE: &str =
    "console=tty0 console=ttyS0 panic=10 quiet loglevel=3 no_timer_check cryptomgr.notests";

/// zstd's level for the root file system: see `docs/performance.md`.
const ROOT_LEVEL: i32 = 12;
const INITRD_LEVEL: i32 = 19;

/// The time of everything in the image. It is no statement about when the image was made: the same
/// packages give the same bytes.
const EPOCH: u32 = 1_735_689_600;

/// The packages that an image built now would be made of.
pub async fn choose(
    archive: &Archive,
    package_cache: &Path,
    progress: &dyn Progress,
) -> Result<Choice> {
    let index = apt::index(archive, package_cache, progress).await?;
    Ok(content::choose(&index)?)
}

/// Builds the image of a choice into `output`, a directory that must not exist. It appears there
/// whole or not at all.
pub async fn build(
    archive: &Archive,
    choice: Choice,
    package_cache: &Path,
    output: &Path,
    progress: Arc<dyn Progress>,
) -> Result<Manifest> {
    progress.line(&format!("Fetching {} packages...", choice.candidates.len()));
    let packages =
        apt::fetch(archive, &choice.candidates, package_cache, Arc::clone(&progress)).await?;
    let parent = output.parent().unwrap_or(Path::new(".")).to_owned();
    file::create_dir(&parent)?;
    let work = tempfile::Builder::new().prefix(".build-").tempdir_in(&parent)?;
    let dir = work.path().to_owned();
    let assembled =
        tokio::task::spawn_blocking(move || assemble(&choice, &packages, &dir, &*progress)).await;
    let manifest =
        assembled.map_err(|error| Error::other("the build broke").caused_by(error))??;
    // The directory has served as a temporary one until here; from now on it is the image.
    let path = work.keep();
    fs::rename(&path, output)?;
    file::sync_dir(&parent)?;
    Ok(manifest)
}

fn assemble(
    choice: &Choice,
    packages: &[Package],
    dir: &Path,
    progress: &dyn Progress,
) -> Result<Manifest> {
    progress.line("Unpacking...");
    let version = choice.version();
    let unpacked = content::unpack_all(choice, packages)?;
    let release = &choice.kernel;
    let kernel = need(&unpacked.kernel, &format!("boot/vmlinuz-{release}"))?;
    let root =
        content::root_tree(unpacked.root, &unpacked.kernel, release, &choice.docker, &version)?;
    let initrd_tree = content::initrd_tree(&root, &unpacked.kernel, release)?;
    let boot = unpacked.boot;
    let firmware = [
        "usr/lib/ISOLINUX/isolinux.bin",
        "usr/lib/syslinux/modules/bios/ldlinux.c32",
        "usr/lib/ISOLINUX/isohdpfx.bin",
        "usr/lib/systemd/boot/efi/systemd-bootx64.efi",
    ];
    let firmware = firmware.iter().map(|path| need(&boot, path)).collect::<Result<Vec<_>>>()?;

    progress.line("Packing the root file system...");
    let squashfs = dir.join(".root.sqfs");
    let file = File::create(&squashfs)?;
    let length = write::squashfs(&root, EPOCH, ROOT_LEVEL, BufWriter::new(&file))?;
    file.set_len(length)?;
    drop(root);
    let mut initrd = Vec::new();
    write::initramfs(&initrd_tree, EPOCH, INITRD_LEVEL, &mut initrd)?;

    progress.line("Writing the image...");
    file::write_atomic(&dir.join(KERNEL), kernel, 0o644)?;
    file::write_atomic(&dir.join(INITRD), &initrd, 0o644)?;
    let entry = |name: &str| Ok((name.to_owned(), FileEntry::of(&dir.join(name))?));
    let mut manifest = Manifest {
        format: FORMAT,
        version,
        docker: choice.docker.clone(),
        kernel: release.clone(),
        command_line: COMMAND_LINE.to_owned(),
        files: [KERNEL, INITRD].into_iter().map(entry).collect::<io::Result<BTreeMap<_, _>>>()?,
        packages: packages.iter().map(PackageEntry::from).collect(),
    };
    let on_medium = |before: &FileEntry| {
        let (manifest, before) = (manifest.clone(), before.clone());
        serde_json::to_vec(&OnMedium { manifest, before }).map_err(io::Error::other)
    };
    let medium = Medium {
        label: &format!("b2d-v{}", choice.docker),
        epoch: EPOCH,
        kernel,
        initrd: &initrd,
        command_line: COMMAND_LINE,
        squashfs: &squashfs,
        firmware: Firmware {
            isolinux: firmware[0],
            ldlinux: firmware[1],
            mbr: firmware[2],
            efi: firmware[3],
        },
        manifest: &on_medium,
    };
    let iso = File::create(dir.join(ISO))?;
    write::iso(&medium, BufWriter::with_capacity(1 << 20, &iso))?;
    iso.sync_all()?;
    fs::remove_file(&squashfs)?;
    manifest.files.extend([entry(ISO)?]);
    let text = serde_json::to_vec_pretty(&manifest).map_err(io::Error::other)?;
    file::write_atomic(&dir.join(MANIFEST), &text, 0o644)?;
    Ok(manifest)
}

fn need<'a>(tree: &'a Tree, path: &str) -> Result<&'a [u8]> {
    tree.file(path)
        .map(|content| &content[..])
        .ok_or_else(|| Error::other(format!("no package brought `{path}`")))
}
