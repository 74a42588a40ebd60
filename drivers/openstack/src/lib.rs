//! The driver `openstack`: servers of any OpenStack cloud. Flags, variables and record are
//! docker-machine's and those of rancher-machine, its living fork (`drivers/openstack` in both); the
//! interfaces are the published ones (docs.openstack.org/api-ref): Identity 3, Compute 2.1,
//! Networking 2.0, Image 2 and Block Storage 3.
//!
//! What a machine has in its project: a key pair, a server, a floating IP if a pool is named, and
//! a volume if one is asked for; and in common with the store's other machines a security group.
//! Each bears the store's mark in its metadata, its description or its name, whichever it has.

mod access;
mod account;
mod address;
mod catalogue;
mod check;
mod choice;
mod clouds;
mod create;
mod driver;
mod flags;
mod group;
mod image;
mod keypair;
mod kind;
mod metadata;
mod place;
mod power;
mod problem;
mod quota;
mod record;
mod remove;
mod server;
mod session;
mod volume;

pub use kind::kind;
