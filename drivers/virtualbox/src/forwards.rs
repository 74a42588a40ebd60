//! Port forwards of a machine, also while it runs.

use machine_driver::{Context, Error, ErrorKind, Forward, Forwards, Result, State, async_trait};

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
        let taken = || {
            let error = Error::other(format!("port {wanted} of this computer is taken"));
            error.hint(format!("let any free port be chosen: `0:{}`", forward.guest_port))
        };
        if ours && wanted != 0 {
            return Err(taken());
        }
        forward.host_port = ports::take(cx, wanted)?.ok_or_else(taken)?;
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
        let place = self.record.forwards.iter().position(|it| it.host_port == host_port);
        let place = place.ok_or_else(|| {
            let text = format!("there is no forward from port {host_port}");
            Error::new(ErrorKind::NotFound, text)
                .hint(format!("`machine forward {}` lists them", cx.machine))
        })?;
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
