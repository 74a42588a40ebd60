//! Port forwards of a machine, also while it runs.

use machine_driver::{Context, Forward, Forwards, Result, State, async_trait};

use crate::driver::VirtualBox;
use crate::info::info;
use crate::manage::Manage;
use crate::record::rule_name;
use crate::{ports, start};

#[async_trait]
impl Forwards for VirtualBox {
    fn list(&self) -> Vec<Forward> {
        self.record.forwards.clone()
    }

    async fn add(&mut self, cx: &Context, mut forward: Forward) -> Result<Forward> {
        let wanted = forward.host_port;
        let ours = self.record.rules().iter().any(|(_, it)| it.host_port == wanted);
        if ours && wanted != 0 {
            return Err(forward.taken());
        }
        forward.host_port = ports::take(cx, wanted)?.ok_or_else(|| forward.taken())?;
        let rule = format!("{},{}", rule_name(forward.host_port), start::rule(&forward));
        if let Err(error) = tell(self, cx, &[&rule]).await {
            ports::release(cx, forward.host_port)?;
            return Err(error);
        }
        self.record.forwards.push(forward.clone());
        cx.checkpoint(self)?;
        Ok(forward)
    }

    async fn remove(&mut self, cx: &Context, host_port: u16) -> Result<()> {
        let place = Forward::place(&self.record.forwards, host_port, &cx.machine)?;
        tell(self, cx, &["delete", &rule_name(host_port)]).await?;
        self.record.forwards.remove(place);
        cx.checkpoint(self)?;
        ports::release(cx, host_port)
    }
}

/// Changes the rules of a machine that runs; those of one that is off are put right at its start.
async fn tell(vb: &VirtualBox, cx: &Context, rule: &[&str]) -> Result<()> {
    let manage = Manage::find(cx)?;
    let id = vb.record.id();
    match info(&manage, id).await?.state() {
        State::Running | State::Paused => {
            let args: Vec<&str> = ["controlvm", id, "natpf1"].iter().chain(rule).copied().collect();
            manage.run(&args).await.map(drop)
        }
        _ => Ok(()),
    }
}
