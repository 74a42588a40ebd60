use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use machine_driver::{Progress, Silent};

use super::GlobalArgs;
use super::environment::{Environment, parse_bool};
use super::error::CliError;
use crate::engine::{Engine, Machine, Registry};
use crate::iso::{BuildSettings, ImageSettings, Images};
use crate::store::Store;
use crate::tls::CertPaths;

/// One run of the program: the engine, put together from flags and environment.
pub(super) struct Session {
    pub(super) engine: Engine,
    pub(super) environment: Environment,
    pub(super) native_ssh: bool,
}

/// How long a guest may take to boot where `MACHINE_BOOT_TIMEOUT` says nothing: a busy host
/// without hardware acceleration has needed 46 s.
const BOOT_DEADLINE: Duration = Duration::from_secs(300);

impl Session {
    pub(super) fn open(global: GlobalArgs, environment: Environment) -> Result<Self, CliError> {
        start_debug_log(&global, &environment)?;
        let path = |flag: Option<PathBuf>, variable| {
            flag.or_else(|| environment.var(variable).map(PathBuf::from))
        };
        let base = match path(global.storage_path, "MACHINE_STORAGE_PATH") {
            Some(base) => std::path::absolute(base)?,
            None => environment
                .home
                .as_ref()
                .map(|home| home.join(".docker").join("machine"))
                .ok_or_else(|| {
                    CliError::new("there is no home directory")
                        .hint("name a store with `--storage-path DIR`")
                })?,
        };
        let store = Store::new(base);
        let default_certs = CertPaths::in_dir(&store.certs_dir());
        let certs = CertPaths {
            ca_cert: path(global.tls_ca_cert, "MACHINE_TLS_CA_CERT")
                .unwrap_or(default_certs.ca_cert),
            ca_key: path(global.tls_ca_key, "MACHINE_TLS_CA_KEY").unwrap_or(default_certs.ca_key),
            client_cert: path(global.tls_client_cert, "MACHINE_TLS_CLIENT_CERT")
                .unwrap_or(default_certs.client_cert),
            client_key: path(global.tls_client_key, "MACHINE_TLS_CLIENT_KEY")
                .unwrap_or(default_certs.client_key),
        };
        let user = environment.var("USER").or_else(|| environment.var("USERNAME"));
        let engine = Engine {
            registry: Registry::built_in(),
            images: Images::new(
                cache_dir(&environment, &store),
                image_settings(&environment, &store, global.github_api_token),
            ),
            certs,
            organisation: user.unwrap_or("unknown").to_owned(),
            search_path: environment.path.clone(),
            environment: environment.for_drivers(),
            runtime_dir: runtime_dir(&store),
            boot_deadline: boot_deadline(&environment)?,
            store,
        };
        let native_ssh = global.native_ssh || environment.flag("MACHINE_NATIVE_SSH");
        Ok(Self { engine, environment, native_ssh })
    }

    /// Loads a machine for a command that says nothing on the way.
    pub(super) fn machine(&self, name: &str) -> Result<Machine<'_>, CliError> {
        Ok(self.engine.load(name, silent())?)
    }
}

pub(super) fn silent() -> Arc<dyn Progress> {
    Arc::new(Silent)
}

/// Where images and packages are kept: shared by all stores of this user.
fn cache_dir(environment: &Environment, store: &Store) -> PathBuf {
    environment
        .var("MACHINE_CACHE_PATH")
        .map(PathBuf::from)
        .or_else(|| {
            directories::ProjectDirs::from("", "", "machine")
                .map(|dirs| dirs.cache_dir().to_owned())
        })
        .unwrap_or_else(|| store.base().join("cache"))
}

fn image_settings(
    environment: &Environment,
    store: &Store,
    token: Option<String>,
) -> ImageSettings {
    let variable = |name| environment.var(name).map(str::to_owned);
    ImageSettings {
        build: build_settings(environment),
        default: variable("MACHINE_DEFAULT_IMAGE"),
        as_docker_machine: environment.manner.is_docker_machine(),
        releases: variable("MACHINE_BOOT2DOCKER_RELEASES"),
        token: token.or_else(|| variable("MACHINE_GITHUB_API_TOKEN")),
        store_cache: store.base().join("cache"),
    }
}

fn build_settings(environment: &Environment) -> BuildSettings {
    BuildSettings {
        mirror: environment.var("MACHINE_DEBIAN_MIRROR").map(str::to_owned),
        apt_dir: Some(PathBuf::from("/etc/apt")),
        repos: Vec::new(),
    }
}

/// A directory for sockets in the store, unless the store's own path is so long that a socket's
/// would not fit into the 104 bytes that macOS allows.
fn runtime_dir(store: &Store) -> PathBuf {
    let run = store.base().join("run");
    if run.as_os_str().len() <= 70 {
        return run;
    }
    let base = store.base().as_os_str().as_encoded_bytes();
    // FNV-1a: this only has to be the same each time and different for different stores.
    let hash = base.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    std::env::temp_dir().join(format!("machine-{hash:016x}"))
}

fn boot_deadline(environment: &Environment) -> Result<Duration, CliError> {
    let Some(text) = environment.var("MACHINE_BOOT_TIMEOUT") else { return Ok(BOOT_DEADLINE) };
    text.parse().map(Duration::from_secs).map_err(|_| {
        CliError::usage(format!("`MACHINE_BOOT_TIMEOUT` is a number of seconds, not `{text}`"))
    })
}

/// `MACHINE_DEBUG` overrides the flag in both directions, as in docker-machine.
fn start_debug_log(global: &GlobalArgs, environment: &Environment) -> Result<(), CliError> {
    let debug = match environment.var("MACHINE_DEBUG") {
        None => global.debug || environment.asks_for_debug(),
        Some(word) => parse_bool(word).ok_or_else(|| {
            CliError::new(format!(
                "Error parsing boolean value from MACHINE_DEBUG: strconv.ParseBool: parsing \
                 \"{word}\": invalid syntax"
            ))
        })?,
    };
    if debug {
        if environment.manner.is_docker_machine() {
            let version = environment.manner.version();
            super::console::eprint(&format!("Docker Machine Version:  {version}\n"));
        }
        tracing_subscriber::fmt()
            .with_writer(std::io::stderr)
            // A directive is for all whose names begin like that: every crate of ours.
            .with_env_filter("warn,machine=debug")
            .without_time()
            .init();
    }
    Ok(())
}
