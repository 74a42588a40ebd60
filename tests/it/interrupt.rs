//! Ctrl-C and SIGTERM during `create`: what exists is said, and it can be resumed or removed.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::lab::{Lab, end};

/// Where the fake driver can be made to wait.
const STEPS: [&str; 9] = [
    "pre-check",
    "reserve",
    "key",
    "after-key",
    "disk",
    "after-disk",
    "server",
    "after-server",
    "start",
];

/// Sends a signal, as `kill` does.
pub(crate) fn signal(child: &Child, name: &str) {
    let mut kill = std::process::Command::new("kill");
    kill.args(["-s", name, &child.id().to_string()]);
    assert!(kill.status().unwrap().success());
}

pub(crate) fn start(lab: &Lab, args: &[&str]) -> Child {
    let mut command = lab.command();
    command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until something is true, for a minute at the most.
#[track_caller]
pub(crate) fn until(what: &str, mut is: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A `create` that hangs at a step.
fn hanging(lab: &Lab, step: &str) -> Child {
    let order = format!("{step}:1");
    let child = start(lab, &["create", "-d", "fake", "--fake-hang", &order, "lab1"]);
    let order = format!("lab1/hang/{step}");
    let cloud = lab.path().join("cloud.json");
    until(step, || std::fs::read_to_string(&cloud).is_ok_and(|text| text.contains(&order)));
    child
}

#[test]
fn an_interrupted_create_says_what_there_is() {
    for (number, step) in STEPS.into_iter().enumerate() {
        for (name, carry_on) in [("INT", number % 2 == 0), ("TERM", number % 2 == 1)] {
            let lab = Lab::new();
            let child = hanging(&lab, step);
            signal(&child, name);
            let run = end(child);
            assert_eq!(run.code, Some(130), "{step} {name}: {}", run.stderr);
            assert!(run.stderr.starts_with("error: interrupted\n"), "{step}: {}", run.stderr);
            let hint = "hint: carry on with `machine create lab1`\n\
                        hint: or remove it with `machine rm -y lab1`\n";
            let made = step != "pre-check";
            assert_eq!(run.stderr.contains(hint), made, "{step} {name}: {}", run.stderr);
            assert_eq!(lab.machine_files().len(), usize::from(made), "{step}");
            if carry_on {
                assert_eq!(lab.fake(&["lab1"]).code, Some(0), "{step}");
                assert_eq!(lab.ok(["status", "lab1"]), "Running\n", "{step}");
            } else if made {
                assert_eq!(lab.ok(["status", "lab1"]), "Incomplete\n", "{step}");
            }
            if made || carry_on {
                lab.ok(["rm", "-y", "lab1"]);
            }
            assert_eq!((lab.cloud(), lab.machine_files().len()), (0, 0), "{step} {name}");
        }
    }
}

/// An interrupted removal is no machine that could be used, and is finished by another one.
#[test]
fn an_interrupted_removal_is_finished_later() {
    let lab = Lab::new();
    assert_eq!(lab.fake(&["--fake-hang", "remove-disk:1", "lab1"]).code, Some(0));
    let child = start(&lab, &["rm", "-y", "lab1"]);
    until("one is gone", || lab.cloud() == 2);
    signal(&child, "INT");
    assert_eq!(end(child).code, Some(130));
    assert_eq!(lab.ok(["status", "lab1"]), "Incomplete\n");
    let env = lab.run(["env", "lab1"]);
    assert!(env.stderr.contains("machine rm -y lab1"), "{}", env.stderr);
    assert_eq!(lab.fake(&["lab1"]).code, Some(1), "it is not made whole again");
    lab.ok(["rm", "-y", "lab1"]);
    assert_eq!((lab.cloud(), lab.machine_files().len()), (0, 0));
}

/// A command that waits for another one's lock, in a call that nothing interrupts, ends all the
/// same when it is asked a second time.
#[test]
fn a_command_that_waits_for_a_lock_can_be_interrupted() {
    let lab = Lab::new();
    let holder = hanging(&lab, "disk");
    let waiting = start(&lab, &["rm", "-y", "lab1"]);
    std::thread::sleep(Duration::from_millis(500));
    signal(&waiting, "INT");
    std::thread::sleep(Duration::from_millis(100));
    signal(&waiting, "INT");
    let run = end(waiting);
    assert_eq!(run.code, Some(130), "{}", run.stderr);
    signal(&holder, "TERM");
    assert_eq!(end(holder).code, Some(130));
    lab.ok(["rm", "-y", "lab1"]);
    assert_eq!(lab.cloud(), 0);
}
