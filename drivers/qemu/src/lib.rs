//! The driver `qemu`: virtual machines by QEMU, without root, on Linux, macOS and Windows.
//!
//! A machine is one QEMU process, which outlives the command that started it. No daemon of ours
//! stands between: what is to be known of it is in the machine's record, in files beside it, and
//! in the answers of QEMU's monitor.
//!
//! ```text
//!            create                 start
//!  (record) ───────▶ disk, image ─────────▶ running ──────┐ stop, kill, or the
//!                        ▲                  (holds the    │ guest switches off
//!                        │                   lock file)   │
//!                        └────────────────────────────────┘
//! ```
//!
//! A machine is born by a boot, or from a [`template`]: a guest that was saved before it had an
//! identity. It can be put aside with its memory ([`saved`]).
//!
//! - *Is it running?* QEMU's standard input is a file that is locked as long as QEMU lives
//!   ([`platform`]). That holds whatever became of the command that started it.
//! - *Which process is it?* [`process_id`]: number, start time and boot of the computer.
//! - *What is it doing?* Its monitor says so ([`qmp`]).

mod accelerator;
mod adopt;
mod arguments;
mod birth;
mod check;
mod copy;
mod driver;
mod files;
mod flags;
mod forwards;
mod identity;
mod image;
mod kind;
mod launch;
mod materials;
mod migration;
mod names;
mod network;
mod platform;
mod ports;
mod power;
mod probe;
mod process_id;
mod program;
mod qmp;
mod record;
mod resize;
mod saved;
mod snapshots;
mod system;
mod template;

pub use kind::kind;
