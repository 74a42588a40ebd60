//! boot2docker's ISO, from a server that plays GitHub, into a machine of the fake driver.

use std::fs;
use std::process::Command;

use crate::lab::{Lab, Run, run};
use crate::releases::{Fault, Releases, iso};

/// The bar that docker-machine draws.
const BAR: &str = "0%....10%....20%....30%....40%....50%....60%....70%....80%....90%....100%";

/// `docker-machine create` of the fake driver, with the image that it boots by default.
pub(crate) fn create(lab: &Lab, server: &Releases, name: &str) -> Command {
    let mut command = lab.docker_machine(["create", "-d", "fake", "--fake-image", "default", name]);
    set(&mut command, lab, server);
    command
}

/// `machine create` of the fake driver with the image from `source`.
fn create_from(lab: &Lab, server: &Releases, source: &str) -> Command {
    let mut command = lab.command();
    command.args(["create", "-d", "fake", "--fake-image", source, "lab1"]);
    set(&mut command, lab, server);
    command
}

fn set(command: &mut Command, lab: &Lab, server: &Releases) {
    command
        .env("MACHINE_CACHE_PATH", lab.path().join("cache"))
        .env("MACHINE_BOOT2DOCKER_RELEASES", server.api());
}

/// The image that a machine was given.
#[track_caller]
fn booted(lab: &Lab, name: &str) -> Vec<u8> {
    fs::read(lab.store().join("machines").join(name).join("boot2docker.iso")).unwrap()
}

/// The images in the cache.
fn cached(lab: &Lab) -> Vec<String> {
    let dir = fs::read_dir(lab.path().join("cache/isos/sha256")).into_iter().flatten();
    let paths = dir.map(|entry| entry.unwrap().path());
    let isos = paths.filter(|path| path.extension().is_some_and(|it| it == "iso"));
    isos.map(|path| path.display().to_string()).collect()
}

/// Refused before anything was made, with these words.
#[track_caller]
fn refused(lab: &Lab, run: &Run, words: &[&str]) {
    assert_eq!(run.code, Some(3), "{}{}", run.stdout, run.stderr);
    for word in words {
        assert!(run.stderr.contains(word), "no `{word}` in {}", run.stderr);
    }
    assert!(lab.machine_files().is_empty());
}

#[test]
fn the_lines_are_docker_machines() {
    let (lab, server) = (Lab::new(), Releases::with("v98.0.0"));
    let (store, host) = (lab.store().display().to_string(), server.host());
    let cache = format!("{store}/cache");
    let first = run(&mut create(&lab, &server, "one"));
    let begin = format!(
        "Running pre-create checks...\n\
         (one) Image cache directory does not exist, creating it at {cache}...\n\
         (one) No default Boot2Docker ISO found locally, downloading the latest release...\n\
         (one) Latest release for {host}/boot2docker/boot2docker is v98.0.0\n\
         (one) Downloading {cache}/boot2docker.iso from {}...\n\
         (one) {BAR}\n\
         Creating machine...\n\
         (one) Copying {cache}/boot2docker.iso to {store}/machines/one/boot2docker.iso...\n",
        server.iso_url("v98.0.0"),
    );
    assert!(first.stdout.contains(&begin), "{}\n{}", first.stdout, first.stderr);
    assert_eq!(booted(&lab, "one"), iso("v98.0.0"));

    // What is current is taken without a word; the answer has not changed, so it is not sent again.
    let second = run(&mut create(&lab, &server, "two"));
    let begin =
        format!("Running pre-create checks...\nCreating machine...\n(two) Copying {cache}/");
    assert!(second.stdout.starts_with(&begin), "{}\n{}", second.stdout, second.stderr);
    assert_eq!(server.downloads(), [0]);
    let asked: Vec<u16> = server.requests("/latest").iter().map(|it| it.status).collect();
    assert_eq!(asked, [200, 304]);

    server.publish("v99.0.0", iso("v99.0.0"));
    let third = run(&mut create(&lab, &server, "three"));
    let begin = format!(
        "Running pre-create checks...\n\
         (three) Default Boot2Docker ISO is out-of-date, downloading the latest release...\n\
         (three) Latest release for {host}/boot2docker/boot2docker is v99.0.0\n\
         (three) Downloading {cache}/boot2docker.iso from {}...\n\
         (three) {BAR}\n\
         Creating machine...\n",
        server.iso_url("v99.0.0"),
    );
    assert!(third.stdout.starts_with(&begin), "{}\n{}", third.stdout, third.stderr);
    assert_eq!((booted(&lab, "three"), booted(&lab, "one")), (iso("v99.0.0"), iso("v98.0.0")));

    // One that the user put there, and that is newer, stays.
    fs::write(lab.store().join("cache/boot2docker.iso"), iso("v100.0.0")).unwrap();
    let fourth = run(&mut create(&lab, &server, "four"));
    assert!(!fourth.stdout.contains("out-of-date"), "{}", fourth.stdout);
    assert_eq!(booted(&lab, "four"), iso("v100.0.0"));
}

/// docker-machine downloaded such an ISO for every machine (boot2docker#1347).
#[test]
fn a_label_that_says_another_version() {
    let (lab, server) = (Lab::new(), Releases::start());
    server.publish("v98.0.0", iso("v1.0.0"));
    for name in ["one", "two"] {
        let created = run(&mut create(&lab, &server, name));
        assert_eq!(created.code, Some(0), "{}", created.stderr);
        assert_eq!(created.stdout.contains("Downloading"), name == "one", "{}", created.stdout);
    }
    assert_eq!(server.downloads(), [0]);
}

#[test]
fn the_rule_for_the_default_image() {
    let (lab, server) = (Lab::new(), Releases::with("v98.0.0"));
    let named = format!("file://{}", lab.path().join("own.iso").display());
    fs::write(lab.path().join("own.iso"), iso("v7.0.0")).unwrap();
    let mut other = create(&lab, &server, "lab1");
    let other = run(other.env("MACHINE_DEFAULT_IMAGE", &named));
    assert_eq!(booted(&lab, "lab1"), iso("v7.0.0"), "{}", other.stderr);
    lab.ok(["rm", "-y", "lab1"]);
    let mut latest = create_from(&lab, &server, "default");
    let latest = run(latest.env("MACHINE_DEFAULT_IMAGE", "latest"));
    assert_eq!(booted(&lab, "lab1"), iso("v98.0.0"), "{}", latest.stderr);
    lab.ok(["rm", "-y", "lab1"]);
    // The record keeps what was chosen: whoever carries on makes the same machine.
    let stopped = run(create(&lab, &server, "lab1").env("FAKE_FAIL", "key:1"));
    assert_eq!(stopped.code, Some(1), "{}", stopped.stderr);
    server.publish("v99.0.0", iso("v99.0.0"));
    run(&mut create_from(&lab, &server, "default"));
    assert_eq!(booted(&lab, "lab1"), iso("v98.0.0"));
    // The original's remark, where the image is named and there is a default one.
    let args = ["create", "-d", "fake", "--fake-image", &named, "lab2"];
    let mut named_there = lab.docker_machine(args);
    set(&mut named_there, &lab, &server);
    let remark = format!(
        "(lab2) Boot2Docker URL was explicitly set to \"{named}\" at create time, so Docker Machine \
         cannot upgrade this machine to the latest version.\n"
    );
    let said = run(&mut named_there).stdout;
    assert!(said.contains(&remark), "{said}");
}

#[test]
fn every_kind_of_source() {
    let (lab, server) = (Lab::new(), Releases::with("v98.0.0"));
    server.publish("v99.0.0", iso("v99.0.0"));
    let host = server.host();
    let (api, url) = (server.api(), server.iso_url("v98.0.0"));
    let hash = crate::releases::sha256(&iso("v98.0.0"));
    for (source, tag, downloads) in [
        ("v98.0.0", "v98.0.0", 1),
        ("98.0.0", "v98.0.0", 1),
        (&url, "v98.0.0", 1),
        (&format!("{url}#sha256={hash}"), "v98.0.0", 1),
        (&format!("http://{host}/boot2docker/boot2docker/releases/tag/v98.0.0"), "v98.0.0", 1),
        (&api, "v99.0.0", 2),
        (&format!("{api}/latest"), "v99.0.0", 2),
        ("latest", "v99.0.0", 2),
    ] {
        let created = run(&mut create_from(&lab, &server, source));
        assert_eq!(created.code, Some(0), "{source}: {}{}", created.stdout, created.stderr);
        assert_eq!(booted(&lab, "lab1"), iso(tag), "{source}");
        assert_eq!(server.downloads().len(), downloads, "{source}");
        lab.ok(["rm", "-y", "lab1"]);
    }
    let wrong = format!("{url}#sha256={}", "0".repeat(64));
    let created = run(&mut create_from(&lab, &server, &wrong));
    assert_eq!(created.code, Some(1));
    assert!(created.stderr.contains("is not what was asked for"), "{}", created.stderr);
    lab.ok(["rm", "-y", "lab1"]);
    let created = run(&mut create_from(&lab, &server, "v1.2.3"));
    assert!(created.stderr.contains("has no release v1.2.3"), "{}", created.stderr);
}

#[test]
fn a_line_that_breaks_is_taken_up_again() {
    let (lab, server) = (Lab::new(), Releases::with("v98.0.0"));
    let url = server.iso_url("v98.0.0");
    // 409600 bytes, of which four requests bring 200000.
    server.fault(".iso", Fault::Cut(50_000));
    let cut = run(&mut create_from(&lab, &server, &url));
    assert!(cut.stderr.contains("ended after 200000 of 409600 bytes"), "{}", cut.stderr);
    assert!(cut.stderr.contains("hint: is there a network?"), "{}", cut.stderr);
    assert_eq!(server.downloads(), [0, 50_000, 100_000, 150_000]);
    server.mend();
    server.fault(".iso", Fault::Cut(150_000));
    let resumed = run(&mut create_from(&lab, &server, &url));
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    assert_eq!(server.downloads()[4..], [200_000, 350_000]);
    // Nobody had said what the file must be, so the server was asked whether it is still the same.
    assert!(server.requests(".iso")[1..].iter().all(|request| request.if_range.len() == 18));
    assert_eq!(booted(&lab, "lab1"), iso("v98.0.0"));
}

#[test]
fn half_of_one_file_is_not_joined_to_another() {
    let (lab, server) = (Lab::new(), Releases::with("v98.0.0"));
    let url = server.iso_url("v98.0.0");
    server.fault(".iso", Fault::Cut(50_000));
    run(&mut create_from(&lab, &server, &url));
    server.mend();
    server.publish("v98.0.0", iso("v98.0.1"));
    run(&mut create_from(&lab, &server, &url));
    assert_eq!(booted(&lab, "lab1"), iso("v98.0.1"));
}

#[test]
fn other_bytes_than_the_release_says_are_not_used() {
    let (lab, server) = (Lab::new(), Releases::with("v98.0.0"));
    server.fault(".iso", Fault::Wrong);
    let wrong = run(&mut create(&lab, &server, "lab1"));
    refused(&lab, &wrong, &["is not what it should be: its SHA-256 is"]);
    assert!(cached(&lab).is_empty());
    server.mend();
    server.fault(".iso", Fault::Status(404, ""));
    let gone = run(&mut create(&lab, &server, "lab1"));
    refused(&lab, &gone, &[&format!("`{}` answered 404", server.iso_url("v98.0.0"))]);
    // A page in the place of an image, with nothing said of what it must be.
    server.mend();
    server.publish("v97.0.0", b"<html>".to_vec());
    let page = run(&mut create_from(&lab, &server, &server.iso_url("v97.0.0")));
    assert!(page.stderr.contains("is not a boot image"), "{}", page.stderr);
    assert!(cached(&lab).is_empty());
}

#[test]
fn a_server_that_allows_no_more_questions() {
    let (lab, server) = (Lab::new(), Releases::with("v98.0.0"));
    let limit = "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 1\r\n";
    server.fault("/latest", Fault::WithoutToken(403, limit));
    let machine = |token: bool| {
        let mut command = create_from(&lab, &server, "latest");
        if token {
            command.env("MACHINE_GITHUB_API_TOKEN", "secret");
        }
        run(&mut command)
    };
    let said = ["answered 403", "allows no more questions from this address", "--github-api-token"];
    refused(&lab, &machine(false), &said);
    let allowed = machine(true);
    assert_eq!(allowed.code, Some(0), "{}", allowed.stderr);
    assert_eq!(server.requests("/latest").last().unwrap().authorization, "Bearer secret");
    assert!(server.requests(".iso").iter().all(|request| request.authorization.is_empty()));
    lab.ok(["rm", "-y", "lab1"]);
    // With an image at hand nobody needs an answer.
    let without = run(&mut create(&lab, &server, "lab1"));
    let word = "(lab1) Unable to get the latest Boot2Docker ISO release version:  `http://";
    assert!(without.stdout.contains(word), "{}", without.stdout);
    assert_eq!(booted(&lab, "lab1"), iso("v98.0.0"));
}

#[test]
fn a_token_stays_with_the_server_that_it_is_for() {
    let (lab, server, other) = (Lab::new(), Releases::start(), Releases::with("v98.0.0"));
    server.fault("/", Fault::Redirect(other.host()));
    let mut command = create(&lab, &server, "lab1");
    let moved = run(command.env("MACHINE_GITHUB_API_TOKEN", "secret"));
    assert_eq!(moved.code, Some(0), "{}{}", moved.stdout, moved.stderr);
    assert_eq!(server.requests("/latest")[0].authorization, "Bearer secret");
    let there = other.requests("/");
    assert_eq!(there.len(), 2);
    assert!(there.iter().all(|request| request.authorization.is_empty()), "{there:?}");
    assert_eq!(booted(&lab, "lab1"), iso("v98.0.0"));
}

#[test]
fn servers_that_are_slow_busy_and_silent_about_the_length() {
    for fault in [Fault::Once(429, "Retry-After: 1\r\n"), Fault::Once(503, ""), Fault::NoLength] {
        let (lab, server) = (Lab::new(), Releases::with("v98.0.0"));
        server.fault("/latest", fault.clone());
        server.fault(".iso", fault.clone());
        let created = run(&mut create(&lab, &server, "lab1"));
        assert_eq!(created.code, Some(0), "{fault:?}: {}{}", created.stdout, created.stderr);
        assert_eq!(booted(&lab, "lab1"), iso("v98.0.0"), "{fault:?}");
        let bar = created.stdout.contains(&format!("(lab1) {BAR}\n"));
        // What the release says of its size stands in for the header.
        assert!(bar, "{fault:?}: {}", created.stdout);
    }
}

#[test]
fn ten_at_once_download_once() {
    let (lab, server) = (Lab::new(), Releases::with("v98.0.0"));
    lab.ok(["create", "-d", "none", "--url", "tcp://127.0.0.1:1", "first"]);
    server.fault(".iso", Fault::Slow(20));
    let children: Vec<_> = (0..10)
        .map(|number| {
            let mut command = create(&lab, &server, &format!("lab{number}"));
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    let outputs: Vec<_> = children.into_iter().map(|it| it.wait_with_output().unwrap()).collect();
    let said = |output: &std::process::Output| String::from_utf8_lossy(&output.stdout).into_owned();
    for output in &outputs {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(server.downloads(), [0]);
    let waited = outputs.iter().filter(|it| said(it).contains("Waiting for the image")).count();
    assert!(waited > 0, "{}", said(&outputs[0]));
    assert!((0..10).all(|number| booted(&lab, &format!("lab{number}")) == iso("v98.0.0")));
}

#[test]
fn a_proxy_is_used() {
    let (lab, server) = (Lab::new(), Releases::with("v98.0.0"));
    let mut command = create(&lab, &server, "lab1");
    command
        .env(
            "MACHINE_BOOT2DOCKER_RELEASES",
            "http://mirror.invalid/repos/boot2docker/boot2docker/releases",
        )
        .env("HTTP_PROXY", format!("http://{}", server.host()));
    let created = run(&mut command);
    assert_eq!(created.code, Some(0), "{}{}", created.stdout, created.stderr);
    assert_eq!(server.requests("http://mirror.invalid/").len(), 2);
}
