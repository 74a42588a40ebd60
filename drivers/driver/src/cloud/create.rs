use std::time::{Duration, SystemTime};

use super::keys::make_key;
use super::machine::of_store;
use super::vendor::{Cloud, Firewall, Server, Wish, open};
use super::{Held, Machine, Openings, firewall, openings, or_found, use_common, wake};
use crate::wait::{Look, Wait};
use crate::{Birth, Context, Driver, ErrorKind, Result, Tags};

/// How long a server may take until it has its addresses: a minute is usual.
const ADDRESS: Duration = Duration::from_secs(600);

/// Makes what is not recorded yet: the key, the firewall, the server.
pub(super) async fn create<C: Cloud>(
    machine: &mut Machine<C>,
    cx: &Context,
    birth: &Birth,
) -> Result<()> {
    let cloud: C = open(cx, &machine.record).await?;
    let tags = Tags::new(cx, birth.first_boot.expires)?;
    let again = machine.record.kept.may_have_more;
    cloud.begin(&mut machine.record).await;
    machine.record.kept.may_have_more = true;
    cx.checkpoint(machine)?;
    let wish = Wish { tags: &tags, birth, firewall: None };
    make_key(machine, cx, &cloud, &wish).await?;
    cx.checkpoint(machine)?;
    let id = match machine.server().1 {
        Some(id) => {
            wake(machine, cx).await?;
            id
        }
        None => {
            let found = match again {
                true => find(&cloud, &tags, SystemTime::now()).await?,
                false => None,
            };
            let id = match found {
                Some(server) => server.id,
                None => make_server(machine, cx, &cloud, wish).await?.id,
            };
            let mut parts = C::parts(&mut machine.record);
            if let Some(server) = parts.first_mut() {
                server.ids.put(&id);
            }
            drop(parts);
            cx.checkpoint(machine)?;
            id
        }
    };
    wait_for_addresses(machine, cx, &cloud, &tags, &id).await?;
    machine.record.kept.may_have_more = false;
    cx.checkpoint(machine)
}

/// The server of this machine that an earlier attempt may have made.
async fn find<C: Cloud>(cloud: &C, tags: &Tags, since: SystemTime) -> Result<Option<Server>> {
    let all = of_store(cloud, &tags.store, since).await?;
    let is_it = |its: &Tags| its.store == tags.store && its.machine == tags.machine;
    Ok(all.into_iter().find(|it| it.tags.as_ref().is_some_and(is_it)))
}

async fn make_server<C: Cloud>(
    machine: &mut Machine<C>,
    cx: &Context,
    cloud: &C,
    wish: Wish<'_>,
) -> Result<Server> {
    let (_used, firewall) = guard(cx, cloud, wish.tags).await?;
    cx.progress.line(C::ABOUT.creating);
    let wish = Wish { firewall: firewall.as_ref(), ..wish };
    let body = cloud.body(&mut machine.record, &wish).await?;
    cx.checkpoint(machine)?;
    let begun = SystemTime::now();
    let made = cloud.make_server(&body).await;
    or_found(made, || find(cloud, wish.tags, begun)).await
}

/// The firewall for a new server. From before it is there until the server is, nobody may remove it.
async fn guard<C: Cloud>(cx: &Context, cloud: &C, tags: &Tags) -> Result<(Held, Option<Firewall>)> {
    let open_to = openings(cx).await?;
    let used = use_common(cx, &cloud.place().name).await?;
    let firewall = match &open_to {
        Openings::World => None,
        Openings::From(networks) => Some(firewall::arrange(cloud, cx, tags, networks).await?),
    };
    Ok((used, firewall))
}

async fn wait_for_addresses<C: Cloud>(
    machine: &mut Machine<C>,
    cx: &Context,
    cloud: &C,
    tags: &Tags,
    id: &str,
) -> Result<()> {
    let kind = machine.server().0;
    cx.progress.line(C::ABOUT.waiting);
    let begun = SystemTime::now();
    let record = &machine.record;
    let (server, address) = Wait::new(format!("the {kind}'s address"), ADDRESS)
        .until(async || match of_store(cloud, &tags.store, begun).await {
            Err(error) if error.kind() == ErrorKind::Denied => Look::Hopeless(error),
            Err(error) => Look::NotYet(Some(error)),
            Ok(all) => {
                let server = all.into_iter().find(|it| it.id == id);
                let address = server.as_ref().and_then(|it| C::address(record, it));
                match (address.map(str::to_owned), server) {
                    (Some(address), Some(server)) => Look::Ready((server, address)),
                    _ => Look::NotYet(None),
                }
            }
        })
        .await?;
    let kept = &mut machine.record.kept;
    kept.private_ip_address = server.private_v4.unwrap_or_default();
    kept.ipv6_address = server.public_v6.unwrap_or_default();
    cx.progress.line(&format!("Created {kind} ID {id}, IP address {address}"));
    machine.record.base.ip_address = address;
    cx.checkpoint(machine as &dyn Driver)
}
