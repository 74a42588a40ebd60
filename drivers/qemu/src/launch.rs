//! Switching a machine on.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use machine_driver::process::tail;
use machine_driver::seed::Seed;
use machine_driver::wait::{Look, Wait};
use machine_driver::{Context, Error, Result};
use tokio::process::{Child, Command};

use crate::accelerator::Accelerator;
use crate::arguments::{Memory, Network, Setup};
use crate::driver::Qemu;
use crate::files::Files;
use crate::process_id::ProcessId;
use crate::template::{self, Template};
use crate::{accelerator, arguments, image, network, platform, ports, program, qmp, saved};

/// What QEMU complains of, and what to do about it.
const ADVICE: [(&str, &str); 4] = [
    ("Cannot allocate memory", "give the machine less memory, or stop another one"),
    ("cannot set up guest memory", "give the machine less memory, or stop another one"),
    ("Permission denied", "look at the owner of the files in the machine's directory"),
    ("Failed to get \"write\" lock", "another program uses the machine's disk"),
];

/// How often a port that was lost in the last moment is replaced.
const TRIES: usize = 3;

/// What a machine starts from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin<'a> {
    /// Its power switch.
    Boot,
    /// A template, of which it becomes a machine of its own with this seed.
    Template(&'a Template, &'a Seed),
    /// Its own memory, saved by [`crate::saved::suspend`].
    Saved,
}

/// Starts QEMU, unless it runs. The process is on record before anything waits for it. On return
/// from anything but a boot the guest works.
pub(crate) async fn start(qemu: &mut Qemu, cx: &Context, origin: Origin<'_>) -> Result<()> {
    let files = Files::new(cx);
    if platform::is_held(&files.lock())? {
        return Ok(());
    }
    image::finish_change(qemu, cx)?;
    let program = program::find(&qemu.record.program, &cx.search_path)?;
    let accelerator = accelerator(qemu, cx, &program, origin).await?;
    qemu.record.accelerator_used = Some(accelerator);
    platform::private_dir(&cx.runtime_dir)?;
    if !qemu.record.network.is_empty() {
        qemu.join_network(cx)?;
    }
    let network = match qemu.record.network.as_str() {
        "" => Network::None,
        name => Network::Group(network::port(cx, name)?),
    };
    let memory = match origin {
        Origin::Template(template, _) => Memory::CopyOnWrite(&template.memory),
        Origin::Boot | Origin::Saved => Memory::Ordinary,
    };
    let incoming = !matches!(origin, Origin::Boot);
    let setup = Setup { accelerator, memory, network, incoming };
    let mut tries = TRIES;
    loop {
        move_taken_ports(qemu, cx)?;
        cx.checkpoint(qemu)?;
        match launch(qemu, cx, &program, setup).await {
            Err(error) if tries > 1 && is_about_a_port(&error) => tries -= 1,
            result => break result?,
        }
    }
    match origin {
        Origin::Boot => {}
        Origin::Template(template, seed) => {
            template::bring_to_life(&qemu.record, &files, template, seed).await?;
        }
        Origin::Saved => saved::carry_on(&files).await?,
    }
    Ok(())
}

/// A saved state can only be carried on with by the accelerator that it was saved with.
async fn accelerator(
    qemu: &Qemu,
    cx: &Context,
    program: &Path,
    origin: Origin<'_>,
) -> Result<Accelerator> {
    if let (Origin::Saved, Some(used)) = (origin, qemu.record.accelerator_used) {
        return Ok(used);
    }
    let choice = accelerator::choose(cx, program, qemu.record.accelerator).await?;
    cx.progress.line(&choice.reason);
    Ok(choice.accelerator)
}

async fn launch(qemu: &mut Qemu, cx: &Context, program: &Path, setup: Setup<'_>) -> Result<()> {
    let files = Files::new(cx);
    let args = arguments::arguments(&qemu.record, &files, setup)?;
    let (mut child, begin) = spawn(&files, program, &args)?;
    qemu.record.process = child.id().and_then(ProcessId::of);
    cx.checkpoint(qemu)?;
    await_monitor(&mut child, &files, begin).await
}

/// Starts the program with the lock file as its standard input. Returns also where in the log
/// begins what it says.
pub(crate) fn spawn(files: &Files, program: &Path, args: &[OsString]) -> Result<(Child, u64)> {
    // The monitor's and the last start's leftovers say nothing of the machine that starts now.
    fs::remove_file(files.pid()).ok();
    fs::rename(files.console(), files.console_before()).ok();
    let lock = platform::hold(&files.lock())?
        .ok_or_else(|| Error::other("the machine was started by somebody else just now"))?;
    let mut log = OpenOptions::new().create(true).write(true).truncate(true).open(files.log())?;
    writeln!(log, "{} {:?}", program.display(), args)?;
    let begin = log.metadata()?.len();
    let mut command = Command::new(program);
    command.args(args).stdin(lock).stdout(log.try_clone()?).stderr(Stdio::from(log));
    platform::detach(&mut command);
    let child =
        command.spawn().map_err(|error| Error::other("QEMU cannot be started").caused_by(error))?;
    Ok((child, begin))
}

/// Waits until QEMU takes commands, which is when it has opened all that it was given.
pub(crate) async fn await_monitor(child: &mut Child, files: &Files, begin: u64) -> Result<()> {
    let wait = Wait::new("QEMU's monitor", Duration::from_secs(30));
    let child = tokio::sync::Mutex::new(child);
    let look = async || {
        match child.lock().await.try_wait() {
            Ok(None) => {}
            Ok(Some(status)) => return Look::Hopeless(exited(files, begin, &status.to_string())),
            Err(error) => return Look::Hopeless(error.into()),
        }
        match qmp::connect(&files.monitor()).await {
            Ok(_monitor) => Look::Ready(()),
            Err(error) => Look::NotYet(Some(error)),
        }
    };
    wait.at_least_every(Duration::from_millis(50)).until(look).await
}

fn exited(files: &Files, begin: u64, status: &str) -> Error {
    let log = fs::read(files.log()).unwrap_or_default();
    let begin = usize::try_from(begin).unwrap_or(0).min(log.len());
    let said = String::from_utf8_lossy(&log[begin..]).into_owned();
    let error = Error::other(format!("QEMU ended at once ({status})")).caused_by(tail(&said, 5));
    ADVICE.iter().fold(
        error,
        |error, (pattern, hint)| {
            if said.contains(pattern) { error.hint(*hint) } else { error }
        },
    )
}

fn is_about_a_port(error: &Error) -> bool {
    let mut source: Option<&dyn std::error::Error> = Some(error);
    while let Some(cause) = source {
        if cause.to_string().contains("host forwarding rule") {
            return true;
        }
        source = cause.source();
    }
    false
}

/// Replaces the ports that another program has taken while the machine was off.
fn move_taken_ports(qemu: &mut Qemu, cx: &Context) -> Result<()> {
    let replace = |port: u16, what: &str| -> Result<u16> {
        if let Some(port) = ports::take(cx, port)? {
            return Ok(port);
        }
        let new = ports::take(cx, 0)?.unwrap_or_default();
        cx.progress.warn(&format!("port {port} for {what} is taken: {new} is used instead"));
        Ok(new)
    };
    let record = &mut qemu.record;
    record.base.ssh_port = replace(record.base.ssh_port, "SSH")?;
    record.engine_port = replace(record.engine_port, "Docker")?;
    for forward in &mut record.forwards {
        let what = format!("the guest's port {}", forward.guest_port);
        forward.host_port = replace(forward.host_port, &what)?;
    }
    Ok(())
}
