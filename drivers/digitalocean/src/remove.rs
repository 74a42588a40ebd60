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
    let mut removal = Removal::default();
    droplets(driver, cx, &place, &store, &mut removal).await?;
    keys(driver, cx, &place, &store, &mut removal).await?;
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
    store: &str,
    removal: &mut Removal,
) -> Result<()> {
    let mut ids: Vec<u64> =
        Some(driver.record.droplet_id).filter(|id| *id != 0).into_iter().collect();
    if driver.record.may_have_more && !store.is_empty() {
        let of_machine = |tags: Tags| tags.machine == cx.machine;
        let all = place.droplets(store, SystemTime::now()).await?;
        let others = all.iter().filter(|it| it.ours().is_some_and(of_machine)).map(|it| it.id);
        ids.extend(others.filter(|id| *id != driver.record.droplet_id));
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
    store: &str,
    removal: &mut Removal,
) -> Result<()> {
    if !driver.record.owns_key() {
        return Ok(());
    }
    let mut ids: Vec<u64> =
        Some(driver.record.ssh_key_id).filter(|id| *id != 0).into_iter().collect();
    if driver.record.may_have_more && ids.is_empty() {
        let ours = |name: &str| {
            Tags::from_label(name).is_some_and(|it| it.store == store && it.machine == cx.machine)
        };
        ids.extend(place.keys().await?.iter().filter(|key| ours(&key.name)).map(|key| key.id));
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
