//! Clouds that are played by servers in this process: what the drivers ask of them, what is left
//! in them when calls fail or the program is killed, and whole machines on them.

mod digitalocean;
mod faults;
mod server;

/// Says what was measured, for whoever reads the log.
fn measured(text: &str) {
    let text = format!("measured: {text}\n");
    std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes()).unwrap();
}
