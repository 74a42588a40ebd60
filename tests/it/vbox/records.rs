//! What is on record: after a crash at any call, and of others who made machines before us.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::host::{Host, hollow_image};
use crate::lab::run;
use crate::releases::{Releases, iso};

/// `create` is killed at each of its calls of `VBoxManage`, before it or after it; `rm` then leaves
/// nothing.
#[test]
fn killed_anywhere() {
    let host = Host::pretending();
    let image = hollow_image(&host.lab);
    let create = ["create", "-d", "virtualbox", "--virtualbox-boot2docker-url", &image, "lab1"];
    // Nobody answers, so it fails in the end; how many calls that takes is seen here.
    assert_eq!(host.run(&create).code, Some(1));
    let whole = host.calls().len();
    host.ok(&["rm", "-y", "lab1"]);
    host.has_nothing();
    let manage = host.lab.path().join("bin/VBoxManage");
    let real = manage.with_file_name("real");
    fs::rename(&manage, &real).unwrap();
    let count = host.lab.path().join("count");
    for (place, before) in (1..=whole).flat_map(|place| [(place, true), (place, false)]) {
        let kill = "kill -9 $PPID; exit 1";
        let (first, second) = if before { (kill, "") } else { ("", kill) };
        let script = format!(
            "#!/bin/sh\necho >>{count}\nif [ $(wc -l <{count}) = {place} ]; then {first}\n{real} \"$@\"\n{second}\nfi\n\
             exec {real} \"$@\"\n",
            count = count.display(),
            real = real.display()
        );
        let script = if before {
            script.replace(&format!("{kill}\n{} \"$@\"\n\n", real.display()), &format!("{kill}\n"))
        } else {
            script
        };
        fs::remove_file(&count).ok();
        fs::remove_file(&manage).ok();
        fs::write(&manage, script).unwrap();
        fs::set_permissions(&manage, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        assert_eq!(host.run(&create).code, None, "call {place} of {whole} kills");
        fs::remove_file(&manage).unwrap();
        std::os::unix::fs::symlink(&real, &manage).unwrap();
        if !host.lab.machine_files().is_empty() {
            host.ok(&["rm", "-y", "lab1"]);
        }
        let (vms, interfaces) = host.has();
        assert!(
            vms.is_empty() && interfaces.is_empty(),
            "{place} {before}: {vms:?} {interfaces:?}"
        );
        host.has_nothing();
    }
}

/// docker-machine's record of the machine `virtualbox`, in the lab's store, with other values of its
/// `Driver` object.
fn put_record(host: &Host, changes: &[(&str, &str)]) {
    let text = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/records/virtualbox.json"),
    );
    let store = host.lab.store().display().to_string();
    let text = text.unwrap().replace("/home/u/.docker/machine", &store);
    let mut record: serde_json::Value = serde_json::from_str(&text).unwrap();
    for (key, value) in changes {
        record["Driver"][*key] = json!(value);
    }
    host.lab.put("virtualbox", record.to_string().as_bytes());
}

/// Has VirtualBox know a machine of that name, whose settings are below `base`.
fn register(host: &Host, base: &Path, name: &str) {
    let base = base.display().to_string();
    host.manage(&["createvm", "--basefolder", &base, "--name", name, "--register"]);
}

/// A machine of docker-machine's is found by its name, and removed with its files.
#[test]
fn a_machine_of_docker_machines() {
    let host = Host::pretending();
    put_record(&host, &[]);
    assert_eq!(host.ok(&["status", "virtualbox"]), "Not Found\n");
    register(&host, &host.lab.store().join("machines/virtualbox"), "virtualbox");
    // Its network is one that VirtualBox allows no longer, so it moves; then nobody answers.
    let started = host.run(&["start", "virtualbox"]);
    let says = "will be 192.168.59.1/24";
    assert!(started.stdout.contains(says), "{}{}", started.stdout, started.stderr);
    assert_eq!(host.ok(&["status", "virtualbox"]), "Running\n");
    assert_eq!(host.ok(&["inspect", "virtualbox", "-f", "{{.Driver.SSHPort}}"]), "34377\n");
    host.ok(&["kill", "virtualbox"]);
    host.ok(&["rm", "-y", "virtualbox"]);
    host.has_nothing();
    // A machine that only has the name is somebody else's.
    register(&host, host.lab.path(), "virtualbox");
    put_record(&host, &[]);
    host.ok(&["rm", "-y", "virtualbox"]);
    assert_eq!(host.has().0, ["virtualbox"]);
}

/// As much of a disk as VirtualBox looks at.
const OLD_DISK: &str = "KDMV\nddb.uuid.image=\"7d0b1a5e-2c3d-4e5f-8a6b-0123456789ab\"\n";

/// A machine as boot2docker's own command made it, in a home directory of its own: with a disk, and
/// the key beside the machines.
fn boot2docker_vm(host: &Host) -> std::path::PathBuf {
    let home = host.lab.path().join("old");
    fs::create_dir_all(home.join(".ssh")).unwrap();
    fs::write(home.join(".ssh/id_boot2docker"), "the old key").unwrap();
    let machines = home.join("VirtualBox VMs");
    register(host, &machines, "boot2docker-vm");
    let disk = machines.join("boot2docker-vm/disk.vmdk");
    fs::write(&disk, OLD_DISK).unwrap();
    host.manage(&["modifyvm", "boot2docker-vm", "--cpus", "3", "--memory", "1536"]);
    let sata = ["--name", "SATA", "--add", "sata", "--hostiocache", "on"];
    host.manage(&[&["storagectl", "boot2docker-vm"][..], &sata].concat());
    let attach = ["storageattach", "boot2docker-vm", "--storagectl", "SATA", "--port", "1"];
    let medium = ["--device", "0", "--type", "hdd", "--medium", disk.to_str().unwrap()];
    host.manage(&[&attach[..], &medium].concat());
    disk
}

/// Disk, key, CPUs and memory of a machine of boot2docker's own command are taken over, and that one
/// stays as it is.
#[test]
fn a_machine_of_boot2dockers_own_command() {
    let host = Host::pretending();
    let image = hollow_image(&host.lab);
    let import = ["--virtualbox-import-boot2docker-vm", "boot2docker-vm"];
    let create = [
        "create",
        "-d",
        "virtualbox",
        "--virtualbox-boot2docker-url",
        &image,
        "--virtualbox-memory",
        "512",
    ];
    let create = [&create[..], &import, &["lab1"]].concat();
    let refused = host.run(&create);
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("there is no machine `boot2docker-vm` to import"),
        "{}",
        refused.stderr
    );
    assert!(host.lab.machine_files().is_empty());

    let disk = boot2docker_vm(&host);
    // Nobody answers in the end.
    assert_eq!(host.run(&create).code, Some(1));
    let record = host.record("lab1");
    assert_eq!((&record["CPU"], &record["Memory"]), (&json!(3), &json!(1536)));
    let files = host.lab.store().join("machines/lab1");
    let key = files.join("boot2docker-key");
    assert_eq!(record["SSHKeyPath"], json!(key));
    assert_eq!(fs::read_to_string(key).unwrap(), "the old key");
    assert_eq!(fs::read_to_string(files.join("disk.vmdk")).unwrap(), OLD_DISK);
    let info = host.manage(&["showvminfo", "lab1", "--machinereadable"]);
    assert!(info.contains("memory=1536\n") && info.contains("cpus=3\n"), "{info}");
    assert!(info.contains("VMState=\"running\""), "{info}");
    host.ok(&["rm", "-y", "lab1"]);
    assert_eq!(host.has().0, ["boot2docker-vm"]);
    assert_eq!(fs::read_to_string(disk).unwrap(), OLD_DISK);
}

/// docker-machine keeps the name of the machine that it took over. That one may be gone since, or have
/// changed; nothing is taken over again, and nothing of it removed.
#[test]
fn a_machine_that_docker_machine_imported() {
    let host = Host::pretending();
    put_record(
        &host,
        &[("Boot2DockerImportVM", "boot2docker-vm"), ("HostOnlyCIDR", "192.168.59.1/24")],
    );
    let files = host.lab.store().join("machines/virtualbox");
    register(&host, &files, "virtualbox");
    fs::write(files.join("id_rsa"), "the key that it copied").unwrap();
    assert_eq!(host.run(&["start", "virtualbox"]).code, Some(1), "nobody answers");
    assert_eq!(host.ok(&["status", "virtualbox"]), "Running\n");
    assert!(host.ok(&["ls"]).contains("Running"));
    let disk = boot2docker_vm(&host);
    host.calls();
    host.ok(&["stop", "virtualbox"]);
    assert_eq!(host.run(&["start", "virtualbox"]).code, Some(1), "nobody answers");
    let calls = host.calls();
    assert!(calls.iter().all(|call| !call.contains(&"boot2docker-vm".to_owned())), "{calls:#?}");
    assert_eq!(fs::read_to_string(files.join("id_rsa")).unwrap(), "the key that it copied");
    host.ok(&["rm", "-y", "virtualbox"]);
    assert_eq!(host.has().0, ["boot2docker-vm"]);
    assert!(disk.exists() && host.lab.machine_files().is_empty());
}

/// A machine of docker-machine's boots boot2docker's latest release: `upgrade` fetches it, and
/// VirtualBox finds it where the machine's CD was. Nobody answers in the end.
#[test]
fn an_upgrade_puts_another_cd_in() {
    let mut host = Host::pretending();
    let server = Releases::with("v98.0.0");
    let cache = host.lab.path().join("cache").display().to_string();
    host.variables.push(("MACHINE_CACHE_PATH", cache));
    host.variables.push(("MACHINE_BOOT2DOCKER_RELEASES", server.api()));
    put_record(&host, &[("HostOnlyCIDR", "192.168.59.1/24")]);
    let files = host.lab.store().join("machines/virtualbox");
    register(&host, &files, "virtualbox");
    let cd = files.join("boot2docker.iso");
    fs::write(&cd, iso("v97.0.0")).unwrap();
    let upgraded = run(host.program("docker-machine").args(["upgrade", "virtualbox"]));
    assert_eq!(upgraded.code, Some(1), "{}{}", upgraded.stdout, upgraded.stderr);
    let says =
        "Upgrading docker...\nUpgrading machine \"virtualbox\"...\nStarting machine back up...\n";
    assert!(upgraded.stdout.contains(says), "{}{}", upgraded.stdout, upgraded.stderr);
    assert_eq!(fs::read(&cd).unwrap(), iso("v98.0.0"));
    assert_eq!(host.record("virtualbox")["ImageVersion"], "v98.0.0");
    assert_eq!(host.ok(&["status", "virtualbox"]), "Running\n");
    host.ok(&["rm", "-y", "virtualbox"]);
    host.has_nothing();
}
