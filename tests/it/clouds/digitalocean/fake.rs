use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::server::{Call, Fake, Reply};

/// DigitalOcean with its state: droplets come up, actions end, names are checked.
pub(super) struct DigitalOcean {
    pub(super) token: String,
    pub(super) droplets: BTreeMap<u64, Value>,
    pub(super) keys: BTreeMap<u64, Value>,
    pub(super) firewalls: BTreeMap<u64, Value>,
    pub(super) tags: Vec<String>,
    actions: BTreeMap<u64, Value>,
    pub(super) droplet_limit: u64,
    pub(super) account: String,
    /// What `GET /v2/images` has.
    pub(super) images: Vec<&'static str>,
    /// The public addresses that droplets get, in turn.
    pub(super) addresses: Vec<String>,
    /// Called for, the user data of all droplets ever made.
    pub(super) user_data: Vec<String>,
    /// So many objects are on a page at the most.
    pub(super) page: usize,
    made: u64,
    looked_at: BTreeMap<u64, u32>,
}

impl DigitalOcean {
    pub(super) fn new() -> Self {
        Self {
            token: super::TOKEN.to_owned(),
            droplets: BTreeMap::new(),
            keys: BTreeMap::new(),
            firewalls: BTreeMap::new(),
            tags: Vec::new(),
            actions: BTreeMap::new(),
            droplet_limit: 25,
            account: "b6fr89dbf6d9156cace5f3c78dc9851d957381ef".to_owned(),
            images: vec!["debian-13-x64", "ubuntu-24-04-x64", "ubuntu-26-04-x64"],
            addresses: vec!["127.0.0.1".to_owned()],
            user_data: Vec::new(),
            page: 200,
            made: 3_164_400,
            looked_at: BTreeMap::new(),
        }
    }

    fn id(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    fn create_droplet(&mut self, call: &Call) -> Reply {
        let wish = call.json();
        let text = |key: &str| wish[key].as_str().unwrap_or_default().to_owned();
        let refused = |what: &str| Reply::error(422, what);
        if text("region") != "nyc3" {
            return refused("You specified an invalid region for Droplet creation.");
        }
        if !SIZES.contains(&text("size").as_str()) {
            return refused("You specified an invalid size for Droplet creation.");
        }
        if !self.images.contains(&text("image").as_str()) && wish["image"] != 4242 {
            return refused("You specified an invalid image for Droplet creation.");
        }
        let keys = wish["ssh_keys"].as_array().cloned().unwrap_or_default();
        if !keys.iter().all(|id| id.as_u64().is_some_and(|id| self.keys.contains_key(&id))) {
            return refused("are invalid key identifiers for Droplet creation.");
        }
        if self.droplets.len() as u64 >= self.droplet_limit {
            return refused("creating this/these droplet(s) will exceed your droplet limit");
        }
        let tags: Vec<String> = serde_json::from_value(wish["tags"].clone()).unwrap_or_default();
        for tag in &tags {
            self.make_tag(tag);
        }
        self.user_data.extend(wish["user_data"].as_str().map(str::to_owned));
        let id = self.id();
        let droplet = json!({
            "id": id,
            "name": wish["name"],
            "memory": 1024,
            "vcpus": 1,
            "disk": 25,
            "disk_info": [],
            "locked": false,
            "status": "new",
            "created_at": now(),
            "features": if wish["ipv6"] == true { json!(["ipv6"]) } else { json!([]) },
            "backup_ids": [],
            "next_backup_window": { "start": now(), "end": now() },
            "snapshot_ids": [],
            "image": image(&text("image")),
            "volume_ids": [],
            "size": size(&text("size")),
            "size_slug": wish["size"],
            "networks": { "v4": [], "v6": [] },
            "region": region(),
            "tags": tags,
            "vpc_uuid": "760e09ef-dc84-11e8-981e-3cfdfeaae000",
        });
        self.droplets.insert(id, droplet.clone());
        Reply::json(202, &json!({ "droplet": droplet, "links": { "actions": [] } }))
    }

    /// A droplet has its addresses at the second look.
    fn look_at_droplets(&mut self) {
        let addresses = self.addresses.clone();
        for (nth, (id, droplet)) in self.droplets.iter_mut().enumerate() {
            let looks = self.looked_at.entry(*id).or_default();
            *looks += 1;
            if *looks < 2 || droplet["status"] != "new" {
                continue;
            }
            droplet["status"] = "active".into();
            let address = |ip: &str, kind: &str| json!({ "ip_address": ip, "netmask": "255.255.240.0", "gateway": "10.0.0.1", "type": kind });
            let public = &addresses[nth % addresses.len()];
            droplet["networks"]["v4"] =
                json!([address("10.128.0.2", "private"), address(public, "public")]);
            if droplet["features"] == json!(["ipv6"]) {
                let address = "2604:a880:0:1010::18a:a001";
                droplet["networks"]["v6"] = json!([
                    { "ip_address": address, "netmask": 64, "gateway": "2604:a880::1", "type": "public" }
                ]);
            }
        }
    }

    fn act(&mut self, droplet: u64, call: &Call) -> Reply {
        let id = self.id();
        let Some(droplet) = self.droplets.get_mut(&droplet) else { return missing() };
        let kind = call.json()["type"].as_str().unwrap_or_default().to_owned();
        droplet["status"] = match kind.as_str() {
            "power_on" | "reboot" => "active".into(),
            "shutdown" | "power_off" => "off".into(),
            _ => return Reply::error(422, "You specified an invalid action"),
        };
        let mut action = json!({
            "id": id,
            "status": "in-progress",
            "type": kind,
            "started_at": now(),
            "completed_at": null,
            "resource_id": droplet["id"],
            "resource_type": "droplet",
            "region": region(),
            "region_slug": "nyc3",
        });
        let reply = Reply::json(201, &json!({ "action": action }));
        action["status"] = "completed".into();
        action["completed_at"] = now().into();
        self.actions.insert(id, action);
        reply
    }

    fn create_key(&mut self, call: &Call) -> Reply {
        let wish = call.json();
        if self.keys.values().any(|key| key["public_key"] == wish["public_key"]) {
            return Reply::error(422, "SSH Key is already in use on your account");
        }
        let id = self.id();
        let key = json!({
            "id": id,
            "fingerprint": format!("3b:16:bf:e4:8b:00:8b:b8:59:8c:a9:d3:f0:00:{:02x}:{:02x}", id / 256 % 256, id % 256),
            "public_key": wish["public_key"],
            "name": wish["name"],
        });
        self.keys.insert(id, key.clone());
        Reply::json(201, &json!({ "ssh_key": key }))
    }

    fn create_firewall(&mut self, call: &Call) -> Reply {
        let wish = call.json();
        if self.firewalls.values().any(|it| it["name"] == wish["name"]) {
            return Reply::error(409, "duplicate name");
        }
        let tags = wish["tags"].as_array().cloned().unwrap_or_default();
        let is_there = |tag: &Value| self.tags.iter().any(|it| tag == it);
        if !tags.iter().all(is_there) {
            return Reply::error(422, "tag does not exist");
        }
        let id = self.id();
        let mut firewall = wish;
        firewall["id"] = firewall_id(id).into();
        firewall["status"] = "succeeded".into();
        firewall["created_at"] = now().into();
        firewall["pending_changes"] = json!([]);
        firewall["droplet_ids"] = json!([]);
        self.firewalls.insert(id, firewall.clone());
        Reply::json(202, &json!({ "firewall": firewall }))
    }

    fn add_rules(&mut self, id: &str, call: &Call) -> Reply {
        let Some(firewall) = self.firewalls.values_mut().find(|it| it["id"] == id) else {
            return missing();
        };
        let new = call.json()["inbound_rules"].as_array().cloned().unwrap_or_default();
        firewall["inbound_rules"].as_array_mut().unwrap().extend(new);
        Reply::empty(204)
    }

    fn make_tag(&mut self, name: &str) {
        if !self.tags.iter().any(|tag| tag == name) {
            self.tags.push(name.to_owned());
        }
    }

    fn account(&self) -> Value {
        json!({
            "droplet_limit": self.droplet_limit,
            "floating_ip_limit": 5,
            "email": "lab@example.com",
            "name": "Lab",
            "uuid": self.account,
            "email_verified": true,
            "status": "active",
            "status_message": "",
        })
    }

    fn list(&self, key: &str, all: Vec<Value>, call: &Call) -> Reply {
        let number = |name: &str, default| {
            call.query.get(name).and_then(|it| it.parse().ok()).unwrap_or(default)
        };
        let (page, size) = (number("page", 1), number("per_page", 20).min(self.page));
        let total = all.len();
        let items: Vec<Value> = all.into_iter().skip((page - 1) * size).take(size).collect();
        let mut pages = json!({});
        if page * size < total {
            let tag = call.query.get("tag_name").map(|tag| format!("&tag_name={tag}"));
            // As the real ones do, wherever the call went.
            pages["next"] = format!(
                "https://api.digitalocean.com{}?page={}&per_page={size}{}",
                call.path,
                page + 1,
                tag.unwrap_or_default(),
            )
            .into();
        }
        Reply::json(
            200,
            &json!({ key: items, "links": { "pages": pages }, "meta": { "total": total } }),
        )
    }
}

impl Fake for DigitalOcean {
    fn answer(&mut self, call: &Call) -> Reply {
        if call.headers.get("authorization") != Some(&format!("Bearer {}", self.token)) {
            let body = json!({ "id": "Unauthorized", "message": "Unable to authenticate you" });
            return Reply::json(401, &body);
        }
        let number = |text: &str| text.parse().unwrap_or(0);
        let reply = match (call.method.as_str(), call.parts().as_slice()) {
            ("GET", ["v2", "account"]) => Reply::json(200, &json!({ "account": self.account() })),
            ("GET", ["v2", "regions"]) => self.list("regions", vec![region()], call),
            ("GET", ["v2", "sizes"]) => {
                self.list("sizes", SIZES.iter().map(|slug| size(slug)).collect(), call)
            }
            ("GET", ["v2", "images"]) => {
                self.list("images", self.images.iter().map(|slug| image(slug)).collect(), call)
            }
            ("POST", ["v2", "droplets"]) => self.create_droplet(call),
            ("GET", ["v2", "droplets"]) => {
                self.look_at_droplets();
                let tag = call.query.get("tag_name");
                let has = |droplet: &&Value| {
                    let tags = droplet["tags"].as_array().unwrap();
                    tag.is_none_or(|tag| tags.iter().any(|it| it == tag))
                };
                let all = self.droplets.values().filter(has).cloned().collect();
                self.list("droplets", all, call)
            }
            ("GET", ["v2", "droplets", id]) => {
                self.look_at_droplets();
                one("droplet", self.droplets.get(&number(id)))
            }
            ("DELETE", ["v2", "droplets", id]) => gone(self.droplets.remove(&number(id))),
            ("POST", ["v2", "droplets", id, "actions"]) => self.act(number(id), call),
            ("GET", ["v2", "droplets", _, "actions", id]) => {
                one("action", self.actions.get(&number(id)))
            }
            ("POST", ["v2", "account", "keys"]) => self.create_key(call),
            ("GET", ["v2", "account", "keys"]) => {
                self.list("ssh_keys", self.keys.values().cloned().collect(), call)
            }
            ("GET", ["v2", "account", "keys", id]) => {
                let is_it = |key: &&Value| key["fingerprint"] == *id || key["id"] == number(id);
                one("ssh_key", self.keys.values().find(is_it))
            }
            ("DELETE", ["v2", "account", "keys", id]) => gone(self.keys.remove(&number(id))),
            ("POST", ["v2", "tags"]) => {
                let name = call.json()["name"].as_str().unwrap_or_default().to_owned();
                self.make_tag(&name);
                Reply::json(201, &json!({ "tag": { "name": name, "resources": { "count": 0 } } }))
            }
            ("GET", ["v2", "tags"]) => {
                let tag = |name| json!({ "name": name, "resources": { "count": 0 } });
                self.list("tags", self.tags.iter().map(tag).collect(), call)
            }
            ("DELETE", ["v2", "tags", name]) => {
                let place = self.tags.iter().position(|tag| tag == name);
                gone(place.map(|place| self.tags.remove(place)))
            }
            ("POST", ["v2", "firewalls"]) => self.create_firewall(call),
            ("GET", ["v2", "firewalls"]) => {
                self.list("firewalls", self.firewalls.values().cloned().collect(), call)
            }
            ("POST", ["v2", "firewalls", id, "rules"]) => self.add_rules(id, call),
            ("DELETE", ["v2", "firewalls", id]) => {
                let place =
                    self.firewalls.iter().find(|(_, it)| it["id"] == *id).map(|(id, _)| *id);
                gone(place.map(|place| self.firewalls.remove(&place)))
            }
            _ => missing(),
        };
        reply.header("ratelimit-limit", "5000").header("ratelimit-remaining", "4816")
    }

    fn ids(&self) -> Vec<String> {
        self.droplets.keys().chain(self.keys.keys()).map(u64::to_string).collect()
    }

    fn left(&self) -> Vec<String> {
        let names = |kind: &str, all: &BTreeMap<u64, Value>| -> Vec<String> {
            all.values().map(|it| format!("{kind} {}", it["name"])).collect()
        };
        let tags = self.tags.iter().filter(|tag| tag.starts_with("machine-"));
        [
            names("droplet", &self.droplets),
            names("key", &self.keys),
            names("firewall", &self.firewalls),
            tags.map(|tag| format!("tag {tag}")).collect(),
        ]
        .concat()
    }
}

const SIZES: [&str; 2] = ["s-1vcpu-1gb", "s-2vcpu-4gb"];

fn size(slug: &str) -> Value {
    json!({
        "slug": slug,
        "memory": 1024,
        "vcpus": 1,
        "disk": 25,
        "transfer": 1.0,
        "price_monthly": 6.0,
        "price_hourly": 0.00893,
        "regions": ["nyc3"],
        "available": true,
        "description": "Basic",
    })
}

fn region() -> Value {
    json!({
        "name": "New York 3",
        "slug": "nyc3",
        "features": ["ipv6", "metadata"],
        "available": true,
        // The larger one is sold out.
        "sizes": ["s-1vcpu-1gb"],
    })
}

fn image(slug: &str) -> Value {
    json!({
        "id": 7_555_620,
        "name": slug,
        "type": "base",
        "distribution": "Ubuntu",
        "slug": slug,
        "public": true,
        "regions": ["nyc3"],
        "created_at": now(),
        "min_disk_size": 7,
        "size_gigabytes": 2.34,
        "description": "",
        "tags": [],
        "status": "available",
        "error_message": "",
    })
}

fn firewall_id(number: u64) -> String {
    format!("bb4b2611-3d72-467b-8602-{number:012}")
}

fn now() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let days = now.as_secs() / 86_400;
    let seconds = now.as_secs() % 86_400;
    // Civil from days, after Howard Hinnant's `chrono`-compatible algorithms.
    let z = days + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let year = yoe + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

fn one(key: &str, found: Option<&Value>) -> Reply {
    found.map_or_else(missing, |found| Reply::json(200, &json!({ key: found })))
}

fn gone<T>(removed: Option<T>) -> Reply {
    removed.map_or_else(missing, |_| Reply::empty(204))
}

fn missing() -> Reply {
    let body = json!({ "id": "not_found", "message": "The resource you were accessing could not be found." });
    Reply::json(404, &body)
}
