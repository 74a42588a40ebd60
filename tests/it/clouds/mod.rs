//! Clouds that are played by servers in this process: what the drivers ask of them, what is left
//! in them when calls fail or the program is killed, and whole machines on them.

mod amazonec2;
mod digitalocean;
mod faults;
mod server;
