use super::super::faults::{Figures, every_call_goes_wrong};
use super::super::measured;
use super::super::server::Server;
use super::fake::DigitalOcean;
use super::{TOKEN, subject};
use crate::lab::run;

const NOTHING: [&str; 0] = [];

type Scene = super::super::scene::Scene<DigitalOcean>;

impl Scene {
    fn new() -> Self {
        Self::of(Server::start(DigitalOcean::new()), subject)
    }
}

#[test]
fn every_call_goes_wrong_and_nothing_is_left() {
    let Figures { faults, calls, needless } = every_call_goes_wrong(DigitalOcean::new, subject);
    measured(&format!(
        "digitalocean: {faults} faults in {calls} calls, no orphan, {needless} needless"
    ));
    assert_eq!(needless, 0);
    assert!(faults > 60, "{faults}");
}

#[test]
fn a_hundred_machines_at_once_are_refused_nothing() {
    let scene = Scene::new();
    scene.server.fake(|fake| fake.droplet_limit = 1000);
    let calls = subject(&scene.server).makes_a_hundred();
    assert_eq!(scene.server.fake(|fake| fake.droplets.len()), 100);
    let posts: usize =
        calls.iter().filter(|(call, _)| call.starts_with("POST")).map(|(_, count)| count).sum();
    assert_eq!(posts, 202, "a key and a droplet for each, a tag and a firewall for all");
    assert!(calls["GET /v2/droplets"] < 60, "{calls:?}");
}

#[test]
fn a_token_is_recorded_as_where_it_is_found() {
    let scene = Scene::new();
    let made = scene.create(&["-D"]);
    assert!(made.stderr.contains("the step `ssh` failed"), "{}", made.stderr);
    assert!(made.stderr.contains("POST /v2/droplets") && !made.stderr.contains(TOKEN));
    assert_eq!(scene.record()["Driver"]["AccessToken"], "env:DIGITALOCEAN_ACCESS_TOKEN");
    for entry in ["config.json", "journal.jsonl"] {
        let text = std::fs::read_to_string(scene.lab.store().join("machines/m1").join(entry));
        assert!(!text.unwrap().contains(TOKEN), "{entry}");
    }
    // Without it, what needs it says so, and what does not works.
    let mut without = scene.machine(&["rm", "-y", "m1"]);
    let refused = run(without.env_remove("DIGITALOCEAN_ACCESS_TOKEN"));
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stderr.contains("hint: export DIGITALOCEAN_ACCESS_TOKEN="),
        "{}",
        refused.stderr
    );
    let mut ip = scene.machine(&["ip", "m1"]);
    let ip = run(ip.env_remove("DIGITALOCEAN_ACCESS_TOKEN"));
    assert!(ip.stdout == "127.0.0.1\n" || ip.stderr.contains("not complete"), "{}", ip.stderr);
    // One of another account would find nothing, and nothing is not gone.
    scene.server.fake(|fake| fake.account = "another".to_owned());
    std::fs::remove_dir_all(scene.lab.path().join("cache")).unwrap();
    let other = scene.run(&["rm", "-y", "m1"]);
    assert!(other.stderr.contains("of another account"), "{}", other.stderr);
    assert_eq!(scene.lab.machine_files(), ["m1"]);
}

#[test]
fn a_literal_token_is_stored_only_when_told() {
    for (args, stored) in [(vec![], false), (vec!["--store-secrets"], true)] {
        let scene = Scene::new();
        let mut command = subject(&scene.server).create(&scene.lab);
        command.env_remove("DIGITALOCEAN_ACCESS_TOKEN");
        let made = run(command.args(["--digitalocean-access-token", TOKEN]).args(args));
        assert!(made.stderr.contains("the step `ssh` failed"), "{}", made.stderr);
        assert_eq!(scene.record()["Driver"]["AccessToken"] == TOKEN, stored);
        let inspected = scene.run(&["inspect", "m1"]);
        assert!(!inspected.stdout.contains(TOKEN), "{}", inspected.stdout);
        let mut remove = scene.machine(&["rm", "-y", "m1"]);
        if stored {
            remove.env_remove("DIGITALOCEAN_ACCESS_TOKEN");
        }
        assert_eq!(run(&mut remove).code, Some(0));
        assert_eq!(scene.server.left(), NOTHING);
    }
}

#[test]
fn to_whom_it_is_opened_is_known_before_anything_is_made() {
    let scene = Scene::new();
    subject(&scene.server).openings_are_checked();
}

#[test]
fn what_is_wrong_is_found_before_anything_is_made() {
    let scene = Scene::new();
    let cases: [(&[&str], &str); 6] = [
        (&["--digitalocean-region", "nyc4"], "did you mean `--digitalocean-region nyc3`?"),
        (
            &["--digitalocean-size", "s-1vcpu-2gb"],
            "did you mean `--digitalocean-size s-1vcpu-1gb`?",
        ),
        (&["--digitalocean-size", "s-2vcpu-4gb"], "no region has it at the moment"),
        (
            &["--digitalocean-image", "debian-12-x64"],
            "did you mean `--digitalocean-image debian-13-x64`?",
        ),
        (&["--digitalocean-ssh-key-path", "/none"], "ssh-key-fingerprint needs to be provided"),
        (&["--digitalocean-userdata", "/none"], "user-data file /none could not be found"),
    ];
    for (args, expected) in cases {
        let refused = scene.create(args);
        assert_eq!(refused.code, Some(3), "{args:?}: {}", refused.stderr);
        assert!(refused.stderr.contains(expected), "{args:?}: {}", refused.stderr);
    }
    scene.server.fake(|fake| fake.droplet_limit = 1);
    scene
        .server
        .fake(|fake| fake.droplets.insert(1, serde_json::json!({ "tags": [], "status": "off" })));
    std::fs::remove_dir_all(scene.lab.path().join("cache")).unwrap();
    let refused = scene.create(&[]);
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(refused.stderr.contains("has 1 droplets, and may have 1"), "{}", refused.stderr);
    let mut wrong = subject(&scene.server).create(&scene.lab);
    let refused = run(wrong.env("DIGITALOCEAN_ACCESS_TOKEN", "wrong"));
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(refused.stderr.contains("401 Unauthorized: Unable to authenticate you"));
    assert!(refused.stderr.contains("account/api/tokens"), "{}", refused.stderr);
    let mut none = subject(&scene.server).create(&scene.lab);
    let refused = run(none.env_remove("DIGITALOCEAN_ACCESS_TOKEN"));
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(refused.stderr.contains("requires the --digitalocean-access-token option"));
    let made = scene.server.take_calls().into_iter().find(|call| call.starts_with("POST"));
    assert_eq!(made, None);
    assert!(scene.lab.machine_files().is_empty());
}

#[test]
fn a_key_of_the_users_own_is_used_and_stays() {
    let scene = Scene::new();
    let fingerprint = "3b:16:bf:e4:8b:00:8b:b8:59:8c:a9:d3:f0:19:45:fa";
    scene.server.fake(|fake| {
        let key = serde_json::json!({ "id": 7, "fingerprint": fingerprint, "public_key": "x", "name": "me" });
        fake.keys.insert(7, key)
    });
    let path = scene.lab.path().join("id_mine");
    std::fs::write(&path, "PRIVATE").unwrap();
    let flags = ["--digitalocean-ssh-key-path", path.to_str().unwrap()];
    let other = scene.create(&["--digitalocean-ssh-key-fingerprint", "00:00", flags[0], flags[1]]);
    assert_eq!(other.code, Some(3), "{}", other.stderr);
    assert!(other.stderr.contains("with fingerprint 00:00 doesn't exist"), "{}", other.stderr);
    let made =
        scene.create(&["--digitalocean-ssh-key-fingerprint", fingerprint, flags[0], flags[1]]);
    assert!(made.stderr.contains("the step `ssh` failed"), "{}", made.stderr);
    let copy = scene.lab.store().join("machines/m1/id_mine");
    assert_eq!(std::fs::read_to_string(&copy).unwrap(), "PRIVATE");
    assert_eq!(scene.record()["Driver"]["SSHKeyPath"], copy.to_str().unwrap());
    assert_eq!(scene.run(&["rm", "-y", "m1"]).code, Some(0));
    assert_eq!(scene.server.left(), ["key \"me\""]);
}

#[test]
fn a_default_image_that_has_gone_is_replaced() {
    let scene = Scene::new();
    scene.server.fake(|fake| fake.images = vec!["debian-13-x64", "ubuntu-26-04-x64"]);
    assert!(scene.create(&[]).stderr.contains("the step `ssh` failed"));
    let image = scene.server.fake(|fake| fake.droplets.values().next().unwrap()["image"].clone());
    assert_eq!(image["slug"], "ubuntu-26-04-x64");
}

#[test]
fn ls_asks_once_for_all() {
    let scene = Scene::new();
    // Complete machines, as docker-machine leaves them.
    let made = scene.create(&[]);
    assert!(made.stderr.contains("the step `ssh` failed"), "{}", made.stderr);
    let mut record = scene.record();
    record["Driver"]["IPAddress"] = "127.0.0.1".into();
    let id = record["Driver"]["DropletID"].as_u64().unwrap();
    for number in 2..6 {
        let dir = scene.lab.store().join(format!("machines/m{number}"));
        std::fs::create_dir(&dir).unwrap();
        record["Driver"]["DropletID"] = if number == 5 { 1 } else { id }.into();
        record["Name"] = format!("m{number}").into();
        record.as_object_mut().unwrap().remove("Unfinished");
        std::fs::write(dir.join("config.json"), record.to_string()).unwrap();
    }
    scene.server.fake(|fake| fake.page = 1);
    scene.server.take_calls();
    let listed = scene.run(&["ls", "--format", "{{.Name}} {{.State}}"]);
    assert_eq!(
        listed.stdout, "m1 Incomplete\nm2 Running\nm3 Running\nm4 Running\nm5 Not Found\n",
        "{}",
        listed.stderr
    );
    assert_eq!(scene.server.take_calls(), ["GET /v2/droplets"]);
    assert_eq!(scene.run(&["status", "m2"]).stdout, "Running\n");

    // What has no resource, and what has no machine.
    std::fs::remove_dir_all(scene.lab.store().join("machines/m1")).unwrap();
    let looked = scene.run(&["gc", "--dry-run"]);
    assert_eq!(looked.code, Some(0), "{}", looked.stderr);
    for expected in ["machine m5", "its server is gone"] {
        assert!(looked.stdout.contains(expected), "{}", looked.stdout);
    }
}

#[test]
fn a_machine_whose_time_is_up_is_collected() {
    let scene = Scene::new();
    let file = scene.lab.path().join("mine.yml");
    std::fs::write(&file, "#cloud-config\npackages: [htop]\n").unwrap();
    let made = scene.create(&["--ttl", "1s", "--cloud-init", file.to_str().unwrap()]);
    assert!(made.stderr.contains("the step `ssh` failed"), "{}", made.stderr);
    let user_data = scene.server.fake(|fake| fake.user_data[0].clone());
    for expected in ["packages: [htop]", "machine-ttl.service", "get.docker.com"] {
        assert!(user_data.contains(expected), "{user_data}");
    }
    let young = scene.run(&["gc", "--dry-run", "--older-than", "2h"]);
    assert!(young.stderr.contains("Nothing is left behind"), "{}", young.stderr);
    let collected = scene.run(&["gc", "-y"]);
    assert_eq!(collected.code, Some(0), "{}", collected.stderr);
    assert!(collected.stdout.contains("Removed machine m1"), "{}", collected.stdout);
    assert_eq!(scene.server.left(), NOTHING);
    assert!(scene.lab.machine_files().is_empty());
}

#[test]
fn the_firewall_is_the_stores_own_and_goes_with_the_last_machine() {
    let scene = Scene::new();
    assert!(scene.create(&[]).stderr.contains("the step `ssh` failed"));
    let second = run(scene
        .machine(&["create", "-d", "digitalocean", "--digitalocean-ssh-port", "9", "m2"])
        .env("MACHINE_PUBLIC_ADDRESS", "198.51.100.1"));
    assert!(second.stderr.contains("the step `ssh` failed"), "{}", second.stderr);
    let rules = scene.server.fake(|fake| fake.firewalls.values().next().unwrap().clone());
    let opened: Vec<String> = rules["inbound_rules"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|rule| rule["ports"] == "2376")
        .map(|rule| rule["sources"]["addresses"].to_string())
        .collect();
    assert_eq!(opened, [r#"["203.0.113.7/32"]"#, r#"["198.51.100.1/32"]"#]);
    assert_eq!(scene.run(&["rm", "-y", "m1"]).code, Some(0));
    assert_eq!(scene.server.fake(|fake| fake.firewalls.len()), 1);
    assert_eq!(scene.run(&["rm", "-y", "m2"]).code, Some(0));
    assert_eq!(scene.server.left(), NOTHING);
}

#[test]
#[cfg(unix)]
fn docker_machines_name_keeps_its_rules() {
    use std::os::unix::process::CommandExt;
    let scene = Scene::new();
    let mut command = subject(&scene.server).create(&scene.lab);
    command.arg0("docker-machine").args(["--digitalocean-access-token", TOKEN]);
    let made = run(&mut command);
    assert_eq!(made.code, Some(1), "{}", made.stderr);
    assert!((made.stdout + &made.stderr).contains("open to the whole world"));
    assert_eq!(scene.server.fake(|fake| (fake.firewalls.len(), fake.user_data.len())), (0, 0));
    assert_eq!(scene.record()["Driver"]["AccessToken"], TOKEN);
    let mut keys: Vec<String> =
        scene.record()["Driver"].as_object().unwrap().keys().cloned().collect();
    keys.truncate(24);
    assert_eq!(keys[9..], KEYS);
    assert_eq!(scene.run(&["rm", "-y", "m1"]).code, Some(0));
    assert_eq!(scene.server.left(), NOTHING);
}

/// docker-machine's keys behind the base ones, in its order.
#[cfg(unix)]
const KEYS: [&str; 15] = [
    "AccessToken",
    "DropletID",
    "DropletName",
    "Image",
    "Region",
    "SSHKeyID",
    "SSHKeyFingerprint",
    "SSHKey",
    "Size",
    "IPv6",
    "Backups",
    "PrivateNetworking",
    "UserDataFile",
    "Monitoring",
    "Tags",
];

#[test]
fn one_that_was_switched_off_half_made_is_switched_on() {
    Scene::new().carries_on_with_one_that_is_off();
}
