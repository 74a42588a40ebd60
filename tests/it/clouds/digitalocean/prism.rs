//! The vendor's description of its interface stands between the driver and the fake: a wrong
//! request and a wrong answer both fail.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::super::server::Server;
use super::fake::DigitalOcean;
use super::subject_at;
use crate::lab::{Lab, run};

/// Prism as a proxy before a fake, until it is dropped.
pub(super) struct Prism {
    child: Child,
    pub(super) url: String,
    log: PathBuf,
}

impl Prism {
    /// `None`, with a word on stderr, where it or the description is not there.
    pub(super) fn before(
        upstream: &str,
        lab: &Lab,
        wrap: impl Fn(&str) -> Command,
    ) -> Option<Self> {
        let Some(program) = std::env::var_os("MACHINE_TEST_PRISM").map(PathBuf::from) else {
            crate::lab::skip("there is no Prism: `scripts/test` installs it");
            return None;
        };
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let spec = root.join("../shared/specs/digitalocean/openapi.trim.json");
        for path in [&program, &spec] {
            if !path.exists() {
                crate::lab::skip(&format!("there is no `{}`", path.display()));
                return None;
            }
        }
        let spec =
            with_firewalls(&spec, &root.join("tests/support/specs/digitalocean-firewalls.json"));
        let path = lab.path().join("openapi.json");
        fs::write(&path, spec.to_string()).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = lab.path().join("prism.log");
        let child = wrap("node")
            .arg(program)
            .args(["proxy", "-h", "127.0.0.1", "-p", &port.to_string(), "--errors"])
            .arg(path)
            .arg(upstream)
            .stdin(Stdio::null())
            .stdout(fs::File::create(&log).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let prism = Self { child, url: format!("http://127.0.0.1:{port}"), log };
        let end = Instant::now() + Duration::from_secs(120);
        while !prism.said().contains("listening") {
            assert!(Instant::now() < end, "prism did not start: {}", prism.said());
            std::thread::sleep(Duration::from_millis(200));
        }
        Some(prism)
    }

    pub(super) fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Prism {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn with_firewalls(spec: &Path, more: &Path) -> Value {
    let read = |path| serde_json::from_slice::<Value>(&fs::read(path).unwrap()).unwrap();
    let (mut spec, more) = (read(spec), read(more));
    for (path, operations) in more["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            spec["paths"][path][method] = operation.clone();
        }
    }
    spec
}

#[test]
fn the_vendors_description_agrees_with_every_call_and_every_answer() {
    let lab = Lab::new();
    let server = Server::start(DigitalOcean::new());
    let Some(prism) = Prism::before(&server.url(), &lab, |program| Command::new(program)) else {
        return;
    };
    server.fake(|fake| fake.page = 1);
    let subject = subject_at(&server, &prism.url);
    let ttl = ["--ttl", "1h", "--digitalocean-tags", "a, b"];
    let more =
        ["--digitalocean-private-networking", "--digitalocean-ipv6", "--digitalocean-backups"];
    let made = run(subject.create(&lab).args(ttl).args(more));
    assert!(made.stderr.contains("the step `ssh` failed"), "{}\n{}", made.stderr, prism.said());
    let second = run(subject
        .machine(&lab)
        .args(["create", "-d", "digitalocean", "--digitalocean-ssh-port", "9", "m2"])
        .env("MACHINE_PUBLIC_ADDRESS", "198.51.100.1"));
    assert!(second.stderr.contains("the step `ssh` failed"), "{}\n{}", second.stderr, prism.said());
    for args in [&["stop", "m1"][..], &["gc", "--dry-run"], &["rm", "-y", "m1", "m2"]] {
        let ran = run(subject.machine(&lab).args(args));
        assert_eq!(ran.code, Some(0), "{args:?}: {}\n{}", ran.stderr, prism.said());
    }
    assert_eq!(server.left(), [""; 0]);
    assert!(!prism.said().contains("VIOLATIONS"), "{}", prism.said());

    // It does find what is wrong: an answer without what the description demands, and a request.
    server.fake(|fake| {
        fake.droplets.insert(7, serde_json::json!({ "id": 7, "tags": ["machine-store:x"] }))
    });
    let broken = run(subject
        .machine(&lab)
        .args(["gc", "-d", "digitalocean", "--dry-run"])
        .env("MACHINE_STORAGE_PATH", broken_store(&lab)));
    assert_eq!(broken.code, Some(1), "{}", broken.stdout);
    assert!(prism.said().contains("VIOLATIONS"), "{}", prism.said());
}

/// A store whose mark is on the droplet that no real one could be.
fn broken_store(lab: &Lab) -> PathBuf {
    let store = lab.path().join("broken");
    fs::create_dir_all(&store).unwrap();
    fs::write(store.join("store-id"), "x\n").unwrap();
    store
}
