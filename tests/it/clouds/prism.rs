//! Prism between a driver and the fake of its cloud, with the vendor's own description.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::lab::Lab;

/// Prism as a proxy before a fake, until it is dropped.
pub(crate) struct Prism {
    child: Child,
    pub(crate) url: String,
    log: PathBuf,
}

impl Prism {
    /// `None`, with a word on stderr, where it or the description is not there. What the `vendor`'s
    /// description was cut down by is in `tests/support/specs`.
    pub(crate) fn before(
        vendor: &str,
        upstream: &str,
        lab: &Lab,
        wrap: impl Fn(&str) -> Command,
    ) -> Option<Self> {
        let Some(program) = std::env::var_os("MACHINE_TEST_PRISM").map(PathBuf::from) else {
            crate::lab::skip("there is no Prism: `scripts/test` installs it");
            return None;
        };
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let spec = root.join(format!("../shared/specs/{vendor}/openapi.trim.json"));
        for path in [&program, &spec] {
            if !path.exists() {
                crate::lab::skip(&format!("there is no `{}`", path.display()));
                return None;
            }
        }
        let more = root.join(format!("tests/support/specs/{vendor}-firewalls.json"));
        let spec = with_firewalls(&spec, &more);
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

    pub(crate) fn said(&self) -> String {
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
