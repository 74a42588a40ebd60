//! Answers of real clouds (`../shared/specs/fixtures`, and `zed.json` beside this file) in the place of
//! the fake's: what the driver reads must be in them, in every form that there was.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::super::faults::Subject;
use super::super::scene::Scene;
use super::super::server::{Call, Fake, Reply, Server};
use crate::lab::{Lab, run};

fn fixtures() -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/specs/fixtures/openstack_v1_1");
    if !dir.is_dir() {
        crate::lab::skip("the recorded answers: ../shared is not there");
        return None;
    }
    Some(dir)
}

/// Answers with what was recorded.
struct Recorded {
    dir: PathBuf,
    url: String,
}

impl Fake for Recorded {
    fn answer(&mut self, call: &Call) -> Reply {
        let endpoint = |path: &str| json!([{ "interface": "public", "region_id": "R", "region": "R", "url": format!("{}{path}", self.url) }]);
        let file = match (call.method.as_str(), call.parts().as_slice()) {
            ("POST", ["v3", "auth", "tokens"]) => {
                let token = json!({
                    "project": { "id": "p" }, "user": { "id": "u" },
                    "catalog": [
                        { "type": "compute", "endpoints": endpoint("/v2.1") },
                        { "type": "network", "endpoints": endpoint("/v2.0") },
                        { "type": "volume", "endpoints": endpoint("/v3/p") },
                    ],
                });
                let reply = Reply::json(201, &json!({ "token": token }));
                return reply.header("x-subject-token", "t");
            }
            (_, ["v2.1", "servers", "detail"]) => "_servers_detail_ERROR_STATE.json",
            (_, ["v2.1", "os-keypairs"]) => "_os_keypairs.json",
            (_, ["v2.0", "floatingips"]) => "_v2_0__floatingips.json",
            (_, ["v2.0", "security-groups"]) => "_v2_0__security_groups.json",
            (_, ["v3", "p", "volumes", "detail"]) => "_v2_0__volumes.json",
            _ => return Reply::empty(404),
        };
        let body: Value =
            serde_json::from_slice(&std::fs::read(self.dir.join(file)).unwrap()).unwrap();
        Reply::json(200, &body)
    }

    fn left(&self) -> Vec<String> {
        Vec::new()
    }

    fn ids(&self) -> Vec<String> {
        Vec::new()
    }
}

#[test]
fn recorded_answers_are_read() {
    let Some(dir) = fixtures() else { return };
    let server = Server::start(Recorded { dir, url: String::new() });
    let url = server.url();
    server.fake(|fake| fake.url.clone_from(&url));
    let lab = Lab::new();
    std::fs::create_dir_all(lab.store()).unwrap();
    std::fs::write(lab.store().join("store-id"), "0123456789ab\n").unwrap();
    let mut gc = lab.command();
    gc.args(["gc", "-d", "openstack", "--dry-run"])
        .env("MACHINE_CACHE_PATH", lab.path().join("cache"))
        .envs([("OS_AUTH_URL", url.as_str()), ("OS_USERNAME", "u"), ("OS_PASSWORD", "p")])
        .env("OS_PROJECT_ID", "p");
    let looked = run(&mut gc);
    assert_eq!(looked.code, Some(0), "{}", looked.stderr);
    assert!(looked.stderr.contains("Nothing is left behind"), "{}", looked.stderr);
    let calls = server.take_calls();
    assert_eq!(calls.len(), 6, "{calls:?}");
}

/// What the services of one OpenStack answered to a machine's life (`zed.json`), each answer in its
/// turn, and the last of its kind again where more are asked for.
struct Zed {
    answers: Vec<Value>,
    used: BTreeSet<usize>,
    url: String,
}

impl Zed {
    fn new() -> Self {
        let mut file: Value = serde_json::from_str(include_str!("zed.json")).unwrap();
        let answers = file["answers"].as_array_mut().map(std::mem::take).unwrap();
        Self { answers, used: BTreeSet::new(), url: String::new() }
    }

    /// The name of a key pair has the time in it.
    fn is_same(answer: &Value, call: &Call) -> bool {
        let path = answer[1].as_str().unwrap();
        let prefix = path.find("/os-keypairs/").map_or(path, |at| &path[..at + 13]);
        answer[0] == call.method.as_str()
            && (call.path == path || (prefix != path && call.path.starts_with(prefix)))
    }
}

impl Fake for Zed {
    fn answer(&mut self, call: &Call) -> Reply {
        let fitting = self.answers.iter().enumerate().filter(|(_, it)| Self::is_same(it, call));
        let fitting: Vec<usize> = fitting.map(|(at, _)| at).collect();
        let next = fitting.iter().find(|at| !self.used.contains(at)).or(fitting.last());
        let at = *next
            .unwrap_or_else(|| panic!("nothing is recorded for {} {}", call.method, call.path));
        self.used.insert(at);
        let status = u16::try_from(self.answers[at][2].as_u64().unwrap()).unwrap();
        let body = self.answers[at][3].to_string().replace("CLOUD", &self.url);
        let reply = match &self.answers[at][3] {
            Value::Null => Reply::empty(status),
            _ => Reply::json(status, &serde_json::from_str(&body).unwrap()),
        };
        reply.header("x-subject-token", "t")
    }

    fn left(&self) -> Vec<String> {
        let unused = self.answers.iter().enumerate().filter(|(at, _)| !self.used.contains(at));
        unused.map(|(_, it)| format!("{} {}", it[0], it[1])).collect()
    }

    fn ids(&self) -> Vec<String> {
        Vec::new()
    }
}

fn zed(server: &Server<Zed>) -> Subject<'_, Zed> {
    let url = server.url();
    server.fake(|fake| fake.url.clone_from(&url));
    let variables = [
        ("OS_AUTH_URL", url.as_str()),
        ("OS_USERNAME", "lab2"),
        ("OS_PASSWORD", "redacted"),
        ("OS_PROJECT_NAME", "lab2"),
        ("OS_FLAVOR_NAME", "m1.small"),
        ("OS_IMAGE_NAME", "debian-12"),
        ("OS_NETWORK_NAME", "private"),
        ("OS_FLOATINGIP_POOL", "public"),
    ];
    Subject {
        driver: "openstack",
        server,
        variables: variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        flags: Vec::new(),
    }
}

#[test]
fn a_machines_life_as_zed_answered_it() {
    let scene = Scene::of(Server::start(Zed::new()), zed);
    std::fs::create_dir_all(scene.lab.store()).unwrap();
    // The store and the machine whose marks are in the answers.
    std::fs::write(scene.lab.store().join("store-id"), "06f13b843362\n").unwrap();
    let create = ["create", "-d", "openstack", "--openstack-volume-size", "1", "rec1"];
    let made = scene.run(&create);
    assert!(made.stderr.contains("the step `ssh` failed"), "{}{}", made.stdout, made.stderr);
    let path = scene.lab.store().join("machines/rec1/config.json");
    let record: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let record = &record["Driver"];
    for (key, value) in [
        ("MachineId", "8e638f5c-f83b-4923-afef-139cf81507a2"),
        ("VolumeId", "433d1854-827b-4c44-9282-68abef245fb8"),
        ("FloatingIPID", "c5827087-687b-40e8-905d-65d936f71d9c"),
        ("FlavorId", "2"),
    ] {
        assert_eq!(record[key], value, "{record}");
    }
    assert_eq!(record["IPAddress"].as_str().unwrap().rsplit_once('.').unwrap().0, "10.98.1");
    for command in [&["stop", "rec1"][..], &["rm", "-y", "rec1"]] {
        let done = scene.run(command);
        assert_eq!(done.code, Some(0), "{command:?}: {}", done.stderr);
    }
    // All that was asked then was asked again.
    assert_eq!(scene.server.left(), [""; 0]);
    assert!(scene.lab.machine_files().is_empty());
}
