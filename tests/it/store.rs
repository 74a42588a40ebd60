//! A store of docker-machine's, used without conversion, and what is left of it afterwards.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::golden::{old_records, records};
use crate::lab::{Lab, run};

/// What `docker-machine inspect` prints is the file and a newline: reading and writing a record
/// again changes no byte. Secrets alone are not shown.
#[test]
fn every_record_is_read_and_written_without_a_change() {
    let lab = Lab::with_golden_records();
    for (name, path) in records() {
        let file = fs::read_to_string(path).unwrap();
        let shown = lab.ok(["inspect", &name]);
        let shown: Vec<&str> = shown.lines().collect();
        assert_eq!(shown.len(), file.lines().count(), "{name}");
        for (shown, line) in shown.into_iter().zip(file.lines()) {
            match secret(line) {
                Some(key) => {
                    assert_eq!(shown, format!("{key}\"{REDACTED}\"{}", comma(line)), "{name}");
                }
                None => assert_eq!(shown, line, "{name}"),
            }
        }
    }
}

/// How JSON in Go's manner writes `<redacted>`.
const REDACTED: &str = "\\u003credacted\\u003e";

/// What stands before a secret's value in a line of a record, if it has one.
fn secret(line: &str) -> Option<&str> {
    const KEYS: [&str; 8] = [
        "\"AccessKey\": ",
        "\"AccessToken\": ",
        "\"APIKey\": ",
        "\"ApiKey\": ",
        "\"ApiSecretKey\": ",
        "\"Password\": ",
        "\"SSHPassword\": ",
        "\"SecretKey\": ",
    ];
    let (key, value) = line.split_at(line.find(": ")? + 2);
    let is_set = value.starts_with('"') && !value.starts_with("\"\"");
    (is_set && KEYS.contains(&key.trim_start())).then_some(key)
}

fn comma(line: &str) -> &str {
    if line.ends_with(',') { "," } else { "" }
}

#[test]
fn machines_of_every_driver_can_be_used() {
    let lab = Lab::with_golden_records();
    let names: Vec<String> = records().into_iter().map(|(name, _)| name).collect();
    assert_eq!(lab.ok(["ls", "-q"]).lines().collect::<Vec<_>>(), names);
    for name in &names {
        let record: Value = serde_json::from_str(&lab.ok(["inspect", name])).unwrap();
        let ip = record["Driver"]["IPAddress"].as_str().unwrap();
        if name == "ghost" {
            assert_eq!(lab.run(["env", name]).code, Some(1), "it has no address");
            continue;
        }
        let url = match name.as_str() {
            "none" | "generic" => "tcp://127.0.0.1:1".to_owned(),
            "vmwarevcloudair" => "tcp://192.0.2.24:2376".to_owned(),
            _ => format!("tcp://{ip}:2376"),
        };
        // A driver of our own may know that the machine is not there; it then says so.
        let found = run(lab.offline().args(["env", "--shell", "sh", name]));
        if found.code == Some(0) {
            let dir = lab.store().join("machines").join(name);
            let expected = format!(
                "export DOCKER_TLS_VERIFY=\"1\"\nexport DOCKER_HOST=\"{url}\"\n\
                 export DOCKER_CERT_PATH=\"{}\"\nexport DOCKER_MACHINE_NAME=\"{name}\"\n",
                dir.display()
            );
            assert!(found.stdout.starts_with(&expected), "{name}: {}", found.stdout);
        } else {
            let why =
                if name == "hyperv" { "was not found in the path" } else { "Host is not running" };
            assert!(found.stderr.contains(why), "{name}: {}", found.stderr);
        }
    }
}

/// The row of docker-machine's stub driver, for a driver that nobody has.
#[test]
fn a_machine_without_its_driver_has_a_row_and_goes_by_force() {
    let lab = Lab::new();
    let ghost = records().into_iter().find(|(name, _)| name == "ghost").unwrap().1;
    lab.put("ghost", &fs::read(ghost).unwrap());
    assert_eq!(
        lab.ok(["ls"]),
        "NAME    ACTIVE   DRIVER      STATE   URL   SWARM   DOCKER    ERRORS\n\
         ghost   -        not-found   Error                 Unknown   Driver \"ghost\" not found. \
         Do you have the plugin binary accessible in your PATH?\n"
    );
    assert_eq!(lab.ok(["ls", "-q", "--filter", "driver=ghost"]), "ghost\n");
    assert_eq!(lab.ok(["ls", "-q", "--filter", "name=^gho"]), "ghost\n");
    for command in ["start", "stop", "kill", "status"] {
        let refused = lab.run([command, "ghost"]);
        assert_eq!(refused.code, Some(1), "{command}");
        assert!(refused.stderr.contains("Driver \"ghost\" not found"), "{}", refused.stderr);
    }
    let refused = lab.run(["rm", "-y", "ghost"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("rm -f ghost"), "{}", refused.stderr);
    let removed = lab.run(["rm", "-f", "ghost"]);
    assert_eq!(removed.code, Some(0), "{}", removed.stderr);
    assert!(removed.stdout.ends_with("Successfully removed ghost\n"), "{}", removed.stdout);
    assert!(lab.machine_files().is_empty());
}

#[test]
fn old_versions_are_read_and_kept_when_they_are_written() {
    let lab = Lab::new();
    for (name, path) in old_records() {
        let old = fs::read(path).unwrap();
        let config = lab.put(&name, &old);
        let version = lab.ok(["inspect", &name, "-f", "{{.ConfigVersion}} {{.Name}}"]);
        assert_eq!(version, format!("3 {name}\n"));
        let at = |key| lab.ok(["inspect", &name, "-f", key]);
        let known = name != "v2";
        let root = if known { "/home/u/.docker/machine".into() } else { lab.store() };
        let root = root.display();
        assert_eq!(at("{{.Driver.StorePath}}"), format!("{root}/\n").replace("/\n", "\n"));
        assert_eq!(
            at("{{.HostOptions.AuthOptions.StorePath}}"),
            format!("{root}/machines/{name}\n")
        );
        assert_eq!(
            at("{{.HostOptions.AuthOptions.CaPrivateKeyPath}}"),
            "/home/u/.docker/machine/certs/ca-key.pem\n"
        );
        assert!(lab.ok(["env", &name]).contains("export DOCKER_HOST=\"tcp://"));
        assert_eq!(fs::read(&config).unwrap(), old, "reading writes nothing");
        assert!(!config.with_extension("json.bak").exists());
    }
}

#[test]
fn a_command_that_changes_the_machine_keeps_the_old_file() {
    let lab = Lab::new();
    assert_eq!(lab.fake(&["m"]).code, Some(0));
    let config = lab.store().join("machines/m/config.json");
    let mut record: Value = serde_json::from_slice(&fs::read(&config).unwrap()).unwrap();
    record["ConfigVersion"] = 2.into();
    record["Mine"] = serde_json::json!({"kept": [1, null]});
    let old = serde_json::to_vec(&record).unwrap();
    fs::write(&config, &old).unwrap();
    lab.ok(["stop", "m"]);
    assert_eq!(fs::read(config.with_extension("json.bak")).unwrap(), old);
    let written: Value = serde_json::from_slice(&fs::read(&config).unwrap()).unwrap();
    assert_eq!(written["ConfigVersion"], 3);
    assert_eq!(written["Mine"], record["Mine"]);
    assert_eq!(written["HostOptions"], record["HostOptions"]);
}

#[test]
fn a_record_from_the_future_is_refused() {
    let lab = Lab::new();
    lab.put("x", br#"{"ConfigVersion": 4, "Driver": {}, "DriverName": "none"}"#);
    let text = "Error getting migrated host: config version is from the future -- you should \
                upgrade your Docker Machine client";
    let refused = lab.run(["inspect", "x"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains(text), "{}", refused.stderr);
    let listing = lab.ok(["ls"]);
    let row = listing.lines().nth(1).unwrap();
    assert!(row.starts_with("x               not found   Error") && row.ends_with(text), "{row}");
}

#[test]
fn what_is_no_record_is_one_row_that_goes_by_force() {
    let lab = Lab::new();
    lab.put("cut", br#"{"ConfigVersion": 3, "Dri"#);
    fs::create_dir_all(lab.store().join("machines/empty")).unwrap();
    lab.put("none", &fs::read(&records().iter().find(|it| it.0 == "none").unwrap().1).unwrap());
    let listing = lab.ok(["ls", "--filter", "driver=none"]);
    let lines: Vec<&str> = listing.lines().collect();
    assert_eq!(lines.len(), 4, "filters do not hide what is broken: {listing}");
    for (line, name) in [(lines[1], "cut"), (lines[2], "empty")] {
        let [first, rest] = line.split_once(' ').map(|(a, b)| [a, b.trim_start()]).unwrap();
        assert!(first == name && rest.starts_with("not found   Error   "), "{line}");
        assert!(line.contains("config.json"), "{line}");
    }
    assert_eq!(lab.ok(["ls", "-q"]), "none\n");
    lab.ok(["rm", "-f", "cut", "empty"]);
    assert_eq!(lab.machine_files(), ["none"]);
}

/// Go finds keys in any case, and so do hand-made records.
#[test]
fn keys_are_found_in_any_case() {
    let lab = Lab::new();
    lab.put(
        "x",
        br#"{"configversion": 3, "drivername": "none", "driver": {"url": "tcp://127.0.0.1:1"},
             "hostoptions": {"engineoptions": {"labels": ["a=b"]}}}"#,
    );
    assert_eq!(lab.ok(["url", "x"]), "tcp://127.0.0.1:1\n");
    assert_eq!(lab.ok(["ls", "-q", "--filter", "label=a=b"]), "x\n");
    assert_eq!(lab.ok(["inspect", "x", "-f", "{{.HostOptions.EngineOptions.Labels}}"]), "[a=b]\n");
}

/// Commands that only read work in a store that cannot be written, and leave no trace in any.
#[test]
fn readers_write_nothing() {
    let lab = Lab::with_golden_records();
    let before = tree(&lab);
    for args in [
        &["ls", "-q"][..],
        &["env", "--shell", "sh", "none"],
        &["inspect", "amazonec2"],
        &["url", "none"],
        &["ip", "none"],
        &["config", "none"],
        &["status", "none"],
    ] {
        lab.ok(args);
    }
    assert_eq!(
        run(lab.command().env("DOCKER_HOST", "tcp://192.0.2.99:2376").arg("active")).code,
        Some(1)
    );
    assert_eq!(tree(&lab), before);
}

#[test]
#[cfg(unix)]
fn a_link_to_a_machine_is_not_listed_but_has_its_name() {
    let lab = Lab::new();
    let none = records().into_iter().find(|it| it.0 == "none").unwrap().1;
    lab.put("real", &fs::read(none).unwrap());
    let machines = lab.store().join("machines");
    std::os::unix::fs::symlink(machines.join("real"), machines.join("link")).unwrap();
    assert_eq!(lab.ok(["ls", "-q"]), "real\n");
    assert_eq!(lab.ok(["url", "link"]), "tcp://127.0.0.1:1\n");
    assert_eq!(lab.ok(["inspect", "link", "-f", "{{.Name}}"]), "link\n");
    // What the record names is gone with the link, which is why the other name is half removed.
    lab.ok(["rm", "-y", "link"]);
    assert_eq!(lab.machine_files(), ["real"]);
    assert_eq!(lab.ok(["ls", "-f", "{{.Name}} {{.State}}"]), "real Incomplete\n");
    lab.ok(["rm", "-y", "real"]);
    assert!(lab.machine_files().is_empty());
}

/// The authority of an old store, made as docker-machine made it, signs what we make.
#[test]
fn an_rsa_authority_is_used_as_it_is() {
    let lab = Lab::new();
    let certs = lab.store().join("certs");
    fs::create_dir_all(&certs).unwrap();
    let openssl = |args: &str| {
        let made = Command::new("openssl").args(args.split(' ')).current_dir(&certs).output();
        made.is_ok_and(|output| output.status.success())
    };
    if !openssl("genrsa -traditional -out ca-key.pem 2048") {
        std::io::Write::write_all(&mut std::io::stderr(), b"skipped: no openssl\n").unwrap();
        return;
    }
    assert!(openssl(
        "req -x509 -new -key ca-key.pem -sha256 -days 1000 -subj /O=tester -out ca.pem \
         -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,digitalSignature"
    ));
    let key = fs::read_to_string(certs.join("ca-key.pem")).unwrap();
    assert!(key.starts_with("-----BEGIN RSA PRIVATE KEY-----"), "PKCS#1");
    let ca = fs::read(certs.join("ca.pem")).unwrap();
    lab.ok(["create", "-d", "none", "--url", "tcp://127.0.0.1:1", "m"]);
    assert_eq!(fs::read(certs.join("ca.pem")).unwrap(), ca);
    assert_eq!(fs::read(lab.store().join("machines/m/ca.pem")).unwrap(), ca);
    assert!(openssl("verify -CAfile ca.pem cert.pem"), "the client's certificate is signed by it");
}

/// Every file of the store, with its content.
fn tree(lab: &Lab) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut dirs = vec![lab.store()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            found.push((path.display().to_string(), fs::read(&path).unwrap_or_default()));
            if path.is_dir() {
                dirs.push(path);
            }
        }
    }
    found.sort();
    found
}
