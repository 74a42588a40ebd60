use std::collections::HashMap;

use regex::Regex;

use super::error::CliError;
use crate::engine::{Found, Look};
use crate::output::regexp;
use crate::store::Record;

/// The `--filter` options of `ls`: OR within a kind, AND between kinds.
#[derive(Debug, Default)]
pub(super) struct Filters {
    drivers: Vec<String>,
    states: Vec<String>,
    names: Vec<Regex>,
    labels: Vec<(String, Option<String>)>,
    swarms: Vec<String>,
}

/// The master of each swarm, by what its machines find it with.
pub(super) type Masters = HashMap<String, String>;

impl Filters {
    /// The messages are docker-machine's.
    pub(super) fn parse(filters: &[String]) -> Result<Self, CliError> {
        let mut parsed = Self::default();
        for filter in filters {
            let (key, value) =
                filter.split_once('=').ok_or_else(|| CliError::new("Unsupported filter syntax"))?;
            match key.to_lowercase().as_str() {
                "driver" => parsed.drivers.push(value.to_lowercase()),
                "state" => parsed.states.push(value.to_lowercase()),
                "swarm" => parsed.swarms.push(value.to_lowercase()),
                "name" => parsed.names.push(regexp::compile(value).map_err(CliError::new)?),
                // Without a value, which made docker-machine panic, the label is enough.
                "label" => parsed.labels.push(match value.split_once('=') {
                    Some((key, value)) => (key.to_owned(), Some(value.to_lowercase())),
                    None => (value.to_owned(), None),
                }),
                _ => {
                    return Err(CliError::new(format!("Unsupported filter key '{key}'"))
                        .hint("the keys are driver, state, name, label and swarm"));
                }
            }
        }
        Ok(parsed)
    }

    /// What can be said from the record alone. A machine whose record is broken is shown whatever
    /// the filters say, as in docker-machine: nobody knows what it is.
    pub(super) fn hold(&self, found: &Found<'_>, masters: &Masters) -> bool {
        match &found.machine {
            Ok(machine) => self.hold_record(&machine.record, masters),
            Err(_) => true,
        }
    }

    fn hold_record(&self, record: &Record, masters: &Masters) -> bool {
        let options = &record.host_options;
        let master = masters.get(&options.swarm_options.discovery).map_or("", String::as_str);
        any(&self.drivers, &record.driver_name)
            && any(&self.swarms, master)
            && (self.names.is_empty() || self.names.iter().any(|it| it.is_match(&record.name)))
            && (self.labels.is_empty()
                || self.labels.iter().any(|(key, value)| {
                    has_label(&options.engine_options.labels, key, value.as_deref())
                }))
    }

    /// Whether the machines have to be asked.
    pub(super) fn need_state(&self) -> bool {
        !self.states.is_empty()
    }

    pub(super) fn hold_state(&self, look: Look) -> bool {
        look == Look::Broken || any(&self.states, look.as_str())
    }
}

/// The masters of all swarms.
pub(super) fn masters(found: &[Found<'_>]) -> Masters {
    let machines = found.iter().filter_map(|found| found.machine.as_ref().ok());
    machines
        .filter(|machine| machine.record.host_options.swarm_options.master)
        .map(|machine| {
            let discovery = &machine.record.host_options.swarm_options.discovery;
            (discovery.clone(), machine.name().to_owned())
        })
        .collect()
}

fn any(wanted: &[String], value: &str) -> bool {
    wanted.is_empty() || wanted.iter().any(|it| *it == value.to_lowercase())
}

fn has_label(labels: &[String], key: &str, value: Option<&str>) -> bool {
    labels.iter().any(|label| {
        let (k, v) = label.split_once('=').unwrap_or((label, ""));
        k == key && value.is_none_or(|value| v.to_lowercase() == value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::HostOptions;

    fn holds(filters: &[&str]) -> bool {
        let mut options = HostOptions::default();
        options.engine_options.labels = vec!["app=Web".into(), "bare".into()];
        "token://x".clone_into(&mut options.swarm_options.discovery);
        let record = Record::new("node-1", "none", serde_json::Value::Null, options);
        let filters: Vec<String> = filters.iter().map(|it| (*it).to_owned()).collect();
        let masters = Masters::from([("token://x".to_owned(), "Boss".to_owned())]);
        Filters::parse(&filters).unwrap().hold_record(&record, &masters)
    }

    #[test]
    fn kinds_are_anded_and_values_ored() {
        assert!(holds(&[]));
        assert!(holds(&["driver=NONE", "driver=other", "name=^node-[0-9]$", "swarm=boss"]));
        assert!(!holds(&["driver=none", "name=x"]));
        assert!(!holds(&["swarm=other"]));
        assert!(holds(&["Label=app=web"]) && holds(&["label=app=x", "label=app=web"]));
        assert!(!holds(&["label=App=web"]), "the key counts as it is written");
        assert!(holds(&["label=app"]) && holds(&["label=bare"]) && holds(&["label=bare="]));
        assert!(!holds(&["label=bare=x"]) && !holds(&["label=nope"]));
    }

    #[test]
    fn mistakes_have_docker_machines_words() {
        let message = |filter: &str| Filters::parse(&[filter.to_owned()]).unwrap_err().text();
        assert!(message("x").contains("Unsupported filter syntax"));
        assert!(message("a=b").contains("Unsupported filter key 'a'"));
        assert!(message("name=[").contains("error parsing regexp: missing closing ]: `[`"));
    }
}
