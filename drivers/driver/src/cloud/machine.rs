use std::fmt;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;

use super::vendor::{Cloud, Server, open};
use super::{Record, create, endpoint, firewall, power, remove};
use crate::{
    Account, Birth, Capabilities, Context, Driver, Endpoint, Error, Resource, Result, State, Tags,
};

/// A machine of a cloud.
pub struct Machine<C: Cloud> {
    pub record: Record<C::Own>,
}

/// How old a list may be that is only waited on: each second somebody asks for all.
pub const POLL: Duration = Duration::from_secs(2);

impl<C: Cloud> fmt::Debug for Machine<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine").field("record", &self.record).finish()
    }
}

impl<C: Cloud> Machine<C> {
    /// The vendor's words for what it has, and the recorded ids of its own.
    pub(super) fn parts(&self) -> Vec<(&'static str, Vec<String>)> {
        let mut record = self.record.clone();
        C::parts(&mut record).iter().map(|part| (part.kind, part.own())).collect()
    }

    /// Its server: the vendor's word, and the recorded id.
    pub(super) fn server(&self) -> (&'static str, Option<String>) {
        let server = self.parts().into_iter().next();
        server.map_or(("server", None), |(kind, ids)| (kind, ids.into_iter().next()))
    }
}

#[async_trait]
impl<C: Cloud> Driver for Machine<C> {
    fn kind(&self) -> &'static str {
        C::ABOUT.name
    }

    fn record(&self) -> serde_json::Value {
        serde_json::to_value(&self.record).expect("a record of text and numbers is JSON")
    }

    fn made(&self) -> Vec<String> {
        let of_kind = |(kind, ids): (&str, Vec<String>)| -> Vec<String> {
            ids.iter().map(|id| format!("{kind} {id}")).collect()
        };
        self.parts().into_iter().rev().flat_map(of_kind).collect()
    }

    fn endpoint(&self) -> Endpoint {
        let Record { base, kept, .. } = &self.record;
        let key = C::key(&self.record);
        endpoint(base, base.ip(), &kept.private_ip_address, C::ABOUT.user, key)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { has_guest: true, cloud_init: true, ..Capabilities::default() }
    }

    async fn pre_create_check(&self, cx: &Context) -> Result<()> {
        let checked = async {
            C::check_files(&self.record.own)?;
            open::<C>(cx, &self.record).await?.check(cx, &self.record).await
        };
        checked.await.map_err(explain::<C>)
    }

    async fn create(&mut self, cx: &Context, birth: &Birth) -> Result<()> {
        create::create(self, cx, birth).await.map_err(explain::<C>)
    }

    async fn start(&mut self, cx: &Context) -> Result<()> {
        power::start(self, cx).await.map_err(explain::<C>)
    }

    async fn stop(&mut self, cx: &Context) -> Result<()> {
        power::stop(self, cx).await.map_err(explain::<C>)
    }

    async fn kill(&mut self, cx: &Context) -> Result<()> {
        power::kill(self, cx).await.map_err(explain::<C>)
    }

    async fn restart(&mut self, cx: &Context) -> Result<()> {
        power::restart(self, cx).await.map_err(explain::<C>)
    }

    async fn remove(&mut self, cx: &Context) -> Result<()> {
        remove::remove(self, cx).await.map_err(explain::<C>)
    }

    async fn state(&self, cx: &Context) -> Result<State> {
        power::state(self, cx).await.map_err(explain::<C>)
    }

    fn account(&self) -> Option<&dyn Account> {
        Some(self)
    }
}

#[async_trait]
impl<C: Cloud> Account for Machine<C> {
    fn place(&self) -> String {
        format!("{} {}", self.record.api_url(C::ABOUT.api_url), C::token(&self.record.own))
    }

    async fn resources(&self, cx: &Context) -> Result<Vec<Resource>> {
        let store = cx.store_id.get()?;
        let cloud = open::<C>(cx, &self.record).await?;
        let mut all = Vec::new();
        for (number, (kind, _)) in self.parts().into_iter().enumerate() {
            all.extend(marked(&cloud, number, kind, store).await.map_err(explain::<C>)?);
        }
        let mut further = Vec::new();
        for kind in C::ABOUT.rest {
            further.extend(cloud.others(kind, store).await.map_err(explain::<C>)?);
        }
        let own = firewall::of_store(&cloud, store, Duration::ZERO).await.map_err(explain::<C>)?;
        all.extend(own.map(|it| firewall::resource(it, store)));
        all.extend(further);
        Ok(all)
    }

    async fn delete(&self, cx: &Context, resource: &Resource) -> Result<()> {
        let cloud = open::<C>(cx, &self.record).await?;
        let gone = match resource.is_shared() {
            // The last of the store's own go together, and only if no server is left.
            true => firewall::drop_shared(&cloud, cx, &resource.tags.store).await,
            false => cloud.delete(resource.kind, &resource.id).await,
        };
        gone.map_err(explain::<C>)
    }
}

/// All servers of a store that are not on their way out, in a list that was asked for after `since`: one
/// call answers for all who wait.
pub(super) async fn of_store<C: Cloud>(
    cloud: &C,
    store: &str,
    since: SystemTime,
) -> Result<Vec<Server>> {
    let fetch = async || cloud.servers(Some(store)).await;
    let shared = &cloud.place().shared;
    let mut all = shared.get(&format!("servers-{store}"), POLL, since, fetch).await?;
    all.retain(|it: &Server| it.state != State::Missing);
    Ok(all)
}

/// All servers of the account.
pub(super) async fn every_server<C: Cloud>(cloud: &C) -> Result<Vec<Server>> {
    let fetch = async || cloud.servers(None).await;
    cloud.place().shared.get("servers", POLL, SystemTime::now(), fetch).await
}

/// What bears the mark of a store, of the part of that number.
pub(super) async fn marked<C: Cloud>(
    cloud: &C,
    number: usize,
    kind: &'static str,
    store: &str,
) -> Result<Vec<Resource>> {
    let resource = |id, name: Option<String>, tags: Option<Tags>| {
        let tags = tags.filter(|tags| tags.store == store)?;
        Some(Resource { kind, id, name: name.unwrap_or_else(|| tags.machine.clone()), tags })
    };
    match number {
        0 => {
            let all = of_store(cloud, store, SystemTime::now()).await?;
            Ok(all.into_iter().filter_map(|it| resource(it.id, Some(it.name), it.tags)).collect())
        }
        1 => {
            let all = cloud.keys().await?;
            Ok(all.into_iter().filter_map(|it| resource(it.id, None, it.tags)).collect())
        }
        _ => cloud.others(kind, store).await,
    }
}

fn explain<C: Cloud>(error: Error) -> Error {
    C::ABOUT.explain(error)
}
