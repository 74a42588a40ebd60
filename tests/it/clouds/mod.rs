//! Clouds that are played by servers in this process: what the drivers ask of them, what is left
//! in them when calls fail or the program is killed, and whole machines on them.

mod amazonec2;
mod digitalocean;
mod faults;
mod hetzner;
mod hundred;
mod openstack;
mod prism;
mod scene;
mod server;

#[test]
fn a_driver_without_cloud_init_refuses_what_only_that_can_do() {
    let lab = crate::lab::Lab::new();
    let refused = lab.fake(&["--ttl", "1h", "lab1"]);
    assert_eq!(refused.code, Some(3), "{}", refused.stdout);
    assert!(refused.stderr.contains("does not boot through cloud-init"), "{}", refused.stderr);
    assert!(refused.stderr.contains("hint: leave out `--ttl`"), "{}", refused.stderr);
    assert!(lab.machine_files().is_empty());
}

/// Says what was measured, for whoever reads the log.
fn measured(text: &str) {
    let text = format!("measured: {text}\n");
    std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes()).unwrap();
}

/// A docker client that is led to the machine `m1` by `env` finds its Engine, with the labels that
/// were asked for. `bash` is one in the machine's network.
fn has_an_engine(mut bash: std::process::Command, lab: &crate::lab::Lab, driver: &str) {
    if std::process::Command::new("docker").arg("--version").output().is_err() {
        return crate::lab::skip("no docker client");
    }
    let script = format!(
        "eval $({} env m1) && docker info --format '{{{{.Name}}}} {{{{.Labels}}}}'",
        env!("CARGO_BIN_EXE_machine")
    );
    let docker =
        crate::lab::run(bash.env("MACHINE_STORAGE_PATH", lab.store()).args(["-c", &script]));
    // The Engine names its labels in any order.
    let mut words: Vec<&str> = docker.stdout.split(['[', ']', ' ', '\n']).collect();
    words.sort_unstable();
    words.retain(|word| !word.is_empty());
    let label = format!("provider={driver}");
    assert_eq!(words, ["a=b", "m1", &label], "{}", docker.stderr);
}
