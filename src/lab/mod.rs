//! Labs: several machines from one file.
//!
//! ```text
//!   lab.yaml ──▶ file ──▶ Lab (what is asked for) ──┐
//!               (schema,                            ├──▶ plan ──▶ apply ──▶ swarm
//!                variables)   the store (what is) ──┘
//! ```
//!
//! What was asked of a machine lies beside its record (`lab.json`), and nowhere else: a lab is the
//! machines that say they belong to it, so `rm` of one needs no other file, and a crash at any
//! moment leaves nothing that the next `up` or `down` does not see.

mod apply;
mod as_lab;
mod bounds;
mod file;
mod membership;
mod names;
mod plan;
mod ready;
mod schema;
mod spec;
pub mod swarm;

pub use apply::{Options, Outcome, down, members, up};
pub use as_lab::as_lab;
pub use bounds::Bounds;
pub use file::{Lab, Source, lab_name, read};
pub use membership::Membership;
pub use names::{expand, glob};
pub use plan::{Action, Base, Change, Plan, Step, memory, plan};
pub use schema::{example, json_schema};
pub use spec::{CopyFile, EngineSpec, Publish, Role, Spec, Swarm};
