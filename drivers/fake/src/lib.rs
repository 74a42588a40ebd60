//! The driver `fake`: a driver for tests, whose cloud is a JSON file.
//!
//! Each machine owns a key, a disk and a server there. The file outlives processes, so a test sees
//! what a killed command left behind ([`Cloud::resources`]). What goes wrong is scripted with
//! flags at `create`, or later through [`Cloud::script`]. `docs/drivers/fake.md` tells all.

mod cloud;
mod driver;
mod kind;
mod order;
mod record;
mod script;
mod step;

pub use cloud::{Cloud, Resource};
pub use kind::kind;
pub use order::Order;
pub use script::Script;
pub use step::Step;
