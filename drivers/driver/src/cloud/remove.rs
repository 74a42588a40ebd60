use super::machine::marked;
use super::vendor::{Cloud, open};
use super::{Machine, Removal, firewall};
use crate::{Context, Resource, Result};

/// Deletes the parts of a machine in their order, then what the store has no more use for. Each is
/// struck from the record when it is gone.
pub(super) async fn remove<C: Cloud>(machine: &mut Machine<C>, cx: &Context) -> Result<()> {
    let parts = machine.parts();
    if !machine.record.kept.may_have_more && parts.iter().all(|(_, ids)| ids.is_empty()) {
        return Ok(());
    }
    let cloud: C = open(cx, &machine.record).await?;
    let store = cx.store_id.get()?.to_owned();
    cloud.check_account(&machine.record).await?;
    // Until all of it is gone there is more than the ids: what the machines have in common.
    let kept = &mut machine.record.kept;
    let search = std::mem::replace(&mut kept.may_have_more, true) && !store.is_empty();
    cx.checkpoint(machine)?;
    let mut removal = Removal::default();
    for number in 0..parts.len() {
        part(machine, cx, &cloud, number, search.then_some(&store), &mut removal).await?;
    }
    cloud.remove_rest(&machine.record, &mut removal).await;
    if !store.is_empty() {
        let gone = firewall::drop_shared(&cloud, cx, &store).await;
        removal.is_gone("what the store's machines had in common", gone);
    }
    removal.end()?;
    machine.record.kept.may_have_more = false;
    Ok(())
}

/// Removes one part: what is recorded, and with `search` also what bears that store's mark and the
/// machine's name, since not all ids may be recorded.
async fn part<C: Cloud>(
    machine: &mut Machine<C>,
    cx: &Context,
    cloud: &C,
    number: usize,
    search: Option<&String>,
    removal: &mut Removal,
) -> Result<()> {
    let (kind, recorded, search) = {
        let part = &C::parts(&mut machine.record)[number];
        if !part.is_own {
            return Ok(());
        }
        let recorded = part.own();
        let search = search.filter(|_| !part.once || recorded.is_empty());
        (part.kind, recorded, search)
    };
    let found = match search {
        None => Vec::new(),
        Some(store) => removal.found(marked(cloud, number, kind, store).await),
    };
    let of_machine = |it: &Resource| it.tags.machine == cx.machine;
    let found = found.into_iter().filter(of_machine).map(|it| it.id);
    let mut gone = true;
    for id in super::with_others(&recorded, found) {
        gone &= removal.is_gone(&format!("the {kind} {id}"), cloud.delete(kind, &id).await);
    }
    if gone && !recorded.is_empty() {
        C::parts(&mut machine.record)[number].ids.clear();
        cx.checkpoint(machine)?;
    }
    Ok(())
}
