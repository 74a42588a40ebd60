//! `doctor` and `logs`.

use std::fs;

use crate::lab::{Lab, run};

#[test]
fn what_is_broken_is_found_with_its_remedy() {
    let lab = Lab::new();
    let healthy = lab.run(["doctor"]);
    assert_eq!(healthy.code, Some(0), "{}", healthy.stdout);
    for part in ["driver none: needs nothing", "driver qemu: ", "program ssh: "] {
        assert!(healthy.stdout.contains(part), "no {part} in {}", healthy.stdout);
    }
    assert_eq!(lab.fake(&["good"]).code, Some(0));
    assert_eq!(lab.fake(&["bad"]).code, Some(0));
    assert_eq!(lab.fake(&["--fake-fail", "server", "half"]).code, Some(1));
    fs::write(lab.store().join("machines/bad/config.json"), "{").unwrap();
    fs::create_dir_all(lab.store().join("locks")).unwrap();
    fs::write(lab.store().join("locks/dead.lock"), "{}").unwrap();
    let found = lab.run(["doctor"]);
    assert_eq!(found.code, Some(1), "{}", found.stdout);
    for part in [
        "good     machine good: driver fake\n",
        "broken   machine bad: the record of machine `bad` is broken",
        "         fix: remove what is left of it with `machine rm -f bad`\n",
        "warning  machine half: machine `half` is not complete",
        "`machine create half`",
        "good     certificate ca: good until 20",
        "lock dead: left by a command that was killed",
    ] {
        assert!(found.stdout.contains(part), "no {part:?} in\n{}", found.stdout);
    }
    let json: serde_json::Value =
        serde_json::from_str(&lab.run(["doctor", "--format", "json"]).stdout).unwrap();
    let bad = json.as_array().unwrap().iter().find(|it| it["name"] == "bad").unwrap();
    assert_eq!((&bad["area"], &bad["health"]), (&"machine".into(), &"broken".into()));
    assert_eq!(lab.run(["doctor", "--format", "xml"]).code, Some(2));
}

#[test]
fn keys_that_others_can_read_and_certificates_that_are_none() {
    use std::os::unix::fs::PermissionsExt;
    let lab = Lab::new();
    assert_eq!(lab.fake(&["m"]).code, Some(0));
    let key = lab.store().join("certs/ca-key.pem");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(lab.store().join("certs/cert.pem"), "rubbish").unwrap();
    let found = lab.run(["doctor"]);
    assert_eq!(found.code, Some(1));
    assert!(found.stdout.contains("warning  certificate ca key: "), "{}", found.stdout);
    assert!(found.stdout.contains(&format!("fix: chmod 600 '{}'", key.display())));
    assert!(found.stdout.contains("broken   certificate client: "), "{}", found.stdout);
}

#[test]
fn tools_that_are_missing_break_nothing() {
    let lab = Lab::new();
    let found = run(lab.command().env("PATH", lab.path()).arg("doctor"));
    assert_eq!(found.code, Some(0), "{}", found.stdout);
    assert!(found.stdout.contains("missing  program scp: needed for `machine scp`\n"));
    assert!(found.stdout.contains("missing  driver qemu: "), "{}", found.stdout);
}

#[test]
fn logs() {
    let lab = Lab::new();
    assert_eq!(lab.fake(&["m"]).code, Some(0));
    let all = lab.ok(["logs", "m"]);
    assert!(all.starts_with("==> console <==\nfake: the server has started\n"), "{all}");
    assert!(all.contains("==> journal <==\n") && all.ends_with(" complete\n"), "{all}");
    assert!(!all.contains("==> engine"), "nobody can log in to it: {all}");
    assert_eq!(lab.ok(["logs", "--console", "m"]), "fake: the server has started\n");
    assert_eq!(lab.ok(["logs", "--journal", "-n", "1", "m"]).lines().count(), 1);
    let engine = lab.run(["logs", "--engine", "m"]);
    assert_eq!(engine.code, Some(1));
    assert!(engine.stderr.contains("one cannot log in to machine `m`"), "{}", engine.stderr);
}

#[test]
fn upgrade_says_what_it_cannot_do() {
    let lab = Lab::new();
    assert_eq!(lab.run(["create", "-d", "none", "--url", "none", "m"]).code, Some(0));
    let upgrade = lab.run(["upgrade", "m"]);
    assert_eq!(upgrade.code, Some(1));
    assert!(upgrade.stderr.contains("driver `none` does not support upgrades"));
}
