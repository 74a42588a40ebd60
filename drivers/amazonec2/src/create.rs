use std::time::{Duration, SystemTime, UNIX_EPOCH};

use machine_driver::cloud::{openings, use_common, wake};
use machine_driver::wait::{Look, Wait};
use machine_driver::{Birth, Context, Driver, Error, ErrorKind, Result, Tags, file};

use crate::driver::AmazonEc2;
use crate::instance::{Instance, Reservation};
use crate::launch::{pairs, params};
use crate::place::{Place, code};
use crate::{check, group, image, key_pair, network};

/// How long an instance may take until it runs and has its addresses: half a minute is usual.
pub(crate) const ADDRESS: Duration = Duration::from_secs(600);
/// How long an instance may not be seen that was just made.
const SEEN: Duration = Duration::from_secs(60);

/// Makes what is not recorded yet: the key pair, the security group, the instance.
pub(crate) async fn create(driver: &mut AmazonEc2, cx: &Context, birth: &Birth) -> Result<()> {
    let place = Place::open(cx, &driver.record).await?;
    let again = driver.record.may_have_more;
    forget_what_has_gone(driver, &place).await?;
    let tags = begin(driver, cx, birth)?;
    make_key(driver, cx, &place, &tags, birth).await?;
    if driver.record.instance_id.is_empty() {
        let found = match again {
            true => find(&place, &tags).await?,
            false => None,
        };
        let instance = match found {
            Some(instance) => instance,
            None => launch(driver, cx, &place, &tags, birth).await?,
        };
        driver.record.instance_id = instance.id;
        cx.checkpoint(driver)?;
    } else {
        wake(driver, cx).await?;
    }
    cx.progress.line("Waiting for the instance to run and to have its address...");
    wait_for_addresses(driver, cx, &place).await?;
    driver.record.may_have_more = false;
    cx.checkpoint(driver)
}

/// A spot instance may be taken away between two attempts.
async fn forget_what_has_gone(driver: &mut AmazonEc2, place: &Place) -> Result<()> {
    let id = &driver.record.instance_id;
    // One that is not seen may have been launched in this moment.
    if !id.is_empty() && place.instance(id).await?.is_some_and(|it| it.is_going()) {
        driver.record.instance_id.clear();
        driver.record.client_token.clear();
    }
    Ok(())
}

/// Fixes names and token before anything is made, so that a second attempt has the same ones.
fn begin(driver: &mut AmazonEc2, cx: &Context, birth: &Birth) -> Result<Tags> {
    let mut tags = Tags::new(cx, birth.first_boot.expires)?;
    let record = &mut driver.record;
    if record.created == 0 {
        record.created = tags.created;
    }
    tags.created = record.created;
    if record.client_token.is_empty() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| it.as_nanos());
        let text = format!("{} {now}", tags.label());
        file::sha256_hex(text.as_bytes())[..32].clone_into(&mut record.client_token);
    }
    if record.owns_key() && record.key_name.is_empty() {
        record.key_name = tags.label();
    }
    record.may_have_more = true;
    cx.checkpoint(driver)?;
    Ok(tags)
}

async fn make_key(
    driver: &mut AmazonEc2,
    cx: &Context,
    place: &Place,
    tags: &Tags,
    birth: &Birth,
) -> Result<()> {
    let record = &mut driver.record;
    if !record.base.ssh_key_path.is_empty() {
        return Ok(());
    }
    let public = match record.ssh_private_key_path.as_str() {
        "" => birth.ssh_public_key.clone(),
        path => key_pair::copy(cx, path)?,
    };
    if record.owns_key() {
        cx.progress.line("Creating the key pair...");
        let tags = pairs(tags, &record.base.machine_name, &record.user_tags());
        place.import_key(&record.key_name, &public, &tags).await?;
    }
    record.base.ssh_key_path = cx.machine_dir.join("id_rsa").display().to_string();
    cx.checkpoint(driver)
}

/// The instance of this machine that an earlier attempt may have made.
async fn find(place: &Place, tags: &Tags) -> Result<Option<Instance>> {
    let all = place.of_store(&tags.store, SystemTime::now()).await?;
    let is_it = |it: &Instance| it.ours().is_some_and(|its| its.machine == tags.machine);
    Ok(all.into_iter().find(|it| is_it(it) && !it.is_going()))
}

async fn launch(
    driver: &mut AmazonEc2,
    cx: &Context,
    place: &Place,
    tags: &Tags,
    birth: &Birth,
) -> Result<Instance> {
    let open_to = openings(cx).await?;
    let architecture = check::architecture(place, &driver.record).await?;
    let image = image::chosen(place, &driver.record, &architecture).await?;
    let subnet = match driver.checked.take() {
        Some(subnet) => subnet,
        None => network::subnet(place, &driver.record).await?,
    };
    // From before the group is there until the instance is, nobody may remove the group.
    let _used = use_common(cx, &place.name).await?;
    group::arrange(driver, cx, place, tags, &subnet.vpc_id, &open_to).await?;
    let record = &mut driver.record;
    record.vpc_id.clone_from(&subnet.vpc_id);
    record.subnet_id.clone_from(&subnet.id);
    image.id().clone_into(&mut record.ami);
    image.root_device(&record.clone()).clone_into(&mut record.device_name);
    cx.checkpoint(driver)?;
    cx.progress.line("Launching instance...");
    let record = &driver.record;
    let params = params(record, &image, &subnet, tags, &birth.first_boot)?;
    let error = match place.fetch::<Reservation>("RunInstances", params).await {
        Ok(made) => match made.instances.items.into_iter().next() {
            Some(instance) => return Ok(instance),
            None => Error::other("there is no instance in Amazon EC2's answer"),
        },
        Err(error) => error,
    };
    // It may have been made all the same: by this call, or by an earlier one with the same token
    // and another image or another end of its time.
    let unclear = matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Unreachable)
        || code(&error) == "IdempotentParameterMismatch";
    if unclear && let Some(instance) = launched(place, &record.client_token).await {
        return Ok(instance);
    }
    Err(error.context("Error launching instance"))
}

/// Looks for it for a while, since a list may be some seconds old.
async fn launched(place: &Place, token: &str) -> Option<Instance> {
    Wait::new("the instance", Duration::from_secs(10))
        .at_least_every(Duration::from_secs(2))
        .until(async || match place.launched_with(token).await {
            Ok(Some(instance)) => Look::Ready(instance),
            Ok(None) => Look::NotYet(None),
            Err(error) => Look::NotYet(Some(error)),
        })
        .await
        .ok()
}

/// Waits until the instance runs, and records its addresses.
pub(crate) async fn wait_for_addresses(
    driver: &mut AmazonEc2,
    cx: &Context,
    place: &Place,
) -> Result<()> {
    let store = cx.store_id.get()?;
    let record = &driver.record;
    let id = record.instance_id.as_str();
    let begun = std::time::Instant::now();
    let asked = SystemTime::now();
    let wants = |it: &Instance| {
        address(driver, it).is_some() && (record.ipv6_address_count == 0 || it.v6().is_some())
    };
    let instance = Wait::new("the instance's address", ADDRESS)
        .until(async || {
            let found = match record.created {
                // One that docker-machine made bears no tag of ours.
                0 => place.instance(id).await,
                _ => place.of_store(store, asked).await.map(|all| with_id(all, id)),
            };
            match found {
                Ok(Some(it)) if it.is_going() => {
                    let error = Error::other("Amazon EC2 has ended the instance");
                    Look::Hopeless(error.caused_by(it.reason().to_owned()))
                }
                Ok(Some(it)) if it.state() == machine_driver::State::Running && wants(&it) => {
                    Look::Ready(it)
                }
                Ok(None) if begun.elapsed() > SEEN => {
                    Look::Hopeless(Error::new(ErrorKind::NotFound, format!("{id} is not there")))
                }
                Ok(Some(it)) => Look::NotYet(Some(Error::other(format!("it is {}", it.state())))),
                Ok(None) => Look::NotYet(None),
                Err(error) if error.kind() == ErrorKind::Denied => Look::Hopeless(error),
                Err(error) => Look::NotYet(Some(error)),
            }
        })
        .await?;
    let text = |address: Option<&str>| address.unwrap_or_default().to_owned();
    let used = text(address(driver, &instance));
    let record = &mut driver.record;
    record.private_ip_address = text(instance.private_v4());
    record.ipv6_address = text(instance.v6());
    record.base.ip_address = used;
    cx.progress.line(&format!("The instance {} has {}", instance.id, record.base.ip_address));
    cx.checkpoint(driver as &dyn Driver)
}

fn with_id(all: Vec<Instance>, id: &str) -> Option<Instance> {
    all.into_iter().find(|it| it.id == id)
}

/// The address by which the machine is used.
fn address<'a>(driver: &AmazonEc2, instance: &'a Instance) -> Option<&'a str> {
    match &driver.record {
        record if record.ipv6_address_only => instance.v6(),
        record if record.uses_private_address() => instance.private_v4(),
        _ => instance.public_v4(),
    }
}
