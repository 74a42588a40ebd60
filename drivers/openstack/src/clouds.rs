//! `clouds.yaml` and what belongs to it, as every OpenStack client reads them
//! (docs.openstack.org/openstacksdk, "Configuring OpenStack SDK Applications").

use std::path::{Path, PathBuf};

use machine_driver::{Environment, Error, ErrorKind, Result, nearest};
use serde_json::{Map, Value};

/// One entry of `clouds.yaml`, with its secrets from `secure.yaml` and what it takes over from
/// `clouds-public.yaml`.
#[derive(Default)]
pub(crate) struct Entry(Value);

impl Entry {
    /// A value of the entry, as text. Empty if it is not there.
    pub(crate) fn text(&self, key: &str) -> String {
        text(&self.0[key])
    }

    /// A value under `auth`. Old files have some beside it.
    pub(crate) fn auth(&self, key: &str) -> String {
        match text(&self.0["auth"][key]) {
            none if none.is_empty() => self.text(key),
            found => found,
        }
    }

    /// `verify: false` and its old opposite.
    pub(crate) fn is_insecure(&self) -> bool {
        let is = |key: &str, word: &str| self.text(key).eq_ignore_ascii_case(word);
        is("verify", "false") || is("insecure", "true")
    }

    /// The only region, if the entry names exactly one.
    pub(crate) fn region(&self) -> String {
        let first = &self.0["regions"][0];
        match self.text("region_name") {
            none if none.is_empty()
                && self.0["regions"].as_array().is_some_and(|it| it.len() == 1) =>
            {
                if first.is_object() { text(&first["name"]) } else { text(first) }
            }
            name => name,
        }
    }
}

/// Numbers are what YAML makes of passwords without quotes.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        _ => String::new(),
    }
}

/// Reads the entry `name`. `file` is a `clouds.yaml` that is not in one of the usual places.
pub(crate) fn read(environment: &Environment, name: &str, file: &str) -> Result<Entry> {
    let dirs = directories(environment);
    let variable = |name: &str| environment.var(name).map(PathBuf::from);
    let file = Some(file).filter(|it| !it.is_empty()).map(PathBuf::from);
    let file = file.or_else(|| variable("OS_CLIENT_CONFIG_FILE")).or_else(|| find(&dirs, "clouds"));
    let Some(file) = file else {
        let places: Vec<String> = dirs.iter().map(|dir| dir.display().to_string()).collect();
        return Err(Error::new(ErrorKind::Flags, "there is no clouds.yaml")
            .caused_by(format!("looked in {}", places.join(", ")))
            .hint("export OS_CLIENT_CONFIG_FILE=/path/to/clouds.yaml"));
    };
    let clouds = parse(&file)?;
    let secure = variable("OS_CLIENT_SECURE_FILE").or_else(|| find(&dirs, "secure"));
    // It may also lie beside a file that is somewhere else.
    let secure = secure.or_else(|| find(&[file.parent()?.to_owned()], "secure"));
    let secure = secure.map(|file| parse(&file)).transpose()?.unwrap_or_default();
    let Some(entry) = clouds["clouds"].get(name) else {
        let names: Vec<&str> = keys(&clouds["clouds"]).collect();
        let error =
            Error::new(ErrorKind::Flags, format!("`{}` has no cloud `{name}`", file.display()));
        return Err(match nearest(name, names.iter().copied()) {
            Some(near) => error.hint(format!("did you mean `--openstack-cloud {near}`?")),
            None => error.hint(format!("it has: {}", names.join(", "))),
        });
    };
    let mut whole = Value::Null;
    let profile = [text(&entry["profile"]), text(&entry["cloud"])].concat();
    if !profile.is_empty() {
        let vendors = variable("OS_CLIENT_VENDOR_FILE").or_else(|| find(&dirs, "clouds-public"));
        let vendors = vendors.map(|file| parse(&file)).transpose()?.unwrap_or_default();
        merge(&mut whole, &vendors["public-clouds"][&profile]);
    }
    merge(&mut whole, entry);
    merge(&mut whole, &secure["clouds"][name]);
    Ok(Entry(whole))
}

/// The `clouds.yaml` of the directory that the caller is in, which another command may not find.
pub(crate) fn beside_caller(environment: &Environment) -> Option<PathBuf> {
    let named = environment.var("OS_CLIENT_CONFIG_FILE").map(PathBuf::from);
    let directory = environment.directory.clone()?;
    match named {
        Some(path) => Some(directory.join(path)),
        None => find(&[directory], "clouds"),
    }
}

fn directories(environment: &Environment) -> Vec<PathBuf> {
    let home = environment.home.as_ref();
    let configuration = environment.var("XDG_CONFIG_HOME").map(PathBuf::from);
    let mut all: Vec<PathBuf> = environment.directory.iter().cloned().collect();
    all.extend(configuration.map(|dir| dir.join("openstack")));
    all.extend(home.map(|home| home.join(".config/openstack")));
    if cfg!(target_os = "macos") {
        all.extend(home.map(|home| home.join("Library/Application Support/openstack")));
        all.push("/Library/Application Support/openstack".into());
    }
    if let Some(dir) = environment.var("LOCALAPPDATA").filter(|_| cfg!(windows)) {
        all.push(Path::new(dir).join("openstack").join("openstack"));
    }
    all.push("/etc/openstack".into());
    all
}

fn find(dirs: &[PathBuf], stem: &str) -> Option<PathBuf> {
    let names = ["yaml", "yml", "json"].map(|kind| format!("{stem}.{kind}"));
    dirs.iter()
        .flat_map(|dir| names.iter().map(move |name| dir.join(name)))
        .find(|path| path.is_file())
}

/// JSON is YAML too.
fn parse(file: &Path) -> Result<Value> {
    let wrong = |what: &str| Error::new(ErrorKind::Flags, format!("`{}` {what}", file.display()));
    let text =
        std::fs::read_to_string(file).map_err(|error| wrong("cannot be read").caused_by(error))?;
    // The place of what is wrong, not the text that is there: it may be a password.
    serde_yaml::from_str(&text).map_err(|error| match error.location() {
        Some(at) => wrong(&format!("is no YAML at line {}", at.line())),
        None => wrong("is no YAML that says anything of clouds"),
    })
}

/// Puts what `upper` says over `lower`.
fn merge(lower: &mut Value, upper: &Value) {
    let Value::Object(fields) = upper else {
        if !upper.is_null() {
            lower.clone_from(upper);
        }
        return;
    };
    if !lower.is_object() {
        *lower = Value::Object(Map::new());
    }
    for (key, value) in fields {
        merge(&mut lower[key], value);
    }
}

fn keys(value: &Value) -> impl Iterator<Item = &str> {
    value.as_object().into_iter().flat_map(|it| it.keys().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn an_entry_is_put_together_from_three_files() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join(".config/openstack");
        std::fs::create_dir_all(&dir).unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.join(name), text).unwrap();
        write(
            "clouds.yaml",
            "clouds:\n  lab:\n    profile: vendor\n    auth:\n      username: me\n      password: 1234\n    \
             verify: False\n    regions: [one]\n",
        );
        write("secure.yaml", "clouds:\n  lab:\n    auth:\n      password: hunter2\n");
        write(
            "clouds-public.yaml",
            "public-clouds:\n  vendor:\n    auth:\n      auth_url: https://id.example/v3\n      username: x\n",
        );
        let environment = Environment::new(BTreeMap::new(), Some(home.path().to_owned()));
        let entry = read(&environment, "lab", "").unwrap();
        assert_eq!(entry.auth("auth_url"), "https://id.example/v3");
        assert_eq!(
            (entry.auth("username"), entry.auth("password")),
            ("me".into(), "hunter2".into())
        );
        assert_eq!(entry.region(), "one");
        assert!(entry.is_insecure());
        let error = read(&environment, "lub", "").err().unwrap();
        assert_eq!(error.hints(), ["did you mean `--openstack-cloud lab`?"]);
        write("secure.yaml", "clouds: [hunter2");
        let error = read(&environment, "lab", "").err().unwrap();
        assert!(!error.one_line().contains("hunter2"), "{}", error.one_line());
    }
}
