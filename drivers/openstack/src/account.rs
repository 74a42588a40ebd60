use std::time::{Duration, SystemTime};

use machine_driver::{Account, Context, Error, Resource, Result, Tags, async_trait};

use crate::driver::OpenStack;
use crate::keypair;
use crate::place::Place;
use crate::problem::explain;

const SERVER: &str = "server";
const FLOATING_IP: &str = "floating IP";
const VOLUME: &str = "volume";
const KEY_PAIR: &str = "key pair";
const GROUP: &str = "security group";

#[async_trait]
impl Account for OpenStack {
    fn place(&self) -> String {
        self.record.place()
    }

    async fn resources(&self, cx: &Context) -> Result<Vec<Resource>> {
        let store = cx.store_id.get()?;
        let place = Place::open(cx, &self.record).await.map_err(explain)?;
        let mut all = Vec::new();
        let mut add = |kind, id: String, name: String, tags: Option<Tags>| {
            let tags = tags.filter(|tags| tags.store == store);
            all.extend(tags.map(|tags| Resource { kind, id, name, tags }));
        };
        for it in place.servers(SystemTime::now()).await.map_err(explain)? {
            let tags = it.ours();
            add(SERVER, it.id, it.name, tags);
        }
        for it in place.floating_ips().await? {
            let tags = it.ours();
            add(FLOATING_IP, it.id, it.address, tags);
        }
        for it in place.volumes().await? {
            let tags = it.ours();
            add(VOLUME, it.id, it.name.unwrap_or_default(), tags);
        }
        for name in place.keypairs().await? {
            let tags = keypair::read(&name);
            add(KEY_PAIR, name.clone(), name, tags);
        }
        for it in place.groups(store, Duration::ZERO).await? {
            let tags = it.ours();
            add(GROUP, it.id, it.name, tags);
        }
        Ok(all)
    }

    async fn delete(&self, cx: &Context, resource: &Resource) -> Result<()> {
        let place = Place::open(cx, &self.record).await.map_err(explain)?;
        let id = resource.id.as_str();
        let gone = match resource.kind {
            SERVER => place.delete_server(id).await,
            FLOATING_IP => place.delete_floating_ip(id).await,
            VOLUME => place.delete_volume(id).await,
            KEY_PAIR => place.delete_keypair(id).await,
            // The last of the store's own go together, and only if no server is left.
            GROUP => place.drop_groups(cx, &resource.tags.store).await,
            other => Err(Error::unsupported("openstack", &format!("the removal of a {other}"))),
        };
        gone.map_err(explain)
    }
}
