use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::server::{Call, Fake, Reply};

/// A project of Hetzner Cloud with its state: servers come up, actions end, names and keys are there
/// once, and a firewall that protects a server cannot be deleted.
pub(super) struct Hetzner {
    pub(super) token: String,
    pub(super) servers: BTreeMap<u64, Value>,
    pub(super) keys: BTreeMap<u64, Value>,
    pub(super) firewalls: BTreeMap<u64, Value>,
    /// What `GET /v1/images` has for x86; each is there for arm too.
    pub(super) images: Vec<&'static str>,
    /// The bodies of all calls that made a server.
    pub(super) wishes: Vec<Value>,
    /// So many objects are on a page at the most.
    pub(super) page: usize,
    actions: BTreeMap<u64, Value>,
    /// Deleted ones that are still being taken down: a look ends that.
    going: BTreeMap<u64, Value>,
    looked_at: BTreeMap<u64, u32>,
    made: u64,
}

impl Hetzner {
    pub(super) fn new() -> Self {
        Self {
            token: super::TOKEN.to_owned(),
            servers: BTreeMap::new(),
            keys: BTreeMap::new(),
            firewalls: BTreeMap::new(),
            images: vec!["debian-13", "ubuntu-22.04", "ubuntu-24.04"],
            wishes: Vec::new(),
            page: 50,
            actions: BTreeMap::new(),
            going: BTreeMap::new(),
            looked_at: BTreeMap::new(),
            made: 4_711_000,
        }
    }

    fn id(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    fn create_server(&mut self, call: &Call) -> Reply {
        let wish = call.json();
        let invalid = |what: &str| error(422, "invalid_input", what);
        let type_is_there = types().iter().any(|it| it["name"] == wish["server_type"]);
        let image = self
            .image_list()
            .into_iter()
            .find(|it| it["id"].as_u64() == text(&wish["image"]).parse().ok());
        let Some(image) = image.filter(|_| type_is_there) else {
            return invalid("invalid server type or image");
        };
        let keys = wish["ssh_keys"].as_array().cloned().unwrap_or_default();
        let has = |id: &Value| text(id).parse().is_ok_and(|id| self.keys.contains_key(&id));
        if !keys.iter().all(has) {
            return error(404, "not_found", "SSH key not found");
        }
        if self.servers.values().any(|it| it["name"] == wish["name"]) {
            return error(409, "uniqueness_error", "server name is already used");
        }
        let of_firewall = |it: &Value| it["firewall"].as_u64();
        let walls: Vec<u64> =
            wish["firewalls"].as_array().into_iter().flatten().filter_map(of_firewall).collect();
        if !walls.iter().all(|id| self.firewalls.contains_key(id)) {
            return error(404, "firewall_resource_not_found", "firewall not found");
        }
        self.wishes.push(wish.clone());
        let id = self.id();
        let enabled = |key: &str| wish["public_net"][key] != false;
        let server = json!({
            "id": id, "name": wish["name"], "status": "initializing", "created": NOW,
            "labels": wish["labels"], "image": image, "locked": false, "volumes": [],
            "server_type": types()[0], "location": locations(&["fsn1"])[0], "primary_disk_size": 40,
            "datacenter": {
                "id": 1, "name": "fsn1-dc14", "description": "Falkenstein DC 14",
                "location": locations(&["fsn1"])[0],
                "server_types": { "available": [1], "available_for_migration": [1], "supported": [1] },
            },
            "backup_window": null, "included_traffic": 0, "ingoing_traffic": 0, "outgoing_traffic": 0,
            "iso": null, "placement_group": null, "rescue_enabled": false,
            "protection": { "delete": false, "rebuild": false },
            "public_net": {
                "ipv4": enabled("enable_ipv4").then(|| json!({ "id": 1, "ip": "127.0.0.1", "blocked": false, "dns_ptr": "m1" })),
                "ipv6": enabled("enable_ipv6").then(|| json!({ "id": 2, "ip": "2001:db8:1::/64", "blocked": false, "dns_ptr": [] })),
                "firewalls": walls.iter().map(|id| json!({ "id": id, "status": "applied" })).collect::<Vec<_>>(),
                "floating_ips": [],
            },
            "private_net": wish["networks"].as_array().into_iter().flatten()
                .map(|id| json!({ "network": id, "ip": "10.0.0.2", "alias_ips": [], "mac_address": "86:00:ff:2a:7d:e1" })).collect::<Vec<_>>(),
        });
        self.servers.insert(id, server.clone());
        let action = self.action("create_server", id);
        Reply::json(
            201,
            &json!({ "server": server, "action": action, "next_actions": [], "root_password": null }),
        )
    }

    /// An action runs when it is told of, and has ended when it is looked at.
    fn action(&mut self, command: &str, server: u64) -> Value {
        let id = self.id();
        let action = |status: &str| {
            json!({
                "id": id, "command": command, "status": status, "progress": 100, "error": null,
                "started": NOW, "finished": null,
                "resources": [{ "id": server, "type": "server" }],
            })
        };
        self.actions.insert(id, action("success"));
        action("running")
    }

    fn act(&mut self, id: u64, what: &str) -> Reply {
        let Some(server) = self.servers.get_mut(&id) else { return missing() };
        server["status"] = match what {
            "poweron" | "reboot" => "running".into(),
            "shutdown" | "poweroff" => "off".into(),
            _ => return missing(),
        };
        let action = self.action(what, id);
        Reply::json(201, &json!({ "action": action }))
    }

    fn delete_server(&mut self, id: u64) -> Reply {
        let Some(server) = self.servers.remove(&id) else { return missing() };
        self.going.insert(id, server);
        let action = self.action("delete_server", id);
        Reply::json(200, &json!({ "action": action }))
    }

    fn delete_firewall(&mut self, id: u64) -> Reply {
        let protects = |it: &Value| {
            it["public_net"]["firewalls"].as_array().unwrap().iter().any(|it| it["id"] == id)
        };
        if self.servers.values().chain(self.going.values()).any(protects) {
            return error(422, "resource_in_use", "firewall with ID is still in use");
        }
        self.firewalls.remove(&id).map_or_else(missing, |_| Reply::empty(204))
    }

    fn create_key(&mut self, call: &Call) -> Reply {
        let wish = call.json();
        // By its fingerprint, whatever the comment.
        let key = |it: &Value| text(&it["public_key"]).split(' ').nth(1).map(str::to_owned);
        if self.keys.values().any(|it| key(it) == key(&wish)) {
            return error(409, "uniqueness_error", "SSH key not unique");
        }
        let mut key = wish;
        let id = self.id();
        key["id"] = id.into();
        key["fingerprint"] =
            format!("b7:2f:30:a0:2f:6c:58:6c:21:04:58:61:ba:06:3b:{:02x}", id % 256).into();
        key["created"] = NOW.into();
        self.keys.insert(id, key.clone());
        Reply::json(201, &json!({ "ssh_key": key }))
    }

    fn create_firewall(&mut self, call: &Call) -> Reply {
        let mut firewall = call.json();
        if self.firewalls.values().any(|it| it["name"] == firewall["name"]) {
            return error(409, "uniqueness_error", "firewall name is already used");
        }
        let id = self.id();
        firewall["id"] = id.into();
        firewall["created"] = NOW.into();
        firewall["applied_to"] = json!([]);
        for rule in firewall["rules"].as_array_mut().into_iter().flatten() {
            complete(rule);
        }
        self.firewalls.insert(id, firewall.clone());
        Reply::json(201, &json!({ "firewall": firewall, "actions": [] }))
    }

    fn image_list(&self) -> Vec<Value> {
        let of_name = |(nth, name): (usize, &&str)| {
            ["x86", "arm"].map(|architecture| {
                image(100 + 2 * nth + usize::from(architecture == "arm"), Some(name), architecture)
            })
        };
        let snapshot = image(4242, None, "x86");
        self.images.iter().enumerate().flat_map(of_name).chain([snapshot]).collect()
    }

    /// A server runs at the second look.
    fn look_at_servers(&mut self) {
        self.going.clear();
        for (id, server) in &mut self.servers {
            let looks = self.looked_at.entry(*id).or_default();
            *looks += 1;
            if *looks >= 2 && server["status"] == "initializing" {
                server["status"] = "running".into();
            }
        }
    }

    fn list(&self, key: &str, all: Vec<Value>, call: &Call) -> Reply {
        let number = |name: &str| call.query.get(name).and_then(|it| it.parse::<usize>().ok());
        let (page, size) = (number("page").unwrap_or(1), number("per_page").unwrap_or(25));
        if size > 50 {
            return error(400, "invalid_input", "per_page is at most 50");
        }
        let size = size.min(self.page);
        let total = all.len();
        let items: Vec<Value> = all.into_iter().skip((page - 1) * size).take(size).collect();
        let next = (page * size < total).then_some(page + 1);
        let pagination = json!({
            "page": page, "per_page": size, "previous_page": null, "next_page": next,
            "last_page": null, "total_entries": total,
        });
        Reply::json(200, &json!({ key: items, "meta": { "pagination": pagination } }))
    }
}

impl Fake for Hetzner {
    fn answer(&mut self, call: &Call) -> Reply {
        if call.headers.get("authorization") != Some(&format!("Bearer {}", self.token)) {
            return error(401, "unauthorized", "unable to authenticate");
        }
        let number = |text: &str| text.parse().unwrap_or(0);
        let parts = call.parts();
        let Some((&"v1", parts)) = parts.split_first() else { return missing() };
        let reply = match (call.method.as_str(), parts) {
            ("GET", ["server_types"]) => self.list("server_types", types(), call),
            ("GET", ["locations"]) => {
                self.list("locations", locations(&["fsn1", "hel1", "nbg1"]), call)
            }
            ("GET", ["networks"]) => self.list("networks", vec![network()], call),
            ("GET", ["images"]) => self.list("images", self.image_list(), call),
            ("GET", ["images", id]) => {
                let id = number(id);
                one("image", self.image_list().iter().find(|it| it["id"] == id))
            }
            ("POST", ["servers"]) => self.create_server(call),
            ("GET", ["servers"]) => {
                self.look_at_servers();
                let label = call.query.get("label_selector").and_then(|it| it.split_once('='));
                let has = |it: &&Value| label.is_none_or(|(key, value)| it["labels"][key] == value);
                self.list("servers", self.servers.values().filter(has).cloned().collect(), call)
            }
            ("GET", ["servers", id]) => {
                self.look_at_servers();
                one("server", self.servers.get(&number(id)))
            }
            ("DELETE", ["servers", id]) => self.delete_server(number(id)),
            ("POST", ["servers", id, "actions", what]) => self.act(number(id), what),
            ("GET", ["actions", id]) => {
                self.going.clear();
                one("action", self.actions.get(&number(id)))
            }
            ("POST", ["ssh_keys"]) => self.create_key(call),
            ("GET", ["ssh_keys"]) => {
                self.list("ssh_keys", self.keys.values().cloned().collect(), call)
            }
            ("DELETE", ["ssh_keys", id]) => {
                self.keys.remove(&number(id)).map_or_else(missing, |_| Reply::empty(204))
            }
            ("POST", ["firewalls"]) => self.create_firewall(call),
            ("GET", ["firewalls"]) => {
                self.list("firewalls", self.firewalls.values().cloned().collect(), call)
            }
            ("POST", ["firewalls", id, "actions", "set_rules"]) => {
                let Some(firewall) = self.firewalls.get_mut(&number(id)) else { return missing() };
                firewall["rules"] = call.json()["rules"].clone();
                firewall["rules"].as_array_mut().into_iter().flatten().for_each(complete);
                Reply::json(201, &json!({ "actions": [] }))
            }
            ("DELETE", ["firewalls", id]) => self.delete_firewall(number(id)),
            _ => missing(),
        };
        reply.header("ratelimit-limit", "3600").header("ratelimit-remaining", "3456")
    }

    fn ids(&self) -> Vec<String> {
        self.servers.keys().chain(self.keys.keys()).map(u64::to_string).collect()
    }

    fn left(&self) -> Vec<String> {
        let names = |kind: &str, all: &BTreeMap<u64, Value>| -> Vec<String> {
            all.values().map(|it| format!("{kind} {}", it["name"])).collect()
        };
        [
            names("server", &self.servers),
            names("key", &self.keys),
            names("firewall", &self.firewalls),
        ]
        .concat()
    }
}

const NOW: &str = "2026-11-26T12:00:00Z";

/// The larger one is in one location only.
fn types() -> Vec<Value> {
    [("cx23", 1, &["fsn1", "hel1", "nbg1"][..]), ("cx33", 2, &["hel1"]), ("cax11", 3, &["fsn1"])]
        .into_iter()
        .map(|(name, id, there)| {
            let there = there.iter().zip(1..);
            json!({
                "id": id, "name": name, "description": name, "cores": 2, "memory": 4.0, "disk": 40,
                "architecture": if name.starts_with("cax") { "arm" } else { "x86" },
                "cpu_type": "shared", "storage_type": "local", "deprecated": false, "prices": [],
                "locations": there.map(|(name, id)| json!({ "id": id, "name": name, "deprecation": null }))
                    .collect::<Vec<_>>(),
            })
        })
        .collect()
}

fn locations(names: &[&str]) -> Vec<Value> {
    let location = |(name, id): (&&str, u32)| {
        json!({
            "id": id, "name": name, "description": name, "city": name, "country": "DE",
            "latitude": 50.5, "longitude": 12.4, "network_zone": "eu-central",
        })
    };
    names.iter().zip(1..).map(location).collect()
}

fn network() -> Value {
    json!({
        "id": 1, "name": "lab", "created": NOW, "ip_range": "10.0.0.0/16", "labels": {},
        "expose_routes_to_vswitch": false, "protection": { "delete": false }, "routes": [],
        "servers": [], "subnets": [],
    })
}

fn image(id: usize, name: Option<&str>, architecture: &str) -> Value {
    json!({
        "id": id, "name": name, "description": "an image", "architecture": architecture,
        "type": if name.is_some() { "system" } else { "snapshot" }, "status": "available",
        "os_flavor": "ubuntu", "os_version": null, "bound_to": null, "created": NOW,
        "created_from": null, "deleted": null, "deprecated": null, "disk_size": 5, "image_size": null,
        "labels": {}, "protection": { "delete": false }, "rapid_deploy": true,
    })
}

/// What the vendor adds to a rule.
fn complete(rule: &mut Value) {
    rule["destination_ips"] = json!([]);
    rule["description"] = Value::Null;
    rule.as_object_mut().unwrap().entry("port").or_insert(Value::Null);
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn one(key: &str, found: Option<&Value>) -> Reply {
    found.map_or_else(missing, |found| Reply::json(200, &json!({ key: found })))
}

fn error(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(status, &json!({ "error": { "code": code, "message": message, "details": null } }))
}

fn missing() -> Reply {
    error(404, "not_found", "not found")
}
