//! One binary for all integration tests: the program is run as people run it, in an environment
//! that holds nothing but what a test puts there.

#[cfg(target_os = "linux")]
mod bad_hosts;
mod bad_input;
#[cfg(target_os = "linux")]
mod clone;
#[cfg(target_os = "linux")]
mod clouds;
#[cfg(unix)]
mod compat;
#[cfg(unix)]
mod completion;
#[cfg(unix)]
mod conformance;
mod crash;
mod docs;
#[cfg(unix)]
mod doctor;
mod env;
mod envs;
#[cfg(unix)]
mod examples;
#[cfg(target_os = "linux")]
mod families;
#[cfg(target_os = "linux")]
mod generic;
mod golden;
#[cfg(unix)]
mod grammar;
#[cfg(unix)]
mod guest;
#[cfg(unix)]
mod hardship;
#[cfg(target_os = "linux")]
mod hosts;
#[cfg(target_os = "linux")]
mod hyperv;
mod inspect;
#[cfg(unix)]
mod interrupt;
#[cfg(unix)]
mod iso;
#[cfg(unix)]
mod iso_offline;
mod lab;
mod labs;
#[cfg(target_os = "linux")]
mod labs_whole;
mod listing;
mod ls;
mod mended;
#[cfg(unix)]
mod releases;
#[cfg(unix)]
mod remote;
mod store;
#[cfg(unix)]
mod streams;
#[cfg(unix)]
mod tmpfs;
#[cfg(unix)]
mod transfer;
#[cfg(target_os = "linux")]
mod vbox;
#[cfg(target_os = "linux")]
mod vbox_changes;
mod vm;
#[cfg(unix)]
mod warm;
#[cfg(target_os = "linux")]
mod windows;
