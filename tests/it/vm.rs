//! Whole virtual machines, with a real docker client. Each test makes and removes its own.

use std::path::Path;
use std::process::Command;

use crate::lab::{Lab, run};

/// Says plainly that a test was skipped because something it needs is not installed.
pub(crate) fn skipped() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let has = |program: &str| std::env::split_paths(&path).any(|dir| dir.join(program).is_file());
    for program in ["qemu-system-x86_64", "docker", "busybox", "tar"] {
        if !has(program) {
            crate::lab::skip(&format!("no {program}"));
            return true;
        }
    }
    false
}

/// The docker client, pointed at a machine by what `config` prints.
pub(crate) fn docker(lab: &Lab, machine: &str) -> Command {
    let config = lab.ok(["config", machine]);
    let mut docker = Command::new("docker");
    docker.env("DOCKER_CONFIG", lab.path().join("docker"));
    docker.args(config.lines().map(|line| line.replace('"', "")));
    docker
}

#[track_caller]
pub(crate) fn docker_ok(lab: &Lab, machine: &str, args: &[&str]) -> String {
    let run = run(docker(lab, machine).args(args));
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    run.stdout
}

/// Makes an image of one static program, since there may be no registry.
pub(crate) fn import(lab: &Lab, machine: &str) {
    let config = lab.ok(["config", machine]);
    let options: Vec<String> = config.lines().map(|line| line.replace('"', "'")).collect();
    let script = format!(
        "cd {} && mkdir -p bin && cp \"$(command -v busybox)\" bin/ && tar -c bin | docker {} \
         import - bb",
        lab.path().display(),
        options.join(" ")
    );
    let run = run(Command::new("sh").args(["-c", &script]).env("DOCKER_CONFIG", lab.path()));
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
}

pub(crate) fn qemus(store: &Path) -> usize {
    let store = store.display().to_string();
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    processes
        .filter_map(|process| std::fs::read(process.path().join("cmdline")).ok())
        .filter(|line| {
            let line = String::from_utf8_lossy(line).into_owned();
            line.contains("qemu-system") && line.contains(&store)
        })
        .count()
}

/// The version of the image that `create` uses. It is in the cache, or this builds it.
pub(crate) fn image_version(lab: &Lab) -> String {
    match lab.ok(["image", "ls", "--format", "json"]).trim() {
        "[]" => lab.ok(["image", "build"]).lines().last().unwrap().to_owned(),
        text => {
            let images: serde_json::Value = serde_json::from_str(text).unwrap();
            images.as_array().unwrap().last().unwrap()["version"].as_str().unwrap().to_owned()
        }
    }
}

/// The main job: create, env, a container with a published port that comes back after stop and
/// start and after an upgrade, a forward that stays, ssh with its status, rm without a trace.
#[test]
fn a_machine_from_cradle_to_grave() {
    if skipped() {
        return;
    }
    let lab = Lab::new();
    let created = lab.ok(["create", "--qemu-memory", "1024", "lab1"]);
    assert!(created.contains("Docker is up and running!"), "{created}");
    assert!(created.contains("(lab1) Using "), "the accelerator is named: {created}");
    let version = docker_ok(&lab, "lab1", &["version", "--format", "{{.Server.Os}}"]);
    assert_eq!(version.trim(), "linux");
    assert!(lab.ok(["ls"]).contains("Running"));

    import(&lab, "lab1");
    let hello = ["run", "--rm", "bb", "/bin/busybox", "echo", "hello"];
    assert_eq!(docker_ok(&lab, "lab1", &hello), "hello\n");
    let serve =
        ["run", "-d", "--restart", "always", "-p", "8080:80", "bb", "/bin/busybox", "httpd"];
    docker_ok(&lab, "lab1", &[&serve[..], &["-f", "-p", "80", "-h", "/bin"]].concat());
    let forward = lab.ok(["forward", "lab1", "0:8080"]);
    let address = forward.split(' ').next().unwrap().to_owned();
    assert!(fetch(&address).starts_with("HTTP/1"), "{address}");

    assert_eq!(lab.run(["ssh", "lab1", "exit 7"]).code, Some(7));
    assert_eq!(lab.run(["--native-ssh", "ssh", "lab1", "exit 8"]).code, Some(8));
    assert_eq!(lab.ok(["ssh", "lab1", "hostname"]), "lab1\n");
    let keys = lab.ok(["ssh", "lab1", "sudo stat -c %a /var/lib/boot2docker/server-key.pem"]);
    assert_eq!(keys, "600\n");

    lab.ok(["stop", "lab1"]);
    assert_eq!(qemus(&lab.store()), 0);
    let env = lab.run(["env", "lab1"]);
    assert_eq!(env.code, Some(1));
    assert!(env.stderr.contains("machine start lab1"), "{}", env.stderr);
    let url = lab.ok(["inspect", "lab1", "-f", "{{.Driver.EnginePort}}"]);
    let taken = std::net::TcpListener::bind(format!("127.0.0.1:{}", url.trim())).unwrap();
    let expired = lab.certify("lab1", "127.0.0.1", Some("-2y"));
    let started = lab.ok(["start", "lab1"]);
    assert!(started.contains("is taken"), "{started}");
    assert_eq!(started.contains("has expired: renewing it..."), expired, "{started}");
    assert_ne!(lab.ok(["inspect", "lab1", "-f", "{{.Driver.EnginePort}}"]), url);
    drop(taken);
    docker_ok(&lab, "lab1", &["ps"]);
    assert!(fetch(&address).starts_with("HTTP/1"), "the container and the forward are back");

    upgraded(&lab);
    assert!(fetch(&address).starts_with("HTTP/1"), "the container and the forward are back");

    lab.ok(["rm", "-y", "lab1"]);
    assert!(lab.machine_files().is_empty());
    assert_eq!(qemus(&lab.store()), 0);
}

/// `upgrade` to another image, and to none when no newer one can be had.
fn upgraded(lab: &Lab) {
    let old = image_version(lab);
    assert_eq!(lab.ok(["inspect", "lab1", "-f", "{{.Driver.ImageVersion}}"]).trim(), old);
    let cache = another_image(lab, &old);
    let upgrade = |args: &[&str]| {
        let mut command = lab.command();
        command
            .env("MACHINE_CACHE_PATH", &cache)
            .env("MACHINE_DEBIAN_MIRROR", "http://127.0.0.1:9");
        run(command.arg("upgrade").args(args))
    };
    let made = upgrade(&["lab1"]);
    assert_eq!(made.code, Some(0), "{}{}", made.stdout, made.stderr);
    let lines = "Upgrading docker...\nStopping machine to do the upgrade...\n\
                 Upgrading machine \"lab1\"...\n(lab1) Copying ";
    assert!(made.stdout.starts_with(lines), "{}", made.stdout);
    assert!(made.stdout.contains("\nStarting machine back up...\n"), "{}", made.stdout);
    assert_eq!(
        lab.ok(["inspect", "lab1", "-f", "{{.Driver.ImageVersion}}"]),
        format!("{ANOTHER}\n")
    );
    assert!(lab.ok(["ssh", "lab1", "cat /proc/cmdline"]).contains("another=1"));

    let boot = lab.ok(["ssh", "lab1", "cat /proc/sys/kernel/random/boot_id"]);
    let none = upgrade(&["lab1"]);
    assert_eq!(none.code, Some(1), "{}", none.stdout);
    assert!(none.stderr.contains("no newer image can be built"), "{}", none.stderr);
    let same = upgrade(&["--image", ANOTHER, "lab1"]);
    assert_eq!(same.code, Some(0), "{}", same.stderr);
    assert!(same.stdout.contains("has the image 99.0.0-another already"), "{}", same.stdout);
    assert_eq!(lab.ok(["ssh", "lab1", "cat /proc/sys/kernel/random/boot_id"]), boot);
}

const ANOTHER: &str = "99.0.0-another";

/// A cache that holds the same image under another name, and with another word for its kernel.
fn another_image(lab: &Lab, version: &str) -> std::path::PathBuf {
    let good = crate::lab::cache().join("images").join(version);
    let cache = lab.path().join("another");
    let dir = cache.join("images").join(ANOTHER);
    std::fs::create_dir_all(&dir).unwrap();
    for name in ["machine.iso", "vmlinuz", "initrd.img"] {
        machine_driver::file::link_or_copy(&good.join(name), &dir.join(name)).unwrap();
    }
    let manifest = std::fs::read_to_string(good.join("manifest.json")).unwrap();
    let mut manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let line = format!("{} another=1", manifest["command_line"].as_str().unwrap());
    (manifest["version"], manifest["command_line"]) = (ANOTHER.into(), line.into());
    std::fs::write(dir.join("manifest.json"), manifest.to_string()).unwrap();
    cache
}

/// Two machines on one network reach each other by name; the first learns of the second while it
/// runs. One is killed from outside.
#[test]
fn two_machines_see_each_other() {
    if skipped() {
        return;
    }
    let lab = Lab::new();
    for name in ["one", "two"] {
        lab.ok(["create", "--qemu-memory", "768", "--qemu-network", "net", name]);
    }
    for (from, to) in [("one", "two"), ("two", "one")] {
        let ping = lab.run(["ssh", from, &format!("sudo ping -c 2 -w 20 {to}")]);
        assert_eq!(ping.code, Some(0), "{from} to {to}: {}{}", ping.stdout, ping.stderr);
    }
    assert_ne!(lab.ok(["ip", "--private", "one"]), lab.ok(["ip", "--private", "two"]));
    let pid = lab.ok(["inspect", "two", "-f", "{{.Driver.Process.PID}}"]);
    assert!(Command::new("kill").args(["-9", pid.trim()]).status().unwrap().success());
    for _ in 0..100 {
        if lab.ok(["status", "two"]) == "Stopped\n" {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(lab.ok(["status", "two"]), "Stopped\n");
    lab.ok(["rm", "-y", "one", "two"]);
    assert_eq!(qemus(&lab.store()), 0);
}

/// A guest that never boots: the error has the end of its console, and `rm` leaves nothing.
#[test]
fn a_kernel_that_panics_is_reported_with_its_console() {
    if skipped() {
        return;
    }
    let lab = Lab::new();
    let version = image_version(&lab);
    let good = crate::lab::cache().join("images").join(version);
    let bad = lab.path().join("cache/images/broken");
    std::fs::create_dir_all(&bad).unwrap();
    for name in ["machine.iso", "vmlinuz"] {
        std::fs::copy(good.join(name), bad.join(name)).unwrap();
    }
    let rubbish = b"this is no initial RAM disk";
    std::fs::write(bad.join("initrd.img"), rubbish).unwrap();
    let manifest = std::fs::read_to_string(good.join("manifest.json")).unwrap();
    let mut manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    manifest["files"]["initrd.img"]["size"] = rubbish.len().into();
    std::fs::write(bad.join("manifest.json"), manifest.to_string()).unwrap();
    let cache = lab.path().join("cache");
    let create = run(lab.command().env("MACHINE_CACHE_PATH", &cache).args([
        "create",
        "--qemu-memory",
        "512",
        "x",
    ]));
    assert_eq!(create.code, Some(1), "{}", create.stderr);
    assert!(create.stderr.contains("the step `engine` failed"), "{}", create.stderr);
    assert!(create.stderr.contains("end of its console"), "{}", create.stderr);
    assert!(create.stderr.contains("Kernel panic"), "{}", create.stderr);
    assert_eq!(create.stdout.matches("boots once more").count(), 1, "{}", create.stdout);
    let verify =
        run(lab.command().env("MACHINE_CACHE_PATH", &cache).args(["image", "verify", "broken"]));
    assert_eq!(verify.code, Some(1));
    assert!(verify.stderr.contains("initrd.img"), "{}", verify.stderr);
    lab.ok(["rm", "-y", "x"]);
    assert_eq!(qemus(&lab.store()), 0);
}

/// It happens under emulation now and then, and nobody should have to know.
#[test]
fn a_kernel_that_panics_once_boots_again() {
    if crate::lab::in_a_hurry() || skipped() {
        return;
    }
    let lab = Lab::new();
    image_version(&lab);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let qemu = std::env::split_paths(&path).map(|dir| dir.join("qemu-system-x86_64"));
    let qemu = qemu.into_iter().find(|it| it.exists()).unwrap();
    let bin = lab.path().join("qemu");
    std::fs::create_dir(&bin).unwrap();
    // Of two `-append` the last one counts.
    let script = format!(
        "#!/bin/sh\ncase $* in *guest=x*) [ -e {mark} ] || {{ : >{mark}; set -- \"$@\" -append \
         'console=ttyS0 panic=1 rdinit=/none'; }} ;; esac\nexec {qemu} \"$@\"\n",
        mark = bin.join("mark").display(),
        qemu = qemu.display()
    );
    let wrapper = bin.join("qemu-system-x86_64");
    std::fs::write(&wrapper, script).unwrap();
    std::fs::set_permissions(&wrapper, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    let path = std::env::join_paths([bin].into_iter().chain(std::env::split_paths(&path))).unwrap();
    let create = run(lab.command().env("PATH", path).args(["create", "x"]));
    assert_eq!(create.code, Some(0), "{}{}", create.stdout, create.stderr);
    assert_eq!(create.stdout.matches("boots once more").count(), 1, "{}", create.stdout);
    assert_eq!(docker_ok(&lab, "x", &["info", "-f", "{{.Name}}"]), "x\n");
    lab.ok(["rm", "-y", "x"]);
    assert_eq!(qemus(&lab.store()), 0);
}

/// `create` is killed while the guest boots; what is left is removed, process and all.
#[test]
fn a_killed_create_leaves_no_process() {
    if skipped() {
        return;
    }
    let lab = Lab::new();
    let mut create = lab.command().args(["create", "lab1"]).spawn().unwrap();
    for _ in 0..3000 {
        if qemus(&lab.store()) > 0 || create.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    create.kill().unwrap();
    create.wait().unwrap();
    assert_eq!(qemus(&lab.store()), 1, "QEMU outlives the command");
    lab.ok(["rm", "-y", "lab1"]);
    assert_eq!(qemus(&lab.store()), 0);
    assert!(lab.machine_files().is_empty());
}

/// Asks an HTTP server for a page, for as long as it takes a container to come up on a slow computer.
pub(crate) fn fetch(address: &str) -> String {
    use std::io::{Read, Write};
    for _ in 0..3000 {
        let answer = std::net::TcpStream::connect(address).and_then(|mut stream| {
            stream.set_read_timeout(Some(std::time::Duration::from_secs(5)))?;
            stream.write_all(b"GET /busybox HTTP/1.0\r\n\r\n")?;
            let mut start = [0; 15];
            stream.read_exact(&mut start)?;
            Ok(String::from_utf8_lossy(&start).into_owned())
        });
        if let Ok(answer) = answer {
            return answer;
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    String::new()
}
