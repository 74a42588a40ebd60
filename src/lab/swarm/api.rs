//! The part of the Engine's API that is about swarms, version 1.44 and later.
//! <https://docs.docker.com/reference/api/engine/version/v1.44/#tag/Swarm>

use std::time::Duration;

use machine_driver::Result;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::tls::docker::Client;

/// For a question that the Engine answers from its own memory.
const SHORT: Duration = Duration::from_secs(30);
/// For one that takes a vote, a certificate, or a connection to another machine.
const LONG: Duration = Duration::from_secs(120);

/// Where managers listen for each other and for workers.
const PORT: u16 = 2377;

/// `Swarm` of `GET /info`: how an Engine sees its own part.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Part {
    #[serde(rename = "NodeID")]
    pub(super) node_id: String,
    /// `inactive`, `pending`, `active`, `error` or `locked`.
    pub(super) local_node_state: String,
    /// It is a manager, and has a quorum.
    pub(super) control_available: bool,
    pub(super) error: String,
    /// Only managers know it.
    pub(super) cluster: Option<Cluster>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub(super) struct Cluster {
    #[serde(rename = "ID")]
    pub(super) id: String,
}

/// One of `GET /nodes`: how the managers see it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Node {
    #[serde(rename = "ID")]
    pub(super) id: String,
    pub(super) version: Version,
    /// Kept whole, for an update replaces all of it.
    pub(super) spec: Value,
    #[serde(default)]
    pub(super) description: Description,
    #[serde(default)]
    pub(super) status: NodeStatus,
    #[serde(default)]
    pub(super) manager_status: Option<ManagerStatus>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Version {
    pub(super) index: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Description {
    pub(super) hostname: String,
    pub(super) engine: EngineVersion,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct EngineVersion {
    pub(super) engine_version: String,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct NodeStatus {
    /// `ready`, `down`, `unknown` or `disconnected`.
    pub(super) state: String,
    pub(super) addr: String,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ManagerStatus {
    pub(super) leader: bool,
    /// `reachable`, `unreachable` or `unknown`.
    pub(super) reachability: String,
}

impl Part {
    pub(super) fn is_active(&self) -> bool {
        self.local_node_state == "active"
    }
}

impl Node {
    pub(super) fn role(&self) -> &str {
        self.spec["Role"].as_str().unwrap_or("worker")
    }

    pub(super) fn availability(&self) -> &str {
        self.spec["Availability"].as_str().unwrap_or("active")
    }

    pub(super) fn is_manager(&self) -> bool {
        self.role() == "manager"
    }

    pub(super) fn is_reachable(&self) -> bool {
        self.manager_status.as_ref().is_some_and(|it| it.reachability == "reachable")
    }
}

pub(super) async fn part(docker: &Client) -> Result<Part> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Info {
        #[serde(default)]
        swarm: Part,
    }
    Ok(docker.get::<Info>("info", SHORT).await?.swarm)
}

/// Begins a swarm. `address` is the Engine's own for the others; without one it chooses.
pub(super) async fn init(docker: &Client, address: Option<&str>) -> Result<()> {
    let body = json!({
        "ListenAddr": format!("0.0.0.0:{PORT}"),
        "AdvertiseAddr": address.map(|address| format!("{address}:{PORT}")).unwrap_or_default(),
        "Spec": {},
    });
    docker.post("swarm/init", &body, LONG).await.map(drop)
}

/// What lets an Engine join: as a manager, as a worker.
pub(super) async fn tokens(docker: &Client) -> Result<(String, String)> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Swarm {
        join_tokens: Tokens,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Tokens {
        manager: String,
        worker: String,
    }
    let Tokens { manager, worker } = docker.get::<Swarm>("swarm", SHORT).await?.join_tokens;
    Ok((manager, worker))
}

/// Joins the swarm that has managers at `managers`.
pub(super) async fn join(
    docker: &Client,
    address: Option<&str>,
    managers: &[String],
    token: &str,
) -> Result<()> {
    let managers: Vec<String> = managers.iter().map(|it| format!("{it}:{PORT}")).collect();
    let body = json!({
        "ListenAddr": format!("0.0.0.0:{PORT}"),
        "AdvertiseAddr": address.map(|address| format!("{address}:{PORT}")).unwrap_or_default(),
        "RemoteAddrs": managers,
        "JoinToken": token,
    });
    docker.post("swarm/join", &body, LONG).await.map(drop)
}

pub(super) async fn leave(docker: &Client, force: bool) -> Result<()> {
    docker.post(&format!("swarm/leave?force={force}"), &Value::Null, LONG).await.map(drop)
}

pub(super) async fn nodes(docker: &Client) -> Result<Vec<Node>> {
    docker.get("nodes", SHORT).await
}

/// Changes what is wanted of a node, on the newest version of it.
pub(super) async fn update(docker: &Client, id: &str, change: impl Fn(&mut Value)) -> Result<()> {
    let mut tries = 5;
    loop {
        let Node { version, mut spec, .. } = docker.get(&format!("nodes/{id}"), SHORT).await?;
        let before = spec.clone();
        change(&mut spec);
        if spec == before {
            return Ok(());
        }
        let path = format!("nodes/{id}/update?version={}", version.index);
        match docker.post(&path, &spec, LONG).await {
            Err(error) if tries > 1 && error.one_line().contains("out of sequence") => tries -= 1,
            result => return result.map(drop),
        }
    }
}

pub(super) async fn remove(docker: &Client, id: &str) -> Result<()> {
    match docker.delete(&format!("nodes/{id}?force=true"), LONG).await {
        Err(error) if error.kind() == machine_driver::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// The number of tasks that run on a node.
pub(super) async fn running_tasks(docker: &Client, id: &str) -> Result<usize> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Task {
        status: TaskStatus,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct TaskStatus {
        state: String,
    }
    // {"node":{"ID":true}}, percent-encoded; an ID is letters and digits.
    let path = format!("tasks?filters=%7B%22node%22%3A%7B%22{id}%22%3Atrue%7D%7D");
    let tasks: Vec<Task> = docker.get(&path, SHORT).await?;
    Ok(tasks.iter().filter(|task| task.status.state == "running").count())
}
