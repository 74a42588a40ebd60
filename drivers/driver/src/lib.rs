//! The driver contract, and the kit that drivers share.
//!
//! A *driver* makes machines of one kind (QEMU, VirtualBox, a cloud) and knows nothing of the
//! command line, the store or the other drivers. What it needs from outside reaches it through
//! [`Context`]; it never prints, prompts, or reads the environment, the working directory or the
//! home directory.
//!
//! Start with [`Kind`] (what the registry holds: a name, a table of flags, constructors) and
//! [`Driver`] (one machine of that kind). The rest is the kit: [`process`], [`conversation`],
//! [`http`], [`wait`], [`keys`], [`seed`], [`shared`], [`mod@file`].

pub mod acl;
mod context;
pub mod conversation;
mod driver;
mod endpoint;
mod error;
pub mod file;
mod flag;
pub mod http;
pub mod keys;
pub mod process;
mod progress;
mod record;
pub mod seed;
pub mod shared;
mod state;
mod template;
pub mod wait;

pub use async_trait::async_trait;
pub use context::{Checkpoint, Context, StoreId};
pub use driver::{
    Availability, Birth, Capabilities, DirectBoot, Driver, Forward, Forwards, Image, Kind,
};
pub use endpoint::{Endpoint, SshTarget};
pub use error::{Error, ErrorKind, Result};
pub use flag::{Flag, FlagKind, FlagValue, FlagValues};
pub use progress::{Progress, Silent};
pub use record::BaseRecord;
pub use state::State;
pub use template::{Material, Template, Templates};
