use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use machine_driver::cloud::{Held, or_found, use_common, wake};
use machine_driver::wait::{Look, Wait};
use machine_driver::{Birth, Context, Error, ErrorKind, FirstBoot, Result, Tags};
use serde_json::{Value, json};

use crate::check::{self, Choice, MOST_USER_DATA, VOLUME_TYPE};
use crate::driver::OpenStack;
use crate::place::{POLL, Place, one};
use crate::server::Server;
use crate::{group, keypair, metadata};

/// How long an active server may take until it has an address.
const ADDRESS: Duration = Duration::from_secs(120);

/// Makes what is not recorded yet: the key pair, a volume, the server, a floating IP.
pub(crate) async fn create(driver: &mut OpenStack, cx: &Context, birth: &Birth) -> Result<()> {
    let place = Place::open(cx, &driver.record).await?;
    let tags = Tags::new(cx, birth.first_boot.expires)?;
    let again = driver.record.ours.may_have_more;
    let ours = &mut driver.record.ours;
    ours.project_id.clone_from(&place.project.id);
    if place.has_regions {
        ours.region_in_use.clone_from(&place.region);
    }
    ours.may_have_more = true;
    cx.checkpoint(driver)?;
    if driver.record.machine_id.is_empty() {
        let choice = match driver.checked.take() {
            Some(choice) => choice,
            None => check::choose(&place, &driver.record).await?,
        };
        make_keypair(driver, cx, &place, &tags, birth).await?;
        make_volume(driver, cx, &place, &tags, again).await?;
        let found = match again {
            true => find(&place, &tags, SystemTime::now()).await?,
            false => None,
        };
        let id = match found {
            Some(server) => server.id,
            None => make_server(driver, cx, &place, &tags, &choice, &birth.first_boot).await?,
        };
        record_choice(driver, &choice);
        driver.record.machine_id = id;
        cx.checkpoint(driver)?;
    } else {
        wake(driver, cx).await?;
    }
    let server = wait_until_active(driver, cx, &place).await?;
    let volume = driver.record.rancher.volume_id.clone();
    if !volume.is_empty() && !driver.record.rancher.boot_from_volume {
        cx.progress.line("Attaching the volume...");
        place.attach(&server.id, &volume, &driver.record.rancher.volume_device_path).await?;
    }
    assign_addresses(driver, cx, &place, &tags, server).await?;
    driver.record.ours.may_have_more = false;
    cx.checkpoint(driver)
}

/// docker-machine records the ids of what names stood for.
fn record_choice(driver: &mut OpenStack, choice: &Choice) {
    let record = &mut driver.record;
    record.flavor_id.clone_from(&choice.flavor.id);
    record.image_id.clone_from(&choice.image.id);
    record.floating_ip_pool_id.clone_from(&choice.pool);
    record.network_id.clone_from(&choice.network.id);
    record.network_name.clone_from(&choice.network.name);
    record.rancher.server_group_id.clone_from(&choice.server_group);
}

async fn make_keypair(
    driver: &mut OpenStack,
    cx: &Context,
    place: &Place,
    tags: &Tags,
    birth: &Birth,
) -> Result<()> {
    let record = &mut driver.record;
    if record.existing_key {
        let path = keypair::copy_private(cx, &record.private_key_file)?;
        record.base.ssh_key_path = path.display().to_string();
        return cx.checkpoint(driver);
    }
    cx.progress.line("Creating key pair...");
    if record.key_pair_name.is_empty() {
        record.key_pair_name = keypair::name(tags);
        record.ours.key_pair_user_id.clone_from(&place.user.id);
        record.base.ssh_key_path = cx.machine_dir.join("id_rsa").display().to_string();
        // The name is its id: it is recorded before there is one.
        cx.checkpoint(driver)?;
    }
    place.make_keypair(&driver.record.key_pair_name, &birth.ssh_public_key).await
}

async fn make_volume(
    driver: &mut OpenStack,
    cx: &Context,
    place: &Place,
    tags: &Tags,
    again: bool,
) -> Result<()> {
    if !driver.record.wants_volume() || !driver.record.rancher.volume_id.is_empty() {
        return Ok(());
    }
    cx.progress.line("Creating volume...");
    let found = if again { place.volume_of(tags).await? } else { None };
    driver.record.rancher.volume_id = match found {
        Some(volume) => volume.id,
        None => place.make_volume(&driver.record, tags).await?,
    };
    driver.record.ours.volume_is_own = true;
    cx.checkpoint(driver)
}

/// The server of this machine that an earlier attempt may have made.
async fn find(place: &Place, tags: &Tags, since: SystemTime) -> Result<Option<Server>> {
    let is_its = |it: &Tags| it.store == tags.store && it.machine == tags.machine;
    let all = place.servers(since).await?;
    Ok(all.into_iter().find(|it| it.ours().as_ref().is_some_and(is_its)))
}

async fn make_server(
    driver: &OpenStack,
    cx: &Context,
    place: &Place,
    tags: &Tags,
    choice: &Choice,
    first_boot: &FirstBoot,
) -> Result<String> {
    // From before the group is there until the server is, nobody may remove the group.
    let (groups, _used) = groups(driver, cx, place, tags, choice).await?;
    let mut body = body(driver, tags, choice, first_boot)?;
    if !groups.is_empty() {
        let groups: Vec<Value> = groups.iter().map(|id| json!({ "name": id })).collect();
        body["server"]["security_groups"] = groups.into();
    }
    cx.progress.line("Creating machine...");
    let begun = SystemTime::now();
    let mut request = place.nova.post("/servers").json(&body);
    if driver.record.rancher.boot_from_volume && !driver.record.rancher.volume_type.is_empty() {
        request = request
            .header("openstack-api-version", &format!("compute {VOLUME_TYPE}"))
            .header("x-openstack-nova-api-version", VOLUME_TYPE);
    }
    let made = one::<Value>("server", request).await.and_then(|server| {
        let id = server["id"].as_str().map(str::to_owned);
        id.ok_or_else(|| Error::other("Nova's answer has no id of the server"))
    });
    let find = async || Ok(find(place, tags, begun).await?.map(|it| it.id));
    or_found(made, find).await
}

/// The ids of the server's security groups: the user's choice, or the store's own. None leaves it
/// to Nova.
async fn groups(
    driver: &OpenStack,
    cx: &Context,
    place: &Place,
    tags: &Tags,
    choice: &Choice,
) -> Result<(Vec<String>, Option<Held>)> {
    if !choice.is_guarded() {
        cx.progress.warn("the network has no security groups: all ports are open to it");
        return Ok((Vec::new(), None));
    }
    if !check::wants_own_group(cx, &driver.record) {
        return Ok((choice.groups.clone(), None));
    }
    let networks = group::networks(cx).await?;
    let used = use_common(cx, &place.name).await?;
    let id = place.arrange_group(cx, tags, &networks).await?;
    Ok((vec![id], Some(used)))
}

fn body(driver: &OpenStack, tags: &Tags, choice: &Choice, first_boot: &FirstBoot) -> Result<Value> {
    let record = &driver.record;
    let mut server = json!({
        "name": record.base.machine_name,
        "flavorRef": choice.flavor.id,
        "key_name": record.key_pair_name,
        "metadata": metadata::all(record, tags)?,
    });
    if record.rancher.boot_from_volume {
        let mut disk = json!({
            "boot_index": 0,
            "source_type": "image",
            "uuid": choice.image.id,
            "destination_type": "volume",
            "volume_size": check::root_disk(record, choice),
            "delete_on_termination": true,
        });
        if !record.rancher.volume_type.is_empty() {
            disk["volume_type"] = record.rancher.volume_type.as_str().into();
        }
        server["block_device_mapping_v2"] = json!([disk]);
    } else {
        server["imageRef"] = choice.image.id.as_str().into();
    }
    server["networks"] = json!([{ "uuid": choice.network.id }]);
    if !record.availability_zone.is_empty() {
        server["availability_zone"] = record.availability_zone.as_str().into();
    }
    if record.config_drive {
        server["config_drive"] = true.into();
    }
    if let Some(user_data) = user_data(driver, first_boot)? {
        server["user_data"] = user_data.into();
    }
    let mut body = json!({ "server": server });
    if !choice.server_group.is_empty() {
        body["os:scheduler_hints"] = json!({ "group": choice.server_group });
    }
    Ok(body)
}

/// In base64, as Nova wants it.
fn user_data(driver: &OpenStack, first_boot: &FirstBoot) -> Result<Option<String>> {
    let file = match driver.record.ours.user_data_file.as_str() {
        "" => None,
        path => Some(std::fs::read_to_string(path).map_err(|error| {
            Error::new(ErrorKind::Flags, format!("the user data file `{path}` cannot be read"))
                .caused_by(error)
        })?),
    };
    let Some(text) = first_boot.user_data(file.as_deref())? else { return Ok(None) };
    let encoded = STANDARD.encode(text);
    match encoded.len() {
        length if length > MOST_USER_DATA => Err(Error::new(
            ErrorKind::Flags,
            format!("the user data has {length} bytes in base64, Nova takes {MOST_USER_DATA}"),
        )
        .hint("let the file load what is large: `#include` and an address")),
        _ => Ok(Some(encoded)),
    }
}

async fn wait_until_active(driver: &OpenStack, cx: &Context, place: &Place) -> Result<Server> {
    let id = &driver.record.machine_id;
    let deadline = match driver.record.active_timeout {
        0 => Duration::from_secs(200),
        seconds => Duration::from_secs(seconds),
    };
    cx.progress.line("Waiting for the OpenStack instance to be ACTIVE...");
    let begun = SystemTime::now();
    Wait::new("the server to be active", deadline)
        .at_least_every(POLL)
        .until(async || match place.servers(begun).await {
            Err(error) if error.kind() == ErrorKind::Denied => Look::Hopeless(error),
            Err(error) => Look::NotYet(Some(error)),
            Ok(all) => match all.into_iter().find(|it| it.id == *id) {
                Some(server) if server.status == "ACTIVE" => Look::Ready(server),
                Some(server) if server.status == "ERROR" => {
                    Look::Hopeless(place.failure(server).await)
                }
                Some(server) => {
                    Look::NotYet(Some(Error::other(format!("it is {}", server.status))))
                }
                None => Look::NotYet(Some(Error::other("it is in no list"))),
            },
        })
        .await
        .map_err(|error| match error.kind() {
            ErrorKind::Timeout => error.hint("more time: --openstack-active-timeout"),
            _ => error,
        })
}

async fn assign_addresses(
    driver: &mut OpenStack,
    cx: &Context,
    place: &Place,
    tags: &Tags,
    server: Server,
) -> Result<()> {
    let wants_floating = !driver.record.floating_ip_pool_id.is_empty();
    // Floating IPs are of version 4 and lead to addresses of version 4.
    let version = match driver.record.ip_version {
        6 if !wants_floating => 6,
        _ => 4,
    };
    let network = driver.record.network_name.clone();
    let fixed = fixed_address(place, server, version, &network).await?;
    let record = &mut driver.record;
    record.ours.private_ip_address.clone_from(&fixed.0);
    record.rancher.ipv6_address = fixed.1;
    if !wants_floating {
        record.base.ip_address = fixed.0;
    } else if record.ours.floating_ip_id.is_empty() {
        cx.progress.line("Allocating floating IP...");
        let server = record.machine_id.clone();
        let pool = record.floating_ip_pool_id.clone();
        let made = match place.floating_ip_of(tags).await? {
            Some(made) => made,
            None => place.make_floating_ip(tags, &pool, &server, &fixed.0).await?,
        };
        record.ours.floating_ip_id = made.id;
        record.base.ip_address = made.address;
    }
    cx.progress.line(&format!("The machine's address is {}", driver.record.base.ip_address));
    cx.checkpoint(driver)
}

/// The server's address of that version, and one of version 6 if it has any.
async fn fixed_address(
    place: &Place,
    server: Server,
    version: u8,
    network: &str,
) -> Result<(String, String)> {
    let id = server.id.clone();
    let of = |server: &Server| {
        let v6 = server.fixed(6, network).unwrap_or_default().to_owned();
        server.fixed(version, network).map(|it| (it.to_owned(), v6))
    };
    if let Some(found) = of(&server) {
        return Ok(found);
    }
    Wait::new(format!("an IPv{version} address of the server"), ADDRESS)
        .at_least_every(POLL)
        .until(async || match place.server(&id).await {
            Ok(server) => match of(&server) {
                Some(found) => Look::Ready(found),
                None => Look::NotYet(None),
            },
            Err(error) => Look::NotYet(Some(error)),
        })
        .await
        .map_err(|error| {
            error
                .context("No IP found for the machine")
                .hint("does its network have a subnet? choose one: --openstack-net-name")
        })
}
