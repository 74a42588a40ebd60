//! The driver `none`: a machine that is only an address, for a Docker Engine that somebody else
//! runs. Behaviour and texts are docker-machine's (`drivers/none`).

mod driver;
mod kind;
mod record;

pub use kind::kind;
