//! Machines that share a network know each other by name: those whose driver has no way of its own into
//! guests that run are told over SSH.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use machine_driver::seed::Seed;
use machine_driver::{Result, Silent};

use super::{Engine, Machine};
use crate::ssh;

/// How long a machine may take to let us in. One that is off, or still boots, is told when it is up.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a guest does with names on its standard input. Several may bring some at the same time, one of
/// whom may have died; and an image that is not ours takes none.
const APPLY: &str = "[ -x /usr/lib/machine/identity ] || exit 0
cd /run/machine || exit
tries=200
until mkdir names.lock 2>/dev/null; do
  tries=$((tries - 1))
  [ $tries -gt 0 ] || break
  sleep 0.1
done
trap 'rm -rf /run/machine/names.lock' EXIT
cat >names.tar
/usr/lib/machine/identity apply /run/machine/names.tar
";

/// Lets a machine that is up and those on its network know of each other.
pub(super) async fn announce(engine: &Engine, machine: &Machine<'_>) {
    let announced = async {
        machine.driver.announce(&machine.context).await?;
        tell(engine, &machine.driver.neighbours(&machine.context)?).await
    };
    // The machine is as good as it was asked for, also if others do not hear of it.
    if let Err(error) = announced.await {
        machine.progress.warn(&format!("the names are not known everywhere: {}", error.one_line()));
    }
}

/// Tells these machines of each other, all at once. Those that do not answer are passed over.
pub(super) async fn tell(engine: &Engine, hosts: &[(IpAddr, String)]) -> Result<()> {
    if hosts.is_empty() {
        return Ok(());
    }
    let names = Seed { hosts: hosts.to_vec(), ..Seed::default() }.to_identity_tar()?;
    let told = hosts.iter().map(async |(_, name)| {
        if let Err(error) = tell_one(engine, name, &names).await {
            tracing::debug!(name, error = error.one_line(), "names");
        }
    });
    join_all(told).await;
    Ok(())
}

async fn tell_one(engine: &Engine, name: &str, names: &[u8]) -> Result<()> {
    let machine = Machine::load(engine, name, Arc::new(Silent))?;
    let Some(target) = machine.endpoint().ssh else { return Ok(()) };
    let session = ssh::connect(&target, &machine.context.machine_dir, PATIENCE).await?;
    let command = format!("sudo sh -c {}", ssh::quoted(APPLY));
    session.run_with_input(&command, names).await?.success("the change of its hosts file")?;
    session.close().await;
    Ok(())
}
