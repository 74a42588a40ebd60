use std::time::Duration;

use machine_driver::wait::{Look, Wait};
use machine_driver::{Context, Error, ErrorKind, Result, State};
use serde_json::{Value, json};

use crate::driver::OpenStack;
use crate::place::{POLL, Place};

/// How long a server may take to start or to stop: Nova itself gives a guest a minute before it
/// switches it off.
const CHANGE: Duration = Duration::from_secs(300);

pub(crate) async fn start(driver: &OpenStack, cx: &Context) -> Result<()> {
    let place = Place::open(cx, &driver.record).await?;
    let id = &driver.record.machine_id;
    let action = match place.server(id).await?.status.as_str() {
        "ACTIVE" => return Ok(()),
        "PAUSED" => "unpause",
        "SUSPENDED" => "resume",
        "SHELVED" | "SHELVED_OFFLOADED" => "unshelve",
        _ => "os-start",
    };
    act(&place, id, action, Value::Null, State::Running).await?;
    until(&place, id, State::Running).await
}

/// Nova asks the guest first, and switches it off if it does not obey.
pub(crate) async fn stop(driver: &OpenStack, cx: &Context) -> Result<()> {
    let place = Place::open(cx, &driver.record).await?;
    let id = &driver.record.machine_id;
    if place.server(id).await?.state() == State::Stopped {
        return Ok(());
    }
    act(&place, id, "os-stop", Value::Null, State::Stopped).await?;
    until(&place, id, State::Stopped).await
}

pub(crate) async fn restart(driver: &OpenStack, cx: &Context) -> Result<()> {
    let place = Place::open(cx, &driver.record).await?;
    let id = &driver.record.machine_id;
    if place.server(id).await?.state() == State::Stopped {
        act(&place, id, "os-start", Value::Null, State::Running).await?;
    } else {
        act(&place, id, "reboot", json!({ "type": "SOFT" }), State::Running).await?;
    }
    until(&place, id, State::Running).await
}

/// Has something done to the server. Nova refuses what is done already, or under way.
async fn act(place: &Place, id: &str, action: &str, body: Value, end: State) -> Result<()> {
    let body = json!({ action: body });
    match place.nova.post(format!("/servers/{id}/action")).json(&body).send().await {
        Err(error) if error.kind() == ErrorKind::Conflict => {
            match place.server(id).await?.state() == end {
                true => Ok(()),
                false => Err(error),
            }
        }
        done => done.map(drop),
    }
}

async fn until(place: &Place, id: &str, state: State) -> Result<()> {
    Wait::new(format!("the server to be {}", state.as_str().to_lowercase()), CHANGE)
        .at_least_every(POLL)
        .until(async || match place.server(id).await {
            // A reboot is seen as a running server with another status.
            Ok(it) if it.state() == state && !it.status.ends_with("REBOOT") => Look::Ready(()),
            Ok(it) if it.state() == State::Error => Look::Hopeless(it.failure()),
            Ok(it) => Look::NotYet(Some(Error::other(format!("it is {}", it.status)))),
            Err(error) if error.kind() == ErrorKind::NotFound => Look::Hopeless(error),
            Err(error) => Look::NotYet(Some(error)),
        })
        .await
}

pub(crate) async fn state(driver: &OpenStack, cx: &Context) -> Result<State> {
    let id = &driver.record.machine_id;
    if id.is_empty() {
        return Ok(State::None);
    }
    let place = Place::open(cx, &driver.record).await?;
    match place.server(id).await {
        Ok(server) => Ok(server.state()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(State::Missing),
        Err(error) => Err(error),
    }
}
