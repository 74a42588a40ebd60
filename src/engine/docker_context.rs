//! Docker contexts, as `docker context create` writes them (docker/cli, `cli/context/store`): the
//! description in `contexts/meta/ID/meta.json`, the TLS files in `contexts/tls/ID/docker/`, where
//! ID is the SHA-256 of the name.

use std::fs;
use std::path::{Path, PathBuf};

use machine_driver::{Error, Result, file};
use serde_json::{Value, json};

use super::Engine;
use crate::tls::ClientPaths;

/// The key among a context's metadata by which we know ours; docker keeps what it does not know.
const MARK: &str = "Machine";

/// A context to be written.
#[derive(Debug, Clone)]
pub struct DockerContext<'a> {
    pub name: &'a str,
    /// `tcp://…` or `ssh://…`.
    pub host: &'a str,
    /// Absent for an Engine behind SSH.
    pub tls: Option<ClientPaths>,
}

/// Writes a context, or writes ours of that name again. Somebody else's is an error.
pub fn create_context(
    engine: &Engine,
    config_dir: &Path,
    context: &DockerContext<'_>,
) -> Result<()> {
    let DockerContext { name, host, tls } = context;
    let places = Places::of(config_dir, name);
    if let Some(there) = read(&places.meta)?
        && !is_ours(engine, &there, name)?
    {
        return Err(Error::other(format!("there is a docker context `{name}` already"))
            .hint(format!("`docker context rm {name}` removes it")));
    }
    let meta = json!({
        "Name": name,
        "Metadata": {
            "Description": format!("machine {name}"),
            MARK: { "Name": name, "Store": engine.store.id()? },
        },
        "Endpoints": { "docker": { "Host": host, "SkipTLSVerify": false } },
    });
    remove_dir(&places.tls)?;
    if let Some(paths) = tls {
        let dir = places.tls.join("docker");
        file::create_dir(&dir).map_err(|error| failed(&dir, error))?;
        for (from, name) in
            [(&paths.ca, "ca.pem"), (&paths.cert, "cert.pem"), (&paths.key, "key.pem")]
        {
            let content = fs::read(from).map_err(|error| failed(from, error))?;
            let to = dir.join(name);
            file::write_atomic(&to, &content, 0o600).map_err(|error| failed(&to, error))?;
        }
    }
    // The description comes last: docker lists what has one.
    fs::create_dir_all(&places.meta).map_err(|error| failed(&places.meta, error))?;
    let path = places.meta.join("meta.json");
    file::write_atomic(&path, meta.to_string().as_bytes(), 0o644)
        .map_err(|error| failed(&path, error))
}

/// Removes the context of a machine. `Ok(false)` if there is none, or if it is somebody else's.
pub fn remove_context(engine: &Engine, config_dir: &Path, name: &str) -> Result<bool> {
    let places = Places::of(config_dir, name);
    match read(&places.meta)? {
        Some(there) if is_ours(engine, &there, name)? => {}
        _ => return Ok(false),
    }
    remove_dir(&places.meta)?;
    remove_dir(&places.tls)?;
    Ok(true)
}

/// The context that docker uses where nothing else is said.
pub fn current_context(config_dir: &Path) -> Option<String> {
    let text = fs::read(config_dir.join("config.json")).ok()?;
    let config: Value = serde_json::from_slice(&text).ok()?;
    config["currentContext"].as_str().map(str::to_owned)
}

struct Places {
    meta: PathBuf,
    tls: PathBuf,
}

impl Places {
    fn of(config_dir: &Path, name: &str) -> Self {
        let id = file::sha256_hex(name.as_bytes());
        let contexts = config_dir.join("contexts");
        Self { meta: contexts.join("meta").join(&id), tls: contexts.join("tls").join(id) }
    }
}

fn read(meta: &Path) -> Result<Option<Value>> {
    let path = meta.join("meta.json");
    match fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|error| {
            Error::other(format!("`{}` cannot be read", path.display())).caused_by(error)
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(&path, error)),
    }
}

fn is_ours(engine: &Engine, meta: &Value, name: &str) -> Result<bool> {
    let mark = &meta["Metadata"][MARK];
    Ok(mark["Name"] == *name && mark["Store"] == engine.store.id()?)
}

fn remove_dir(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(path, error)),
        _ => Ok(()),
    }
}

fn failed(path: &Path, error: std::io::Error) -> Error {
    Error::from(error).context(format!("cannot use `{}`", path.display()))
}
