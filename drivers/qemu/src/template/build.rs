//! Making a template.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use machine_driver::seed::Seed;
use machine_driver::wait::{Look, Wait};
use machine_driver::{Context, Error, Material, Result, console, file};
use serde_json::Value;

use super::manifest::{DEVICES, DISK, Entry, MEMORY, Manifest};
use super::{Template, directory};
use crate::accelerator::Accelerator;
use crate::arguments::{self, Network, Setup};
use crate::files::Files;
use crate::identity::{Port, Request};
use crate::process_id::ProcessId;
use crate::record::Record;
use crate::{accelerator, launch, materials, migration, platform, program, qmp, system};

/// How long the guest may take to be ready: a boot on a busy host without acceleration, and more.
const PATIENCE: Duration = Duration::from_secs(600);

/// Boots a guest without identity, saves it, and puts the template in its place. The caller holds
/// the lock for this template.
pub(super) async fn build(
    cx: &Context,
    record: &Record,
    material: &Material,
    id: &str,
) -> Result<Template> {
    let program = program::find(&record.program, &cx.search_path)?;
    let version = program::version(&program).await?;
    let used = accelerator::choose(cx, &program, record.accelerator).await?.accelerator;
    let mut record = template_record(record);
    check_space(cx, &record)?;
    let dir = directory(cx).join(format!(".build-{id}"));
    discard(cx, &dir).await?;
    file::create_dir(&dir)?;
    let files = Files::apart(cx, dir.clone());
    let mut saved = save(cx, &mut record, material, &files, &program, used).await;
    if saved.is_err() && console::panicked(&files.console()) {
        cx.progress.warn("the guest's kernel panicked, so it boots once more");
        discard(cx, &dir).await?;
        file::create_dir(&dir)?;
        saved = save(cx, &mut record, material, &files, &program, used).await;
    }
    if let Err(error) = saved {
        let console = fs::read_to_string(files.console()).unwrap_or_default();
        let tail = machine_driver::process::tail(&console, 5);
        discard(cx, &dir).await?;
        let hint = format!("the end of its console:\n{tail}");
        return Err(error.context("the template could not be made").hint(hint));
    }
    keep_only_the_template(&files)?;
    let manifest = Manifest {
        id: id.to_owned(),
        image: material.image.version.clone(),
        fits: fits(&record, used, &version.to_string()),
        disk_size: record.disk_size,
        created: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        files: tokio::task::spawn_blocking(move || entries(&dir))
            .await
            .map_err(|error| Error::other("the hashing broke").caused_by(error))??,
    };
    manifest.write(files.dir())?;
    let place = directory(cx).join(id);
    fs::rename(files.dir(), &place)?;
    file::sync_dir(&directory(cx))?;
    Template::open(&place)
}

/// A QEMU whose memory is a file dies by a signal when the disk is full, so that is found before.
fn check_space(cx: &Context, record: &Record) -> Result<()> {
    let need = (u64::from(record.memory) + 256) << 20;
    match platform::free_space(&directory(cx)) {
        Some(free) if free < need => Err(Error::other(format!(
            "`{}` has only {} MB left, and a template may need {} MB",
            directory(cx).display(),
            free >> 20,
            need >> 20
        ))
        .hint("free some space, for example with `machine template rm --all`")
        .hint("or do without templates: `--qemu-template off`")),
        _ => Ok(()),
    }
}

/// What the guest of a template has in common with the machines that are made from it.
fn template_record(record: &Record) -> Record {
    let mut record = record.clone();
    "template".clone_into(&mut record.base.machine_name);
    (record.base.ssh_port, record.engine_port, record.disk_ready) = (0, 0, false);
    record.forwards.clear();
    record
}

async fn save(
    cx: &Context,
    record: &mut Record,
    material: &Material,
    files: &Files,
    program: &Path,
    accelerator: Accelerator,
) -> Result<()> {
    platform::private_dir(&cx.runtime_dir)?;
    materials::link_image(cx, record, files, &material.image)?;
    let seed = Seed { profile: material.profile.clone(), template: true, ..Seed::default() };
    materials::make_disk(record, &seed, files)?;
    let memory = GuestMemory::new(files)?;
    let network = if record.network.is_empty() { Network::None } else { Network::Unconnected };
    let written = arguments::Memory::Written(&memory.path);
    let setup = Setup { accelerator, memory: written, network, incoming: false };
    let args = arguments::arguments(record, files, setup)?;
    let (mut child, begin) = launch::spawn(files, program, &args)?;
    launch::await_monitor(&mut child, files, begin).await?;
    cx.progress.line("Booting a guest for the template...");
    let mut port = Port::open(&files.identity()).await?;
    tokio::select! {
        ready = port.ask(Request::Prepare, PATIENCE) => ready?,
        ended = child.wait() => {
            return Err(Error::other(format!("QEMU ended ({})", ended?)));
        }
    }
    cx.progress.line("Saving it...");
    let mut monitor = qmp::connect(&files.monitor()).await?;
    monitor.execute("stop", Value::Null).await?;
    let sink = BufWriter::new(File::create(files.dir().join(DEVICES))?);
    let in_file = migration::Memory::InFile;
    let sink = migration::save(&mut monitor, in_file, &files.migration(), sink).await?;
    sink.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    // QEMU has closed the disk when it has ended.
    monitor.execute("quit", Value::Null).await.ok();
    let wait = Wait::new("the end of QEMU", Duration::from_secs(20));
    wait.until(async || match platform::is_held(&files.lock()) {
        Ok(false) => Look::Ready(()),
        Ok(true) => Look::NotYet(None),
        Err(error) => Look::Hopeless(error.into()),
    })
    .await?;
    let place = files.dir().join(MEMORY);
    tokio::task::spawn_blocking(move || memory.keep(&place))
        .await
        .map_err(|error| Error::other("the copy broke").caused_by(error))?
}

/// The file that is the guest's memory while it boots.
///
/// Where the system can, it is one in memory, which is copied when the guest is saved: a file system
/// has to find room for each page that the guest touches for the first time, and to write it out
/// again and again, and the boot would wait for that.
struct GuestMemory {
    /// What QEMU opens.
    path: PathBuf,
    anonymous: Option<File>,
}

impl GuestMemory {
    fn new(files: &Files) -> Result<Self> {
        Ok(match system::anonymous_file("guest-memory")? {
            Some((file, path)) => Self { path, anonymous: Some(file) },
            None => Self { path: files.dir().join(MEMORY), anonymous: None },
        })
    }

    /// Makes it the file `place`.
    fn keep(self, place: &Path) -> Result<()> {
        if self.anonymous.is_some() {
            platform::copy_sparse(&self.path, &File::create(place)?)?;
        }
        Ok(())
    }
}

/// The image and QEMU's own files are no part of it.
fn keep_only_the_template(files: &Files) -> Result<()> {
    for entry in fs::read_dir(files.dir())? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if ![MEMORY, DEVICES, DISK].iter().any(|kept| name == *kept) {
            fs::remove_file(path)?;
        }
    }
    for socket in [files.monitor(), files.identity()] {
        fs::remove_file(socket).ok();
    }
    Ok(())
}

fn entries(dir: &Path) -> Result<std::collections::BTreeMap<String, Entry>> {
    [MEMORY, DEVICES, DISK]
        .into_iter()
        .map(|name| Ok((name.to_owned(), Entry::of(&dir.join(name))?)))
        .collect()
}

fn fits(record: &Record, accelerator: Accelerator, version: &str) -> String {
    let network = if record.network.is_empty() { "" } else { ", on a network" };
    let Record { cpus, memory, disk_size, .. } = record;
    format!(
        "{cpus} CPUs, {memory} MB, disk from {disk_size} MB{network}, {accelerator}, QEMU {version}"
    )
}

/// Removes a build that failed or whose builder died, with its QEMU.
pub(super) async fn discard(cx: &Context, dir: &PathBuf) -> Result<()> {
    if !dir.exists() {
        return Ok(());
    }
    let files = Files::apart(cx, dir.clone());
    let end = Wait::new("the end of an abandoned QEMU", Duration::from_secs(20));
    end.until(async || match platform::is_held(&files.lock()) {
        Ok(false) => Look::Ready(()),
        Ok(true) => match kill(&files) {
            Ok(()) => Look::NotYet(None),
            Err(error) => Look::NotYet(Some(error)),
        },
        Err(error) => Look::Hopeless(error.into()),
    })
    .await?;
    for socket in [files.monitor(), files.identity(), files.migration()] {
        fs::remove_file(socket).ok();
    }
    Ok(fs::remove_dir_all(dir)?)
}

/// Kills the QEMU that has written down its number, if it is one with this disk.
fn kill(files: &Files) -> Result<()> {
    let text = fs::read_to_string(files.pid())?;
    let pid = text.trim().parse().map_err(|error| Error::other("no number").caused_by(error))?;
    let line = crate::system::command_line(pid).unwrap_or_default();
    if line.contains(&arguments::escape(&files.disk()))
        && let Some(process) = ProcessId::of(pid)
    {
        process.kill()?;
    }
    Ok(())
}
