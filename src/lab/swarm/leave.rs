use std::sync::Arc;
use std::time::Duration;

use machine_driver::wait::{Look, Wait};
use machine_driver::{Error, Progress, Result};
use serde_json::json;

use super::api::{self, Node};
use super::member::{Member, manager, open_all};
use crate::engine::Engine;

/// The label of a node that we have drained, so that we know that it was not the user.
pub(super) const LEAVING: &str = "machine.leaving";

/// How long the tasks of a node may take to end: each has ten seconds to stop, unless it asks for
/// more.
const DRAIN: Duration = Duration::from_secs(60);

/// How long a change of the managers may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Takes machines that are about to go out of the swarm of those that stay, if there is one: their
/// tasks move to others first, and the managers keep their quorum. Returns what failed for which
/// machine; it should stay then.
pub(in super::super) async fn leave(
    engine: &Engine,
    going: &[String],
    staying: &[String],
    show: &(dyn Fn(&str) -> Arc<dyn Progress> + Sync),
) -> Result<Vec<(String, Error)>> {
    // Machines that are off, or gone, do not answer and are no failures.
    let (stay, _) = open_all(engine, staying.iter().map(String::as_str)).await;
    let (go, _) = open_all(engine, going.iter().map(String::as_str)).await;
    let Some(head) = manager(&stay) else {
        let worker = stay.iter().find(|member| member.part.is_active());
        return match (worker, manager(&go)) {
            (Some(worker), Some(last)) => Err(last_manager(&last.name, &worker.name)),
            _ => Ok(Vec::new()),
        };
    };
    let mut failures = Vec::new();
    for name in going {
        let member = go.iter().find(|member| member.name == *name);
        // Fresh each time, for every machine that leaves changes the quorum.
        let nodes = api::nodes(&head.docker).await?;
        let node = match member {
            Some(member) => nodes.iter().find(|node| node.id == member.part.node_id),
            None => nodes.iter().find(|node| node.description.hostname == *name),
        };
        let Some(node) = node else { continue };
        let left = take_out(head, member, node, &*show(name)).await;
        failures.extend(left.err().map(|error| (name.clone(), error)));
    }
    Ok(failures)
}

fn last_manager(manager: &str, worker: &str) -> Error {
    Error::other(format!(
        "`{manager}` leads the swarm that `{worker}` is in, and is its last manager"
    ))
    .hint(format!("make `{worker}` a manager first (`swarm: manager`): `machine up`"))
    .hint("or take the whole lab down: `machine down`")
}

/// Takes one node out: no manager any more, no tasks, gone. `member` is its machine, if it answers.
pub(super) async fn take_out(
    head: &Member,
    member: Option<&Member>,
    node: &Node,
    progress: &dyn Progress,
) -> Result<()> {
    progress.line("Leaving the swarm...");
    if node.is_manager() {
        check_quorum(&api::nodes(&head.docker).await?, node)?;
    }
    let change = |spec: &mut serde_json::Value| {
        spec["Role"] = json!("worker");
        spec["Availability"] = json!("drain");
        if !spec["Labels"].is_object() {
            spec["Labels"] = json!({});
        }
        spec["Labels"][LEAVING] = json!("true");
    };
    api::update(&head.docker, &node.id, change).await?;
    if let Some(member) = member {
        drained(head, node, progress).await;
        demoted(member).await?;
        api::leave(&member.docker, false).await?;
    }
    removed(head, node).await
}

/// Waits until nothing runs on a node. A task that does not end is lost with its machine, as it
/// would be in any case.
async fn drained(head: &Member, node: &Node, progress: &dyn Progress) {
    let wait = Wait::new("the end of its tasks", DRAIN);
    let ended = wait.until(async || match api::running_tasks(&head.docker, &node.id).await {
        Ok(0) => Look::Ready(()),
        Ok(_) => Look::NotYet(None),
        Err(error) => Look::NotYet(Some(error)),
    });
    if let Err(error) = ended.await {
        progress.warn(&format!("not everything on it came to an end: {}", error.one_line()));
    }
}

/// A manager gets to know a moment later that it is none any more, and cannot leave before.
async fn demoted(member: &Member) -> Result<()> {
    let wait = Wait::new(format!("`{}` as no manager any more", member.name), PATIENCE);
    wait.until(async || match api::part(&member.docker).await {
        Ok(part) if part.control_available => Look::NotYet(None),
        Ok(_) => Look::Ready(()),
        Err(error) => Look::NotYet(Some(error)),
    })
    .await
}

/// Removes a node from the list of the managers, which for a moment still have it as one of them.
async fn removed(head: &Member, node: &Node) -> Result<()> {
    let wait = Wait::new("the removal of its node", PATIENCE);
    wait.until(async || match api::remove(&head.docker, &node.id).await {
        Ok(()) => Look::Ready(()),
        Err(error) => Look::NotYet(Some(error)),
    })
    .await
}

/// Whether the other managers are a majority without this one.
pub(super) fn check_quorum(nodes: &[Node], going: &Node) -> Result<()> {
    let others = nodes.iter().filter(|node| node.is_manager() && node.id != going.id);
    let (all, reachable) = others.fold((0, 0), |(all, reachable), node| {
        (all + 1, reachable + usize::from(node.is_reachable()))
    });
    if !going.is_manager() || reachable > all / 2 {
        return Ok(());
    }
    let name = &going.description.hostname;
    let error = Error::other(format!("without `{name}` the swarm would have no quorum"));
    Err(match all {
        0 => error.caused_by("it is the last manager").hint("`machine down` removes the whole lab"),
        _ => error
            .caused_by(format!("{reachable} of the {all} other managers can be reached"))
            .hint("start the others: `machine up`"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: &str, role: &str, reachability: &str) -> Node {
        serde_json::from_value(json!({
            "ID": id,
            "Version": { "Index": 7 },
            "Spec": { "Role": role, "Availability": "active" },
            "Description": { "Hostname": id },
            "Status": { "State": "ready", "Addr": "10.0.0.1" },
            "ManagerStatus": { "Reachability": reachability },
        }))
        .unwrap()
    }

    #[test]
    fn a_majority_must_be_left() {
        let up = |id| node(id, "manager", "reachable");
        let lost = |id| node(id, "manager", "unreachable");
        let worker = node("w", "worker", "");
        let may_go = |nodes: &[Node]| check_quorum(nodes, &nodes[0]).is_ok();
        assert!(may_go(&[worker.clone(), up("a")]));
        assert!(!may_go(&[up("a"), worker]), "the last one");
        assert!(may_go(&[up("a"), up("b")]), "one of one is left");
        assert!(may_go(&[up("a"), up("b"), up("c")]));
        assert!(!may_go(&[up("a"), up("b"), lost("c")]), "one of two is no majority");
        assert!(may_go(&[lost("c"), up("a"), up("b")]));
    }
}
