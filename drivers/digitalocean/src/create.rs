use std::time::{Duration, SystemTime};

use machine_driver::cloud::{Openings, openings, use_common};
use machine_driver::wait::{Look, Wait};
use machine_driver::{Birth, Context, Driver, Error, ErrorKind, FirstBoot, Result, Tags};
use serde_json::{Value, json};

use crate::check::chosen_image;
use crate::driver::DigitalOcean;
use crate::droplet::Droplet;
use crate::firewall::guard_tag;
use crate::place::{Place, expiry_tag, store_tag};
use crate::ssh_key;

/// How long a droplet may take until it has its addresses: a minute is usual.
const ADDRESS: Duration = Duration::from_secs(600);

/// Makes what is not recorded yet: the key, the firewall, the droplet.
pub(crate) async fn create(driver: &mut DigitalOcean, cx: &Context, birth: &Birth) -> Result<()> {
    let place = Place::open(cx, &driver.record).await?;
    let tags = Tags::new(cx, birth.first_boot.expires)?;
    let again = driver.record.may_have_more;
    let account = place.account(Duration::from_secs(60)).await;
    driver.record.account_uuid = account.map(|it| it.owner().to_owned()).unwrap_or_default();
    driver.record.may_have_more = true;
    cx.checkpoint(driver)?;
    make_key(driver, cx, &place, &tags, birth).await?;
    if driver.record.droplet_id == 0 {
        let found = match again {
            true => find(&place, &tags, SystemTime::now()).await?,
            false => None,
        };
        let id = match found {
            Some(droplet) => droplet.id,
            None => make_droplet(driver, cx, &place, &tags, birth).await?,
        };
        driver.record.droplet_id = id;
        cx.checkpoint(driver)?;
    }
    wait_for_addresses(driver, cx, &place, &tags).await?;
    driver.record.may_have_more = false;
    cx.checkpoint(driver)
}

async fn make_key(
    driver: &mut DigitalOcean,
    cx: &Context,
    place: &Place,
    tags: &Tags,
    birth: &Birth,
) -> Result<()> {
    let record = &mut driver.record;
    if record.ssh_key_id != 0 {
        return Ok(());
    }
    if record.owns_key() {
        cx.progress.line("Creating SSH key...");
        record.ssh_key_id = place.make_key(tags, &birth.ssh_public_key).await?;
        record.base.ssh_key_path = cx.machine_dir.join("id_rsa").display().to_string();
        return cx.checkpoint(driver);
    }
    let id = place.key_with(&record.ssh_key_fingerprint).await?;
    if record.ssh_key.is_empty() {
        cx.progress.line("Assuming Digital Ocean private SSH is located at ~/.ssh/id_rsa");
    } else {
        record.base.ssh_key_path = ssh_key::copy(cx, &record.ssh_key)?.display().to_string();
    }
    record.ssh_key_id = id;
    cx.checkpoint(driver)
}

/// The droplet of this machine that an earlier attempt may have made.
async fn find(place: &Place, tags: &Tags, since: SystemTime) -> Result<Option<Droplet>> {
    let all = place.droplets(&tags.store, since).await?;
    Ok(all.into_iter().find(|it| it.ours().is_some_and(|its| its.machine == tags.machine)))
}

async fn make_droplet(
    driver: &mut DigitalOcean,
    cx: &Context,
    place: &Place,
    tags: &Tags,
    birth: &Birth,
) -> Result<u64> {
    let open_to = openings(cx).await?;
    // From before the firewall is there until the droplet is, nobody may remove the firewall.
    let _used = use_common(cx, &place.name).await?;
    let guarded = match &open_to {
        Openings::World => false,
        Openings::From(networks) => {
            place.arrange_firewall(cx, &tags.store, networks).await?;
            true
        }
    };
    driver.record.expiry_tag = expiry_tag(tags).unwrap_or_default();
    cx.checkpoint(driver)?;
    cx.progress.line("Creating Digital Ocean droplet...");
    let body = body(driver, place, tags, guarded, &birth.first_boot).await?;
    let begun = SystemTime::now();
    let request = place.api.post("/v2/droplets").json(&body);
    match place.one::<Droplet>("droplet", request).await {
        Ok(droplet) => Ok(droplet.id),
        // It may have been made all the same: there is no token that would tell.
        Err(error) if matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Unreachable) => {
            match find(place, tags, begun).await {
                Ok(Some(droplet)) => Ok(droplet.id),
                Ok(None) | Err(_) => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}

async fn body(
    driver: &DigitalOcean,
    place: &Place,
    tags: &Tags,
    guarded: bool,
    first_boot: &FirstBoot,
) -> Result<Value> {
    let record = &driver.record;
    let mut all: Vec<String> = record.user_tags().map(str::to_owned).collect();
    all.push(store_tag(&tags.store));
    all.extend(guarded.then(|| guard_tag(&tags.store)));
    all.extend(Some(record.expiry_tag.clone()).filter(|tag| !tag.is_empty()));
    let mut body = json!({
        "name": record.base.machine_name,
        "region": record.region,
        "size": record.size,
        "image": chosen_image(place, record).await?,
        "ssh_keys": [record.ssh_key_id],
        "backups": record.backups,
        "ipv6": record.ipv6,
        "monitoring": record.monitoring,
        "tags": all,
    });
    if record.private_networking {
        body["private_networking"] = true.into();
    }
    if !record.vpc_uuid.is_empty() {
        body["vpc_uuid"] = record.vpc_uuid.as_str().into();
    }
    let file = match record.user_data_file.as_str() {
        "" => None,
        path => Some(std::fs::read_to_string(path).map_err(|error| {
            Error::new(ErrorKind::Flags, format!("user-data file {path} cannot be read"))
                .caused_by(error)
        })?),
    };
    if let Some(user_data) = first_boot.user_data(file.as_deref())? {
        body["user_data"] = user_data.into();
    }
    Ok(body)
}

async fn wait_for_addresses(
    driver: &mut DigitalOcean,
    cx: &Context,
    place: &Place,
    tags: &Tags,
) -> Result<()> {
    let id = driver.record.droplet_id;
    let (wants_v6, wants_private) = (driver.record.ipv6, driver.record.private_networking);
    cx.progress.line("Waiting for IP address to be assigned to the Droplet...");
    let begun = SystemTime::now();
    let droplet = Wait::new("the droplet's address", ADDRESS)
        .until(async || match place.droplets(&tags.store, begun).await {
            Err(error) if error.kind() == ErrorKind::Denied => Look::Hopeless(error),
            Err(error) => Look::NotYet(Some(error)),
            Ok(all) => match all.into_iter().find(|it| it.id == id) {
                Some(it)
                    if it.public_v4().is_some()
                        && (!wants_v6 || it.public_v6().is_some())
                        && (!wants_private || it.private_v4().is_some()) =>
                {
                    Look::Ready(it)
                }
                _ => Look::NotYet(None),
            },
        })
        .await?;
    let text = |address: Option<&str>| address.unwrap_or_default().to_owned();
    let record = &mut driver.record;
    record.base.ip_address = text(droplet.public_v4());
    record.private_ip_address = text(droplet.private_v4());
    record.ipv6_address = text(droplet.public_v6());
    cx.progress
        .line(&format!("Created droplet ID {id}, IP address {}", driver.record.base.ip_address));
    cx.checkpoint(driver as &dyn Driver)
}
