//! From values that have the right shape to machines.

use std::collections::BTreeMap;
use std::path::Path;

use machine_driver::{Error, Kind, Result};
use serde_json::Value;

use super::super::names;
use super::super::schema::flag_names;
use super::super::spec::{CopyFile, EngineSpec, Publish, Role, Spec, Swarm};
use super::{Lab, Source, wrong};

/// The network of machines that share none.
const NONE: &str = "none";

pub(super) fn lab(value: &Value, source: &Source<'_>, kinds: &[Option<&dyn Kind>]) -> Result<Lab> {
    let name = name_or_directory(value.get("name").and_then(Value::as_str), source.path)?;
    let network = value.get("network").and_then(Value::as_str).unwrap_or(&name).to_owned();
    let defaults = value.get("defaults").cloned().unwrap_or_default();
    let asked = value.get("machines").and_then(Value::as_array);
    let asked = asked.map(Vec::as_slice).unwrap_or_default();
    let mut machines: Vec<Asked> = Vec::new();
    for (one, kind) in asked.iter().zip(kinds) {
        let kind = kind.ok_or_else(|| wrong(source.path, "a machine has no known driver"))?;
        let keys = Keys { own: one, defaults: &defaults };
        machines.extend(spread(keys, kind, &network, source)?);
    }
    if machines.is_empty() {
        return Err(wrong(source.path, "there are no machines in it").hint("machine lab init"));
    }
    let mut seen = std::collections::BTreeSet::new();
    if let Some(twice) = machines.iter().find(|it| !seen.insert(it.spec.name.clone())) {
        let message = format!("the machine `{}` is there twice", twice.spec.name);
        return Err(wrong(source.path, &message));
    }
    let swarm = value.get("swarm").map(|swarm| roles(&mut machines, swarm, source));
    let swarm = swarm.transpose()?;
    let machines = machines.into_iter().map(|asked| asked.spec).collect();
    Ok(Lab { name, path: source.path.to_owned(), machines, swarm })
}

/// The name of the lab, which is also that of its network.
pub(super) fn name_or_directory(name: Option<&str>, path: &Path) -> Result<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if let Some(name) = name {
        if !name.is_empty() && name.len() <= 40 && name.chars().all(fits) && !name.starts_with('-')
        {
            return Ok(name.to_owned());
        }
        let message = format!("`{name}` is no name of a lab");
        return Err(wrong(path, &message).hint("use up to 40 letters, digits, `-` and `_`"));
    }
    let directory = path.parent().and_then(Path::file_name).unwrap_or_default();
    let name: String = directory
        .to_string_lossy()
        .chars()
        .map(|c| if fits(c) { c } else { '-' })
        .take(40)
        .collect();
    let name = name.trim_matches('-');
    Ok(if name.is_empty() { "lab".to_owned() } else { name.to_owned() })
}

/// A machine, and what its file says of its part in the swarm: `None` if nothing.
struct Asked {
    spec: Spec,
    part: Option<String>,
}

/// The keys of a machine, with what stands in for those that it has not.
#[derive(Clone, Copy)]
struct Keys<'a> {
    own: &'a Value,
    defaults: &'a Value,
}

impl<'a> Keys<'a> {
    fn find(self, name: &str) -> Option<&'a Value> {
        self.own.get(name).or_else(|| self.defaults.get(name))
    }

    fn text(self, name: &str) -> Option<&'a str> {
        self.find(name)?.as_str()
    }

    fn list(self, name: &str) -> Vec<String> {
        texts(self.find(name))
    }
}

/// The machines of one entry: as many as its count and the braces in its name say.
fn spread(
    keys: Keys<'_>,
    kind: &dyn Kind,
    network: &str,
    source: &Source<'_>,
) -> Result<Vec<Asked>> {
    let fail = |message: String| wrong(source.path, &message);
    let name = keys.own.get("name").and_then(Value::as_str);
    let name = name.ok_or_else(|| fail("a machine has no name".to_owned()))?;
    let mut names = names::expand(name).map_err(fail)?;
    match keys.own.get("count").and_then(Value::as_i64) {
        None => {}
        Some(count @ 1..=1000) => {
            let numbered =
                |name: &String| (1..=count).map(|n| format!("{name}{n}")).collect::<Vec<_>>();
            names = names.iter().flat_map(numbered).collect();
        }
        Some(count) => {
            return Err(fail(format!("machine `{name}`: count is 1 to 1000, not {count}")));
        }
    }
    let mut flags = flags(keys, kind);
    join_network(&mut flags, kind, keys.text("network").unwrap_or(network));
    let spec = Spec {
        name: String::new(),
        driver: kind.name().to_owned(),
        flags,
        engine: engine(keys),
        tls_san: keys.list("tls-san"),
        cloud_init: keys.text("cloud-init").map(|file| directory(source).join(file)),
        publish: keys
            .list("publish")
            .iter()
            .map(|text| {
                publish(text).map_err(|message| fail(format!("machine `{name}`: {message}")))
            })
            .collect::<Result<_>>()?,
        files: files(keys, name, source)?,
        run: keys.list("run"),
        role: None,
    };
    let part = keys.text("swarm").map(str::to_owned);
    let asked = |name: String| {
        crate::store::check_name(&name)
            .map_err(|error| Error::from(error).context(format!("{}", source.path.display())))?;
        Ok(Asked { spec: Spec { name, ..spec.clone() }, part: part.clone() })
    };
    names.into_iter().map(asked).collect()
}

/// Puts a machine on a network, if its driver has such and the file does not say otherwise.
fn join_network(flags: &mut BTreeMap<String, Value>, kind: &dyn Kind, network: &str) {
    let Some(flag) = kind.network_flag().filter(|_| network != NONE) else { return };
    let fits = kind.network_mode().is_none_or(|(mode, word)| {
        *flags.entry(mode.to_owned()).or_insert_with(|| word.into()) == word
    });
    if fits {
        flags.entry(flag.to_owned()).or_insert_with(|| network.into());
    }
}

/// The flags of the driver that are given, under their full names. In the defaults may stand those
/// of other drivers too.
fn flags(keys: Keys<'_>, kind: &dyn Kind) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for (flag, names) in flag_names(kind) {
        let value = [keys.own, keys.defaults]
            .into_iter()
            .find_map(|place| names.iter().find_map(|name| place.get(name.as_str())));
        if let Some(value) = value {
            found.insert(flag, value.clone());
        }
    }
    found
}

fn engine(keys: Keys<'_>) -> EngineSpec {
    let empty = Value::Null;
    let engine = keys.find("engine").unwrap_or(&empty);
    let text = |name| engine.get(name).and_then(Value::as_str).map(str::to_owned);
    let list = |name| texts(engine.get(name));
    EngineSpec {
        labels: pairs(keys.find("labels")),
        options: list("options"),
        env: pairs(engine.get("env")),
        registry_mirrors: list("registry-mirrors"),
        insecure_registries: list("insecure-registries"),
        storage_driver: text("storage-driver"),
        install_url: text("install-url"),
        install: text("install"),
        version: text("version"),
    }
}

fn files(keys: Keys<'_>, name: &str, source: &Source<'_>) -> Result<Vec<CopyFile>> {
    let directory = directory(source);
    let file = |value: &Value| {
        let text = |key| value.get(key).and_then(Value::as_str);
        let (Some(from), Some(to)) = (text("from"), text("to")) else {
            let message = format!("machine `{name}`: a file to copy has `from` and `to`");
            return Err(wrong(source.path, &message));
        };
        Ok(CopyFile { from: directory.join(from), to: to.to_owned() })
    };
    keys.find("files").and_then(Value::as_array).into_iter().flatten().map(file).collect()
}

/// From where the paths in the file count.
fn directory<'a>(source: &Source<'a>) -> &'a Path {
    source.path.parent().unwrap_or(source.path)
}

/// Reads `[HOST:]GUEST`.
fn publish(text: &str) -> Result<Publish, String> {
    let (host, guest) = text.split_once(':').unwrap_or((text, text));
    let ports = host.parse().ok().zip(guest.parse().ok().filter(|port| *port != 0));
    let (host, guest) =
        ports.ok_or_else(|| format!("`{text}` is no port and no pair of ports HOST:GUEST"))?;
    Ok(Publish { host, guest })
}

/// Gives the machines their parts: first those that say it themselves, then in the file's order.
fn roles(machines: &mut [Asked], swarm: &Value, source: &Source<'_>) -> Result<Swarm> {
    let fail = |message: String| wrong(source.path, &message);
    let number = |name: &str| match swarm.get(name).and_then(Value::as_i64) {
        None => Ok(None),
        Some(number) => usize::try_from(number)
            .map(Some)
            .map_err(|_| fail(format!("swarm: {name} is not {number}"))),
    };
    let managers = number("managers")?.unwrap_or(1);
    if managers == 0 {
        return Err(fail("swarm: without a manager there is no swarm".to_owned()));
    }
    let count = |machines: &[Asked], word: &str| {
        machines.iter().filter(|it| it.part.as_deref() == Some(word)).count()
    };
    let said = count(machines, "manager");
    if said > managers {
        return Err(fail(format!(
            "swarm: {said} machines are managers, and {managers} are asked for"
        )));
    }
    let free = machines.iter().filter(|machine| machine.part.is_none()).count();
    let workers = match number("workers")? {
        Some(workers) => workers,
        None => (count(machines, "worker") + free).saturating_sub(managers - said),
    };
    for (role, wanted) in [(Role::Manager, managers), (Role::Worker, workers)] {
        let mut left = wanted.checked_sub(count(machines, role.word())).ok_or_else(|| {
            fail(format!("swarm: more than {wanted} machines are a {}", role.word()))
        })?;
        for machine in &mut *machines {
            let is_free = machine.part.is_none() && machine.spec.role.is_none();
            if machine.part.as_deref() == Some(role.word()) || (is_free && left > 0) {
                left -= usize::from(is_free);
                machine.spec.role = Some(role);
            }
        }
        if left > 0 {
            return Err(fail(format!(
                "swarm: {wanted} {}s are asked for, and there are {left} machines too few",
                role.word()
            )));
        }
    }
    Ok(Swarm { managers, workers })
}

/// The texts of a list.
fn texts(value: Option<&Value>) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    value.and_then(Value::as_array).into_iter().flatten().map(text).collect()
}

/// `KEY=VALUE` from a map, or from a list as it is.
fn pairs(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Object(map)) => map
            .iter()
            .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
            .collect(),
        other => texts(other),
    }
}
