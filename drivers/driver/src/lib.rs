//! The driver contract, and the kit that drivers share.
//!
//! A *driver* makes machines of one kind (QEMU, VirtualBox, a cloud) and knows nothing of the
//! command line, the store or the other drivers. What it needs from outside reaches it through
//! [`Context`]; it never prints, prompts, or reads the environment, the working directory or the
//! home directory.
//!
//! Start with [`Kind`] (what the registry holds: a name, a table of flags, constructors) and
//! [`Driver`] (one machine of that kind). The rest is the kit: [`process`], [`conversation`], [`http`],
//! [`download`], [`wait`], [`keys`], [`seed`], [`shared`], [`mod@file`], and for clouds [`rest`], [`cloud`], [`Secret`] and
//! [`Tags`].

mod account;
pub mod acl;
pub mod cloud;
pub mod console;
mod context;
pub mod conversation;
pub mod download;
mod driver;
mod endpoint;
mod environment;
mod error;
pub mod file;
mod first_boot;
mod flag;
mod forward;
pub mod http;
pub mod keys;
mod nearest;
mod policy;
pub mod process;
mod progress;
mod record;
pub mod rest;
mod secret;
pub mod seed;
pub mod shared;
mod size;
mod snapshot;
mod state;
pub mod tags;
mod template;
pub mod wait;

pub use account::{Account, Resource};
pub use async_trait::async_trait;
pub use context::{Checkpoint, Context, StoreId};
pub use driver::{Availability, Birth, Capabilities, DirectBoot, Driver, Image, Kind};
pub use endpoint::{Endpoint, SshTarget};
pub use environment::Environment;
pub use error::{Error, ErrorKind, Result};
pub use first_boot::FirstBoot;
pub use flag::{Flag, FlagKind, FlagValue, FlagValues, Origin};
pub use forward::{Forward, Forwards};
pub use nearest::nearest;
pub use policy::Policy;
pub use progress::{Progress, Silent};
pub use record::BaseRecord;
pub use secret::{REDACTED, Reference, Secret};
pub use size::{Size, SizeFlags};
pub use snapshot::{Snapshot, Snapshots, check_snapshot_name, no_snapshot, snapshot_exists};
pub use state::State;
pub use tags::Tags;
pub use template::{Material, Template, Templates};
