use std::time::SystemTime;

use machine_driver::{Account, Context, Error, Resource, Result, Tags, async_trait};

use crate::driver::AmazonEc2;
use crate::place::Place;

const INSTANCE: &str = "instance";
const KEY: &str = "key pair";
const GROUP: &str = "security group";

#[async_trait]
impl Account for AmazonEc2 {
    fn place(&self) -> String {
        let record = &self.record;
        let who = match (record.access_key.is_empty(), record.profile.as_str()) {
            (false, _) => record.access_key.to_string(),
            (true, profile) => profile.to_owned(),
        };
        let whole = match record.has_endpoint() {
            true => format!("{} {} {who}", record.url(), record.region),
            false => format!("{} {who}", record.region),
        };
        whole.trim_end().to_owned()
    }

    async fn resources(&self, cx: &Context) -> Result<Vec<Resource>> {
        let store = cx.store_id.get()?;
        let place = Place::open(cx, &self.record).await?;
        let instances = place.of_store(store, SystemTime::now()).await?;
        let instances = instances.into_iter().filter(|it| !it.is_going()).filter_map(|it| {
            let tags = it.ours()?;
            Some(Resource { kind: INSTANCE, name: tags.machine.clone(), id: it.id, tags })
        });
        let keys = place.keys(store).await?.into_iter().filter_map(|it| {
            let tags = it.ours()?;
            Some(Resource { kind: KEY, id: it.name, name: tags.machine.clone(), tags })
        });
        let shared = |tags: Tags| Tags { machine: String::new(), expires: None, ..tags };
        let groups = place.groups_of(store).await?.into_iter().filter_map(|it| {
            let tags = shared(it.ours()?);
            Some(Resource { kind: GROUP, id: it.id, name: it.name, tags })
        });
        Ok(instances.chain(keys).chain(groups).collect())
    }

    async fn delete(&self, cx: &Context, resource: &Resource) -> Result<()> {
        let place = Place::open(cx, &self.record).await?;
        match resource.kind {
            INSTANCE => place.terminate(&resource.id).await,
            KEY => place.delete_key(&resource.id).await,
            GROUP => place.drop_groups(cx, &resource.tags.store).await,
            other => Err(Error::unsupported("amazonec2", &format!("the removal of a {other}"))),
        }
    }
}
