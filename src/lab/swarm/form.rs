use std::sync::Arc;
use std::time::Duration;

use machine_driver::wait::{Look, Wait};
use machine_driver::{Error, Progress, Result};
use serde_json::{Value, json};

use super::api::{self, Node};
use super::leave::{self, LEAVING};
use super::member::{Member, manager, open_all};
use crate::engine::Engine;
use crate::lab::{Role, Spec};

/// How long an Engine may take to be what it was told to be.
const PATIENCE: Duration = Duration::from_secs(120);

/// Makes a swarm of the machines that have a part in it, or makes it what it should be: late machines
/// join, roles change, those without a part leave. Returns what failed for which machine.
pub(in super::super) async fn form(
    engine: &Engine,
    specs: &[&Spec],
    show: &(dyn Fn(&str) -> Arc<dyn Progress> + Sync),
) -> Result<Vec<(String, Error)>> {
    let (members, mut failures) =
        open_all(engine, specs.iter().map(|spec| spec.name.as_str())).await;
    // Whoever has no part and does not answer is not missed.
    let role = |name: &str| specs.iter().find(|spec| spec.name == name).and_then(|it| it.role);
    failures.retain(|(name, _)| role(name).is_some());
    if !specs.iter().any(|spec| spec.role.is_some()) {
        return Ok(dissolve(&members, show).await);
    }
    let members = begin(members, &role, show).await?;
    let Some(head) = manager(&members) else { return Ok(failures) };
    let nodes = api::nodes(&head.docker).await?;
    let tokens = api::tokens(&head.docker).await?;
    let address = head.address.clone();
    // Managers one after the other, for each changes the quorum; workers after them.
    for wanted in [Role::Manager, Role::Worker] {
        for member in members.iter().filter(|member| role(&member.name) == Some(wanted)) {
            let progress = show(&member.name);
            let known = nodes.iter().any(|node| node.id == member.part.node_id);
            let result = match (member.part.is_active(), known) {
                (true, true) => Ok(()),
                (true, false) => Err(Error::other("it is in another swarm already").hint(format!(
                    "let it leave that: `docker $(machine config {}) swarm leave --force`",
                    member.name
                ))),
                (false, _) => {
                    let token = if wanted == Role::Manager { &tokens.0 } else { &tokens.1 };
                    let managers: Vec<String> = address.iter().cloned().collect();
                    join(member, wanted, &managers, token, &*progress).await
                }
            };
            failures.extend(result.err().map(|error| (member.name.clone(), error)));
        }
    }
    let mut failed: Vec<String> = failures.iter().map(|(name, _)| name.clone()).collect();
    let nodes = api::nodes(&head.docker).await?;
    for (name, error) in settle(head, &members, &nodes, &role, show).await {
        if !failed.contains(&name) {
            failed.push(name.clone());
            failures.push((name, error));
        }
    }
    Ok(failures)
}

/// Ends a swarm that is not asked for any more; with its last manager it is gone.
async fn dissolve(
    members: &[Member],
    show: &(dyn Fn(&str) -> Arc<dyn Progress> + Sync),
) -> Vec<(String, Error)> {
    let mut failures = Vec::new();
    for member in members.iter().filter(|member| member.part.local_node_state != "inactive") {
        show(&member.name).line("Leaving the swarm...");
        let left = api::leave(&member.docker, true).await;
        failures.extend(left.err().map(|error| (member.name.clone(), error)));
    }
    failures
}

/// Begins the swarm on the first machine that is to be a manager, unless there is one.
async fn begin(
    mut members: Vec<Member>,
    role: &impl Fn(&str) -> Option<Role>,
    show: &(dyn Fn(&str) -> Arc<dyn Progress> + Sync),
) -> Result<Vec<Member>> {
    let wanted = members.iter().filter(|member| role(&member.name).is_some()).count();
    if manager(&members).is_some() || wanted == 0 {
        return Ok(members);
    }
    if let Some(member) = members.iter().find(|member| member.part.is_active()) {
        let why = match member.part.error.as_str() {
            "" => "no manager of its swarm answers, or too few of them for a quorum".to_owned(),
            error => error.to_owned(),
        };
        return Err(Error::other(format!("`{}` is in a swarm that nobody leads", member.name))
            .caused_by(why)
            .hint("start the machines that are its managers: `machine up`")
            .hint("if they are lost, begin anew: `machine down`, then `machine up`"));
    }
    let first = members.iter_mut().find(|member| role(&member.name) == Some(Role::Manager));
    let first = first.ok_or_else(|| Error::other("no machine that is to be a manager answers"))?;
    if wanted > 1 && first.address.is_none() {
        return Err(no_address(&first.name));
    }
    show(&first.name).line("Beginning the swarm...");
    if first.part.local_node_state != "inactive" {
        api::leave(&first.docker, true).await?;
    }
    api::init(&first.docker, first.address.as_deref()).await?;
    first.part = api::part(&first.docker).await?;
    Ok(members)
}

async fn join(
    member: &Member,
    role: Role,
    managers: &[String],
    token: &str,
    progress: &dyn Progress,
) -> Result<()> {
    if member.address.is_none() || managers.is_empty() {
        return Err(no_address(&member.name));
    }
    progress.line(&format!("Joining the swarm as a {}...", role.word()));
    // What an interrupted attempt has left stands in the way of the next one.
    if member.part.local_node_state != "inactive" {
        api::leave(&member.docker, true).await?;
    }
    api::join(&member.docker, member.address.as_deref(), managers, token).await
}

fn no_address(name: &str) -> Error {
    Error::other(format!("`{name}` has no address that other machines reach"))
        .hint("give the lab a network: without `network: none` it has one")
}

/// Makes the nodes what they should be, seen from a manager: promotes before it demotes, removes
/// the nodes of machines that were made again, and lets those go that have no part any more.
async fn settle(
    mut head: &Member,
    members: &[Member],
    nodes: &[Node],
    role: &impl Fn(&str) -> Option<Role>,
    show: &(dyn Fn(&str) -> Arc<dyn Progress> + Sync),
) -> Vec<(String, Error)> {
    let mut failures = Vec::new();
    let mut note = |name: &str, result: Result<()>| {
        failures.extend(result.err().map(|error| (name.to_owned(), error)));
    };
    for wanted in [Some(Role::Manager), Some(Role::Worker), None] {
        for member in members.iter().filter(|member| role(&member.name) == wanted) {
            let node = node_of(member, nodes);
            let result = match (wanted, node) {
                (Some(role), Some(node)) => {
                    make(head, member, node, role, &*show(&member.name)).await
                }
                (None, Some(node)) => {
                    leave::take_out(head, Some(member), node, &*show(&member.name)).await
                }
                (_, None) => Ok(()),
            };
            note(&member.name, result);
        }
        if wanted == Some(Role::Manager) {
            // Whoever is to be none any more cannot demote the others after itself.
            head = lasting_manager(members, role).await.unwrap_or(head);
        }
    }
    for node in nodes.iter().filter(|node| node.status.state == "down") {
        let name = &node.description.hostname;
        let Some(member) = members.iter().find(|member| member.name == *name) else { continue };
        if node_of(member, nodes).is_some_and(|own| own.id != node.id) {
            note(name, leave::take_out(head, None, node, &*show(name)).await);
        }
    }
    failures
}

/// A manager that is to stay one, and has a quorum now.
async fn lasting_manager<'a>(
    members: &'a [Member],
    role: &impl Fn(&str) -> Option<Role>,
) -> Option<&'a Member> {
    for member in members.iter().filter(|member| role(&member.name) == Some(Role::Manager)) {
        if api::part(&member.docker)
            .await
            .is_ok_and(|part| part.is_active() && part.control_available)
        {
            return Some(member);
        }
    }
    None
}

/// The node that a machine is. One that has just joined is known by its name alone.
fn node_of<'a>(member: &Member, nodes: &'a [Node]) -> Option<&'a Node> {
    let by_id = nodes.iter().find(|node| node.id == member.part.node_id);
    by_id.or_else(|| {
        let mut ready = nodes.iter().filter(|node| node.status.state != "down");
        ready.find(|node| node.description.hostname == member.name)
    })
}

/// Gives a node its role, and makes it available again if we have drained it.
async fn make(
    head: &Member,
    member: &Member,
    node: &Node,
    role: Role,
    progress: &dyn Progress,
) -> Result<()> {
    if node.role() != role.word() {
        progress.line(&format!("Making it a {}...", role.word()));
        if role == Role::Worker {
            leave::check_quorum(&api::nodes(&head.docker).await?, node)?;
        }
    }
    let change = |spec: &mut Value| {
        spec["Role"] = json!(role.word());
        let labels = spec["Labels"].as_object_mut();
        if labels.is_some_and(|labels| labels.remove(LEAVING).is_some()) {
            spec["Availability"] = json!("active");
        }
    };
    api::update(&head.docker, &node.id, change).await?;
    let as_wanted = async || match api::part(&member.docker).await {
        Ok(part) if part.is_active() && part.control_available == (role == Role::Manager) => {
            Look::Ready(())
        }
        Ok(part) if part.error.is_empty() => Look::NotYet(None),
        Ok(part) => Look::NotYet(Some(Error::other(part.error))),
        Err(error) => Look::NotYet(Some(error)),
    };
    let what = format!("`{}` as a {} of the swarm", member.name, role.word());
    Wait::new(what, PATIENCE).until(as_wanted).await
}
