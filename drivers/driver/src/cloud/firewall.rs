//! The store's own firewall, behind which a server is from its first moment. One that is not ours is
//! never touched.

use std::time::{Duration, SystemTime};

use super::machine::of_store as servers_of_store;
use super::vendor::{Cloud, Firewall};
use super::{Removal, arrange_common, drop_common};
use crate::{Context, Resource, Result, Tags};

/// The vendor's word for it, as all have it so far.
pub const FIREWALL: &str = "firewall";

/// So old may the list be in which a machine's firewall was seen.
const AGE: Duration = Duration::from_secs(10);
const LIST: &str = "firewalls";

pub(super) async fn of_store<C: Cloud>(
    cloud: &C,
    store: &str,
    age: Duration,
) -> Result<Option<Firewall>> {
    let fetch = async || cloud.firewalls().await;
    let all = cloud.place().shared.get(LIST, age, SystemTime::UNIX_EPOCH, fetch).await?;
    Ok(all.into_iter().find(|it| it.name == Firewall::name(store)))
}

pub(super) fn resource(firewall: Firewall, store: &str) -> Resource {
    let tags = Tags { store: store.to_owned(), machine: String::new(), created: 0, expires: None };
    Resource { kind: FIREWALL, id: firewall.id, name: firewall.name, tags }
}

/// Makes sure that the store's firewall is there and lets these networks in.
pub(super) async fn arrange<C: Cloud>(
    cloud: &C,
    cx: &Context,
    tags: &Tags,
    networks: &[String],
) -> Result<Firewall> {
    let place = cloud.place();
    let _alone = arrange_common(cx, &place.name).await?;
    let Some(firewall) = of_store(cloud, &tags.store, AGE).await? else {
        cx.progress.line("Creating the firewall of this store...");
        let made = cloud.make_firewall(&tags.clone().shared(), networks).await;
        place.shared.forget(LIST);
        return match made {
            Ok(firewall) => Ok(firewall),
            // One that was made all the same, by an attempt that seemed to fail, is as good.
            Err(error) => of_store(cloud, &tags.store, Duration::ZERO).await?.ok_or(error),
        };
    };
    let missing: Vec<String> =
        networks.iter().filter(|it| !firewall.open_to.contains(it)).cloned().collect();
    if !missing.is_empty() {
        let widened = cloud.widen_firewall(&firewall, &missing).await;
        place.shared.forget(LIST);
        widened?;
    }
    Ok(firewall)
}

/// Deletes what the machines of a store have in common, if it has no server any more.
pub(super) async fn drop_shared<C: Cloud>(cloud: &C, cx: &Context, store: &str) -> Result<()> {
    let Some(_unused) = drop_common(cx, &cloud.place().name)? else { return Ok(()) };
    if !servers_of_store(cloud, store, SystemTime::now()).await?.is_empty() {
        return Ok(());
    }
    let mut removal = Removal::default();
    if let Some(firewall) = of_store(cloud, store, Duration::ZERO).await? {
        let gone = cloud.delete(FIREWALL, &firewall.id).await;
        cloud.place().shared.forget(LIST);
        removal.is_gone("the store's firewall", gone);
    }
    cloud.drop_rest(store, &mut removal).await;
    removal.end()
}
