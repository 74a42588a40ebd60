//! The driver `virtualbox`: virtual machines by Oracle VirtualBox 6.1 and later, through its command
//! `VBoxManage`. Flags, record, names and texts are docker-machine's (`drivers/virtualbox`).
//!
//! ```text
//!          create                          start
//! (record) ──────▶ VM, disk, media, share ──────▶ network, ports, startvm ──▶ running
//!                                           ▲                                   │
//!                                           └── poweroff, saved, aborted ◀──────┘
//! ```
//!
//! - *Which machine is it?* The record has its UUID before VirtualBox has it ([`record`]).
//! - *Who else is there?* Interfaces, media and ports are everybody's: whoever changes them holds the
//!   [`lock`], and the machines boot at the same time.
//! - *What is ours?* A host-only interface that we made is marked in VirtualBox's own settings, and goes
//!   with the last machine on it ([`network`]).
//! - *What does VirtualBox say?* [`manage`] runs it, [`info`] and [`listing`] read its answers.

mod address;
mod birth;
mod check;
mod driver;
mod files;
mod flags;
mod forwards;
mod import;
mod info;
mod kind;
mod listing;
mod lock;
mod log;
mod manage;
mod network;
mod ports;
mod power;
mod program;
mod record;
mod remove;
mod resize;
mod settings;
mod share;
mod snapshots;
mod start;
mod state;
mod uuid;
mod version;
mod vmdk;

pub use kind::kind;
