//! One binary for all integration tests: the program is run as people run it, in an environment
//! that holds nothing but what a test puts there.

mod bad_input;
#[cfg(unix)]
mod compat;
#[cfg(unix)]
mod completion;
mod crash;
mod docs;
#[cfg(unix)]
mod doctor;
mod env;
#[cfg(unix)]
mod grammar;
mod lab;
mod listing;
#[cfg(unix)]
mod remote;
mod vm;
