//! The driver `generic`: a host that is there already and is reached by SSH. Flags, record and
//! texts are docker-machine's (`drivers/generic`).
//!
//! The driver only knows the address and keeps the key. What happens on the host over SSH, its
//! provisioning and its restart, is the engine's work.

mod driver;
mod flags;
mod key;
mod kind;
mod record;

pub use kind::{adopted, kind};
