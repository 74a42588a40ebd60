use serde_json::{Value, json};

use super::super::super::server::{Call, Reply};
use super::{OpenStack, neutron_error};

impl OpenStack {
    pub(super) fn neutron(&mut self, call: &Call, rest: &[&str]) -> Reply {
        let query = |key: &str| call.query.get(key).map(String::as_str);
        match (call.method.as_str(), rest) {
            ("GET", ["networks"]) => {
                let all = self.all_networks();
                let external = query("router:external").map(|it| it == "true");
                let fits = |it: &Value| {
                    query("name").is_none_or(|name| it["name"] == name)
                        && external.is_none_or(|wanted| it["router:external"] == wanted)
                };
                self.list("networks", all.into_iter().filter(fits), call)
            }
            ("GET", ["networks", id]) => {
                match self.all_networks().into_iter().find(|it| it["id"] == *id) {
                    Some(it) => Reply::json(200, &json!({ "network": it })),
                    None => missing("NetworkNotFound"),
                }
            }
            ("GET", ["ports"]) => {
                let fits = |it: &&Value| query("device_id").is_none_or(|id| it["device_id"] == id);
                self.list("ports", self.ports.values().filter(fits).cloned(), call)
            }
            ("GET", ["extensions"]) => {
                let all = ["router", "standard-attr-description", "quota_details"];
                let all: Vec<Value> = all.iter().map(|it| json!({ "alias": it })).collect();
                Reply::json(200, &json!({ "extensions": all }))
            }
            ("GET", ["quotas", project, "details"]) if *project == self.project => {
                // As Neutron 21 has it, cut down.
                let rules = |it: &Value| it["security_group_rules"].as_array().map_or(0, Vec::len);
                let used = [
                    ("floatingip", self.floating_ips.len()),
                    ("port", self.ports.len()),
                    ("security_group", self.groups.len()),
                    ("security_group_rule", self.groups.values().map(rules).sum()),
                ];
                let detail = |(what, used): (&str, usize)| {
                    let limit = self.most.get(what).copied().unwrap_or(1000);
                    (what.to_owned(), json!({ "limit": limit, "used": used, "reserved": 0 }))
                };
                let all: serde_json::Map<String, Value> = used.into_iter().map(detail).collect();
                Reply::json(200, &json!({ "quota": all }))
            }
            ("GET", ["subnets"]) => {
                let subnet = |version: &u8| {
                    json!({
                        "id": format!("s{version}"), "ip_version": version,
                        "network_id": query("network_id"),
                    })
                };
                self.list("subnets", self.versions.iter().map(subnet), call)
            }
            ("GET", ["floatingips"]) => {
                let fits = |it: &&Value| query("port_id").is_none_or(|id| it["port_id"] == id);
                let all: Vec<_> = self.floating_ips.values().filter(fits).cloned().collect();
                self.list("floatingips", all, call)
            }
            ("POST", ["floatingips"]) => self.make_floating_ip(call),
            ("DELETE", ["floatingips", id]) => match self.floating_ips.remove(*id) {
                Some(_) => Reply::empty(204),
                None => missing("FloatingIPNotFound"),
            },
            ("GET", ["security-groups"]) => {
                self.list("security_groups", self.groups.values().cloned(), call)
            }
            ("POST", ["security-groups"]) => {
                let wish = call.json()["security_group"].take();
                let text = |key: &str| wish[key].as_str().unwrap_or_default().to_owned();
                let made = self.make_group(&text("name"), &text("description"));
                Reply::json(201, &json!({ "security_group": made }))
            }
            ("DELETE", ["security-groups", id]) => {
                let is_used = |it: &Value| {
                    it["security_groups"]
                        .as_array()
                        .is_some_and(|all| all.iter().any(|it| it == id))
                };
                if self.ports.values().any(is_used) {
                    return neutron_error(409, "SecurityGroupInUse", "Security Group in use.");
                }
                match self.groups.remove(*id) {
                    Some(_) => Reply::empty(204),
                    None => missing("SecurityGroupNotFound"),
                }
            }
            ("POST", ["security-group-rules"]) => self.make_rules(call),
            _ => missing("HTTPNotFound"),
        }
    }

    fn all_networks(&self) -> Vec<Value> {
        let network = |name: &str, external: bool, owner: &str| {
            json!({
                "id": format!("n-{name}"), "name": name, "router:external": external,
                "shared": false, "tenant_id": owner, "project_id": owner, "status": "ACTIVE",
                "port_security_enabled": true, "subnets": ["s"],
            })
        };
        let mut all: Vec<Value> =
            self.networks.iter().map(|name| network(name, false, &self.project)).collect();
        all.push(network("public", true, "operator"));
        all
    }

    /// With the rules that every new group has.
    pub(super) fn make_group(&mut self, name: &str, description: &str) -> Value {
        let id = self.id();
        let egress = |ethertype: &str| {
            json!({
                "id": format!("{id}-{ethertype}"), "security_group_id": id, "direction": "egress",
                "ethertype": ethertype, "protocol": null, "remote_ip_prefix": null,
                "port_range_min": null, "port_range_max": null, "remote_group_id": null,
            })
        };
        let group = json!({
            "id": id, "name": name, "description": description, "tenant_id": self.project,
            "security_group_rules": [egress("IPv4"), egress("IPv6")],
        });
        self.groups.insert(id, group.clone());
        group
    }

    fn make_rules(&mut self, call: &Call) -> Reply {
        let wishes = call.json()["security_group_rules"].take();
        let wishes = wishes.as_array().cloned().unwrap_or_default();
        if wishes.is_empty() {
            return neutron_error(400, "HTTPBadRequest", "Resource body required");
        }
        let mut made = Vec::new();
        for wish in wishes {
            let is_v6 = wish["remote_ip_prefix"].as_str().is_some_and(|it| it.contains(':'));
            let is_group = wish["remote_group_id"].is_string();
            if !is_group && is_v6 != (wish["ethertype"] == "IPv6") {
                return neutron_error(
                    400,
                    "SecurityGroupRuleParameterConflict",
                    "Conflicting value",
                );
            }
            let id = self.id();
            let group = wish["security_group_id"].as_str().unwrap_or_default().to_owned();
            let Some(group) = self.groups.get_mut(&group) else {
                return missing("SecurityGroupNotFound");
            };
            let rules = group["security_group_rules"].as_array_mut().unwrap();
            let same = |rule: &Value| {
                wish.as_object().unwrap().iter().all(|(key, value)| rule[key] == *value)
            };
            if rules.iter().any(same) {
                return neutron_error(409, "SecurityGroupRuleExists", "rule already exists");
            }
            let mut rule = wish;
            rule["id"] = id.into();
            rules.push(rule.clone());
            made.push(rule);
        }
        Reply::json(201, &json!({ "security_group_rules": made }))
    }

    fn make_floating_ip(&mut self, call: &Call) -> Reply {
        let wish = call.json()["floatingip"].take();
        if wish["floating_network_id"] != "n-public" {
            return neutron_error(400, "BadRequest", "Network is not a valid external network");
        }
        let Some(port) = wish["port_id"].as_str().and_then(|id| self.ports.get(id)) else {
            return missing("PortNotFound");
        };
        if !self.has_router {
            // Neutron 21.
            let message = "External network n-public is not reachable from subnet s4. Therefore, \
                           cannot associate Port p with a Floating IP.";
            return neutron_error(404, "ExternalGatewayForFloatingIPNotFound", message);
        }
        if port["fixed_ips"][0]["ip_address"] != wish["fixed_ip_address"] {
            return neutron_error(400, "BadRequest", "Port does not have fixed ip");
        }
        if self.floating_ips.values().any(|it| it["port_id"] == wish["port_id"]) {
            let message = "Cannot associate floating IP with port: already has one";
            return neutron_error(409, "FloatingIPPortAlreadyAssociated", message);
        }
        let id = self.id();
        let address = self.addresses[self.floating_ips.len() % self.addresses.len()].clone();
        let floating = json!({
            "id": id, "floating_ip_address": address, "floating_network_id": "n-public",
            "port_id": wish["port_id"], "fixed_ip_address": wish["fixed_ip_address"],
            "description": wish["description"], "status": "DOWN", "tenant_id": self.project,
        });
        self.floating_ips.insert(id, floating.clone());
        Reply::json(201, &json!({ "floatingip": floating }))
    }
}

fn missing(kind: &str) -> Reply {
    neutron_error(404, kind, "could not be found.")
}
