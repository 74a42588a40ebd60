use serde_json::{Value, json};

use super::super::faults::{Figures, every_call_goes_wrong};
use super::super::measured;
use super::super::server::Server;
use super::fake::Hetzner;
use super::{TOKEN, subject};
use crate::lab::run;

const NOTHING: [&str; 0] = [];

type Scene = super::super::scene::Scene<Hetzner>;

impl Scene {
    fn new() -> Self {
        Self::of(Server::start(Hetzner::new()), subject)
    }

    /// The body of the call that made the last server.
    fn wish(&self) -> Value {
        self.server.fake(|fake| fake.wishes.last().unwrap().clone())
    }
}

#[test]
fn every_call_goes_wrong_and_nothing_is_left() {
    if crate::lab::in_a_hurry() {
        return;
    }
    let Figures { faults, calls, needless } = every_call_goes_wrong(Hetzner::new, subject);
    measured(&format!("hetzner: {faults} faults in {calls} calls, no orphan, {needless} needless"));
    assert_eq!(needless, 0);
    assert!(faults > 60, "{faults}");
}

#[test]
fn a_hundred_machines_at_once_are_refused_nothing() {
    if crate::lab::in_a_hurry() {
        return;
    }
    let scene = Scene::new();
    let calls = subject(&scene.server).makes_a_hundred();
    assert_eq!(scene.server.fake(|fake| fake.servers.len()), 100);
    let posts: usize =
        calls.iter().filter(|(call, _)| call.starts_with("POST")).map(|(_, count)| count).sum();
    assert_eq!(posts, 201, "a key and a server for each, a firewall for all");
}

#[test]
fn a_server_has_the_plugins_record_and_our_labels() {
    let scene = Scene::new();
    let made =
        scene.made(&["-D", "--hetzner-server-label", "team=a", "--hetzner-key-label", "b=c"]);
    assert!(!made.stderr.contains(TOKEN), "{}", made.stderr);
    assert!(made.stdout.contains("Creating Hetzner server..."), "{}", made.stdout);
    let record = scene.record()["Driver"].clone();
    assert_eq!(record["AccessToken"], "env:HETZNER_API_TOKEN");
    let (server, key) = scene.server.fake(|fake| {
        let first = |all: &std::collections::BTreeMap<u64, Value>| all.values().next().cloned();
        (first(&fake.servers).unwrap(), first(&fake.keys).unwrap())
    });
    assert_eq!((&record["ServerID"], &record["KeyID"]), (&server["id"], &key["id"]));
    assert_eq!((&server["labels"]["team"], &key["labels"]["b"]), (&json!("a"), &json!("c")));
    for labels in [&server["labels"], &key["labels"]] {
        assert_eq!(labels["machine-name"], "m1");
    }
    let keys: Vec<String> = record.as_object().unwrap().keys().skip(9).take(23).cloned().collect();
    assert_eq!(keys, KEYS);
}

/// The plugin's keys behind the base ones, in its order.
const KEYS: [&str; 23] = [
    "AccessToken",
    "Image",
    "ImageID",
    "ImageArch",
    "Type",
    "Location",
    "KeyID",
    "IsExistingKey",
    "ServerID",
    "Volumes",
    "Networks",
    "UsePrivateNetwork",
    "DisablePublic4",
    "DisablePublic6",
    "PrimaryIPv4",
    "PrimaryIPv6",
    "Firewalls",
    "ServerLabels",
    "AdditionalKeys",
    "AdditionalKeyIDs",
    "WaitOnError",
    "WaitOnPolling",
    "WaitForRunningTimeout",
];

#[test]
fn a_record_of_the_plugin_is_read_and_its_keys_go() {
    let scene = Scene::new();
    scene.made(&[]);
    // Its additional keys, and Go's `null` for lists without anything.
    let path = scene.lab.store().join("machines/m1/config.json");
    let mut record = scene.record();
    let more = scene.server.fake(|fake| {
        fake.keys
            .insert(5, json!({ "id": 5, "name": "more", "public_key": "ssh-ed25519 AAAA more" }));
        5
    });
    record["Driver"]["AdditionalKeyIDs"] = json!([more]);
    for key in ["Volumes", "Networks", "Firewalls", "AdditionalKeys", "ServerLabels"] {
        record["Driver"][key] = Value::Null;
    }
    std::fs::write(&path, record.to_string()).unwrap();
    let removed = scene.run(&["rm", "-y", "m1"]);
    assert_eq!(removed.code, Some(0), "{}", removed.stderr);
    assert_eq!(scene.server.left(), NOTHING);
}

#[test]
fn what_is_wrong_is_found_before_anything_is_made() {
    let scene = Scene::new();
    let cases: [(&[&str], &str); 12] = [
        (&["--hetzner-server-type", "cx32"], "did you mean `--hetzner-server-type cx"),
        (&["--hetzner-server-location", "fsn2"], "did you mean `--hetzner-server-location fsn1`?"),
        (
            &["--hetzner-server-type", "cx33", "--hetzner-server-location", "nbg1"],
            "these have it: hel1",
        ),
        (&["--hetzner-image", "debian-12"], "did you mean `--hetzner-image debian-13`?"),
        (&["--hetzner-image-id", "7"], "there is no image with the id 7"),
        (&["--hetzner-image-id", "x"], "--hetzner-image-id is a number, not `x`"),
        (
            &["--hetzner-image", "debian-13", "--hetzner-image-id", "100"],
            "--hetzner-image and --hetzner-image-id are mutually exclusive",
        ),
        (&["--hetzner-networks", "lap"], "did you mean `--hetzner-networks lab`?"),
        (&["--hetzner-use-private-network"], "no private network attached"),
        (
            &["--hetzner-disable-public-ipv4", "--hetzner-disable-public-6"],
            "--hetzner-use-private-network must be used",
        ),
        (&["--hetzner-server-label", "team"], "server label team is not in key=value format"),
        (&["--hetzner-user-data-file", "/none"], "user-data file /none could not be found"),
    ];
    for (args, expected) in cases {
        let refused = scene.create(args);
        assert_eq!(refused.code, Some(3), "{args:?}: {}", refused.stderr);
        assert!(refused.stderr.contains(expected), "{args:?}: {}", refused.stderr);
    }
    let mut wrong = subject(&scene.server).create(&scene.lab);
    let refused = run(wrong.env("HETZNER_API_TOKEN", "wrong"));
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(refused.stderr.contains("401 unauthorized: unable to authenticate"));
    assert!(refused.stderr.contains("https://console.hetzner.cloud"), "{}", refused.stderr);
    let mut none = subject(&scene.server).create(&scene.lab);
    let refused = run(none.env_remove("HETZNER_API_TOKEN"));
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(refused.stderr.contains("hetzner requires --hetzner-api-token to be set"));
    let made = scene.server.take_calls().into_iter().find(|call| call.starts_with("POST"));
    assert_eq!(made, None);
    assert!(scene.lab.machine_files().is_empty());
    subject(&scene.server).openings_are_checked();
}

#[test]
fn images_are_of_the_servers_architecture_and_the_default_has_a_stand_in() {
    let scene = Scene::new();
    scene.server.fake(|fake| fake.images = vec!["ubuntu-22.04", "ubuntu-26.04"]);
    scene.made(&["--hetzner-server-type", "cax11"]);
    assert_eq!(scene.wish()["image"], "103", "ubuntu-26.04 for arm");
    assert_eq!(scene.run(&["rm", "-y", "m1"]).code, Some(0));
    scene.made(&["--hetzner-image-id", "4242"]);
    assert_eq!(scene.wish()["image"], "4242");
}

#[test]
fn the_address_is_the_one_that_was_asked_for() {
    for (args, address) in [
        (&["--hetzner-disable-public", "--hetzner-networks", "lab"][..], "10.0.0.2"),
        (&["--hetzner-disable-public-ipv4"], "2001:db8:1::1"),
    ] {
        let scene = Scene::new();
        scene.made(args);
        assert_eq!(scene.record()["Driver"]["IPAddress"], address);
        let walls = scene.wish()["firewalls"].as_array().map_or(0, Vec::len);
        assert_eq!(walls, usize::from(args.len() == 1), "a firewall is for what is public");
        assert_eq!(scene.run(&["rm", "-y", "m1"]).code, Some(0));
        assert_eq!(scene.server.left(), NOTHING);
    }
}

#[test]
fn keys_of_the_users_own() {
    let scene = Scene::new();
    let path = scene.lab.path().join("id_mine");
    let path = path.to_str().unwrap();
    std::fs::write(path, "PRIVATE").unwrap();
    std::fs::write(format!("{path}.pub"), "ssh-ed25519 AAAAmine me").unwrap();
    let key = |text: &str| json!({ "id": 7, "name": "me", "public_key": text });
    scene.server.fake(|fake| fake.keys.insert(7, key("ssh-ed25519 AAAAother me")));
    let flags = ["--hetzner-existing-key-id", "7", "--hetzner-existing-key-path", path];
    let refused = scene.create(&flags);
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(refused.stderr.contains("remote key 7 does not match local key"), "{}", refused.stderr);
    scene.server.fake(|fake| fake.keys.insert(7, key("ssh-ed25519 AAAAmine else")));
    // By its id, and by its text alone.
    for flags in [&flags[..], &flags[2..]] {
        scene.made(&[flags, &["--hetzner-additional-key", "ssh-ed25519 AAAAmore you"]].concat());
        let copy = scene.lab.store().join("machines/m1/id_mine");
        assert_eq!(std::fs::read_to_string(&copy).unwrap(), "PRIVATE");
        let record = scene.record()["Driver"].clone();
        assert_eq!(record["SSHKeyPath"], copy.to_str().unwrap());
        assert_eq!((&record["KeyID"], &record["IsExistingKey"]), (&json!(7), &json!(true)));
        assert_eq!(scene.wish()["ssh_keys"], json!(["7"]));
        let user_data = scene.wish()["user_data"].as_str().unwrap().to_owned();
        assert!(user_data.contains("\nssh-ed25519 AAAAmore you\n"), "{user_data}");
        assert_eq!(scene.run(&["rm", "-y", "m1"]).code, Some(0));
        assert_eq!(scene.server.left(), ["key \"me\""]);
    }
}

#[test]
fn a_token_of_another_project_removes_nothing() {
    let scene = Scene::new();
    scene.made(&[]);
    let all = scene
        .server
        .fake(|fake| (std::mem::take(&mut fake.servers), std::mem::take(&mut fake.keys)));
    let refused = scene.run(&["rm", "-y", "m1"]);
    assert!(refused.stderr.contains("this token is of another account"), "{}", refused.stderr);
    assert_eq!(scene.lab.machine_files(), ["m1"]);
    scene.server.fake(|fake| (fake.servers, fake.keys) = all);
    assert_eq!(scene.run(&["rm", "-y", "m1"]).code, Some(0));
    assert_eq!(scene.server.left(), NOTHING);
}

#[test]
fn ls_asks_once_for_all_and_power_is_changed() {
    let scene = Scene::new();
    scene.made(&[]);
    // Complete machines, as docker-machine leaves them.
    let mut record = scene.record();
    let id = record["Driver"]["ServerID"].as_u64().unwrap();
    for number in 2..5 {
        let dir = scene.lab.store().join(format!("machines/m{number}"));
        std::fs::create_dir(&dir).unwrap();
        record["Driver"]["ServerID"] = if number == 4 { 1 } else { id }.into();
        record["Name"] = format!("m{number}").into();
        record.as_object_mut().unwrap().remove("Unfinished");
        std::fs::write(dir.join("config.json"), record.to_string()).unwrap();
    }
    scene.server.take_calls();
    let listed = scene.run(&["ls", "--format", "{{.Name}} {{.State}}"]);
    let expected = "m1 Incomplete\nm2 Running\nm3 Running\nm4 Not Found\n";
    assert_eq!(listed.stdout, expected, "{}", listed.stderr);
    assert_eq!(scene.server.take_calls(), ["GET /v1/servers"]);
    let status = || scene.server.fake(|fake| fake.servers[&id]["status"].clone());
    for command in ["stop", "kill"] {
        let done = scene.run(&[command, "m2"]);
        assert_eq!((done.code, status()), (Some(0), json!("off")), "{command}: {}", done.stderr);
        assert_eq!(scene.run(&["status", "m2"]).stdout, "Stopped\n");
        // It starts; that no guest answers is not the driver's.
        let started = scene.run(&["start", "m2"]);
        assert_eq!(status(), "running", "{}", started.stderr);
    }
}

#[test]
fn what_was_left_behind_is_collected() {
    let scene = Scene::new();
    scene.server.fake(|fake| fake.page = 1);
    scene.made(&["--ttl", "1s"]);
    scene.server.fake(|fake| {
        fake.keys
            .insert(7, json!({ "id": 7, "name": "me", "public_key": "ssh-ed25519 AAAAmine me" }))
    });
    std::fs::remove_dir_all(scene.lab.store().join("machines/m1")).unwrap();
    let collected = scene.run(&["gc", "-y", "-d", "hetzner"]);
    assert_eq!(collected.code, Some(0), "{}", collected.stderr);
    assert_eq!(scene.server.left(), ["key \"me\""], "{}", collected.stdout);
}

#[test]
fn the_firewall_is_the_stores_own_and_goes_with_the_last_machine() {
    let scene = Scene::new();
    scene.made(&[]);
    let second = run(scene
        .machine(&["create", "-d", "hetzner", "--hetzner-ssh-port", "9", "m2"])
        .env("MACHINE_PUBLIC_ADDRESS", "198.51.100.1"));
    assert!(second.stderr.contains("the step `ssh` failed"), "{}", second.stderr);
    let rules = scene.server.fake(|fake| fake.firewalls.values().next().unwrap()["rules"].clone());
    for (rule, port) in rules.as_array().unwrap().iter().zip(["22", "2376"]) {
        let networks = json!(["203.0.113.7/32", "198.51.100.1/32"]);
        assert_eq!((&rule["port"], &rule["source_ips"]), (&json!(port), &networks));
    }
    assert_eq!(scene.run(&["rm", "-y", "m1"]).code, Some(0));
    assert_eq!(scene.server.fake(|fake| fake.firewalls.len()), 1);
    assert_eq!(scene.run(&["rm", "-y", "m2"]).code, Some(0));
    assert_eq!(scene.server.left(), NOTHING);
}

#[test]
fn one_that_was_switched_off_half_made_is_switched_on() {
    Scene::new().carries_on_with_one_that_is_off();
}
