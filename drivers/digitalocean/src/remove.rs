use std::time::{Duration, SystemTime};

use machine_driver::cloud::Removal;
use machine_driver::{Context, Error, ErrorKind, Result, Tags};

use crate::driver::DigitalOcean;
use crate::place::{Place, with_token_hint};

/// Deletes the droplet, then the key, then what the store has no more use for. Each is struck from
/// the record when it is gone.
pub(crate) async fn remove(driver: &mut DigitalOcean, cx: &Context) -> Result<()> {
    if !driver.record.may_have_more
        && driver.record.droplet_id == 0
        && driver.record.ssh_key_id == 0
    {
        return Ok(());
    }
    let place = Place::open(cx, &driver.record).await.map_err(with_token_hint)?;
    let store = cx.store_id.get()?.to_owned();
    check_account(driver, &place).await?;
    // Until all of it is gone there is more than the ids: what the machines have in common.
    let search = std::mem::replace(&mut driver.record.may_have_more, true) && !store.is_empty();
    cx.checkpoint(driver)?;
    let of = Of { store: &store, search };
    let mut removal = Removal::default();
    droplets(driver, cx, &place, of, &mut removal).await?;
    keys(driver, cx, &place, of, &mut removal).await?;
    if !driver.record.expiry_tag.is_empty() {
        let gone = place.delete_tag(&driver.record.expiry_tag).await;
        removal.is_gone("the tag of its time", gone);
    }
    if !store.is_empty() {
        let gone = place.drop_firewall(cx, &store).await;
        removal.is_gone("what the store's machines had in common", gone);
    }
    removal.end()?;
    driver.record.may_have_more = false;
    Ok(())
}

/// Whose resources are looked for.
#[derive(Clone, Copy)]
struct Of<'a> {
    store: &'a str,
    /// Also by their tags: not all ids may be recorded.
    search: bool,
}

/// In another account everything is "not found", which would be taken for gone.
async fn check_account(driver: &DigitalOcean, place: &Place) -> Result<()> {
    let recorded = &driver.record.account_uuid;
    if recorded.is_empty() {
        return Ok(());
    }
    match place.account(Duration::from_secs(60)).await {
        Ok(account) if account.owner() == recorded => Ok(()),
        Ok(_) => Err(Error::new(ErrorKind::Denied, "this token is of another account")
            .caused_by(format!("the droplet is in the account {recorded}"))
            .hint("use a token of that account")),
        Err(error) if error.kind() == ErrorKind::Denied => Err(with_token_hint(error)),
        Err(error) => Err(error),
    }
}

async fn droplets(
    driver: &mut DigitalOcean,
    cx: &Context,
    place: &Place,
    of: Of<'_>,
    removal: &mut Removal,
) -> Result<()> {
    let mut ids: Vec<u64> =
        Some(driver.record.droplet_id).filter(|id| *id != 0).into_iter().collect();
    if of.search {
        let of_machine = |tags: Tags| tags.machine == cx.machine;
        let all = removal.found(place.droplets(of.store, SystemTime::now()).await);
        let ours = all.iter().filter(|it| it.ours().is_some_and(of_machine));
        ids.extend(ours.map(|it| it.id).filter(|id| *id != driver.record.droplet_id));
    }
    let mut gone = true;
    for id in ids {
        let deleted = place.delete_droplet(id).await;
        gone &= removal.is_gone(&format!("the droplet {id}"), deleted);
    }
    if gone && driver.record.droplet_id != 0 {
        driver.record.droplet_id = 0;
        cx.checkpoint(driver)?;
    }
    Ok(())
}

async fn keys(
    driver: &mut DigitalOcean,
    cx: &Context,
    place: &Place,
    of: Of<'_>,
    removal: &mut Removal,
) -> Result<()> {
    if !driver.record.owns_key() {
        return Ok(());
    }
    let mut ids: Vec<u64> =
        Some(driver.record.ssh_key_id).filter(|id| *id != 0).into_iter().collect();
    if of.search && ids.is_empty() {
        let ours = |name: &str| {
            Tags::from_label(name)
                .is_some_and(|it| it.store == of.store && it.machine == cx.machine)
        };
        let keys = removal.found(place.keys().await);
        ids.extend(keys.iter().filter(|key| ours(&key.name)).map(|key| key.id));
    }
    let mut gone = true;
    for id in ids {
        gone &= removal.is_gone(&format!("the SSH key {id}"), place.delete_key(id).await);
    }
    if gone && driver.record.ssh_key_id != 0 {
        driver.record.ssh_key_id = 0;
        cx.checkpoint(driver)?;
    }
    Ok(())
}

impl Place {
    pub(crate) async fn delete_droplet(&self, id: u64) -> Result<()> {
        self.api.delete(format!("/v2/droplets/{id}")).send_if_there().await.map(drop)
    }
}
