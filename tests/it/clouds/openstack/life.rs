use serde_json::Value;

use super::super::faults::{Figures, every_call_goes_wrong};
use super::super::measured;
use super::super::server::Server;
use super::fake::{OpenStack, PROJECT};
use super::{PASSWORD, subject};
use crate::lab::run;

const NOTHING: [&str; 0] = [];

type Scene = super::super::scene::Scene<OpenStack>;

impl Scene {
    fn new() -> Self {
        Self::of(Server::start(OpenStack::new()), subject)
    }

    fn removed(&self) {
        let removed = self.run(&["rm", "-y", "m1"]);
        assert_eq!(removed.code, Some(0), "{}", removed.stderr);
        assert_eq!(self.server.left(), NOTHING);
        assert!(self.lab.machine_files().is_empty());
    }
}

#[test]
fn every_call_goes_wrong_and_nothing_is_left() {
    if crate::lab::in_a_hurry() {
        return;
    }
    let Figures { faults, calls, needless } = every_call_goes_wrong(OpenStack::new, subject);
    measured(&format!(
        "openstack: {faults} faults in {calls} calls, no orphan, {needless} needless"
    ));
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
    for (call, most) in [
        ("POST /compute/v2.1/servers", 100),
        ("POST /compute/v2.1/os-keypairs", 100),
        ("POST /networking/v2.0/floatingips", 100),
        ("POST /networking/v2.0/security-groups", 1),
        ("GET /compute/v2.1/servers/detail", 60),
    ] {
        assert!(calls[call] <= most, "{call}: {calls:?}");
    }
}

#[test]
fn what_is_made_bears_the_stores_mark_and_goes_with_the_machine() {
    let scene = Scene::new();
    let made = scene.made(&["-D", "--openstack-metadata", "team,lab", "--ttl", "4h"]);
    assert!(made.stderr.contains("POST /servers") && !made.stderr.contains(PASSWORD));
    let wish = scene.server.fake(|fake| fake.wishes[0]["server"].clone());
    assert_eq!((&wish["flavorRef"], &wish["imageRef"]), (&"2".into(), &"i-new".into()));
    assert_eq!(wish["networks"][0]["uuid"], "n-lab-net");
    for (key, value) in [("team", "lab"), ("machine-name", "m1")] {
        assert_eq!(wish["metadata"][key], value);
    }
    assert!(wish["metadata"]["machine-expires"].is_string());
    assert!(wish["user_data"].is_string());
    let record = scene.record()["Driver"].clone();
    assert_eq!(record["Password"], "env:OS_PASSWORD");
    assert_eq!(record["ProjectID"], PROJECT);
    assert_eq!(record["IPAddress"], "127.0.0.1");
    assert_eq!(record["IPv6Address"], "fd00::5");
    for key in ["MachineId", "KeyPairName", "FloatingIPID", "FlavorId", "ImageId"] {
        assert!(record[key].as_str().is_some_and(|it| !it.is_empty()), "{key}: {record}");
    }
    scene.server.fake(|fake| {
        let rules = fake.groups.values().find(|it| it["name"] != "default").unwrap();
        let rules = rules["security_group_rules"].as_array().unwrap();
        let from = |rule: &&Value| rule["remote_ip_prefix"] == "203.0.113.7/32";
        let ports: Vec<&Value> =
            rules.iter().filter(from).map(|it| &it["port_range_min"]).collect();
        assert_eq!(ports, [&Value::from(22), &2376.into(), &Value::Null]);
    });
    assert_eq!(scene.run(&["inspect", "m1"]).code, Some(0));
    scene.removed();
}

#[test]
fn a_volume_is_attached_and_goes_with_the_machine() {
    let scene = Scene::new();
    scene.made(&["--openstack-volume-size", "3", "--openstack-volume-type", "ssd"]);
    let status = scene.server.fake(|fake| fake.volumes.values().next().unwrap()["status"].clone());
    assert_eq!(status, "in-use");
    scene.removed();

    let boot = ["--openstack-boot-from-volume", "--openstack-volume-type", "ssd"];
    scene.made(&boot);
    let disk =
        scene.server.fake(|fake| fake.wishes[1]["server"]["block_device_mapping_v2"][0].clone());
    assert_eq!((&disk["volume_size"], &disk["delete_on_termination"]), (&20.into(), &true.into()));
    scene.removed();
    scene.server.fake(|fake| fake.highest = "2.60");
    std::fs::remove_dir_all(scene.lab.path().join("cache")).unwrap();
    let refused = scene.create(&boot);
    assert!(refused.stderr.contains("its highest microversion is 2.60"), "{}", refused.stderr);
}

#[test]
fn to_whom_it_is_opened_is_known_before_anything_is_made() {
    let scene = Scene::new();
    subject(&scene.server).openings_are_checked();
}

#[test]
fn what_is_wrong_is_found_before_anything_is_made() {
    let scene = Scene::new();
    let cases: [(&[&str], &str); 13] = [
        (
            &["--openstack-flavor-name", "m1.smal"],
            "did you mean `--openstack-flavor-name m1.small`?",
        ),
        (
            &["--openstack-image-name", "debian-12"],
            "did you mean `--openstack-image-name debian-13`?",
        ),
        (&["--openstack-image-name", "huge"], "needs a disk of 500 GiB, not 20"),
        (
            &["--openstack-image-name", "", "--openstack-image-id", "x"],
            "404: No image found with ID x",
        ),
        (&["--openstack-net-name", "lab-nt"], "did you mean `--openstack-net-name lab-net`?"),
        (
            &["--openstack-floatingip-pool", "pubic"],
            "did you mean `--openstack-floatingip-pool public`?",
        ),
        (&["--openstack-sec-groups", "defalt"], "did you mean `--openstack-sec-groups default`?"),
        (&["--openstack-availability-zone", "broken"], "there are: nova"),
        (
            &["--openstack-server-group-name", "together"],
            "Unable to find server group named together",
        ),
        (&["--openstack-metadata", "team"], "`team` has no value"),
        (&["--openstack-region", "RegionTwo"], "did you mean `--openstack-region RegionOne`?"),
        (&["--openstack-flavor-id", "2"], "Either Flavor name or Flavor id must be specified"),
        (
            &["--openstack-keypair-name", "mine"],
            "Both KeyPairName and PrivateKeyFile must be specified",
        ),
    ];
    for (args, expected) in cases {
        let refused = scene.create(args);
        assert_eq!(refused.code, Some(3), "{args:?}: {}", refused.stderr);
        assert!(refused.stderr.contains(expected), "{args:?}: {}", refused.stderr);
    }
    scene.server.fake(|fake| fake.networks = vec!["lab-net", "other"]);
    let refused = scene.create(&[]);
    assert!(refused.stderr.contains("--openstack-net-name: lab-net, other"), "{}", refused.stderr);
    scene.server.fake(|fake| (fake.networks, fake.most_servers) = (vec!["lab-net"], 0));
    let refused = scene.create(&[]);
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(refused.stderr.contains("may have 0 servers, and has 0"), "{}", refused.stderr);

    let with = |name: &str, value: &str| {
        let mut command = subject(&scene.server).create(&scene.lab);
        let refused = run(command.env(name, value));
        assert_eq!(refused.code, Some(3), "{name}: {}", refused.stderr);
        refused.stderr
    };
    let wrong = with("OS_PASSWORD", "wrong");
    assert!(wrong.contains("401 Unauthorized: The request you have made"), "{wrong}");
    assert!(with("OS_AUTH_URL", "http://127.0.0.1:5/v2.0").contains("/v3"));
    let nova = with("OS_AUTH_URL", &format!("{}/compute", scene.server.url()));
    assert!(nova.contains("there is no Keystone of version 3 at"), "{nova}");
    assert!(with("OS_PROJECT_NAME", "").contains("Tenant id or name must be provided"));
    assert!(with("OS_FLAVOR_NAME", "").contains("there are: m1.tiny, m1.small"));
    assert!(with("OS_CACERT", "/none").contains("`/none` cannot be read"));
    assert_eq!(scene.server.left(), NOTHING);
    assert!(scene.lab.machine_files().is_empty());
}

#[test]
fn every_way_to_log_in() {
    let scene = Scene::new();
    let file = scene.lab.path().join("clouds.yaml");
    let url = scene.server.url();
    std::fs::write(
        &file,
        format!(
            "clouds:\n  cred:\n    auth_type: v3applicationcredential\n    auth:\n      auth_url: {url}\n      \
             application_credential_id: cred-1\n      application_credential_secret: {PASSWORD}\n  \
             token:\n    auth_type: token\n    auth: {{auth_url: '{url}/v3/', token: {PASSWORD}, project_id: p}}\n"
        ),
    )
    .unwrap();
    for cloud in ["cred", "token"] {
        let mut command = subject(&scene.server).create(&scene.lab);
        command.env("OS_CLOUD", cloud).env("OS_CLIENT_CONFIG_FILE", &file);
        // What another cloud has left in the environment does not count.
        let made =
            run(command.env("OS_PASSWORD", "another").env("OS_AUTH_URL", "http://127.0.0.1:5/v3"));
        assert!(made.stderr.contains("the step `ssh` failed"), "{cloud}: {}", made.stderr);
        let record = scene.record()["Driver"].clone();
        assert_eq!((&record["Cloud"], &record["Password"]), (&cloud.into(), &"".into()));
        // The record says where the file is.
        let mut remove = scene.machine(&["rm", "-y", "m1"]);
        assert_eq!(run(&mut remove).code, Some(0));
        assert_eq!(scene.server.left(), NOTHING);
    }
    let methods = scene.server.fake(|fake| std::mem::take(&mut fake.logins));
    let methods: Vec<&Value> = methods.iter().map(|it| &it["identity"]["methods"][0]).collect();
    assert!(methods.iter().all(|it| *it == "application_credential" || *it == "token"));
    let mut command = subject(&scene.server).create(&scene.lab);
    command.env_remove("OS_PASSWORD").env_remove("OS_USERNAME").envs([
        ("OS_APPLICATION_CREDENTIAL_ID", "cred-1"),
        ("OS_APPLICATION_CREDENTIAL_SECRET", PASSWORD),
    ]);
    let made = run(&mut command);
    assert!(made.stderr.contains("the step `ssh` failed"), "{}", made.stderr);
    let record = scene.record()["Driver"].clone();
    assert_eq!(record["ApplicationCredentialSecret"], "env:OS_APPLICATION_CREDENTIAL_SECRET");
    let mut remove = scene.machine(&["rm", "-y", "m1"]);
    let removed = run(remove.env("OS_APPLICATION_CREDENTIAL_SECRET", PASSWORD));
    assert_eq!(removed.code, Some(0), "{}", removed.stderr);
    assert_eq!(scene.server.left(), NOTHING);
}

#[test]
fn access_rules_need_not_allow_what_only_finds_mistakes() {
    let scene = Scene::new();
    scene.server.fake(|fake| fake.left_out = vec!["subnets", "quotas", "limits"]);
    scene.made(&["--openstack-volume-size", "1"]);
    scene.removed();
    scene.server.fake(|fake| fake.left_out = vec!["networks"]);
    let refused = scene.create(&[]);
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(refused.stderr.contains("its access rules leave this out"), "{}", refused.stderr);
}

#[test]
fn a_token_that_ends_is_renewed() {
    let scene = Scene::new();
    scene.made(&[]);
    // The one that the first call of `rm` brings has ended by then.
    scene.server.take_calls();
    let mut remove = scene.machine(&["rm", "-y", "m1"]);
    let removed = std::thread::scope(|scope| {
        let removed = scope.spawn(|| run(&mut remove));
        while !removed.is_finished() && scene.server.fake(|fake| fake.floating_ips.len()) > 0 {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        scene.server.fake(|fake| fake.tokens.clear());
        removed.join().unwrap()
    });
    assert_eq!(removed.code, Some(0), "{}", removed.stderr);
    assert_eq!(scene.server.left(), NOTHING);
    let logins = scene.server.take_calls().iter().filter(|it| it.ends_with("/auth/tokens")).count();
    assert_eq!(logins, 2);
}

#[test]
fn another_projects_nothing_is_not_gone() {
    let scene = Scene::new();
    scene.made(&[]);
    scene.server.fake(|fake| fake.project = "another".to_owned());
    let refused = scene.run(&["rm", "-y", "m1"]);
    assert!(refused.stderr.contains("for another project"), "{}", refused.stderr);
    assert_eq!(scene.lab.machine_files(), ["m1"]);
    scene.server.fake(|fake| fake.project = PROJECT.to_owned());
    scene.removed();
}

#[test]
fn a_server_that_fails_says_why() {
    let scene = Scene::new();
    scene.server.fake(|fake| fake.fails_with = Some("No valid host was found. "));
    let failed = scene.create(&[]);
    assert_eq!(failed.code, Some(1), "{}", failed.stderr);
    for expected in ["Instance is in ERROR state", "No valid host was found", "a smaller flavor"] {
        assert!(failed.stderr.contains(expected), "{}", failed.stderr);
    }
    // It would never have been active.
    assert!(!failed.stderr.contains("more time"), "{}", failed.stderr);
    scene.removed();
}

#[test]
fn what_the_project_may_not_have_is_found_before_anything_is_made() {
    let scene = Scene::new();
    let cases: [(&str, usize, &[&str], &str); 6] = [
        ("port", 0, &[], "may have 0 ports, and has 0"),
        ("floatingip", 0, &[], "may have 0 floating IPs, and has 0"),
        ("security_group", 1, &[], "may have 1 security groups, and has 1"),
        ("security_group_rule", 8, &[], "may have 8 security group rules, and has 2: 7 more"),
        ("volumes", 0, &["--openstack-volume-size", "1"], "may have 0 volumes, and has 0"),
        ("gigabytes", 19, &["--openstack-boot-from-volume"], "19 GiB of volumes, and has 0: 20"),
    ];
    for (what, limit, args, expected) in cases {
        scene.server.fake(|fake| fake.most = [(what, limit)].into());
        let refused = scene.create(args);
        assert_eq!(refused.code, Some(3), "{what}: {}", refused.stderr);
        assert!(refused.stderr.contains(expected), "{what}: {}", refused.stderr);
        assert_eq!(scene.server.left(), NOTHING, "{what}");
    }
    assert!(scene.lab.machine_files().is_empty());
}

#[test]
fn a_network_that_leads_nowhere_is_said_to() {
    let scene = Scene::new();
    scene.server.fake(|fake| fake.versions = vec![4]);
    let six = ["--openstack-ip-version", "6", "--openstack-floatingip-pool", ""];
    let refused = scene.create(&six);
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(refused.stderr.contains("`lab-net` has no subnet of IPv6"), "{}", refused.stderr);
    scene.server.fake(|fake| fake.networks.clear());
    let refused = scene.create(&[]);
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(refused.stderr.contains("the project has no network"), "{}", refused.stderr);
    scene.server.fake(|fake| (fake.networks, fake.has_router) = (vec!["lab-net"], false));
    let failed = scene.create(&[]);
    assert_eq!(failed.code, Some(1), "{}", failed.stderr);
    assert!(failed.stderr.contains("needs a router whose gateway"), "{}", failed.stderr);
    scene.removed();
    // What Nova 26 says where a server was to be on an external network.
    let message =
        "Build of instance i aborted: Failed to allocate the network(s), not rescheduling.";
    scene.server.fake(|fake| (fake.has_router, fake.fails_with) = (true, Some(message)));
    let failed = scene.create(&[]);
    assert!(failed.stderr.contains("put no server onto an external network"), "{}", failed.stderr);
    scene.removed();
}

#[test]
fn ls_asks_once_for_all_pages() {
    let scene = Scene::new();
    scene.made(&[]);
    let path = scene.lab.store().join("machines/m1/config.json");
    let mut record: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    record.as_object_mut().unwrap().remove("Unfinished");
    for name in ["m2", "m3"] {
        let dir = scene.lab.store().join("machines").join(name);
        std::fs::create_dir(&dir).unwrap();
        record["Name"] = name.into();
        if name == "m3" {
            record["Driver"]["MachineId"] = "gone".into();
        }
        std::fs::write(dir.join("config.json"), record.to_string()).unwrap();
    }
    scene.server.fake(|fake| {
        fake.page = 1;
        let mut other = fake.servers.values().next().unwrap().clone();
        other["id"] = "0-other".into();
        fake.servers.insert("0-other".to_owned(), other);
    });
    scene.server.take_calls();
    let listed = scene.run(&["ls", "--format", "{{.Name}} {{.State}}"]);
    assert_eq!(listed.stdout, "m1 Incomplete\nm2 Running\nm3 Not Found\n", "{}", listed.stderr);
    let list = "GET /compute/v2.1/servers/detail";
    assert_eq!(scene.server.take_calls(), ["POST /v3/auth/tokens", list, list]);
    let lock = |is: bool| {
        scene.server.fake(|fake| fake.servers.values_mut().for_each(|it| it["locked"] = is.into()));
    };
    lock(true);
    let locked = scene.run(&["stop", "m2"]);
    assert!(locked.stderr.contains("hint: its owner or an administrator"), "{}", locked.stderr);
    lock(false);
    let stopped = scene.run(&["stop", "m2"]);
    assert_eq!(stopped.code, Some(0), "{}", stopped.stderr);
    assert_eq!(scene.run(&["status", "m2"]).stdout, "Stopped\n");
}

#[test]
fn a_group_that_is_given_is_never_changed() {
    let scene = Scene::new();
    let before = scene.server.fake(|fake| fake.groups.clone());
    scene.made(&["--openstack-sec-groups", "default"]);
    assert_eq!(scene.server.fake(|fake| fake.groups.clone()), before);
    let wish = scene.server.fake(|fake| fake.wishes[0]["server"].clone());
    let id = before.keys().next().unwrap().as_str();
    assert_eq!(wish["security_groups"][0]["name"], id);
    scene.removed();
    // Machines that are open to the world do not open the others.
    scene.made(&["--open-to", "world"]);
    let open = scene.server.left().iter().any(|it| it.contains("-world"));
    assert!(open, "{:?}", scene.server.left());
    scene.removed();
}

#[test]
#[cfg(unix)]
fn docker_machines_name_keeps_its_rules() {
    use std::os::unix::process::CommandExt;
    let scene = Scene::new();
    let mut command = subject(&scene.server).create(&scene.lab);
    let made = run(command.arg0("docker-machine"));
    assert_eq!(made.code, Some(1), "{}", made.stderr);
    let wish = scene.server.fake(|fake| fake.wishes[0]["server"].clone());
    assert_eq!((wish.get("security_groups"), wish.get("user_data")), (None, None));
    assert_eq!(scene.record()["Driver"]["Password"], "env:OS_PASSWORD");
    scene.removed();
}

#[test]
fn one_that_was_switched_off_half_made_is_switched_on() {
    Scene::new().carries_on_with_one_that_is_off();
}
