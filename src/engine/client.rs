//! Whether the docker client of this computer and the Engine of a machine can talk to each other.
//!
//! It is found out whenever an Engine has just answered, that is at `create` and `start`. If they
//! cannot, that is written into the machine's directory, where `env` finds it without asking
//! anybody; if they can, there is no such file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use machine_driver::process::{self, Run};
use machine_driver::{Result, file};
use serde::{Deserialize, Serialize};

use super::Engine;
use crate::tls::docker::{Api, Client};

const NAME: &str = "docker-client.json";

/// How long the client may take to say its version, and the Engine.
const PATIENCE: Duration = Duration::from_secs(5);

/// A client and an Engine with no version of Docker's API in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Misfit {
    client: DockerClient,
    /// The version of the Engine.
    pub engine: String,
    /// The oldest and the newest version of the API that the Engine speaks.
    pub speaks: (Api, Api),
    /// The same of the client.
    pub wants: (Api, Api),
}

/// A docker client, kept in the cache so that it is asked once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct DockerClient {
    path: PathBuf,
    /// What [`file::stamp`] said of it. A client that was exchanged since is another one.
    stamp: String,
    version: String,
}

impl Misfit {
    pub fn client_version(&self) -> &str {
        &self.client.version
    }

    pub fn client_path(&self) -> &Path {
        &self.client.path
    }

    /// Whether it is the Engine that is too old, and not the client.
    pub fn is_old_engine(&self) -> bool {
        self.speaks.1 < self.wants.0
    }
}

/// What was found out about a machine, if it is bad and the client is still the same one. Reads one
/// file, if it is there.
pub fn misfit(engine: &Engine, name: &str) -> Option<Misfit> {
    let text = std::fs::read(engine.store.machine_dir(name).join(NAME)).ok()?;
    let misfit: Misfit = serde_json::from_slice(&text).ok()?;
    let stamp = file::stamp(&misfit.client.path).ok()?;
    (stamp == misfit.client.stamp).then_some(misfit)
}

/// Finds out about a machine whose Engine answers, and has said the newest version of the API that
/// it speaks. It is only a remark, so nothing fails here.
pub(super) async fn look(engine: &Engine, name: &str, docker: &Client, newest: Option<Api>) {
    let path = engine.store.machine_dir(name).join(NAME);
    let result = match compare(engine, docker, newest).await {
        Ok(Some(misfit)) => {
            let text = serde_json::to_vec(&misfit).expect("plain data is JSON");
            file::write_atomic(&path, &text, 0o600)
        }
        Ok(None) => match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        },
        Err(error) => Err(std::io::Error::other(error.one_line())),
    };
    if let Err(error) = result {
        tracing::debug!(%error, "whether docker fits is not known");
    }
}

async fn compare(engine: &Engine, docker: &Client, newest: Option<Api>) -> Result<Option<Misfit>> {
    let Some(client) = docker_client(engine).await? else { return Ok(None) };
    let Some(wants) = apis_of_client(&client.version) else { return Ok(None) };
    // Most of the time nothing more need be known. To say all versions, the Engine starts two
    // programs, which a machine that was resumed a second ago feels.
    if wants.1 == ANY && newest.is_some_and(|newest| newest >= wants.0) {
        return Ok(None);
    }
    let about = docker.about(PATIENCE).await?;
    let Some(speaks) = about.apis else { return Ok(None) };
    let fit = speaks.0 <= wants.1 && wants.0 <= speaks.1;
    Ok((!fit).then_some(Misfit { client, engine: about.version, speaks, wants }))
}

/// The client on the search path. `docker --version` asks no Engine.
async fn docker_client(engine: &Engine) -> Result<Option<DockerClient>> {
    let Some(path) = process::find("docker", &engine.search_path) else { return Ok(None) };
    let stamp = file::stamp(&path)?;
    let kept = engine.images.cache().join(NAME);
    let known = std::fs::read(&kept).ok();
    let known: Option<DockerClient> = known.and_then(|text| serde_json::from_slice(&text).ok());
    if let Some(known) = known.filter(|known| known.path == path && known.stamp == stamp) {
        return Ok(Some(known));
    }
    let output = Run::new(&path).arg("--version").deadline(PATIENCE).output().await?;
    // `Docker version 28.2.2, build e6534b4`; what stands in for docker speaks otherwise.
    let version = output.stdout.trim().strip_prefix("Docker version ");
    let Some(version) = version.and_then(|rest| rest.split([',', ' ']).next()) else {
        return Ok(None);
    };
    let client = DockerClient { path, stamp, version: version.to_owned() };
    let text = serde_json::to_vec(&client).expect("plain data is JSON");
    file::create_dir(engine.images.cache())?;
    file::write_atomic(&kept, &text, 0o600)?;
    Ok(Some(client))
}

/// The newest version that a client can use which goes along with every Engine to come.
const ANY: Api = Api(u32::MAX, 0);

/// The versions of the API that a client of this version can use.
///
/// The newest is that of the Engine of its day (the table in Docker's API reference,
/// <https://docs.docker.com/reference/api/engine/>); from 25 on that is newer than what any Engine
/// demands. The oldest is 1.44 since client 29 (`MinAPIVersion` of its library), before that 1.24
/// and 1.12 before 25. Clients before 17.03 are not judged.
fn apis_of_client(version: &str) -> Option<(Api, Api)> {
    const NEWEST: [((u32, u32), u32); 17] = [
        ((24, 0), 43),
        ((23, 0), 42),
        ((20, 10), 41),
        ((19, 3), 40),
        ((18, 9), 39),
        ((18, 6), 38),
        ((18, 3), 37),
        ((18, 2), 36),
        ((17, 12), 35),
        ((17, 11), 34),
        ((17, 10), 33),
        ((17, 9), 32),
        ((17, 7), 31),
        ((17, 6), 30),
        ((17, 5), 29),
        ((17, 4), 28),
        ((17, 3), 27),
    ];
    let mut numbers = version.split(['.', '-', '+']).map(str::parse);
    let version: (u32, u32) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    let oldest = match version.0 {
        29.. => 44,
        25.. => 24,
        _ => 12,
    };
    if version.0 >= 25 {
        return Some((Api(1, oldest), ANY));
    }
    let (_, newest) = NEWEST.iter().find(|(since, _)| version >= *since)?;
    Some((Api(1, oldest), Api(1, *newest)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iso::ImageSettings;

    /// An engine whose search path is `bin` in a directory that has a machine `lab1`.
    fn engine(dir: &Path) -> Engine {
        let store = crate::store::Store::new(dir.join("store"));
        std::fs::create_dir_all(store.machine_dir("lab1")).unwrap();
        std::fs::create_dir_all(dir.join("bin")).unwrap();
        Engine {
            registry: crate::engine::Registry::built_in(),
            images: crate::iso::Images::new(dir.join("cache"), ImageSettings::default()),
            certs: crate::tls::CertPaths::in_dir(&store.certs_dir()),
            organisation: "ada".into(),
            search_path: dir.join("bin").into(),
            environment: machine_driver::Environment::default(),
            runtime_dir: dir.join("run"),
            boot_deadline: PATIENCE,
            store,
        }
    }

    /// A docker client that can say its version, and counts how often it does.
    #[cfg(unix)]
    fn install(dir: &Path, version: &str) {
        use std::os::unix::fs::PermissionsExt;
        let (path, log) = (dir.join("bin/docker"), dir.join("asked"));
        std::fs::remove_file(&path).ok();
        let script = format!(
            "#!/bin/sh\necho >>'{}'\necho 'Docker version {version}, build 0123'\n",
            log.display()
        );
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn an_engine_of_2019_and_clients_of_now() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        let engine = engine(dir);
        let answer = r#"{"Version":"18.09.4","ApiVersion":"1.39","MinAPIVersion":"1.12"}"#;
        let docker = crate::tls::tests::handshake::engine_that_says(dir, answer);
        look(&engine, "lab1", &docker, None).await;
        assert_eq!(misfit(&engine, "lab1"), None, "there is no client");
        install(dir, "29.0.4");
        for _ in 0..2 {
            look(&engine, "lab1", &docker, None).await;
            let bad = misfit(&engine, "lab1").unwrap();
            assert!(bad.is_old_engine() && bad.engine == "18.09.4");
            assert_eq!((bad.client_version(), bad.speaks.1), ("29.0.4", Api(1, 39)));
        }
        assert_eq!(std::fs::read_to_string(dir.join("asked")).unwrap(), "\n", "asked once");
        look(&engine, "lab1", &docker, Some(Api(1, 39))).await;
        assert!(misfit(&engine, "lab1").is_some(), "the ping says that it is too old");
        look(&engine, "lab1", &docker, Some(Api(1, 44))).await;
        assert_eq!(misfit(&engine, "lab1"), None, "the ping says enough, and is believed");
        look(&engine, "lab1", &docker, None).await;
        install(dir, "28.2.2");
        assert_eq!(misfit(&engine, "lab1"), None, "the client is another one now");
        look(&engine, "lab1", &docker, None).await;
        assert_eq!(misfit(&engine, "lab1"), None);
        assert!(!engine.store.machine_dir("lab1").join(NAME).exists());
    }

    #[test]
    fn old_and_new_clients() {
        for (version, oldest, newest) in [
            ("29.0.4", 44, None),
            ("28.2.2", 24, None),
            ("25.0.0", 24, None),
            ("24.0.5", 12, Some(43)),
            ("20.10.24+dfsg1", 12, Some(41)),
            ("19.03.12", 12, Some(40)),
            ("17.03.0-ce", 12, Some(27)),
        ] {
            let newest = newest.map_or(ANY, |minor| Api(1, minor));
            assert_eq!(apis_of_client(version), Some((Api(1, oldest), newest)), "{version}");
        }
        for unknown in ["1.13.1", "dev", ""] {
            assert_eq!(apis_of_client(unknown), None, "{unknown}");
        }
    }
}
