use std::time::Duration;

use machine_driver::wait::{Look, Wait};
use machine_driver::{Context, Error, ErrorKind, Result, State};
use serde::Deserialize;
use serde_json::json;

use crate::driver::DigitalOcean;
use crate::place::{POLL, Place};

#[derive(Debug, Deserialize)]
struct Action {
    id: u64,
    status: String,
}

/// How long a guest may take to shut down before it is switched off.
const SHUTDOWN: Duration = Duration::from_secs(90);
const ACTION: Duration = Duration::from_secs(300);

pub(crate) async fn start(driver: &DigitalOcean, cx: &Context) -> Result<()> {
    let place = Place::open(cx, &driver.record).await?;
    if state(&place, driver).await? == State::Running {
        return Ok(());
    }
    act(&place, driver, "power_on").await?;
    until(&place, driver, State::Running, ACTION).await
}

/// A guest that does not obey is switched off.
pub(crate) async fn stop(driver: &DigitalOcean, cx: &Context) -> Result<()> {
    let place = Place::open(cx, &driver.record).await?;
    if state(&place, driver).await? == State::Stopped {
        return Ok(());
    }
    act(&place, driver, "shutdown").await?;
    match until(&place, driver, State::Stopped, SHUTDOWN).await {
        Err(error) if error.kind() == ErrorKind::Timeout => off(&place, driver).await,
        done => done,
    }
}

pub(crate) async fn kill(driver: &DigitalOcean, cx: &Context) -> Result<()> {
    let place = Place::open(cx, &driver.record).await?;
    if state(&place, driver).await? == State::Stopped {
        return Ok(());
    }
    off(&place, driver).await
}

pub(crate) async fn restart(driver: &DigitalOcean, cx: &Context) -> Result<()> {
    act(&Place::open(cx, &driver.record).await?, driver, "reboot").await
}

async fn off(place: &Place, driver: &DigitalOcean) -> Result<()> {
    act(place, driver, "power_off").await?;
    until(place, driver, State::Stopped, ACTION).await
}

/// Has something done to the droplet, and waits for the end of it.
async fn act(place: &Place, driver: &DigitalOcean, what: &str) -> Result<()> {
    let path = format!("/v2/droplets/{}/actions", driver.record.droplet_id);
    let request = place.api.post(&path).json(&json!({ "type": what }));
    let action: Action = place.one("action", request).await?;
    let path = format!("{path}/{}", action.id);
    Wait::new(format!("the end of `{what}`"), ACTION)
        .at_least_every(POLL)
        .until(async || match place.one::<Action>("action", place.api.get(&path)).await {
            Ok(action) if action.status == "completed" => Look::Ready(()),
            Ok(action) if action.status == "errored" => {
                Look::Hopeless(Error::other(format!("DigitalOcean could not do `{what}`")))
            }
            Ok(_) => Look::NotYet(None),
            Err(error) => Look::NotYet(Some(error)),
        })
        .await
}

async fn until(place: &Place, driver: &DigitalOcean, state: State, time: Duration) -> Result<()> {
    Wait::new(format!("the droplet to be {}", state.as_str().to_lowercase()), time)
        .at_least_every(POLL)
        .until(async || match self::state(place, driver).await {
            Ok(now) if now == state => Look::Ready(()),
            Ok(now) => Look::NotYet(Some(Error::other(format!("it is {now}")))),
            Err(error) => Look::NotYet(Some(error)),
        })
        .await
}

pub(crate) async fn state(place: &Place, driver: &DigitalOcean) -> Result<State> {
    match driver.record.droplet_id {
        0 => Ok(State::None),
        id => match place.droplet(id).await {
            Ok(droplet) => Ok(droplet.state()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(State::Missing),
            Err(error) => Err(error),
        },
    }
}
