//! Machines that move to another store. None of them is switched on: what moves is files.

use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use serde_json::json;

use crate::lab::Lab;

/// A machine of the driver `qemu` that is off, with a sparse disk of 40 MB.
fn machine(lab: &Lab, name: &str) {
    lab.fake(&["maker"]);
    let dir = lab.store().join("machines").join(name);
    fs::create_dir_all(&dir).unwrap();
    let text = fs::read_to_string(lab.store().join("machines/maker/config.json")).unwrap();
    let mut record: serde_json::Value = serde_json::from_str(&text).unwrap();
    lab.ok(["rm", "-y", "maker"]);
    record["DriverName"] = "qemu".into();
    record["Name"] = name.into();
    record["HostOptions"]["EngineOptions"]["Labels"] = json!(["a=b"]);
    record["Driver"] = json!({
        "IPAddress": "127.0.0.1", "MachineName": name, "SSHUser": "docker", "SSHPort": 1,
        "EnginePort": 2, "CPU": 3, "Memory": 1024, "DiskSize": 40, "DiskReady": true,
        "Network": "net", "PrivateIP": "10.1.2.3", "MAC": "52:54:00:01:02:03",
    });
    fs::write(dir.join("config.json"), record.to_string()).unwrap();
    for file in
        ["id_rsa", "known_hosts", "ca.pem", "cert.pem", "key.pem", "server-key.pem", "vmlinuz"]
    {
        fs::write(dir.join(file), format!("{file} of {name}")).unwrap();
    }
    let disk = fs::File::create(dir.join("disk.img")).unwrap();
    disk.set_len(40 << 20).unwrap();
    disk.write_all_at(b"the end", (30 << 20) - 7).unwrap();
    disk.write_all_at(b"the middle", (20 << 20) - 5).unwrap();
}

#[test]
fn a_whole_machine_is_the_same_elsewhere_and_at_home_there() {
    let (here, there) = (Lab::new(), Lab::new());
    machine(&here, "one");
    let file = here.path().join("one.machine");
    here.ok(["export".as_ref(), "-o".as_ref(), file.as_os_str(), "one".as_ref()]);
    assert!(fs::metadata(&file).unwrap().len() < 100_000, "holes cost nothing");
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600, "there are keys in it");
    let imported =
        there.ok(["import".as_ref(), "--name".as_ref(), "two".as_ref(), file.as_os_str()]);
    assert_eq!(imported.lines().last(), Some("two"));
    let (from, to) = (here.store().join("machines/one"), there.store().join("machines/two"));
    for file in ["disk.img", "vmlinuz", "id_rsa", "ca.pem", "server-key.pem"] {
        assert!(fs::read(from.join(file)).unwrap() == fs::read(to.join(file)).unwrap(), "{file}");
    }
    assert!(fs::metadata(to.join("disk.img")).unwrap().blocks() * 512 < 8 << 20, "it is sparse");
    assert_eq!(there.ok(["status", "two"]), "Stopped\n");
    let record: serde_json::Value = serde_json::from_str(&there.ok(["inspect", "two"])).unwrap();
    let driver = &record["Driver"];
    assert_eq!((&driver["CPU"], &driver["MachineName"]), (&json!(3), &json!("two")));
    assert!(driver["EnginePort"].as_u64().unwrap() > 1024, "ports of this computer");
    assert_eq!(driver["Network"], "");
    assert!(driver["SSHKeyPath"].as_str().unwrap().starts_with(there.store().to_str().unwrap()));
    assert_eq!(record["HostOptions"]["EngineOptions"]["Labels"], json!(["a=b"]));
    assert_eq!(there.ok(["ls", "-q"]), "two\n");
    let again = there.run(["import".as_ref(), "--name".as_ref(), "two".as_ref(), file.as_os_str()]);
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.contains("already exists"), "{}", again.stderr);
    there.ok(["rm", "-y", "two"]);
    assert!(there.machine_files().is_empty());
}

#[test]
fn access_is_a_host_that_is_there_already() {
    let lab = Lab::new();
    crate::remote::machine_at(&lab, "far", 2222, "me");
    let file = lab.path().join("far.access");
    let whole = lab.run(["export".as_ref(), "-o".as_ref(), file.as_os_str(), "far".as_ref()]);
    assert_eq!(whole.code, Some(1));
    assert!(whole.stderr.contains("--access"), "{}", whole.stderr);
    assert!(!file.exists(), "nothing is left of it");
    let args = ["export", "--access", "-o"].map(str::as_ref);
    lab.ok(args.into_iter().chain([file.as_os_str(), "far".as_ref()]));
    let archive = zstd::decode_all(fs::File::open(&file).unwrap()).unwrap();
    let has = |bytes: &[u8]| archive.windows(bytes.len()).any(|window| window == bytes);
    let certs = lab.store().join("certs");
    let text = |path: &Path| fs::read_to_string(path).unwrap();
    assert!(has(text(&lab.store().join("machines/far/id_rsa")).as_bytes()));
    assert!(!has(text(&certs.join("ca-key.pem")).lines().nth(1).unwrap().as_bytes()));
    let other = Lab::new();
    other.ok(["import".as_ref(), file.as_os_str()]);
    let value = |template: &str| other.ok(["inspect", "far", "-f", template]);
    assert_eq!(
        value("{{.DriverName}} {{.Driver.SSHUser}} {{.Driver.SSHPort}}"),
        "generic me 2222\n"
    );
    assert_eq!(other.ok(["url", "far"]), lab.ok(["url", "far"]));
    let key = |lab: &Lab| fs::read(lab.store().join("machines/far/id_rsa")).unwrap();
    assert!(key(&lab) == key(&other));
    other.ok(["rm", "-y", "far"]);
    assert_eq!(lab.cloud(), 3, "the machine itself stays");
}

#[test]
fn what_is_no_archive_leaves_nothing() {
    let lab = Lab::new();
    let file = lab.path().join("x");
    for bytes in [&b""[..], b"no archive at all, but long enough to be looked at"] {
        fs::write(&file, bytes).unwrap();
        assert_eq!(lab.run(["import".as_ref(), file.as_os_str()]).code, Some(1));
    }
    machine(&lab, "one");
    lab.ok(["export".as_ref(), "-o".as_ref(), file.as_os_str(), "one".as_ref()]);
    lab.ok(["rm", "-y", "one"]);
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let cut = lab.run(["import".as_ref(), file.as_os_str()]);
    assert_eq!(cut.code, Some(1));
    assert!(cut.stderr.contains("the archive cannot be used"), "{}", cut.stderr);
    assert!(lab.machine_files().is_empty());
}
