//! The driver `hetzner`: servers of Hetzner Cloud. Flags, variables and record are those of the plugin
//! docker-machine-driver-hetzner, version 5; the interface is version 1 as the vendor describes it
//! (docs.hetzner.cloud, February 2026).
//!
//! What a machine has in the project: a server, its SSH key, those of `--hetzner-additional-key` that
//! were not there, and, in common with the store's other machines, a firewall. All bear labels.

mod choice;
mod cloud;
mod flags;
mod json;
mod record;

use machine_driver::Kind;

/// What the registry holds for `hetzner`.
pub fn kind() -> impl Kind {
    machine_driver::cloud::kind::<cloud::Hetzner>()
}
