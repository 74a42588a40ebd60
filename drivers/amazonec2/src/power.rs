use std::time::Duration;

use machine_driver::wait::{Look, Wait};
use machine_driver::{Context, Error, ErrorKind, Result, State};

use crate::create::wait_for_addresses;
use crate::driver::AmazonEc2;
use crate::params::Params;
use crate::place::{POLL, Place, code};

/// How long a guest may take to shut down before it is switched off.
const SHUTDOWN: Duration = Duration::from_secs(120);
const ACTION: Duration = Duration::from_secs(300);

/// Starts it, and records the addresses: a public one is another one each time.
pub(crate) async fn start(driver: &mut AmazonEc2, cx: &Context) -> Result<()> {
    let place = Place::open(cx, &driver.record).await?;
    match state(&place, driver).await? {
        State::Running | State::Starting => {}
        State::Stopping => {
            until_stopped(&place, driver, ACTION).await?;
            act(&place, driver, "StartInstances", false).await?;
        }
        _ => act(&place, driver, "StartInstances", false).await?,
    }
    wait_for_addresses(driver, cx, &place).await
}

/// A guest that does not obey is switched off.
pub(crate) async fn stop(driver: &AmazonEc2, cx: &Context) -> Result<()> {
    let place = Place::open(cx, &driver.record).await?;
    if state(&place, driver).await? == State::Stopped {
        return Ok(());
    }
    act(&place, driver, "StopInstances", false).await?;
    match until_stopped(&place, driver, SHUTDOWN).await {
        Err(error) if error.kind() == ErrorKind::Timeout => off(&place, driver).await,
        done => done,
    }
}

pub(crate) async fn kill(driver: &AmazonEc2, cx: &Context) -> Result<()> {
    let place = Place::open(cx, &driver.record).await?;
    if state(&place, driver).await? == State::Stopped {
        return Ok(());
    }
    off(&place, driver).await
}

pub(crate) async fn restart(driver: &AmazonEc2, cx: &Context) -> Result<()> {
    let place = Place::open(cx, &driver.record).await?;
    act(&place, driver, "RebootInstances", false).await
}

async fn off(place: &Place, driver: &AmazonEc2) -> Result<()> {
    act(place, driver, "StopInstances", true).await?;
    until_stopped(place, driver, ACTION).await
}

async fn act(place: &Place, driver: &AmazonEc2, action: &str, force: bool) -> Result<()> {
    let params = Params::new().list("InstanceId", [&driver.record.instance_id]);
    let params = params.set_if("Force", force);
    match place.call(action, params).await {
        Ok(_) => Ok(()),
        Err(error) if code(&error) == "UnsupportedOperation" => {
            Err(error.hint("a spot instance cannot be stopped, only removed"))
        }
        Err(error) => Err(error),
    }
}

async fn until_stopped(place: &Place, driver: &AmazonEc2, time: Duration) -> Result<()> {
    Wait::new("the instance to be stopped", time)
        .at_least_every(POLL)
        .until(async || match state(place, driver).await {
            Ok(State::Stopped) => Look::Ready(()),
            Ok(State::Missing) => {
                Look::Hopeless(Error::new(ErrorKind::NotFound, "the instance has gone"))
            }
            Ok(now) => Look::NotYet(Some(Error::other(format!("it is {now}")))),
            Err(error) => Look::NotYet(Some(error)),
        })
        .await
}

pub(crate) async fn state(place: &Place, driver: &AmazonEc2) -> Result<State> {
    match driver.record.instance_id.as_str() {
        "" => Ok(State::None),
        id => Ok(place.instance(id).await?.map_or(State::Missing, |it| it.state())),
    }
}
