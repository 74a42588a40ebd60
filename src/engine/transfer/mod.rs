//! Machines that move to another store: whole, or only the access to them.
//!
//! An archive is a tar, packed with zstd. Its first entry is `machine.json`; each file of the machine
//! follows as pieces `NAME/OFFSET`, so that the holes of a sparse disk cost nothing. The key of the
//! certificate authority is never in it, and no secret of a driver.

mod export;
mod import;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::store::EngineOptions;

pub use export::export;
pub use import::import;

/// What goes into an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The machine with its disk.
    Whole,
    /// Where it is, and the keys that let one in. It stays where it is, and is not removed by
    /// whoever has only that.
    Access,
}

const MANIFEST: &str = "machine.json";

/// The form of the archive.
const VERSION: u32 = 1;

/// The keys that let one in. The names are those of the machine's directory.
const ACCESS: [&str; 6] = ["id_rsa", "id_rsa.pub", "known_hosts", "ca.pem", "cert.pem", "key.pem"];

/// What the machine shows of itself, and its disk knows too.
const IDENTITY: [&str; 3] = ["server.pem", "server-key.pem", "machine-id"];

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Manifest {
    version: u32,
    name: String,
    driver: String,
    /// The driver's own, of a whole machine.
    record: Option<Value>,
    access: Option<Access>,
    engine: EngineOptions,
    sans: Vec<String>,
    files: Vec<Entry>,
}

/// Where a machine is reached.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Access {
    host: String,
    ssh_port: u16,
    ssh_user: String,
    engine_port: u16,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    name: String,
    size: u64,
}
