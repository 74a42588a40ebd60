//! The driver `digitalocean`: droplets. Flags, variables and record are docker-machine's and those
//! of rancher-machine, its living fork (`drivers/digitalocean` in both); the interface is version 2
//! as DigitalOcean's own description of it has it (github.com/digitalocean/openapi, August 2026).
//!
//! What a machine has in the account: a droplet, which bears the store's tag; an SSH key, whose
//! name bears it; and, in common with the store's other machines, a firewall and that tag.

mod account;
mod check;
mod cloud;
mod firewall;
mod flags;
mod json;
mod record;
mod tags;

use machine_driver::Kind;

/// What the registry holds for `digitalocean`.
pub fn kind() -> impl Kind {
    machine_driver::cloud::kind::<account::DigitalOcean>()
}
