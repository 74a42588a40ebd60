//! The driver against a real OpenStack, where one runs: `scripts/openstack-lab` starts it, and
//! `MACHINE_TEST_OPENSTACK` is the path of its clouds.yaml. What the driver asks goes through our
//! server, which can let each call go wrong.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::super::faults::Subject;
use super::super::server::{Call, Fake, Fault, Reply, Server};
use super::super::{has_an_engine, measured};
use crate::hosts::{Base, Host, in_network, machine};
use crate::lab::{Lab, connect_in, run};

/// Where the services are, by the first part of the path under which our server has them.
const SERVICES: [(&str, u16); 4] =
    [("compute", 8774), ("networking", 9696), ("image", 9292), ("volume", 8776)];
const KEYSTONE: u16 = 5000;

struct Real {
    clouds: PathBuf,
    /// How the user logs in, as clouds.yaml has it.
    auth: Value,
    /// Of our server.
    url: String,
    /// There is one project, at whose leftovers each test looks.
    _alone: File,
}

impl Real {
    /// `None`, with a word on stderr, where there is none.
    fn find() -> Option<Self> {
        let Some(clouds) = std::env::var_os("MACHINE_TEST_OPENSTACK").map(PathBuf::from) else {
            crate::lab::skip("there is no real OpenStack: `scripts/openstack-lab` starts one");
            return None;
        };
        let alone = File::create(std::env::temp_dir().join("machine-openstack.lock")).unwrap();
        alone.lock().unwrap();
        // It is JSON, which is YAML too.
        let file: Value = serde_json::from_slice(&std::fs::read(&clouds).unwrap()).unwrap();
        let auth = file["clouds"]["lab"]["auth"].clone();
        let real = Self { clouds, auth, url: String::new(), _alone: alone };
        assert_eq!(real.left(), [""; 0], "before the test");
        Some(real)
    }

    fn auth(&self, key: &str) -> String {
        self.auth[key].as_str().unwrap().to_owned()
    }

    /// A token of the user's, and the project.
    fn login(&self) -> (String, String) {
        let domain = json!({ "id": "default" });
        let user = json!({
            "name": self.auth("username"), "password": self.auth("password"), "domain": domain,
        });
        let body = json!({ "auth": {
            "identity": { "methods": ["password"], "password": { "user": user } },
            "scope": { "project": { "name": self.auth("project_name"), "domain": domain } },
        } });
        let head = "POST /v3/auth/tokens HTTP/1.0\r\ncontent-type: application/json\r\n";
        let reply = exchange(KEYSTONE, head, body.to_string().as_bytes());
        assert_eq!(reply.status, 201, "{}", String::from_utf8_lossy(&reply.body));
        let token = reply.headers.iter().find(|(name, _)| name == "x-subject-token").unwrap();
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        (token.1.clone(), body["token"]["project"]["id"].as_str().unwrap().to_owned())
    }

    /// What the project has of each kind, as its services list it.
    fn all(&self) -> Vec<(&'static str, Vec<Value>)> {
        let (token, project) = self.login();
        let list = |port, key: &str, path: &str| {
            let head = format!("GET {path} HTTP/1.0\r\nx-auth-token: {token}\r\n");
            let reply = exchange(port, &head, b"");
            assert_eq!(reply.status, 200, "{path}");
            let mut body: Value = serde_json::from_slice(&reply.body).unwrap();
            body[key].as_array_mut().map(std::mem::take).unwrap_or_default()
        };
        let neutron =
            |key: &str, path: &str| list(9696, key, &format!("/v2.0/{path}?project_id={project}"));
        let keypairs = list(8774, "keypairs", "/v2.1/os-keypairs");
        let keypairs = keypairs.into_iter().map(|mut it| it["keypair"].take()).collect();
        let mut ports = neutron("ports", "ports");
        // The routers', which were there before.
        ports.retain(|it| !it["device_owner"].as_str().unwrap().starts_with("network:"));
        let mut groups = neutron("security_groups", "security-groups");
        groups.retain(|it| it["name"] != "default");
        let mut volumes = list(8776, "volumes", &format!("/v3/{project}/volumes/detail"));
        // Nova has asked for that, and does not wait for it.
        volumes.retain(|it| it["status"] != "deleting");
        vec![
            ("server", list(8774, "servers", "/v2.1/servers/detail")),
            ("key pair", keypairs),
            ("port", ports),
            ("floating IP", neutron("floatingips", "floatingips")),
            ("security group", groups),
            ("volume", volumes),
        ]
    }
}

/// One call of a service in the lab's network. `head` is without the empty line at its end.
fn exchange(port: u16, head: &str, body: &[u8]) -> Reply {
    let namespace = Path::new("/var/run/netns/mt-client");
    let mut stream = connect_in(namespace, port).unwrap();
    let length = body.len();
    let request = format!("{head}host: 127.0.0.1:{port}\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(&[request.as_bytes(), body].concat()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split_whitespace().nth(1).unwrap().parse().unwrap();
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    Reply { status, headers: headers.collect(), body: answer[end + 4..].to_vec() }
}

impl Fake for Real {
    /// Hands the call on, and answers with our server's address in place of the services'.
    fn answer(&mut self, call: &Call) -> Reply {
        let first = call.parts().first().copied().unwrap_or_default().to_owned();
        let service = SERVICES.iter().find(|(name, _)| *name == first);
        let (port, path) = match service {
            Some((name, port)) => (*port, &call.path[name.len() + 1..]),
            None => (KEYSTONE, call.path.as_str()),
        };
        let query: Vec<String> = call
            .query
            .iter()
            .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
            .collect();
        let path = escaped(path).replace("%2F", "/");
        let mut head = format!("{} {path}?{} HTTP/1.0\r\n", call.method, query.join("&"));
        for name in [
            "x-auth-token",
            "content-type",
            "openstack-api-version",
            "x-openstack-nova-api-version",
        ] {
            if let Some(value) = call.headers.get(name) {
                head += &format!("{name}: {value}\r\n");
            }
        }
        let mut reply = exchange(port, &head, &call.body);
        let mut body = String::from_utf8(reply.body).unwrap();
        let addresses = SERVICES.map(|(name, port)| (port, format!("{}/{name}", self.url)));
        for (port, address) in addresses.into_iter().chain([(KEYSTONE, self.url.clone())]) {
            body = body.replace(&format!("http://127.0.0.1:{port}"), &address);
        }
        reply.body = body.into_bytes();
        reply
            .headers
            .retain(|(name, _)| !["content-length", "connection"].contains(&name.as_str()));
        reply
    }

    fn left(&self) -> Vec<String> {
        let name = |kind: &str, it: &Value| format!("{kind} {} {}", it["name"], it["id"]);
        let all = self.all();
        all.iter().flat_map(|(kind, all)| all.iter().map(move |it| name(kind, it))).collect()
    }

    fn ids(&self) -> Vec<String> {
        let mut all = self.all();
        all.retain(|(kind, _)| !["port", "security group"].contains(kind));
        let id = |it: &Value| {
            [&it["id"], &it["name"]].into_iter().find_map(Value::as_str).unwrap().to_owned()
        };
        all.iter().flat_map(|(_, all)| all.iter().map(id)).collect()
    }
}

fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |text, byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            text + &char::from(byte).to_string()
        }
        byte => text + &format!("%{byte:02X}"),
    })
}

/// What is to be made, besides how to log in.
const WISHES: [(&str, &str); 4] = [
    ("OS_FLAVOR_NAME", "m1.small"),
    ("OS_IMAGE_NAME", "debian-12"),
    ("OS_NETWORK_NAME", "private"),
    ("OS_FLOATINGIP_POOL", "public"),
];

fn subject(server: &Server<Real>) -> Subject<'_, Real> {
    let url = server.url();
    let auth = server.fake(|real| {
        real.url.clone_from(&url);
        real.auth.clone()
    });
    let mut variables: Vec<(String, String)> =
        WISHES.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    variables.push(("OS_AUTH_URL".to_owned(), url));
    for key in ["username", "password", "project_name"] {
        let value = auth[key].as_str().unwrap().to_owned();
        variables.push((format!("OS_{}", key.to_uppercase()), value));
    }
    Subject { driver: "openstack", server, variables, flags: Vec::new() }
}

/// A network whose addresses are all a host's, as long as this lives.
struct Way(&'static str);

impl Way {
    fn to(network: &'static str, host: &Host) -> Self {
        host.says(&format!("ip route add local {network} dev lo"));
        let mut route = in_network("ip");
        let led = run(route.args(["route", "replace", network, "via", &host.address]));
        assert_eq!(led.code, Some(0), "{}", led.stderr);
        Self(network)
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        run(in_network("ip").args(["route", "del", self.0]));
    }
}

#[test]
fn a_real_clouds_server_becomes_a_machine_and_leaves_nothing() {
    let Some(real) = Real::find() else { return };
    let Some(host) = Host::boot(Base::Docker, |_| {}) else { return };
    // Whatever address Neutron gives, in its external network and behind it, is the host's.
    let _ways = ["10.97.1.0/24", "10.97.2.0/24"].map(|network| Way::to(network, &host));
    let lab = Lab::new();
    let cloud = |name: &str, args: &[&str]| {
        let mut command = machine(&lab);
        command
            .envs(WISHES)
            .env("OS_CLOUD", name)
            .env("OS_CLIENT_CONFIG_FILE", &real.clouds)
            .env("MACHINE_CACHE_PATH", lab.path().join("cache"))
            .env("MACHINE_PUBLIC_ADDRESS", "10.98.0.1")
            .args(args);
        command
    };
    // By password with a floating IP, then by application credential without one.
    for (name, pool) in [("lab", "public"), ("credential", "")] {
        let flags = ["--openstack-floatingip-pool", pool, "--engine-label", "a=b", "m1"];
        let create = cloud(name, &[&["create", "-d", "openstack"], &flags[..]].concat());
        let made = std::thread::scope(|scope| {
            let made = scope.spawn(|| run(&mut { create }));
            let key = || {
                let all = real.all();
                let (_, keys) = all.iter().find(|(kind, _)| *kind == "key pair").unwrap();
                keys.first().map(|key| key["public_key"].as_str().unwrap().to_owned())
            };
            // What cloud-init does with the key of a new server.
            let mut found = key();
            while found.is_none() && !made.is_finished() {
                found = key();
            }
            host.says(&format!("echo '{}' >>~/.ssh/authorized_keys", found.unwrap_or_default()));
            made.join().unwrap()
        });
        assert_eq!(made.code, Some(0), "{}{}", made.stdout, made.stderr);
        let says = |args: &[&str]| {
            let run = run(&mut cloud(name, args));
            assert_eq!(run.code, Some(0), "{args:?}: {}", run.stderr);
            run.stdout
        };
        let listed = says(&["ls", "--format", "{{.State}} {{.DockerVersion}}"]);
        assert_eq!(listed, "Running v20.10.24+dfsg1\n");
        has_an_engine(in_network("bash"), &lab, "openstack");
        for (command, state) in
            [("stop", "Stopped"), ("start", "Running"), ("restart", "Running"), ("kill", "Stopped")]
        {
            says(&[command, "m1"]);
            assert_eq!(says(&["status", "m1"]), format!("{state}\n"), "{command}");
        }
        says(&["restart", "m1"]);
        assert_eq!(says(&["ssh", "m1", "hostname"]), "m1\n");
        says(&["rm", "-y", "m1"]);
        assert_eq!(real.left(), [""; 0]);
        assert!(lab.machine_files().is_empty());
    }
}

#[test]
fn a_real_cloud_keeps_nothing_when_calls_go_wrong() {
    if crate::lab::in_a_hurry() {
        return;
    }
    let Some(real) = Real::find() else { return };
    let server = Server::start(real);
    let subject = subject(&server);
    for fault in [Fault::Kill, Fault::BrokenAfter] {
        let figures = subject.each_call_goes_wrong(fault);
        measured(&format!(
            "a real openstack, {fault:?}: {} faults in {} calls, no orphan",
            figures.faults, figures.calls
        ));
    }
}
