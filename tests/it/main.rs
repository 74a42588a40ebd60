//! One binary for all integration tests: the program is run as people run it, in an environment
//! that holds nothing but what a test puts there.

mod bad_input;
mod crash;
mod docs;
mod env;
mod envs;
mod golden;
mod inspect;
mod lab;
mod listing;
mod ls;
mod store;
mod vm;
