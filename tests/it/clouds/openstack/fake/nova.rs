use serde_json::{Value, json};

use super::super::super::server::{Call, Reply};
use super::{OpenStack, USER, nova_error, nova_missing};

const FLAVORS: [(&str, &str, u64, u64); 2] =
    [("1", "m1.tiny", 512, 1), ("2", "m1.small", 2048, 20)];

impl OpenStack {
    pub(super) fn nova(&mut self, call: &Call, rest: &[&str]) -> Reply {
        match (call.method.as_str(), rest) {
            ("GET", []) => {
                let version = json!({
                    "id": "v2.1", "status": "CURRENT", "version": self.highest, "min_version": "2.1",
                });
                Reply::json(200, &json!({ "version": version }))
            }
            ("GET", ["flavors", "detail"]) => {
                let flavor = |(id, name, ram, disk): &(&str, &str, u64, u64)| json!({ "id": id, "name": name, "ram": ram, "disk": disk, "vcpus": 1 });
                self.list("flavors", FLAVORS.iter().map(flavor), call)
            }
            ("GET", ["limits"]) => {
                let absolute = json!({
                    "maxTotalInstances": self.most_servers, "totalInstancesUsed": self.servers.len(),
                    "maxTotalCores": -1, "totalCoresUsed": 0, "maxTotalRAMSize": 51_200_000,
                    "totalRAMUsed": 0, "maxServerMeta": 128,
                });
                Reply::json(200, &json!({ "limits": { "rate": [], "absolute": absolute } }))
            }
            ("GET", ["os-availability-zone"]) => {
                let zone = |name: &str, available: bool| json!({ "zoneName": name, "zoneState": { "available": available }, "hosts": null });
                let zones = [zone("nova", true), zone("broken", false)];
                Reply::json(200, &json!({ "availabilityZoneInfo": zones }))
            }
            ("GET", ["os-server-groups"]) => {
                let group = json!({ "id": "sg-1", "name": "apart", "policies": ["anti-affinity"] });
                Reply::json(200, &json!({ "server_groups": [group] }))
            }
            ("POST", ["os-keypairs"]) => self.make_keypair(call),
            ("GET", ["os-keypairs"]) => {
                let all: Vec<Value> =
                    self.keypairs.values().map(|it| json!({ "keypair": it })).collect();
                Reply::json(200, &json!({ "keypairs": all }))
            }
            ("GET", ["os-keypairs", name]) => match self.keypairs.get(*name) {
                Some(it) => Reply::json(200, &json!({ "keypair": it })),
                None => nova_missing(),
            },
            ("DELETE", ["os-keypairs", name]) => match self.keypairs.remove(*name) {
                Some(_) => Reply::empty(202),
                None => nova_missing(),
            },
            ("POST", ["servers"]) => self.make_server(call),
            ("GET", ["servers", "detail"]) => {
                for id in self.servers.keys().cloned().collect::<Vec<_>>() {
                    self.look_at(&id);
                }
                // Nova 26 has no `fault` here for a server that no host has taken.
                let listed = |server: &Value| {
                    let mut server = server.clone();
                    server.as_object_mut().unwrap().remove("fault");
                    server
                };
                self.list("servers", self.servers.values().map(listed), call)
            }
            ("GET", ["servers", id]) => {
                self.look_at(id);
                match self.servers.get(*id) {
                    Some(it) => Reply::json(200, &json!({ "server": it })),
                    None => nova_missing(),
                }
            }
            ("DELETE", ["servers", id]) => match self.servers.get_mut(*id) {
                Some(server) => {
                    server["OS-EXT-STS:task_state"] = "deleting".into();
                    Reply::empty(204)
                }
                None => nova_missing(),
            },
            ("POST", ["servers", id, "action"]) => self.act(id, call),
            ("GET", ["servers", id, "os-volume_attachments"]) => {
                let is_there = |it: &&Value| it["attachments"][0]["server_id"] == *id;
                let attached = self.volumes.values().filter(is_there);
                let all: Vec<Value> = attached.map(|it| json!({ "volumeId": it["id"] })).collect();
                Reply::json(200, &json!({ "volumeAttachments": all }))
            }
            ("POST", ["servers", id, "os-volume_attachments"]) => self.attach(id, call),
            _ => nova_missing(),
        }
    }

    fn make_keypair(&mut self, call: &Call) -> Reply {
        let wish = call.json()["keypair"].take();
        let name = wish["name"].as_str().unwrap_or_default().to_owned();
        // As before microversion 2.92.
        let is_safe = |it: char| it.is_ascii_alphanumeric() || "_- ".contains(it);
        if name.is_empty() || name.len() > 255 || !name.chars().all(is_safe) {
            let message = "Keypair data is invalid: Keypair name contains unsafe characters";
            return nova_error(400, "badRequest", message);
        }
        if !wish["public_key"].as_str().is_some_and(|key| key.starts_with("ssh-")) {
            return nova_error(400, "badRequest", "Keypair data is invalid");
        }
        if self.keypairs.contains_key(&name) {
            let message = format!("Key pair '{name}' already exists.");
            return nova_error(409, "conflictingRequest", &message);
        }
        let keypair = json!({
            "name": name, "public_key": wish["public_key"], "user_id": USER,
            "fingerprint": "1e:2c:9b:56:79:4b:45:77:f9:ca:7a:98:2c:b0:d5:3c",
        });
        self.keypairs.insert(name, keypair.clone());
        Reply::json(200, &json!({ "keypair": keypair }))
    }

    fn make_server(&mut self, call: &Call) -> Reply {
        let body = call.json();
        let wish = &body["server"];
        self.wishes.push(body.clone());
        if let Some(wrong) = self.wrong_with(call, wish) {
            return nova_error(400, "badRequest", wrong);
        }
        if self.servers.len() >= self.most_servers {
            let message = format!(
                "Quota exceeded for instances: Requested 1, but already used {0} of {0} instances",
                self.servers.len()
            );
            return nova_error(403, "forbidden", &message);
        }
        let id = self.id();
        let address = self.addresses[self.servers.len() % self.addresses.len()].clone();
        let port = self.id();
        self.ports.insert(
            port.clone(),
            json!({
                "id": port, "device_id": id, "network_id": "n-lab-net",
                "fixed_ips": [{ "subnet_id": "s", "ip_address": address }],
                "security_groups": self.groups_of(wish),
            }),
        );
        let server = json!({
            "id": id, "name": wish["name"], "status": "BUILD", "metadata": wish["metadata"],
            "addresses": {}, "tenant_id": self.project, "user_id": USER,
            "OS-EXT-STS:task_state": "scheduling", "key_name": wish["key_name"],
        });
        self.servers.insert(id.clone(), server);
        let made =
            json!({ "id": id, "links": [], "OS-DCF:diskConfig": "MANUAL", "adminPass": "x" });
        Reply::json(202, &json!({ "server": made }))
    }

    fn groups_of(&self, wish: &Value) -> Vec<Value> {
        let named = wish["security_groups"].as_array().cloned().unwrap_or_default();
        let id = |it: &Value| {
            self.groups.values().find(|group| [&group["id"], &group["name"]].contains(&&it["name"]))
        };
        named.iter().filter_map(id).map(|group| group["id"].clone()).collect()
    }

    fn wrong_with(&self, call: &Call, wish: &Value) -> Option<&'static str> {
        let text = |key: &str| wish[key].as_str().unwrap_or_default();
        if !FLAVORS.iter().any(|(id, ..)| text("flavorRef") == *id) {
            return Some("Flavor could not be found");
        }
        let disk = &wish["block_device_mapping_v2"][0];
        if disk.is_object() {
            if disk["volume_size"].as_u64().is_none_or(|it| it == 0) {
                return Some("Images with destination_type 'volume' need to have a non-zero size");
            }
            let version = call.headers.get("openstack-api-version").map(String::as_str);
            if disk.get("volume_type").is_some() && version != Some("compute 2.67") {
                return Some("Invalid input for field/attribute volume_type");
            }
        } else if !["i-old", "i-new"].contains(&text("imageRef")) {
            return Some("Can not find requested image");
        }
        if !self.keypairs.contains_key(text("key_name")) {
            return Some("Invalid key_name provided.");
        }
        let pairs = wish["metadata"].as_object();
        let is_short = |(key, value): (&String, &Value)| {
            key.len() <= 255 && value.as_str().is_some_and(|it| it.len() <= 255)
        };
        if !pairs.into_iter().flatten().all(is_short) {
            return Some("Invalid input for field/attribute metadata");
        }
        let groups = wish["security_groups"].as_array().map_or(0, Vec::len);
        if groups != self.groups_of(wish).len() {
            return Some("Security group not found");
        }
        if text("user_data").len() > 65_535 {
            return Some("Invalid input for field/attribute user_data");
        }
        None
    }

    /// A server is active, or gone, at the second look.
    fn look_at(&mut self, id: &str) {
        let looks = self.looks(id);
        let fails_with = self.fails_with;
        let port = self.ports.values().find(|it| it["device_id"] == id).cloned();
        let Some(server) = self.servers.get_mut(id) else { return };
        if server["OS-EXT-STS:task_state"] == "deleting" {
            if server["looked"] == true {
                self.servers.remove(id);
                self.ports.retain(|_, port| port["device_id"] != id);
                for volume in self.volumes.values_mut() {
                    if volume["attachments"][0]["server_id"] == id {
                        volume["status"] = "available".into();
                        volume["attachments"] = json!([]);
                    }
                }
                // A floating IP loses its port with it.
                for floating in self.floating_ips.values_mut() {
                    if port.as_ref().is_some_and(|port| floating["port_id"] == port["id"]) {
                        floating["port_id"] = Value::Null;
                    }
                }
            } else {
                server["looked"] = true.into();
            }
            return;
        }
        if looks < 2 || server["status"] != "BUILD" {
            return;
        }
        if let Some(message) = fails_with {
            server["status"] = "ERROR".into();
            server["fault"] = json!({ "code": 500, "message": message, "created": "2026" });
            return;
        }
        server["status"] = "ACTIVE".into();
        server["OS-EXT-STS:task_state"] = Value::Null;
        let fixed = port.map(|port| port["fixed_ips"][0]["ip_address"].clone());
        server["addresses"] = json!({ "lab-net": [
            { "addr": "fd00::5", "version": 6, "OS-EXT-IPS:type": "fixed" },
            { "addr": fixed, "version": 4, "OS-EXT-IPS:type": "fixed",
              "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:00:00:01" },
        ] });
    }

    fn act(&mut self, id: &str, call: &Call) -> Reply {
        let Some(server) = self.servers.get_mut(id) else { return nova_missing() };
        if server["locked"] == true {
            // Nova 26.
            let message = format!("Instance {id} is locked");
            return nova_error(409, "conflictingRequest", &message);
        }
        let body = call.json();
        let action = body.as_object().and_then(|it| it.keys().next()).cloned().unwrap_or_default();
        let (from, to) = match action.as_str() {
            "os-start" => ("SHUTOFF", "ACTIVE"),
            "os-stop" => ("ACTIVE", "SHUTOFF"),
            "reboot" if body["reboot"]["type"] == "SOFT" => ("ACTIVE", "ACTIVE"),
            _ => return nova_error(400, "badRequest", "There is no such action"),
        };
        if server["status"] != from {
            let message = format!("Cannot '{action}' instance {id} while it is in vm_state x");
            return nova_error(409, "conflictingRequest", &message);
        }
        server["status"] = to.into();
        Reply::empty(202)
    }

    fn attach(&mut self, server: &str, call: &Call) -> Reply {
        let id =
            call.json()["volumeAttachment"]["volumeId"].as_str().unwrap_or_default().to_owned();
        let Some(volume) = self.volumes.get_mut(&id) else { return nova_missing() };
        if volume["status"] != "available" {
            return nova_error(400, "badRequest", "Invalid volume: status must be available");
        }
        volume["status"] = "in-use".into();
        volume["attachments"] = json!([{ "server_id": server }]);
        Reply::json(200, &json!({ "volumeAttachment": { "id": id, "volumeId": id } }))
    }
}
