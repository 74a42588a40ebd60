//! What is in the cache of boot2docker's ISOs, with and without a network.

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use crate::iso::create;
use crate::lab::{Lab, Run, run};
use crate::releases::{Releases, iso, sha256};

fn image(lab: &Lab, server: &Releases, args: &[&str]) -> Run {
    let mut command = lab.command();
    command
        .arg("image")
        .args(args)
        .env("MACHINE_CACHE_PATH", lab.path().join("cache"))
        .env("MACHINE_BOOT2DOCKER_RELEASES", server.api());
    run(&mut command)
}

/// Where nobody listens.
fn nowhere(command: &mut Command) -> Run {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{address}/repos/boot2docker/boot2docker/releases");
    run(command.env("MACHINE_BOOT2DOCKER_RELEASES", url))
}

#[test]
fn offline_is_good_enough_if_there_is_an_image() {
    let (lab, server) = (Lab::new(), Releases::with("v98.0.0"));
    let nothing = nowhere(&mut create(&lab, &server, "lab1"));
    assert_eq!(nothing.code, Some(3));
    assert!(nothing.stderr.contains("cannot ask `http://127.0.0.1:"), "{}", nothing.stderr);
    assert!(lab.machine_files().is_empty());
    assert_eq!(run(&mut create(&lab, &server, "lab1")).code, Some(0));
    let offline = nowhere(&mut create(&lab, &server, "lab2"));
    assert_eq!(offline.code, Some(0), "{}", offline.stderr);
    let said = "(lab2) Unable to get the latest Boot2Docker ISO release version:  cannot ask `http";
    assert!(offline.stdout.contains(said), "{}", offline.stdout);
}

#[test]
fn what_was_altered_is_fetched_anew() {
    let (lab, server) = (Lab::new(), Releases::with("v98.0.0"));
    assert_eq!(run(&mut create(&lab, &server, "lab1")).code, Some(0));
    let file = lab.store().join("cache/boot2docker.iso");
    let mut altered = iso("v98.0.0");
    altered[100] = 1;
    let half = &iso("v98.0.0")[..100_000];
    for (bytes, says) in [
        (&altered[..], "is not the release v98.0.0 that it says it is"),
        (half, "Unable to get the local Boot2Docker ISO version:  it is cut off"),
        (b"<html>", "Unable to get the local Boot2Docker ISO version:  it is too short"),
    ] {
        fs::write(&file, bytes).unwrap();
        let created = run(&mut create(&lab, &server, "lab2"));
        assert!(created.stdout.contains(says), "no `{says}` in {}", created.stdout);
        assert_eq!(fs::read(&file).unwrap(), iso("v98.0.0"));
        lab.ok(["rm", "-y", "lab2"]);
    }
    assert_eq!(server.downloads(), [0], "it was in the cache");
    // The same below, where the copy comes from.
    let kept = lab.path().join(format!("cache/isos/sha256/{}.iso", sha256(&iso("v98.0.0"))));
    fs::write(kept, &altered).unwrap();
    fs::remove_file(&file).unwrap();
    assert_eq!(run(&mut create(&lab, &server, "lab2")).code, Some(0));
    assert_eq!((server.downloads(), fs::read(&file).unwrap()), (vec![0, 0], iso("v98.0.0")));
}

#[test]
fn images_of_others_are_listed_checked_and_removed() {
    let (lab, server) = (Lab::new(), Releases::with("v98.0.0"));
    server.publish("v99.0.0", iso("v99.0.0"));
    let pulled = |source: &str| image(&lab, &server, &["pull", source]).stdout;
    assert!(pulled("98.0.0").ends_with("\nv98.0.0\n"));
    assert!(pulled("latest").ends_with("\nv99.0.0\n"));
    let json = image(&lab, &server, &["ls", "--format", "json"]).stdout;
    let all: serde_json::Value = serde_json::from_str(&json).unwrap();
    let mut versions: Vec<_> = all.as_array().unwrap().iter().map(|it| &it["version"]).collect();
    versions.sort_by_key(ToString::to_string);
    assert_eq!(versions, ["v98.0.0", "v99.0.0"]);
    let table = image(&lab, &server, &["ls"]).stdout;
    assert!(table.contains("v98.0.0") && table.contains("99.0.0 "), "{table}");
    let good = image(&lab, &server, &["verify"]).stdout;
    assert!(good.contains("v98.0.0: good\n") && good.contains("v99.0.0: good\n"), "{good}");
    let kept = lab.path().join(format!("cache/isos/sha256/{}.iso", sha256(&iso("v99.0.0"))));
    fs::write(kept, "").unwrap();
    let bad = image(&lab, &server, &["verify"]);
    assert!(bad.code == Some(1) && bad.stderr.contains("is broken"), "{}", bad.stderr);
    assert_eq!(image(&lab, &server, &["rm", "v99.0.0"]).code, Some(0));
    assert_eq!(image(&lab, &server, &["prune"]).stdout, "v98.0.0\n");
    assert_eq!(image(&lab, &server, &["ls", "--format", "json"]).stdout, "[]\n");
    let gone = image(&lab, &server, &["rm", "v98.0.0"]);
    assert!(gone.stderr.contains("there is no image `v98.0.0`"), "{}", gone.stderr);
}
