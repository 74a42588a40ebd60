use std::sync::Arc;
use std::time::Duration;

use machine_driver::{Error, Progress, Result, SshTarget, State};

use super::{Engine, Machine, address, birth, boot_image, create, neighbours, ready};
use crate::ssh;
use crate::store::{HostOptions, Record, check_name};

/// The step of the journal. A copy that has stopped there may still be taken for the original, so
/// that nobody carries on with it: it is removed, and made again.
pub(super) const STEP: &str = "clone";

/// Makes another machine of a copy of this one's disk, and waits until its Engine answers. It has its
/// own name, keys, certificates, ids, addresses and ports, and belongs to no lab and no swarm.
pub async fn clone_machine(
    engine: &Engine,
    source: &str,
    name: &str,
    progress: Arc<dyn Progress>,
) -> Result<()> {
    check_name(name)?;
    let command = format!("clone {source} {name}");
    let _lock = engine.store.lock(source, &command, Duration::from_secs(20))?;
    let _own_lock = engine.store.lock(name, &command, Duration::ZERO)?;
    let original = engine.load(source, Arc::clone(&progress))?;
    check(engine, &original, name)?;
    engine.store.sweep(name);
    birth::certificate_authority(engine, &*progress)?;
    engine.store.make_machine_dir(name)?;
    let unmade = create::Unmade { engine, name };
    let journal = engine.store.journal(name);
    journal.create()?;
    journal.begin(STEP)?;
    copy(engine, &original, name, &progress).await?;
    std::mem::forget(unmade);

    let mut machine = engine.load(name, Arc::clone(&progress))?;
    if let Err(error) = Box::pin(bring_to_life(engine, &original, &mut machine)).await {
        journal.failed(STEP, &error.to_string()).ok();
        return Err(error.hint(format!("remove what there is of it: `machine rm -y {name}`")));
    }
    journal.complete()?;
    // The journal has said it: without this, readers only have to look there as well.
    engine.store.mark_finished(name).ok();
    birth::forget_secrets(&machine.context.machine_dir);
    Ok(())
}

fn check(engine: &Engine, original: &Machine<'_>, name: &str) -> Result<()> {
    if let Some(unfinished) = &original.unfinished {
        return Err(original.incomplete(unfinished));
    }
    if !original.driver.capabilities().copy {
        return Err(Error::unsupported(original.driver.kind(), "copies of a machine"));
    }
    if !birth::reaches_guest(original) {
        let message = format!("machine `{}` does not boot our image", original.name());
        return Err(Error::other(message)
            .caused_by("a guest of somebody else cannot be told that it is another machine"));
    }
    if engine.store.exists(name) {
        return Err(Error::other(format!("Docker machine \"{name}\" already exists"))
            .hint("choose another name"));
    }
    Ok(())
}

/// Copies the machine's files, and puts the copy on record: off, and without anything of its own.
async fn copy(
    engine: &Engine,
    original: &Machine<'_>,
    name: &str,
    progress: &Arc<dyn Progress>,
) -> Result<()> {
    if original.driver.state(&original.context).await? == State::Running {
        let target = original.endpoint().ssh.ok_or_else(|| original.not_running())?;
        let known_hosts = &original.context.machine_dir;
        let session = ssh::wait_ready(&target, known_hosts, engine.boot_deadline).await?;
        session.check("sync").await?;
    }
    let kind = original.driver.kind();
    let context = engine.context(name, kind, Arc::clone(progress));
    boot_image::copy_record(&original.context.machine_dir, &context.machine_dir)?;
    let driver = original.driver.copy(&original.context, &context).await?;
    let options = &original.record.host_options;
    let sans = options.auth_options.server_cert_sans.clone();
    let options =
        HostOptions { auth_options: create::auth_options(engine, name, sans), ..options.clone() };
    let mut record = Record::new(name, kind, driver.record(), options);
    record.unfinished = true;
    Ok(engine.store.save(&record)?)
}

/// Starts the copy, and tells it who it is. Until then it takes itself for the original, but on
/// ports of its own, and on no network that the two might share.
async fn bring_to_life(
    engine: &Engine,
    original: &Machine<'_>,
    machine: &mut Machine<'_>,
) -> Result<()> {
    let context = machine.context.clone();
    machine.driver.reserve(&context).await?;
    let birth = birth::prepare(engine, machine, None)?;
    let seed = machine.driver.identity(&context, birth.seed)?.to_tar()?;
    machine.progress.line("Starting it...");
    machine.driver.start(&context).await?;
    context.checkpoint(&*machine.driver)?;
    address::learn(engine, machine).await?;
    // It lets in whom the original lets in, and shows the original's host key.
    let (Some(own), Some(others)) = (machine.endpoint().ssh, original.endpoint().ssh) else {
        return Err(machine.not_running());
    };
    let target = SshTarget { key: others.key, ..own };
    let known_hosts = &original.context.machine_dir;
    let session = ssh::wait_ready(&target, known_hosts, engine.boot_deadline).await?;
    machine.progress.line("Giving it an identity of its own...");
    let command = format!("sudo sh -c {}", ssh::quoted(BECOME));
    session.run_with_input(&command, &seed).await?.success("the change of its identity")?;
    machine.progress.line("Waiting for Docker to answer...");
    ready::docker_answers(engine, machine).await?;
    Box::pin(neighbours::announce(engine, machine)).await;
    Ok(())
}

/// What the guest does with the seed of another machine on its standard input: as at its first boot,
/// after everything has ended that holds on to what it was. Nobody asks for the address of an interface
/// that has a static one now. The exit status of the Engine's own script says nothing; whether it runs
/// again is seen from here.
const BECOME: &str = r#"set -e
. /usr/lib/machine/common
cat >$RUN/seed.tar
/etc/init.d/docker stop || true
rm -rf /var/lib/docker/swarm /var/lib/docker/engine-id
rm -f /var/lib/containerd/io.containerd.grpc.v1.introspection/uuid
rm -f $STATE/etc/machine-id $STATE/etc/hosts $STATE/etc/network $STATE/etc/uplink
/usr/lib/machine/identity boot
for path in /sys/class/net/eth*; do
  grep -qi "^$(cat "$path/address") " $STATE/etc/network 2>/dev/null || continue
  for process in /proc/[0-9]*; do
    case $(tr '\0' ' ' 2>/dev/null <$process/cmdline) in
      "udhcpc -i ${path##*/} "*) kill ${process##*/} ;;
    esac
  done
done
kill -HUP "$(cat /run/sshd.pid)"
sync
/etc/init.d/docker start || true
"#;
