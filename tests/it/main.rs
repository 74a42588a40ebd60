//! One binary for all integration tests: the program is run as people run it, in an environment
//! that holds nothing but what a test puts there.

#[cfg(target_os = "linux")]
mod bad_hosts;
mod bad_input;
mod crash;
mod docs;
mod env;
#[cfg(target_os = "linux")]
mod generic;
#[cfg(target_os = "linux")]
mod hosts;
mod lab;
mod listing;
mod vm;
