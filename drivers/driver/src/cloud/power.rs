use std::time::Duration;

use super::Machine;
use super::machine::POLL;
use super::vendor::{Cloud, Power, open};
use crate::wait::{Look, Wait};
use crate::{Context, Error, ErrorKind, Result, State};

/// How long a guest may take to shut down before it is switched off.
const SHUTDOWN: Duration = Duration::from_secs(90);
/// How long a vendor may take for what it was asked.
pub(super) const ACTION: Duration = Duration::from_secs(300);

/// A server that is looked at and changed.
struct Subject<C> {
    cloud: C,
    /// The vendor's word for it.
    kind: &'static str,
    id: Option<String>,
}

pub(super) async fn start<C: Cloud>(machine: &Machine<C>, cx: &Context) -> Result<()> {
    let subject = Subject::open(machine, cx).await?;
    if subject.state().await? == State::Running {
        return Ok(());
    }
    subject.act(Power::On).await?;
    subject.until(State::Running, ACTION).await
}

/// A guest that does not obey is switched off.
pub(super) async fn stop<C: Cloud>(machine: &Machine<C>, cx: &Context) -> Result<()> {
    let subject = Subject::open(machine, cx).await?;
    if subject.state().await? == State::Stopped {
        return Ok(());
    }
    subject.act(Power::Shutdown).await?;
    match subject.until(State::Stopped, SHUTDOWN).await {
        Err(error) if error.kind() == ErrorKind::Timeout => subject.off().await,
        done => done,
    }
}

pub(super) async fn kill<C: Cloud>(machine: &Machine<C>, cx: &Context) -> Result<()> {
    let subject = Subject::open(machine, cx).await?;
    if subject.state().await? == State::Stopped {
        return Ok(());
    }
    subject.off().await
}

pub(super) async fn restart<C: Cloud>(machine: &Machine<C>, cx: &Context) -> Result<()> {
    Subject::open(machine, cx).await?.act(Power::Reboot).await
}

pub(super) async fn state<C: Cloud>(machine: &Machine<C>, cx: &Context) -> Result<State> {
    Subject::open(machine, cx).await?.state().await
}

impl<C: Cloud> Subject<C> {
    async fn open(machine: &Machine<C>, cx: &Context) -> Result<Self> {
        let (kind, id) = machine.server();
        Ok(Self { cloud: open(cx, &machine.record).await?, kind, id })
    }

    async fn state(&self) -> Result<State> {
        let Some(id) = &self.id else { return Ok(State::None) };
        match self.cloud.server(id).await {
            Ok(server) => Ok(server.state),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(State::Missing),
            Err(error) => Err(error),
        }
    }

    async fn act(&self, power: Power) -> Result<()> {
        match &self.id {
            Some(id) => self.cloud.act(id, power).await,
            None => Err(Error::new(ErrorKind::NotFound, format!("there is no {} yet", self.kind))),
        }
    }

    async fn off(&self) -> Result<()> {
        self.act(Power::Off).await?;
        self.until(State::Stopped, ACTION).await
    }

    async fn until(&self, state: State, time: Duration) -> Result<()> {
        let what = format!("the {} to be {}", self.kind, state.as_str().to_lowercase());
        Wait::new(what, time)
            .at_least_every(POLL)
            .until(async || match self.state().await {
                Ok(now) if now == state => Look::Ready(()),
                Ok(now) => Look::NotYet(Some(Error::other(format!("it is {now}")))),
                Err(error) => Look::NotYet(Some(error)),
            })
            .await
    }
}
