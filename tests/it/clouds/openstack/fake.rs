//! Keystone, Nova, Neutron, Glance and Cinder on one address, as their published references
//! (docs.openstack.org/api-ref) have them: strict about what is asked, and with what state changes
//! between two looks.

mod neutron;
mod nova;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::server::{Call, Fake, Reply};

pub(super) const PROJECT: &str = "9b5d8b0f7c3e4a6f8d2e1c0b7a695847";
const USER: &str = "ee4dfb6e5540447cb3741905149d9b6e";

pub(super) struct OpenStack {
    /// Where the services are, for the catalogue.
    pub(super) url: String,
    pub(super) password: String,
    /// Whose the log-in is.
    pub(super) project: String,
    pub(super) regions: Vec<&'static str>,
    /// The tokens that count. Taking them away lets them end.
    pub(super) tokens: Vec<String>,
    pub(super) logins: Vec<Value>,
    pub(super) servers: BTreeMap<String, Value>,
    pub(super) keypairs: BTreeMap<String, Value>,
    pub(super) floating_ips: BTreeMap<String, Value>,
    pub(super) groups: BTreeMap<String, Value>,
    pub(super) volumes: BTreeMap<String, Value>,
    pub(super) networks: Vec<&'static str>,
    /// Of the subnets of each network.
    pub(super) versions: Vec<u8>,
    /// Whether the networks have a way to the external one.
    pub(super) has_router: bool,
    /// What the access rules of the application credential leave out.
    pub(super) left_out: Vec<&'static str>,
    /// Neutron's and Cinder's limits, by their names there.
    pub(super) most: BTreeMap<&'static str, usize>,
    /// The address of each new server's port, and of each new floating IP, in turn.
    pub(super) addresses: Vec<String>,
    /// All bodies of `POST /servers`.
    pub(super) wishes: Vec<Value>,
    pub(super) most_servers: usize,
    /// What the next server fails with.
    pub(super) fails_with: Option<&'static str>,
    pub(super) page: usize,
    pub(super) highest: &'static str,
    ports: BTreeMap<String, Value>,
    made: u64,
    looks: BTreeMap<String, u32>,
}

impl OpenStack {
    pub(super) fn new() -> Self {
        let mut fake = Self {
            url: String::new(),
            password: super::PASSWORD.to_owned(),
            project: PROJECT.to_owned(),
            regions: vec!["RegionOne"],
            tokens: Vec::new(),
            logins: Vec::new(),
            servers: BTreeMap::new(),
            keypairs: BTreeMap::new(),
            floating_ips: BTreeMap::new(),
            groups: BTreeMap::new(),
            volumes: BTreeMap::new(),
            networks: vec!["lab-net"],
            versions: vec![4, 6],
            has_router: true,
            left_out: Vec::new(),
            most: BTreeMap::new(),
            addresses: vec!["127.0.0.1".to_owned()],
            wishes: Vec::new(),
            most_servers: 1000,
            fails_with: None,
            page: 1000,
            highest: "2.96",
            ports: BTreeMap::new(),
            made: 0,
            looks: BTreeMap::new(),
        };
        fake.make_group("default", "Default security group");
        fake
    }

    fn id(&mut self) -> String {
        self.made += 1;
        format!("8f3e1c1e-0000-4000-8000-{:012x}", self.made)
    }

    fn looks(&mut self, id: &str) -> u32 {
        let looks = self.looks.entry(id.to_owned()).or_default();
        *looks += 1;
        *looks
    }

    fn login(&mut self, call: &Call) -> Reply {
        let auth = call.json()["auth"].take();
        self.logins.push(auth.clone());
        let identity = &auth["identity"];
        let method = identity["methods"][0].as_str().unwrap_or_default().to_owned();
        let proof = &identity[&method];
        let user = &proof["user"];
        let has_domain = |it: &Value| it["id"].is_string() || it["domain"].is_object();
        let is_right = match method.as_str() {
            "password" => has_domain(user) && user["password"] == self.password.as_str(),
            "application_credential" => {
                let named =
                    proof["id"] == "cred-1" || (proof["name"] == "cred" && has_domain(user));
                named && proof["secret"] == self.password.as_str() && auth.get("scope").is_none()
            }
            "token" => proof["id"] == self.password.as_str(),
            _ => return keystone_error(400, "Expecting to find valid JSON", "Bad Request"),
        };
        if !is_right {
            let message = "The request you have made requires authentication.";
            return keystone_error(401, message, "Unauthorized");
        }
        let project = &auth["scope"]["project"];
        let mut token = json!({
            "methods": [method],
            "user": { "id": USER, "name": "lab", "domain": { "id": "default", "name": "Default" } },
            "audit_ids": ["3T2dc1CGQxyJsHdDu1xkcw"],
            "expires_at": "2026-11-25T23:00:00.000000Z",
            "issued_at": "2026-11-25T22:00:00.000000Z",
        });
        if project.is_object() || method == "application_credential" {
            if project["name"] == "nobody" {
                return keystone_error(401, "no such project", "Unauthorized");
            }
            token["project"] = json!({
                "id": self.project, "name": "lab", "domain": { "id": "default", "name": "Default" },
            });
            token["catalog"] = self.catalogue();
        }
        self.made += 1;
        let id = format!("gAAAA-{}", self.made);
        self.tokens.push(id.clone());
        Reply::json(201, &json!({ "token": token })).header("X-Subject-Token", &id)
    }

    fn catalogue(&self) -> Value {
        let service = |kind: &str, path: &str| {
            let endpoints: Vec<Value> = self
                .regions
                .iter()
                .map(|region| {
                    json!({
                        "id": format!("{kind}-{region}"), "interface": "public", "region": region,
                        "region_id": region, "url": format!("{}{path}", self.url),
                    })
                })
                .collect();
            json!({ "id": kind, "type": kind, "name": kind, "endpoints": endpoints })
        };
        json!([
            service("identity", "/v3"),
            service("compute", "/compute/v2.1"),
            service("network", "/networking"),
            service("image", "/image"),
            service("volumev3", &format!("/volume/v3/{}", self.project)),
            { "id": "empty", "type": "object-store", "name": "swift", "endpoints": [] },
        ])
    }

    fn glance(call: &Call, rest: &[&str]) -> Reply {
        let images: Vec<Value> = [
            ("debian-13", "i-old", "active", "2026-01-01T00:00:00Z"),
            ("debian-13", "i-new", "active", "2026-09-01T00:00:00Z"),
            ("debian-13", "i-next", "queued", "2026-11-01T00:00:00Z"),
            ("huge", "i-huge", "active", "2026-09-01T00:00:00Z"),
        ]
        .into_iter()
        .map(|(name, id, status, created)| {
            json!({
                "id": id, "name": name, "status": status, "created_at": created,
                "min_disk": if name == "huge" { 500 } else { 3 }, "min_ram": 0,
                "size": 3_000_000_000_u64, "virtual_size": null, "visibility": "public",
            })
        })
        .collect();
        match (call.method.as_str(), rest) {
            ("GET", ["v2", "images"]) => {
                let fits = |image: &&Value| {
                    ["name", "status"]
                        .iter()
                        .all(|key| call.query.get(*key).is_none_or(|it| image[*key] == it.as_str()))
                };
                let found: Vec<Value> = images.iter().filter(fits).cloned().collect();
                // One on each page.
                let at = call.query.get("marker").map_or(0, |marker| {
                    found.iter().position(|it| it["id"] == marker.as_str()).unwrap() + 1
                });
                let mut body = json!({
                    "images": found.get(at).into_iter().collect::<Vec<_>>(),
                    "first": "/v2/images", "schema": "/v2/schemas/images",
                });
                if at + 1 < found.len() {
                    let mut next =
                        format!("/v2/images?marker={}", found[at]["id"].as_str().unwrap());
                    for key in ["name", "status"] {
                        if let Some(value) = call.query.get(key) {
                            next += &format!("&{key}={value}");
                        }
                    }
                    body["next"] = next.into();
                }
                Reply::json(200, &body)
            }
            ("GET", ["v2", "images", id]) => match images.iter().find(|it| it["id"] == *id) {
                Some(image) => Reply::json(200, image),
                None => {
                    let page = format!(
                        "<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  \
                         <h1>404 Not Found</h1>\n  No image found with ID {id}<br /><br />\n </body>\n</html>"
                    );
                    Reply { status: 404, headers: Vec::new(), body: page.into() }
                }
            },
            _ => Reply::empty(404),
        }
    }

    fn cinder(&mut self, call: &Call, rest: &[&str]) -> Reply {
        if rest.get(1) != Some(&self.project.as_str()) {
            return nova_error(400, "badRequest", "Malformed request url");
        }
        match (call.method.as_str(), &rest[2..]) {
            ("POST", ["volumes"]) => {
                let wish = call.json()["volume"].take();
                if wish["size"].as_u64().is_none_or(|size| size == 0) {
                    return nova_error(
                        400,
                        "badRequest",
                        "Invalid input for field/attribute size.",
                    );
                }
                let id = self.id();
                let volume = json!({
                    "id": id, "name": wish["name"], "size": wish["size"], "status": "creating",
                    "metadata": wish["metadata"], "attachments": [],
                });
                self.volumes.insert(id, volume.clone());
                Reply::json(202, &json!({ "volume": volume }))
            }
            ("GET", ["volumes", "detail"]) => {
                let all: Vec<&Value> = self.volumes.values().collect();
                Reply::json(200, &json!({ "volumes": all }))
            }
            ("GET", ["volumes", id]) => {
                let looks = self.looks(id);
                let Some(volume) = self.volumes.get_mut(*id) else { return nova_missing() };
                match volume["status"].as_str() {
                    Some("creating") if looks > 1 => volume["status"] = "available".into(),
                    Some("deleting") => {
                        self.volumes.remove(*id);
                        return nova_missing();
                    }
                    _ => {}
                }
                Reply::json(200, &json!({ "volume": self.volumes[*id] }))
            }
            ("DELETE", ["volumes", id]) => match self.volumes.get_mut(*id) {
                None => nova_missing(),
                Some(volume) if volume["status"] == "available" => {
                    volume["status"] = "deleting".into();
                    Reply::empty(202)
                }
                Some(_) => {
                    nova_error(400, "badRequest", "Invalid volume: status must be available")
                }
            },
            ("GET", ["limits"]) => {
                let most = |what: &str| self.most.get(what).copied().unwrap_or(1000);
                let size = |it: &Value| it["size"].as_u64().unwrap_or(0);
                let absolute = json!({
                    "maxTotalVolumes": most("volumes"), "totalVolumesUsed": self.volumes.len(),
                    "maxTotalVolumeGigabytes": most("gigabytes"),
                    "totalGigabytesUsed": self.volumes.values().map(size).sum::<u64>(),
                });
                Reply::json(200, &json!({ "limits": { "rate": [], "absolute": absolute } }))
            }
            ("GET", ["types"]) => {
                Reply::json(200, &json!({ "volume_types": [{ "id": "t1", "name": "ssd" }] }))
            }
            _ => nova_missing(),
        }
    }

    /// A page of a list, with a link to the next one as Nova and Neutron have it.
    fn list(&self, key: &str, all: impl IntoIterator<Item = Value>, call: &Call) -> Reply {
        let all: Vec<Value> = all.into_iter().collect();
        let marker = call.query.get("marker");
        let at = marker.map_or(0, |marker| {
            all.iter().position(|it| it["id"] == marker.as_str()).map_or(0, |at| at + 1)
        });
        let items: Vec<Value> = all.iter().skip(at).take(self.page).cloned().collect();
        let mut body = json!({ key: items });
        if at + items.len() < all.len() {
            let last = items[items.len() - 1]["id"].as_str().unwrap();
            // The services do not know under which address they are reached.
            let href = format!("http://inside:8774/v2.1/{key}?limit={}&marker={last}", self.page);
            body[format!("{key}_links")] = json!([{ "rel": "next", "href": href }]);
        }
        Reply::json(200, &body)
    }
}

impl Fake for OpenStack {
    fn answer(&mut self, call: &Call) -> Reply {
        let parts: Vec<&str> = call.parts();
        if (call.method.as_str(), parts.as_slice()) == ("POST", &["v3", "auth", "tokens"]) {
            return self.login(call);
        }
        // Nova's versions, for who takes it for Keystone.
        if parts.first() == Some(&"compute") && parts.last() == Some(&"tokens") {
            return Reply::json(
                300,
                &json!({ "choices": [{ "id": "v2.1", "status": "CURRENT" }] }),
            );
        }
        let token = call.headers.get("x-auth-token").cloned().unwrap_or_default();
        // As keystonemiddleware 10 has it: the same as for a token that has ended.
        let is_left_out = parts.iter().any(|part| self.left_out.contains(part));
        if !self.tokens.contains(&token) || is_left_out {
            return keystone_error(
                401,
                "The request you have made requires authentication.",
                "Unauthorized",
            );
        }
        let reply = match parts.as_slice() {
            ["compute", "v2.1", rest @ ..] => self.nova(call, rest),
            ["networking", "v2.0", rest @ ..] => self.neutron(call, rest),
            ["image", rest @ ..] => Self::glance(call, rest),
            ["volume", rest @ ..] => self.cinder(call, rest),
            _ => keystone_error(404, "Could not find", "Not Found"),
        };
        reply.header("x-openstack-request-id", &format!("req-{}", self.made))
    }

    fn ids(&self) -> Vec<String> {
        let all = [&self.servers, &self.keypairs, &self.floating_ips, &self.volumes];
        all.into_iter().flat_map(BTreeMap::keys).cloned().collect()
    }

    fn left(&self) -> Vec<String> {
        let names = |kind: &str, all: &BTreeMap<String, Value>, key: &str| -> Vec<String> {
            all.values().map(|it| format!("{kind} {}", it[key])).collect()
        };
        let mut all = [
            names("server", &self.servers, "name"),
            names("key pair", &self.keypairs, "name"),
            names("floating IP", &self.floating_ips, "description"),
            names("volume", &self.volumes, "name"),
            names("port", &self.ports, "id"),
            names("group", &self.groups, "name"),
        ]
        .concat();
        // Every project has one.
        all.retain(|it| it != "group \"default\"");
        all
    }
}

fn keystone_error(status: u16, message: &str, title: &str) -> Reply {
    let error = json!({ "code": status, "message": message, "title": title });
    Reply::json(status, &json!({ "error": error }))
}

fn nova_error(status: u16, kind: &str, message: &str) -> Reply {
    Reply::json(status, &json!({ kind: { "code": status, "message": message } }))
}

fn nova_missing() -> Reply {
    nova_error(404, "itemNotFound", "The resource could not be found.")
}

fn neutron_error(status: u16, kind: &str, message: &str) -> Reply {
    let error = json!({ "type": kind, "message": message, "detail": "" });
    Reply::json(status, &json!({ "NeutronError": error }))
}
