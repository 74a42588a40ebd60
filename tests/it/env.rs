//! `env` and `config`.

use crate::lab::{Lab, run};

#[test]
fn a_running_machine() {
    let lab = Lab::new();
    assert_eq!(lab.run(["create", "-d", "none", "--url", "tcp://127.0.0.1:1", "n1"]).code, Some(0));
    let dir = lab.store().join("machines/n1").display().to_string();
    let program = env!("CARGO_BIN_EXE_machine");
    let expected = format!(
        "export DOCKER_TLS_VERIFY=\"1\"\nexport DOCKER_HOST=\"tcp://127.0.0.1:1\"\n\
         export DOCKER_CERT_PATH=\"{dir}\"\nexport DOCKER_MACHINE_NAME=\"n1\"\n\
         # Run this command to configure your shell: \n# eval $({program} env n1)\n"
    );
    assert_eq!(lab.ok(["env", "n1"]), expected);
    let config = lab.ok(["config", "n1"]);
    assert!(
        config.starts_with(&format!("--tlsverify\n--tlscacert=\"{dir}/ca.pem\"\n")),
        "{config}"
    );
    assert!(config.ends_with("-H=tcp://127.0.0.1:1\n"), "{config}");
    let fish = lab.ok(["env", "--shell", "fish", "n1"]);
    assert!(fish.starts_with("set -gx DOCKER_TLS_VERIFY \"1\";\n"), "{fish}");
}

#[test]
fn failing_code_unsets_and_fails() {
    let lab = Lab::new();
    let run = lab.run(["env", "nope"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stdout.contains("unset DOCKER_HOST\n") && run.stdout.ends_with("; false\n"));
    let script = format!("DOCKER_HOST=x; eval $({} env nope)", env!("CARGO_BIN_EXE_machine"));
    let mut sh = std::process::Command::new("sh");
    sh.args(["-c", &script]).env("MACHINE_STORAGE_PATH", lab.store());
    assert_eq!(crate::lab::run(&mut sh).code, Some(1), "eval fails, unquoted as people write it");
}

#[test]
fn unset_and_no_proxy() {
    let lab = Lab::new();
    let unset = run(lab.command().env("NO_PROXY", "a,b").args(["env", "-u", "--no-proxy"]));
    assert!(
        unset.stdout.contains("unset DOCKER_MACHINE_NAME\nunset NO_PROXY\n"),
        "{}",
        unset.stdout
    );
    assert_eq!(lab.run(["env", "-u", "x"]).code, Some(2));
}
