use machine_driver::{Error, Result};
use serde::Serialize;

use super::api;
use super::member::{manager, open_all};
use crate::engine::Engine;

/// A swarm as its managers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    pub nodes: Vec<NodeRow>,
    pub managers: usize,
    pub reachable: usize,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeRow {
    /// The machine, which is also its host name.
    pub machine: String,
    pub role: String,
    /// Docker's words: `ready`, `down`, ...
    pub state: String,
    pub availability: String,
    pub leader: bool,
    pub address: String,
    /// The Engine's version.
    pub engine: String,
    pub node: String,
}

/// Asks one of the managers among the machines.
pub async fn status(engine: &Engine, machines: &[String]) -> Result<Status> {
    let (members, failures) = open_all(engine, machines.iter().map(String::as_str)).await;
    let Some(head) = manager(&members) else {
        let active = members.iter().any(|member| member.part.is_active());
        let error = Error::other(match active {
            true => "no manager of the swarm answers, or too few of them for a quorum",
            false => "the machines are in no swarm",
        });
        return Err(match failures.into_iter().next() {
            Some((name, cause)) => {
                error.caused_by(cause.context(format!("`{name}` does not answer")))
            }
            None => error,
        });
    };
    let nodes = api::nodes(&head.docker).await?;
    let (managers, reachable) =
        nodes.iter().filter(|node| node.is_manager()).fold((0, 0), |(all, reachable), node| {
            (all + 1, reachable + usize::from(node.is_reachable()))
        });
    let mut nodes: Vec<NodeRow> = nodes.iter().map(row).collect();
    nodes.sort_by(|a, b| a.machine.cmp(&b.machine));
    Ok(Status { nodes, managers, reachable })
}

fn row(node: &api::Node) -> NodeRow {
    NodeRow {
        machine: node.description.hostname.clone(),
        role: node.role().to_owned(),
        state: node.status.state.clone(),
        availability: node.availability().to_owned(),
        leader: node.manager_status.as_ref().is_some_and(|it| it.leader),
        address: node.status.addr.clone(),
        engine: node.description.engine.engine_version.clone(),
        node: node.id.clone(),
    }
}

impl Status {
    /// Whether the managers can decide.
    pub fn has_quorum(&self) -> bool {
        self.reachable > self.managers / 2
    }
}
