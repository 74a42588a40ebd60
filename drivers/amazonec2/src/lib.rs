//! The driver `amazonec2`: instances of Amazon EC2. Flags, variables and record are docker-machine's
//! and those of rancher-machine, its living fork (`drivers/amazonec2` in both); the interface is
//! EC2's Query API, version 2016-11-15, as Amazon's own model of it has it (botocore's
//! `ec2/2016-11-15/service-2.json`). Logging in is the work of Amazon's own crates, `aws-config` and
//! `aws-sigv4`, over our HTTP.
//!
//! What a machine has in the account: an instance with its volumes and network interface, and a key
//! pair, all with the store's tags; and, in common with the store's other machines in that VPC, a
//! security group.

mod account;
mod check;
mod connector;
mod create;
mod driver;
mod flags;
mod group;
mod image;
mod instance;
mod key_pair;
mod kind;
mod launch;
mod login;
mod network;
mod params;
mod place;
mod power;
mod record;
#[cfg(test)]
mod recorded;
mod remove;
mod rules;
mod xml;

pub use kind::kind;
