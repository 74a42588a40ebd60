//! The program for Windows, under Wine. `scripts/test` builds it and says where it is.

mod host;
mod lab;
mod rights;
mod shells;

use std::io::Read;
use std::process::Stdio;
use std::time::Duration;

use crate::interrupt::until;
use crate::lab::run;
use lab::{Wine, windows_path};

#[test]
fn a_machine_from_cradle_to_grave() {
    let Some(wine) = Wine::new() else { return };
    assert!(wine.ok(&["version"]).starts_with("machine "));
    wine.ok(&["create", "-d", "fake", "lab1"]);
    assert!(wine.ok(&["ls"]).contains("lab1"));
    // The store is the same for a program on Linux.
    let mut native = wine.lab.command();
    let listed = run(native.env("MACHINE_STORAGE_PATH", &wine.store).args(["ls", "-q"]));
    assert_eq!(listed.stdout, "lab1\n");
    wine.ok(&["rm", "-y", "lab1"]);
    assert_eq!(wine.ok(&["ls", "-q"]), "");
}

/// The second is told who works on the machine; whoever reads is never told half of a record.
#[test]
fn two_processes_on_one_store() {
    let Some(wine) = Wine::new() else { return };
    let slow = ["create", "-d", "fake", "--fake-delay", "disk=6000", "lab1"];
    let mut first = wine.command(&slow);
    let mut first = first.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let record = wine.store.join("machines/lab1/config.json");
    while !record.exists() && first.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let second = wine.run(&["create", "-d", "fake", "lab1"]);
    assert_ne!(second.code, Some(0), "{}", second.stdout);
    assert!(second.stderr.contains("create lab1"), "{}", second.stderr);
    assert!(first.wait().unwrap().success());
    // Nobody is said to hold what nobody holds.
    let doctor = wine.run(&["doctor"]);
    assert!(!doctor.stdout.contains("left by a command"), "{}", doctor.stdout);

    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for _ in 0..2 {
                wine.ok(&["stop", "lab1"]);
                wine.ok(&["start", "lab1"]);
            }
        });
        while !writer.is_finished() {
            assert_eq!(wine.ok(&["inspect", "-f", "{{.Name}}", "lab1"]), "lab1\n");
        }
    });
}

/// A virus scanner holds a record while it is to be replaced.
#[test]
fn a_file_that_another_process_holds_is_replaced_a_moment_later() {
    let Some(wine) = Wine::new() else { return };
    let failed = wine.run(&["create", "-d", "fake", "--fake-fail", "after-disk:1", "lab1"]);
    assert_eq!(failed.code, Some(1), "{}{}", failed.stdout, failed.stderr);
    let dir = wine.store.join("machines/lab1");
    let before = std::fs::read_to_string(dir.join("config.json")).unwrap();
    let (record, next) =
        (windows_path(&dir.join("config.json")), windows_path(&dir.join(".tmp-*")));
    let mut hold = wine.stand_in("hold", &[&record, &next]);
    let mut hold = hold.stdout(Stdio::piped()).spawn().unwrap();
    let mut said = [0; 4];
    hold.stdout.as_mut().unwrap().read_exact(&mut said).unwrap();
    assert_eq!(&said, b"held");
    wine.ok(&["create", "lab1"]);
    assert!(hold.wait().unwrap().success(), "it has seen the new file while it held the old one");
    assert_ne!(std::fs::read_to_string(dir.join("config.json")).unwrap(), before);
    let names = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(!names.into_iter().any(|name| name.to_string_lossy().starts_with(".tmp-")));
}

/// Longer than the 260 characters that Windows' old functions take.
#[test]
fn a_store_with_a_long_path() {
    let Some(mut wine) = Wine::new() else { return };
    wine.store =
        (0..12).fold(wine.lab.path().to_owned(), |dir, _| dir.join("a long name for a directory"));
    assert!(windows_path(&wine.store).len() > 300);
    wine.ok(&["create", "-d", "fake", "lab1"]);
    assert_eq!(wine.ok(&["ls", "-q"]), "lab1\n");
    wine.ok(&["rm", "-y", "lab1"]);
}

/// Ctrl-C on the console: what exists is said, and can be removed.
#[test]
fn ctrl_c_stops_between_two_steps() {
    let Some(wine) = Wine::new() else { return };
    let mut console =
        wine.on_a_console(&["create", "-d", "fake", "--fake-hang", "after-disk:1", "lab1"]);
    let cloud = wine.lab.path().join("cloud.json");
    until("after-disk", || {
        std::fs::read_to_string(&cloud).is_ok_and(|text| text.contains("lab1/hang/after-disk"))
    });
    console.types(b"\x03");
    let (code, text) = console.end();
    assert_eq!(code, Some(130), "{text}");
    assert!(text.contains("machine create lab1"), "how to carry on: {text}");
    wine.ok(&["rm", "-y", "lab1"]);
    assert_eq!(wine.ok(&["ls", "-q"]), "");
}

/// Colours are for a console, and none of them gets into a file.
#[test]
fn a_console_shows_the_same_words_as_a_pipe() {
    let Some(wine) = Wine::new() else { return };
    let (code, text) = wine.on_a_console(&["create", "-d", "fake", "lab1"]).end();
    assert_eq!(code, Some(0), "{text}");
    let piped = wine.ok(&["ls"]);
    assert!(!piped.contains('\x1b'), "{piped}");
    let (code, text) = wine.on_a_console(&["ls"]).end();
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("lab1") && text.contains("Running"), "{text}");
}
