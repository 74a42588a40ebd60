//! Port forwards of a machine, also while it runs.

use machine_driver::{Context, Error, Forward, Forwards, Result, async_trait};

use crate::arguments::{NETDEV, hostfwd};
use crate::driver::Qemu;
use crate::files::Files;
use crate::{platform, ports, qmp};

#[async_trait]
impl Forwards for Qemu {
    fn list(&self) -> Vec<Forward> {
        self.record.forwards.clone()
    }

    async fn add(&mut self, cx: &Context, mut forward: Forward) -> Result<Forward> {
        let wanted = forward.host_port;
        let ours = self.record.all_forwards().iter().any(|it| it.host_port == wanted);
        if ours && wanted != 0 {
            return Err(forward.taken());
        }
        forward.host_port = ports::take(cx, wanted)?.ok_or_else(|| forward.taken())?;
        let files = Files::new(cx);
        if platform::is_held(&files.lock())? {
            let said =
                monitor(&files, &format!("hostfwd_add {NETDEV} {}", hostfwd(&forward))).await;
            if let Err(error) = said {
                ports::release(cx, forward.host_port)?;
                return Err(error);
            }
        }
        self.record.forwards.push(forward.clone());
        cx.checkpoint(self)?;
        Ok(forward)
    }

    async fn remove(&mut self, cx: &Context, host_port: u16) -> Result<()> {
        let place = Forward::place(&self.record.forwards, host_port, &cx.machine)?;
        let files = Files::new(cx);
        if platform::is_held(&files.lock())? {
            let host = &self.record.forwards[place].host;
            let command = format!("hostfwd_remove {NETDEV} tcp:{host}:{host_port}");
            monitor(&files, &command).await?;
        }
        self.record.forwards.remove(place);
        cx.checkpoint(self)?;
        ports::release(cx, host_port)
    }
}

/// Gives a command of the human monitor, which is silent or says `… removed` if all is well.
async fn monitor(files: &Files, command: &str) -> Result<()> {
    let said = qmp::connect(&files.monitor()).await?.human(command).await?;
    let said = said.trim();
    if said.is_empty() || said.ends_with("removed") {
        return Ok(());
    }
    Err(Error::other("QEMU refuses the forward").caused_by(said.to_owned()))
}
