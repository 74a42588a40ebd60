use std::time::{Duration, SystemTime};

use machine_driver::{Account, Context, Error, ErrorKind, Resource, Result, Tags, async_trait};

use crate::driver::DigitalOcean;
use crate::firewall;
use crate::place::{self, Place, with_token_hint};

const DROPLET: &str = "droplet";
const KEY: &str = "SSH key";
const FIREWALL: &str = "firewall";
const TAG: &str = "tag";

#[async_trait]
impl Account for DigitalOcean {
    fn place(&self) -> String {
        // A list has the droplets of all regions.
        format!("{} {}", self.record.api_url(), self.record.access_token)
    }

    async fn resources(&self, cx: &Context) -> Result<Vec<Resource>> {
        let store = cx.store_id.get()?;
        let place = Place::open(cx, &self.record).await?;
        let droplets = place.droplets(store, SystemTime::now()).await.map_err(with_token_hint)?;
        let droplets = droplets.into_iter().filter_map(|it| {
            let tags = it.ours().filter(|tags| tags.store == store)?;
            Some(Resource { kind: DROPLET, id: it.id.to_string(), name: it.name, tags })
        });
        let keys = place.keys().await?.into_iter().filter_map(|it| {
            let tags = Tags::from_label(&it.name).filter(|tags| tags.store == store)?;
            Some(Resource { kind: KEY, id: it.id.to_string(), name: tags.machine.clone(), tags })
        });
        let tags = place.tags().await?.into_iter().filter_map(|name| {
            let machine = match place::read_expiry(&name, store) {
                Some((machine, _)) => machine,
                None if [place::store_tag(store), firewall::guard_tag(store)].contains(&name) => {
                    String::new()
                }
                None => return None,
            };
            let tags = Tags { store: store.to_owned(), machine, created: 0, expires: None };
            Some(Resource { kind: TAG, id: name.clone(), name, tags })
        });
        let firewall = place.firewall(store, Duration::ZERO).await?.map(|it| Resource {
            kind: FIREWALL,
            id: it.id,
            name: it.name,
            tags: Tags {
                store: store.to_owned(),
                machine: String::new(),
                created: 0,
                expires: None,
            },
        });
        Ok(droplets.chain(keys).chain(firewall).chain(tags).collect())
    }

    async fn delete(&self, cx: &Context, resource: &Resource) -> Result<()> {
        let place = Place::open(cx, &self.record).await?;
        let number = || {
            resource.id.parse().map_err(|error| {
                Error::new(ErrorKind::NotFound, format!("`{}` is no id", resource.id))
                    .caused_by(error)
            })
        };
        match resource.kind {
            DROPLET => place.delete_droplet(number()?).await,
            KEY => place.delete_key(number()?).await,
            TAG if !resource.is_shared() => place.delete_tag(&resource.id).await,
            // The last of the store's own go together, and only if no droplet is left.
            TAG | FIREWALL => place.drop_firewall(cx, &resource.tags.store).await,
            other => Err(Error::unsupported("digitalocean", &format!("the removal of a {other}"))),
        }
    }
}
