//! Answers of real clouds (`../shared/specs/fixtures`) in the place of the fake's: what the driver
//! reads must be in them, in every form that there was.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

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
