use std::time::{Duration, SystemTime};

use machine_driver::cloud::{Ids, Removal, with_others};
use machine_driver::wait::{Look, Wait};
use machine_driver::{Context, Error, ErrorKind, Result, Tags};
use serde_json::json;

use crate::driver::OpenStack;
use crate::keypair;
use crate::place::{POLL, Place};

/// How long a server may take to go.
const GONE: Duration = Duration::from_secs(300);

/// Deletes the floating IP, the server, its volume, the key pair, and what the store has no more
/// use for. Each is struck from the record when it is gone.
pub(crate) async fn remove(driver: &mut OpenStack, cx: &Context) -> Result<()> {
    let record = &driver.record;
    let has_key = !record.existing_key && !record.key_pair_name.is_empty();
    let ids = [&record.machine_id, &record.ours.floating_ip_id];
    let has_volume = record.ours.volume_is_own;
    if !record.ours.may_have_more && !has_key && !has_volume && ids.iter().all(|it| it.is_empty()) {
        return Ok(());
    }
    let place = Place::open(cx, record).await?;
    check_project(driver, &place)?;
    let store = cx.store_id.get()?.to_owned();
    // Until all of it is gone there is more than the ids: what the machines have in common.
    let search = std::mem::replace(&mut driver.record.ours.may_have_more, true);
    cx.checkpoint(driver)?;
    let of = Of { store: &store, search };
    let mut removal = Removal::default();
    floating_ips(driver, cx, &place, of, &mut removal).await?;
    servers(driver, cx, &place, of, &mut removal).await?;
    volumes(driver, cx, &place, of, &mut removal).await?;
    keypairs(driver, cx, &place, of, &mut removal).await?;
    if !store.is_empty() {
        let gone = place.drop_groups(cx, &store).await;
        removal.is_gone("what the store's machines had in common", gone);
    }
    removal.end()?;
    driver.record.ours.may_have_more = false;
    Ok(())
}

/// Whose resources are looked for.
#[derive(Clone, Copy)]
struct Of<'a> {
    store: &'a str,
    /// Also by their marks: not all ids may be recorded.
    search: bool,
}

/// In another project everything is "not found", which would be taken for gone.
fn check_project(driver: &OpenStack, place: &Place) -> Result<()> {
    let recorded = &driver.record.ours.project_id;
    if recorded.is_empty() || *recorded == place.project.id {
        return Ok(());
    }
    let message = format!("this log-in is for another project, `{}`", place.project.name);
    Err(Error::new(ErrorKind::Denied, message)
        .caused_by(format!("the machine is in the project {recorded}"))
        .hint(format!("export OS_PROJECT_ID={recorded}")))
}

fn is_of<'a>(cx: &'a Context, store: &'a str) -> impl Fn(Tags) -> bool + 'a {
    move |tags| tags.store == store && tags.machine == cx.machine
}

async fn floating_ips(
    driver: &mut OpenStack,
    cx: &Context,
    place: &Place,
    of: Of<'_>,
    removal: &mut Removal,
) -> Result<()> {
    let record = &driver.record;
    let found = match of.search && !record.floating_ip_pool.is_empty() {
        true => removal.found(place.floating_ips().await),
        false => Vec::new(),
    };
    let is_ours = is_of(cx, of.store);
    let others = found.into_iter().filter(|it| it.ours().is_some_and(&is_ours)).map(|it| it.id);
    let ids = with_others(&record.ours.floating_ip_id.all(), others);
    if ids.is_empty()
        && !record.floating_ip_pool.is_empty()
        && !record.machine_id.is_empty()
        && !of.search
    {
        // docker-machine may have taken one that was there before.
        cx.progress.warn(&format!(
            "the floating IP {} was not made by this program and stays",
            record.base.ip_address
        ));
    }
    let mut gone = true;
    for id in ids {
        gone &=
            removal.is_gone(&format!("the floating IP {id}"), place.delete_floating_ip(&id).await);
    }
    if gone && !driver.record.ours.floating_ip_id.is_empty() {
        driver.record.ours.floating_ip_id.clear();
        cx.checkpoint(driver)?;
    }
    Ok(())
}

async fn servers(
    driver: &mut OpenStack,
    cx: &Context,
    place: &Place,
    of: Of<'_>,
    removal: &mut Removal,
) -> Result<()> {
    let found = match of.search {
        true => removal.found(place.servers(SystemTime::now()).await),
        false => Vec::new(),
    };
    let is_ours = is_of(cx, of.store);
    let others = found.into_iter().filter(|it| it.ours().is_some_and(&is_ours)).map(|it| it.id);
    let mut gone = true;
    for id in with_others(&driver.record.machine_id.all(), others) {
        gone &= removal.is_gone(&format!("the server {id}"), place.delete_server(&id).await);
    }
    if gone && !driver.record.machine_id.is_empty() {
        driver.record.machine_id.clear();
        cx.checkpoint(driver)?;
    }
    Ok(())
}

/// The user's own volumes stay.
async fn volumes(
    driver: &mut OpenStack,
    cx: &Context,
    place: &Place,
    of: Of<'_>,
    removal: &mut Removal,
) -> Result<()> {
    let record = &driver.record;
    if !record.wants_volume() {
        return Ok(());
    }
    let found = match of.search {
        true => removal.found(place.volumes().await),
        false => Vec::new(),
    };
    let is_ours = is_of(cx, of.store);
    let others = found.into_iter().filter(|it| it.ours().is_some_and(&is_ours)).map(|it| it.id);
    let own = if record.ours.volume_is_own { record.rancher.volume_id.all() } else { Vec::new() };
    let mut gone = true;
    for id in with_others(&own, others) {
        gone &= removal.is_gone(&format!("the volume {id}"), place.delete_volume(&id).await);
    }
    if gone && driver.record.ours.volume_is_own {
        driver.record.ours.volume_is_own = false;
        driver.record.rancher.volume_id.clear();
        cx.checkpoint(driver)?;
    }
    Ok(())
}

async fn keypairs(
    driver: &mut OpenStack,
    cx: &Context,
    place: &Place,
    of: Of<'_>,
    removal: &mut Removal,
) -> Result<()> {
    let record = &driver.record;
    if record.existing_key {
        return Ok(());
    }
    let owner = &record.ours.key_pair_user_id;
    if !owner.is_empty() && *owner != place.user.id {
        cx.progress.warn(&format!(
            "the key pair `{}` belongs to another user ({owner}), whose `machine gc` removes it",
            record.key_pair_name
        ));
        return Ok(());
    }
    let found = match of.search {
        true => removal.found(place.keypairs().await),
        false => Vec::new(),
    };
    let is_ours = is_of(cx, of.store);
    let others = found.into_iter().filter(|it| keypair::read(it).is_some_and(&is_ours));
    let mut gone = true;
    for name in with_others(&record.key_pair_name.all(), others) {
        gone &=
            removal.is_gone(&format!("the key pair `{name}`"), place.delete_keypair(&name).await);
    }
    if gone && !driver.record.key_pair_name.is_empty() {
        driver.record.key_pair_name.clear();
        cx.checkpoint(driver)?;
    }
    Ok(())
}

impl Place {
    /// Deletes a server and waits until it has gone: Nova only says that it has understood. Where
    /// servers are kept for a time after that, this one is not.
    pub(crate) async fn delete_server(&self, id: &str) -> Result<()> {
        if self.nova.delete(format!("/servers/{id}")).send_if_there().await?.is_none() {
            return Ok(());
        }
        Wait::new(format!("the server {id} to be gone"), GONE)
            .at_least_every(POLL)
            .until(async || match self.server(id).await {
                Err(error) if error.kind() == ErrorKind::NotFound => Look::Ready(()),
                Err(error) => Look::NotYet(Some(error)),
                Ok(server) if server.status == "DELETED" => Look::Ready(()),
                Ok(server) if server.status == "SOFT_DELETED" => {
                    match self.force_delete(id).await {
                        // Not everybody may; it is the cloud that keeps it then.
                        Err(error) if error.kind() == ErrorKind::Denied => Look::Ready(()),
                        outcome => Look::NotYet(outcome.err()),
                    }
                }
                Ok(server) => Look::NotYet(Some(Error::other(format!("it is {}", server.status)))),
            })
            .await
    }

    async fn force_delete(&self, id: &str) -> Result<()> {
        let body = json!({ "forceDelete": null });
        self.nova.post(format!("/servers/{id}/action")).json(&body).send_if_there().await.map(drop)
    }
}
