//! What a security group lets in.

use machine_driver::cloud::{ENGINE_PORT, Openings};
use machine_driver::{Error, ErrorKind, Result};
use serde::Deserialize;

use crate::params::Params;
use crate::record::Record;
use crate::xml::Set;

/// One thing that is let in. Ports are -1 where the protocol has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    /// `tcp`, `udp`, `icmp`, or `-1` for everything.
    protocol: String,
    from_port: i32,
    to_port: i32,
    source: Source,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    /// In CIDR form, of either family.
    Network(String),
    /// Whatever is in that group.
    Group(String),
}

/// How EC2 tells it: one protocol and range with all its sources.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Permission {
    ip_protocol: String,
    from_port: Option<i32>,
    to_port: Option<i32>,
    #[serde(default)]
    groups: Set<Group>,
    #[serde(default)]
    ip_ranges: Set<V4>,
    #[serde(default)]
    ipv6_ranges: Set<V6>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    #[serde(default)]
    group_id: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct V4 {
    cidr_ip: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct V6 {
    cidr_ipv6: String,
}

const WORLD: [&str; 2] = ["0.0.0.0/0", "::/0"];

/// What the store's group is to let in for this machine: SSH, Docker and ping from the openings,
/// the user's ports from everywhere, and everything among the machines of the group.
pub(crate) fn wanted(record: &Record, openings: &Openings, group: &str) -> Result<Vec<Rule>> {
    let world = || WORLD.map(str::to_owned).to_vec();
    let networks = match openings {
        Openings::World => world(),
        Openings::From(networks) => networks.clone(),
    };
    let from = |protocol: &str, port: i32, networks: &[String]| -> Vec<Rule> {
        let rule = |network: &String| Rule {
            protocol: protocol.to_owned(),
            from_port: port,
            to_port: port,
            source: Source::Network(network.clone()),
        };
        networks.iter().map(rule).collect()
    };
    let mut rules = vec![Rule {
        protocol: "-1".to_owned(),
        from_port: -1,
        to_port: -1,
        source: Source::Group(group.to_owned()),
    }];
    rules.extend(from("tcp", record.ssh_port().into(), &networks));
    rules.extend(from("tcp", ENGINE_PORT.into(), &networks));
    if record.base.swarm_master {
        let port = record.base.swarm_host.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        rules.extend(from("tcp", port.unwrap_or(3376), &networks));
    }
    let v4: Vec<String> = networks.iter().filter(|it| !it.contains(':')).cloned().collect();
    rules.extend(from("icmp", -1, &v4));
    for port in &record.open_ports {
        let (port, protocol) = open_port(port)?;
        rules.extend(from(&protocol, port, &world()));
    }
    Ok(rules)
}

/// `80` is `80/tcp`.
pub(crate) fn open_port(text: &str) -> Result<(i32, String)> {
    let (port, protocol) = text.trim().split_once('/').unwrap_or((text.trim(), "tcp"));
    let protocol = protocol.to_lowercase();
    match (port.parse::<u16>(), protocol.as_str()) {
        (Ok(port), "tcp" | "udp") if port != 0 => Ok((port.into(), protocol)),
        _ => Err(Error::new(ErrorKind::Flags, format!("`{text}` is no port"))
            .hint("for example: --amazonec2-open-port 80 --amazonec2-open-port 53/udp")),
    }
}

/// The rules that are not among the permissions.
pub(crate) fn missing(wanted: Vec<Rule>, there: &[Permission]) -> Vec<Rule> {
    let mut missing: Vec<Rule> = Vec::new();
    for rule in wanted {
        if !missing.contains(&rule) && !there.iter().any(|it| it.has(&rule)) {
            missing.push(rule);
        }
    }
    missing
}

pub(crate) fn params(group: &str, rules: &[Rule]) -> Params {
    let params = Params::new().set("GroupId", group);
    rules.iter().enumerate().fold(params, |params, (at, rule)| {
        let name = format!("IpPermissions.{}", at + 1);
        let params = params.set(&format!("{name}.IpProtocol"), &rule.protocol);
        let params = match rule.protocol.as_str() {
            "-1" => params,
            _ => params
                .set(&format!("{name}.FromPort"), rule.from_port)
                .set(&format!("{name}.ToPort"), rule.to_port),
        };
        match &rule.source {
            Source::Group(id) => params.set(&format!("{name}.Groups.1.GroupId"), id),
            Source::Network(network) if network.contains(':') => {
                params.set(&format!("{name}.Ipv6Ranges.1.CidrIpv6"), network)
            }
            Source::Network(network) => params.set(&format!("{name}.IpRanges.1.CidrIp"), network),
        }
    })
}

impl Permission {
    fn has(&self, rule: &Rule) -> bool {
        let covers = self.ip_protocol == "-1"
            || (self.ip_protocol == rule.protocol
                && self.from_port.is_none_or(|it| it == -1 || it <= rule.from_port)
                && self.to_port.is_none_or(|it| it == -1 || it >= rule.to_port));
        covers
            && match &rule.source {
                Source::Group(id) => self.groups.items.iter().any(|it| it.group_id == *id),
                Source::Network(network) => {
                    self.ip_ranges.items.iter().any(|it| it.cidr_ip == *network)
                        || self.ipv6_ranges.items.iter().any(|it| it.cidr_ipv6 == *network)
                }
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_added() {
        let mut record = Record::default();
        record.open_ports = vec!["53/udp".into()];
        let openings = Openings::From(vec!["203.0.113.7/32".into(), "2001:db8::/64".into()]);
        let rules = wanted(&record, &openings, "sg-1").unwrap();
        assert_eq!(rules.len(), 1 + 2 + 2 + 1 + 2);
        let there: Permission = crate::xml::read(
            b"<item><ipProtocol>tcp</ipProtocol><fromPort>22</fromPort><toPort>22</toPort>\
              <groups/><ipRanges><item><cidrIp>203.0.113.7/32</cidrIp></item></ipRanges></item>",
        )
        .unwrap();
        let missing = missing(rules, &[there]);
        assert_eq!(missing.len(), 7);
        let form = params("sg-1", &missing).form("AuthorizeSecurityGroupIngress");
        let has = |key: &str, value: &str| form.contains(&(key.to_owned(), value.to_owned()));
        assert!(has("IpPermissions.1.Groups.1.GroupId", "sg-1"), "{form:?}");
        assert!(has("IpPermissions.2.Ipv6Ranges.1.CidrIpv6", "2001:db8::/64"), "{form:?}");
        assert!(has("IpPermissions.5.FromPort", "-1"), "{form:?}");
    }

    #[test]
    fn ports() {
        assert_eq!(open_port("80").unwrap(), (80, "tcp".to_owned()));
        assert_eq!(open_port("53/UDP").unwrap(), (53, "udp".to_owned()));
        for wrong in ["", "0", "70000", "80/sctp", "http"] {
            assert_eq!(open_port(wrong).unwrap_err().kind(), ErrorKind::Flags, "{wrong}");
        }
    }
}
