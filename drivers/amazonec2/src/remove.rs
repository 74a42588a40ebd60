use std::time::SystemTime;

use machine_driver::cloud::{Ids, Removal, with_others};
use machine_driver::{Context, Error, ErrorKind, Result};

use crate::driver::AmazonEc2;
use crate::instance::Instance;
use crate::place::Place;

/// Terminates the instance, with which its volumes and its interface go, then deletes the key pair,
/// then what the store has no more use for. Each is struck from the record when it is gone.
pub(crate) async fn remove(driver: &mut AmazonEc2, cx: &Context) -> Result<()> {
    let record = &driver.record;
    let has_key = record.owns_key() && !record.key_name.is_empty();
    if !record.may_have_more && record.instance_id.is_empty() && !has_key {
        return Ok(());
    }
    let place = Place::open(cx, record).await?;
    let store = cx.store_id.get()?.to_owned();
    // Until all of it is gone there is more than the ids: what the machines have in common.
    let search = std::mem::replace(&mut driver.record.may_have_more, true);
    cx.checkpoint(driver)?;
    let mut removal = Removal::default();
    let found = match search {
        true => removal.found(place.of_store(&store, SystemTime::now()).await),
        false => Vec::new(),
    };
    instances(driver, cx, &place, &found, &mut removal).await?;
    key(driver, cx, &place, &mut removal).await?;
    // A machine that docker-machine made has nothing in common with ours.
    if driver.record.created != 0 {
        let gone = place.drop_groups(cx, &store).await;
        removal.is_gone("the store's security group", gone);
    }
    removal.end()?;
    driver.record.may_have_more = false;
    Ok(())
}

/// The recorded one, and those of `found` that an attempt may have made without recording them.
async fn instances(
    driver: &mut AmazonEc2,
    cx: &Context,
    place: &Place,
    found: &[Instance],
    removal: &mut Removal,
) -> Result<()> {
    let recorded = driver.record.instance_id.clone();
    let of_machine =
        |it: &&Instance| it.ours().is_some_and(|tags| tags.machine == cx.machine) && !it.is_going();
    let others = found.iter().filter(of_machine).map(|it| it.id.clone());
    let mut gone = true;
    for id in with_others(&recorded.all(), others) {
        let ended = place.terminate(&id).await;
        if id == recorded && matches!(&ended, Err(error) if error.kind() == ErrorKind::NotFound) {
            check_account(driver, place).await?;
        }
        gone &= removal.is_gone(&format!("the instance {id}"), ended);
    }
    if gone && !recorded.is_empty() {
        driver.record.instance_id.clear();
        cx.checkpoint(driver)?;
    }
    Ok(())
}

/// In another account everything is "not found", which would be taken for gone.
async fn check_account(driver: &AmazonEc2, place: &Place) -> Result<()> {
    let vpc = &driver.record.vpc_id;
    if vpc.is_empty() || place.sees_vpc(vpc).await? {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Denied, "this access key is of another account")
        .caused_by(format!("it knows neither the instance nor its VPC {vpc}"))
        .hint("use a key of that account, or the profile: AWS_PROFILE=...")
        .hint("if account and VPC have gone: `machine rm -f`"))
}

async fn key(
    driver: &mut AmazonEc2,
    cx: &Context,
    place: &Place,
    removal: &mut Removal,
) -> Result<()> {
    let record = &driver.record;
    if !record.owns_key() || record.key_name.is_empty() {
        return Ok(());
    }
    let name = record.key_name.clone();
    if removal.is_gone(&format!("the key pair {name}"), place.delete_key(&name).await) {
        driver.record.key_name.clear();
        cx.checkpoint(driver)?;
    }
    Ok(())
}
