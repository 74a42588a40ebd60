//! What has to be done to a store so that it holds what a lab file asks for. Nothing is changed
//! here, and nobody is asked but the drivers, each once.

mod compare;
mod ports;
mod states;

use std::sync::Arc;

use machine_driver::{Error, ErrorKind, FlagValues, Kind, Result, Silent, Size, State};

use super::{Lab, Membership, Publish, Role, Spec, ready};
use crate::engine::{Engine, Machine};

/// What is to be done, machine by machine in the order of the file; those that the file does not
/// have any more stand last.
#[derive(Debug)]
pub struct Plan {
    pub lab: Lab,
    pub steps: Vec<Step>,
}

/// What is to be done with one machine.
#[derive(Debug)]
pub struct Step {
    pub name: String,
    pub action: Action,
    /// Why, or what exactly.
    pub changes: Vec<Change>,
    /// What is asked for; `None` for a machine that is not in the file any more.
    pub spec: Option<Spec>,
    /// The memory of this computer that starting it takes, in MiB; 0 if none.
    pub memory: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Create,
    /// Its making was interrupted, and goes on.
    Resume,
    /// Removed and made again: something has changed that cannot be changed while it lives.
    Replace,
    /// It is complete and off.
    Start,
    Change,
    /// It belongs to no lab yet.
    Adopt,
    /// It is not in the file any more.
    Remove,
    Keep,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Resize(Size),
    Publish(Publish),
    Unpublish(Publish),
    /// Copy the files and run the commands, for they are not what they were, or never came to an
    /// end.
    Prepare,
    Role {
        from: Option<Role>,
        to: Option<Role>,
    },
    /// What keeps the machine from becoming what is asked for.
    Replace(String),
    /// An interrupted removal comes to its end first.
    FinishRemoval,
}

/// The values that the user gives a driver beside the file, by variables.
pub type Base<'a> = &'a dyn Fn(&dyn Kind) -> FlagValues;

impl Action {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Resume => "resume",
            Self::Replace => "replace",
            Self::Start => "start",
            Self::Change => "change",
            Self::Adopt => "adopt",
            Self::Remove => "remove",
            Self::Keep => "keep",
        }
    }
}

impl Step {
    fn new(name: &str, action: Action) -> Self {
        let name = name.to_owned();
        Self { name, action, changes: Vec::new(), spec: None, memory: 0 }
    }
}

/// Makes the plan. Mistakes that can be seen now are errors now: flags that the driver refuses,
/// ports that somebody has, machines of others with the same name.
pub async fn plan(engine: &Engine, lab: Lab, base: Base<'_>) -> Result<Plan> {
    let there = There::look(engine, &lab)?;
    let states = states::states(engine, &there.machines).await;
    let mut steps = Vec::new();
    for spec in &lab.machines {
        let mut step = match there.machines.iter().position(|it| it.name() == spec.name) {
            Some(place) => existing(&there.machines[place], states[place], spec, &lab)?,
            None => Step::new(&spec.name, Action::Create),
        };
        let kind = engine.registry.find(&spec.driver)?;
        let values = spec.values(kind, base(kind));
        if matches!(step.action, Action::Create | Action::Replace) {
            check(engine, kind, spec, &values)?;
        }
        if step.action != Action::Keep {
            step.memory = memory(kind, &values);
        }
        step.spec = Some(spec.clone());
        steps.push(step);
    }
    ports::check(&lab.machines, &there.machines)?;
    steps.extend(there.gone.iter().map(|name| Step::new(name, Action::Remove)));
    Ok(Plan { lab, steps })
}

/// What the store has of a lab: the machines of the file that are there, and the names of those
/// that are not in the file any more.
struct There<'a> {
    machines: Vec<Machine<'a>>,
    gone: Vec<String>,
}

impl<'a> There<'a> {
    fn look(engine: &'a Engine, lab: &Lab) -> Result<Self> {
        let mut there = Self { machines: Vec::new(), gone: Vec::new() };
        for name in engine.store.names()? {
            let dir = engine.store.machine_dir(&name);
            if lab.machines.iter().any(|spec| spec.name == name) {
                // One that was never recorded is for `create` to carry on with.
                if dir.join("config.json").exists() {
                    there.machines.push(engine.load(&name, Arc::new(Silent))?);
                }
            } else if Membership::load(&dir)?.is_some_and(|it| it.lab == lab.name) {
                there.gone.push(name);
            }
        }
        Ok(there)
    }
}

/// What is to be done with a machine that is there.
fn existing(machine: &Machine<'_>, state: State, spec: &Spec, lab: &Lab) -> Result<Step> {
    let name = machine.name();
    let Some(membership) = Membership::load(&machine.context.machine_dir)? else {
        return Ok(Step::new(name, Action::Adopt));
    };
    if membership.lab != lab.name {
        let message = format!("machine `{name}` belongs to the lab `{}`", membership.lab);
        return Err(Error::other(message).hint(format!(
            "choose another name in `{}`, or take that lab down: `machine down --lab {}`",
            lab.path.display(),
            membership.lab
        )));
    }
    let mut changes = compare::changes(machine, &membership.spec, spec);
    let must_replace = changes.iter().any(|change| matches!(change, Change::Replace(_)));
    if let Some(unfinished) = &machine.unfinished {
        let removing = unfinished.step == "remove";
        if removing || must_replace {
            // Nobody has used it yet, or it is to go anyway: nothing is lost.
            let changes = vec![Change::FinishRemoval];
            return Ok(Step { changes, ..Step::new(name, Action::Create) });
        }
        return Ok(Step::new(name, Action::Resume));
    }
    if ready::digest(spec)?.is_some_and(|digest| membership.prepared.as_ref() != Some(&digest)) {
        changes.push(Change::Prepare);
    }
    let action = match state {
        _ if must_replace => Action::Replace,
        State::Missing => {
            changes.push(Change::Replace("its host has lost it".to_owned()));
            Action::Replace
        }
        State::Stopped | State::Saved | State::Paused | State::Error => Action::Start,
        _ if changes.is_empty() => Action::Keep,
        _ => Action::Change,
    };
    Ok(Step { changes, ..Step::new(name, action) })
}

/// What the driver would refuse.
fn check(engine: &Engine, kind: &dyn Kind, spec: &Spec, values: &FlagValues) -> Result<()> {
    let of_machine = |error: Error| error.context(format!("machine `{}`", spec.name));
    let context = engine.context(&spec.name, kind.name(), Arc::new(Silent));
    let driver = kind.configure(&context, values).map_err(of_machine)?;
    if !spec.publish.is_empty() && !driver.capabilities().forward {
        return Err(of_machine(Error::unsupported(kind.name(), "port forwards")));
    }
    if let Some(path) = &spec.cloud_init {
        if !driver.capabilities().cloud_init {
            return Err(of_machine(Error::unsupported(kind.name(), "cloud-init")));
        }
        std::fs::metadata(path).map_err(|error| {
            of_machine(Error::from(error).context(format!("cannot read `{}`", path.display())))
        })?;
    }
    if let Some(word) = &spec.engine.install {
        word.parse::<crate::provision::Install>()
            .map_err(|expected| Error::new(ErrorKind::Flags, expected))
            .map_err(of_machine)?;
    }
    ready::digest(spec).map_err(of_machine)?;
    Ok(())
}

/// The memory of this computer that a machine with these flags takes, in MiB; 0 if none.
pub fn memory(kind: &dyn Kind, values: &FlagValues) -> u64 {
    let flag = kind.size_flags().memory;
    flag.and_then(|flag| u64::try_from(values.int(flag)?).ok()).unwrap_or(0)
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let role = |role: &Option<Role>| role.map_or("no part", Role::word);
        match self {
            Self::Resize(size) => {
                let parts =
                    [("CPUs", size.cpus), ("MB memory", size.memory), ("MB disk", size.disk)];
                let parts =
                    parts.iter().filter_map(|(what, it)| Some(format!("{} {what}", (*it)?)));
                f.write_str(&parts.collect::<Vec<_>>().join(", "))
            }
            Self::Publish(Publish { host, guest }) => write!(f, "publish {host}:{guest}"),
            Self::Unpublish(Publish { host, guest }) => write!(f, "publish no more {host}:{guest}"),
            Self::Prepare => f.write_str("copy the files, run the commands"),
            Self::Role { from, to } => write!(f, "swarm: {} instead of {}", role(to), role(from)),
            Self::Replace(why) => f.write_str(why),
            Self::FinishRemoval => f.write_str("remove what is left of it first"),
        }
    }
}
