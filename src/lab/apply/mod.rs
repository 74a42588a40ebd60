//! Making a store what a plan says: all machines at once, within bounds; what fails with one does
//! not stop the others.

mod machine;

use std::sync::Arc;

use futures_util::future::join_all;
use machine_driver::{Error, Progress, Result};

use super::{Action, Bounds, Change, Lab, Membership, Plan, Spec, Step, swarm};
use crate::engine::{self, Engine};
use crate::provision;

/// How a plan is carried out.
pub struct Options<'a> {
    /// So many machines at the same time.
    pub jobs: usize,
    /// Machines may be removed and made again.
    pub replace: bool,
    /// Machines that are not in the file any more are removed.
    pub prune: bool,
    /// Machines that belong to no lab yet are taken in.
    pub adopt: bool,
    pub base: super::plan::Base<'a>,
    pub provisioning: provision::Options,
    /// The place where what is done with one machine is shown.
    pub show: &'a (dyn Fn(&str) -> Arc<dyn Progress> + Sync),
}

/// What became of one machine.
#[derive(Debug)]
pub struct Outcome {
    pub name: String,
    /// In the past, for example `created`.
    pub did: &'static str,
    pub error: Option<Error>,
}

impl Outcome {
    fn of(name: &str, did: &'static str, result: Result<()>) -> Self {
        Self { name: name.to_owned(), did, error: result.err() }
    }
}

/// Carries a plan out. The outcomes are in its order; what went wrong with the swarm as a whole is
/// one more, under the lab's name.
pub async fn up(engine: &Engine, plan: &Plan, options: &Options<'_>) -> Result<Vec<Outcome>> {
    let lab = &plan.lab;
    let _lock = lock(engine, &lab.name, "up")?;
    let bounds = Bounds::new(options.jobs, engine.registry.iter());
    leave_first(engine, plan, options).await?;
    let steps = plan.steps.iter().map(async |step| {
        let progress = (options.show)(&step.name);
        let result = machine::step(engine, lab, step, options, &bounds, progress).await;
        Outcome::of(&step.name, done_word(step, options), result)
    });
    let mut outcomes = join_all(steps).await;
    let had_one = |step: &Step| has(step, |change| matches!(change, Change::Role { .. }));
    if lab.swarm.is_some() || plan.steps.iter().any(had_one) {
        let ready = usable(engine, lab, &outcomes)?;
        let formed = swarm::form(engine, &ready, options.show).await;
        swarm_outcomes(lab, formed, &mut outcomes);
    }
    let runs = plan.steps.iter().zip(&mut outcomes).map(async |(step, outcome)| {
        if outcome.error.is_none()
            && let Some(spec) = &step.spec
        {
            let progress = (options.show)(&step.name);
            outcome.error = machine::prepare(engine, step, spec, progress).await.err();
        }
    });
    join_all(runs).await;
    Ok(outcomes)
}

/// Removes machines of a lab: those that are named, or all of them. Machines that leave a swarm
/// which goes on are drained first.
pub async fn down(
    engine: &Engine,
    lab: &str,
    names: &[String],
    jobs: usize,
    show: &(dyn Fn(&str) -> Arc<dyn Progress> + Sync),
) -> Result<Vec<Outcome>> {
    let _lock = lock(engine, lab, "down")?;
    let members = members(engine, lab)?;
    let (going, staying): (Vec<_>, Vec<_>) =
        members.into_iter().partition(|name| names.is_empty() || names.contains(name));
    let mut left = Vec::new();
    if !staying.is_empty() {
        left = swarm::leave(engine, &going, &staying, show).await?;
    }
    let bounds = Bounds::new(jobs, engine.registry.iter());
    let removals = going.iter().map(async |name| {
        if let Some(place) = left.iter().position(|(it, _)| it == name) {
            return (name, Err(left[place].1.one_line()));
        }
        let _permit = bounds.enter("", 0).await;
        let removed = engine::remove(engine, name, false, show(name)).await;
        (name, removed.map(|_| ()).map_err(|error| error.one_line()))
    });
    let outcome = |(name, result): (&String, Result<(), String>)| {
        Outcome::of(name, "removed", result.map_err(Error::other))
    };
    Ok(join_all(removals).await.into_iter().map(outcome).collect())
}

/// The machines that say that they belong to a lab, in byte order.
pub fn members(engine: &Engine, lab: &str) -> Result<Vec<String>> {
    let mut members = Vec::new();
    for name in engine.store.names()? {
        // One that cannot be read is not ours to remove.
        let membership = Membership::load(&engine.store.machine_dir(&name)).ok().flatten();
        if membership.is_some_and(|it| it.lab == lab) {
            members.push(name);
        }
    }
    Ok(members)
}

/// Held while a lab is changed, so that two commands do not form its swarm at the same time.
fn lock(engine: &Engine, lab: &str, command: &str) -> Result<crate::store::Lock> {
    let name = format!(".lab-{lab}");
    let lock = engine.store.lock(&name, &format!("{command} ({lab})"), std::time::Duration::ZERO);
    lock.map_err(|error| Error::from(error).context(format!("the lab `{lab}` is being changed")))
}

/// Takes machines out of the swarm that are about to go: nothing of it may be lost with them.
async fn leave_first(engine: &Engine, plan: &Plan, options: &Options<'_>) -> Result<()> {
    let goes = |step: &&Step| match step.action {
        Action::Remove => options.prune,
        Action::Replace => options.replace,
        _ => false,
    };
    let going: Vec<String> = plan.steps.iter().filter(goes).map(|it| it.name.clone()).collect();
    let mut staying = members(engine, &plan.lab.name)?;
    staying.retain(|name| !going.contains(name));
    if going.is_empty() || staying.is_empty() {
        return Ok(());
    }
    match swarm::leave(engine, &going, &staying, options.show).await?.into_iter().next() {
        None => Ok(()),
        Some((name, error)) => Err(error.context(format!("`{name}` cannot leave the swarm"))),
    }
}

/// The machines that the swarm can be made of now, with their parts: also those that nothing was to
/// be done with.
fn usable<'a>(engine: &Engine, lab: &'a Lab, outcomes: &[Outcome]) -> Result<Vec<&'a Spec>> {
    let members = members(engine, &lab.name)?;
    let failed = |name: &str| outcomes.iter().any(|it| it.name == name && it.error.is_some());
    let machines = lab.machines.iter();
    Ok(machines.filter(|it| members.contains(&it.name) && !failed(&it.name)).collect())
}

fn swarm_outcomes(lab: &Lab, formed: Result<Vec<(String, Error)>>, outcomes: &mut Vec<Outcome>) {
    match formed {
        Ok(failures) => {
            for (name, error) in failures {
                if let Some(outcome) = outcomes.iter_mut().find(|outcome| outcome.name == name) {
                    outcome.error =
                        Some(error.context("its part in the swarm is not what it should be"));
                }
            }
        }
        Err(error) => {
            let error = error.context("the swarm could not be formed");
            outcomes.push(Outcome { name: lab.name.clone(), did: "formed", error: Some(error) });
        }
    }
}

fn done_word(step: &Step, options: &Options<'_>) -> &'static str {
    match step.action {
        Action::Create => "created",
        Action::Resume => "created, from where it had stopped",
        Action::Replace => "replaced",
        Action::Start => "started",
        Action::Change => "changed",
        Action::Adopt => "adopted",
        Action::Remove if options.prune => "removed",
        Action::Remove => "not in the file any more; `machine up --prune` removes it",
        Action::Keep => "unchanged",
    }
}

/// Whether a step has a change of this kind.
fn has(step: &Step, is: impl Fn(&Change) -> bool) -> bool {
    step.changes.iter().any(is)
}
