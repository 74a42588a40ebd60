//! `create` killed at every step: it can be resumed or removed, and nothing is left.

use crate::lab::Lab;

const STEPS: [&str; 8] =
    ["reserve", "key", "after-key", "disk", "after-disk", "server", "after-server", "pre-check"];

#[test]
fn a_killed_create_is_removed_entirely() {
    for step in STEPS {
        let lab = Lab::new();
        let run = lab.fake(&["--fake-abort", step, "lab1"]);
        assert_eq!(run.code, None, "{step}: {}{}", run.stdout, run.stderr);
        let listing = lab.ok(["ls"]);
        assert!(listing.contains("lab1"), "{step}: {listing}");
        lab.ok(["rm", "-y", "lab1"]);
        assert_eq!(lab.cloud(), 0, "{step}");
        assert!(lab.machine_files().is_empty(), "{step}");
    }
}

#[test]
fn a_killed_create_carries_on() {
    for step in STEPS {
        let lab = Lab::new();
        let run = lab.fake(&["--fake-abort", &format!("{step}:1"), "lab1"]);
        assert_eq!(run.code, None, "{step}: {}{}", run.stdout, run.stderr);
        let run = lab.fake(&["lab1"]);
        assert_eq!(run.code, Some(0), "{step}: {}{}", run.stdout, run.stderr);
        assert_eq!(lab.ok(["status", "lab1"]), "Running\n", "{step}");
        lab.ok(["rm", "-y", "lab1"]);
        assert_eq!(lab.cloud(), 0, "{step}");
    }
}

#[test]
fn a_failed_step_is_named_and_kept() {
    let lab = Lab::new();
    let run = lab.fake(&["--fake-fail", "disk:1", "lab1"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("the step `resources` failed"), "{}", run.stderr);
    assert!(run.stderr.contains("hint: carry on with `machine create lab1`"), "{}", run.stderr);
    assert!(lab.ok(["ls"]).contains("Incomplete"));
    assert_eq!(lab.ok(["status", "lab1"]), "Incomplete\n");
    let run = lab.run(["start", "lab1"]);
    assert_eq!(run.code, Some(1));
    assert_eq!(lab.fake(&["lab1"]).code, Some(0));
}

#[test]
fn a_failed_pre_create_check_leaves_nothing() {
    let lab = Lab::new();
    let run = lab.fake(&["--fake-fail", "pre-check", "lab1"]);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    assert!(run.stderr.starts_with("error: Error with pre-create check"), "{}", run.stderr);
    assert!(lab.machine_files().is_empty());
}

#[test]
fn a_removal_that_fails_keeps_the_record() {
    let lab = Lab::new();
    assert_eq!(lab.fake(&["--fake-fail", "remove-disk:1", "lab1"]).code, Some(0));
    let run = lab.run(["rm", "-y", "lab1"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("Error removing host \"lab1\""), "{}", run.stderr);
    assert_eq!(lab.cloud(), 1, "the others are gone");
    lab.ok(["rm", "-y", "lab1"]);
    assert_eq!(lab.cloud(), 0);
}

#[test]
fn two_creates_of_one_name_make_one_machine() {
    let lab = Lab::new();
    let slow = ["create", "-d", "fake", "--fake-delay", "disk=1500", "lab1"];
    let mut first = lab.command().args(slow).spawn().unwrap();
    let locks = lab.store().join("locks/lab1.lock");
    while !locks.exists() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    std::thread::sleep(std::time::Duration::from_millis(300));
    let second = lab.fake(&["lab1"]);
    assert_eq!(second.code, Some(1));
    assert!(second.stderr.contains("machine create lab1"), "{}", second.stderr);
    assert!(second.stderr.contains(&first.id().to_string()), "{}", second.stderr);
    assert!(first.wait().unwrap().success());
    assert_eq!(lab.cloud(), 3);
}
