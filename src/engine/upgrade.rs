use std::sync::Arc;
use std::time::Duration;

use machine_driver::{Error, Progress, Result};

use super::{Engine, Machine};

/// Brings the Docker Engine of a machine to the newest version that there is for it.
///
/// No driver can give a machine another boot image yet, and no provisioner can upgrade what it
/// installed, so after its checks this is [`machine_driver::ErrorKind::Unsupported`] with advice.
pub async fn upgrade(engine: &Engine, name: &str, progress: Arc<dyn Progress>) -> Result<()> {
    let _lock = engine.store.lock(name, &format!("upgrade {name}"), Duration::from_secs(20))?;
    let machine = Machine::load(engine, name, progress)?;
    if let Some(unfinished) = &machine.unfinished {
        return Err(machine.incomplete(unfinished));
    }
    let capabilities = machine.driver.capabilities();
    if !capabilities.has_guest {
        return Err(Error::unsupported(machine.driver.kind(), "upgrades"));
    }
    if let Some(source) = machine.driver.image_source() {
        return Err(Error::other(format!(
            "machine `{name}` boots the image that was named when it was made, `{source}`"
        ))
        .hint("make a new machine from another image"));
    }
    let error = Error::unsupported(machine.driver.kind(), "upgrades");
    Err(if capabilities.needs_image {
        error.hint("`machine image build` makes the newest image, from which new machines boot")
    } else {
        error.hint(format!("upgrade it with its own packages: `machine ssh {name}`"))
    })
}
