//! Docker hosts anywhere, from one binary.
//!
//! Arrows point down only: [`cli`] is all that a person sees, [`lab`] makes many machines from one
//! file, [`engine`] is what a machine is and
//! what can be done with it, and the rest is what the engine works with. The drivers are crates of
//! their own under `drivers/`, the guest image is one under `guest/`.

pub mod cli;
pub mod engine;
pub mod iso;
pub mod lab;
pub mod output;
pub mod provision;
pub mod ssh;
pub mod store;
pub mod tls;
