//! Machines from templates: quick, whole, and nobody but themselves. Each test has a cache of its own,
//! which holds the images that all tests share and no template of anybody else.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::lab::{Lab, Run, cache, run};
use crate::tmpfs::Tmpfs;
use crate::vm::{docker_ok, qemus, skipped};

/// A store, and a cache whose templates are its own.
struct Warm {
    lab: Lab,
}

impl Warm {
    /// `None` where whole machines cannot be run.
    fn new() -> Option<Self> {
        if skipped() {
            return None;
        }
        let lab = Lab::new();
        crate::vm::image_version(&lab);
        std::fs::create_dir(lab.path().join("cache")).unwrap();
        std::os::unix::fs::symlink(cache().join("images"), lab.path().join("cache/images"))
            .unwrap();
        Some(Self { lab })
    }

    fn command<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = self.lab.command();
        command
            .env("MACHINE_CACHE_PATH", self.lab.path().join("cache"))
            .env("QEMU_TEMPLATE", "auto")
            .env("QEMU_MEMORY", "768")
            .args(args);
        command
    }

    fn run<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Run {
        run(&mut self.command(args))
    }

    #[track_caller]
    fn ok<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> String {
        let run = self.run(args);
        assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
        run.stdout
    }

    /// Makes the template and returns its ID.
    fn build(&self) -> String {
        built(&mut self.command(["template", "build"]))
    }

    /// The same a week ago, as far as the builder and its QEMU can tell.
    fn build_a_week_ago(&self, variable: (&str, &str)) -> String {
        let now = self.command(["template", "build"]);
        let mut then = Command::new("faketime");
        then.args(["-f", "-7d"]).arg(now.get_program()).args(now.get_args()).env_clear();
        then.envs(now.get_envs().filter_map(|(name, value)| Some((name, value?))));
        then.env(variable.0, variable.1).env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        then.stdin(Stdio::null());
        if Command::new("faketime").arg("--version").output().is_err() {
            crate::lab::skip("no faketime, so the template is as young as it is");
            return built(self.command(["template", "build"]).env(variable.0, variable.1));
        }
        built(&mut then)
    }

    fn template(&self, id: &str) -> PathBuf {
        self.templates().join(id)
    }

    fn templates(&self) -> PathBuf {
        self.lab.path().join("cache/qemu/templates")
    }

    /// Everything in the directory of the templates but locks.
    fn remains(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.templates())
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| Path::new(name).extension().is_none_or(|it| it != "lock"))
            .collect();
        names.sort();
        names
    }

    fn qemus(&self) -> usize {
        qemus(self.lab.path())
    }
}

#[track_caller]
fn built(command: &mut Command) -> String {
    let built = run(command);
    assert_eq!(built.code, Some(0), "{}{}", built.stdout, built.stderr);
    built.stdout.lines().last().unwrap().to_owned()
}

/// What no two machines may have in common, each on a line; the last is the clock.
const IDENTITY: &str = "hostname; cat /etc/machine-id; sudo cat /var/lib/docker/engine-id; echo; \
    cat /proc/sys/kernel/random/boot_id; sudo cat /var/lib/boot2docker/ssh/ssh_host_ed25519_key.pub; \
    cat /sys/class/net/docker0/address; cat /sys/class/net/eth1/address; \
    ip -4 -o addr show eth1 | tr -s ' ' | cut -d' ' -f4; \
    sudo sha256sum /var/lib/boot2docker/server-key.pem | cut -d' ' -f1; \
    head -c 16 /dev/urandom | od -A n -t x1; cat /proc/sys/kernel/random/uuid; date +%s";

/// Ten machines from one template that is a week old by its own clock: nothing that makes a machine
/// itself is shared, the clocks are right, and three of them form a swarm.
#[test]
fn ten_machines_from_one_template_are_ten_machines() {
    let Some(warm) = Warm::new() else { return };
    warm.build_a_week_ago(("QEMU_NETWORK", "lab"));
    let names: Vec<String> = (0..10).map(|number| format!("m{number}")).collect();
    for three in names.chunks(3) {
        // At once, as a lab makes them.
        let creates: Vec<_> = three
            .iter()
            .map(|name| {
                warm.command(["create", "--qemu-network", "lab", name])
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .collect();
        for create in creates {
            let Run { code, stdout: said, stderr: complained } = crate::lab::end(create);
            assert_eq!(code, Some(0), "{said}{complained}");
            assert!(said.contains("Starting from the template"), "{said}");
            assert!(!said.contains("of no use"), "{said}{complained}");
        }
    }
    let mut seen = BTreeSet::new();
    for name in &names {
        let lines = warm.ok(["ssh", name, IDENTITY]);
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let mut lines: Vec<&str> = lines.lines().filter(|line| !line.is_empty()).collect();
        let clock: u64 = lines.pop().unwrap().parse().unwrap();
        assert!(clock.abs_diff(now) <= 2, "{name}: {clock} is not {now}");
        assert_eq!(lines.len(), 11, "{name}: {lines:?}");
        assert_eq!(lines[0], name);
        for line in lines {
            assert!(seen.insert(line.to_owned()), "{name} shares {line}");
        }
        let engine = docker_ok(&warm.lab, name, &["info", "-f", "{{.Name}} {{.ID}}"]);
        let (engine, id) = engine.trim().split_once(' ').unwrap();
        assert_eq!(engine, name);
        assert!(seen.contains(id), "the running Engine has the id of its file");
        assert!(seen.insert(server_random(&warm, name)), "{name} shares the front's randomness");
    }
    swarm(&warm, &names[..3]);
    for name in &names {
        warm.ok(["rm", "-y", name]);
    }
    assert_eq!(warm.qemus(), 0);
    assert!(warm.lab.machine_files().is_empty());
}

/// The random bytes of the front's first message, in hexadecimal digits. OpenSSL draws them from the
/// same generator as its ephemeral keys, which a front that is older than its machine would share.
fn server_random(warm: &Warm, name: &str) -> String {
    let url = warm.ok(["url", name]);
    let directory = warm.lab.store().join("machines").join(name);
    let mut client = Command::new("openssl");
    client.args(["s_client", "-msg", "-connect", url.trim().trim_start_matches("tcp://")]);
    for (option, file) in [("-CAfile", "ca.pem"), ("-cert", "cert.pem"), ("-key", "key.pem")] {
        client.arg(option).arg(directory.join(file));
    }
    let said = client.stdin(Stdio::null()).output().unwrap().stdout;
    let said = String::from_utf8(said).unwrap();
    // Type, length in three octets, version in two, and 32 at random:
    // https://www.rfc-editor.org/rfc/rfc8446#section-4.1.3
    let message = said.lines().skip_while(|line| !line.ends_with("ServerHello")).skip(1);
    let octets = message.take_while(|line| line.starts_with(' ')).flat_map(str::split_whitespace);
    let random: Vec<&str> = octets.skip(6).take(32).collect();
    assert_eq!(random.len(), 32, "{said}");
    random.concat()
}

fn swarm(warm: &Warm, names: &[String]) {
    let address = |name: &str| warm.ok(["ip", "--private", name]).trim().to_owned();
    let leader = address(&names[0]);
    let docker = |name: &str, args: &[&str]| docker_ok(&warm.lab, name, args).trim().to_owned();
    docker(&names[0], &["swarm", "init", "--advertise-addr", &leader]);
    let token = docker(&names[0], &["swarm", "join-token", "-q", "worker"]);
    for name in &names[1..] {
        let own = address(name);
        let manager = format!("{leader}:2377");
        docker(name, &["swarm", "join", "--advertise-addr", &own, "--token", &token, &manager]);
    }
    let nodes = docker(&names[0], &["node", "ls", "--format", "{{.ID}} {{.Hostname}} {{.Status}}"]);
    let ids: BTreeSet<&str> = nodes.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(ids.len(), 3, "{nodes}");
    assert!(nodes.lines().all(|line| line.ends_with("Ready")), "{nodes}");
}

/// An ordinary machine afterwards: streams, a larger disk, suspended and carried on, stopped and
/// started without its template.
#[test]
fn a_machine_from_a_template_is_an_ordinary_one() {
    let Some(warm) = Warm::new() else { return };
    let id = warm.build();
    let listed = warm.ok(["template", "ls"]);
    assert!(listed.contains(&id), "{listed}");
    assert_eq!(warm.build(), id, "it is there already");
    let created = warm.ok(["create", "--qemu-disk-size", "30000", "lab1"]);
    assert!(created.contains(&format!("Starting from the template {id}")), "{created}");
    let size =
        warm.ok(["ssh", "lab1", "df -m /var/lib/docker | tail -n 1 | tr -s ' ' | cut -d' ' -f2"]);
    assert!(size.trim().parse::<u32>().unwrap() > 28_000, "{size}");
    // A machine needs its template no more.
    warm.ok(["template", "rm", &id]);
    crate::vm::import(&warm.lab, "lab1");
    let counter = ["run", "-d", "--name", "counter", "--tmpfs", "/m", "bb", "/bin/busybox", "sh"];
    let loops = "i=0; while :; do i=$((i+1)); echo $i >/m/count; /bin/busybox sleep 1; done";
    docker_ok(&warm.lab, "lab1", &[&counter[..], &["-c", loops]].concat());
    let count = || {
        let args = ["exec", "counter", "/bin/busybox", "cat", "/m/count"];
        docker_ok(&warm.lab, "lab1", &args).trim().parse::<u64>().unwrap_or(0)
    };
    let before = count();

    // New certificates need no restart of the Engine.
    let engine = || warm.ok(["ssh", "lab1", "sudo cat /run/machine/docker/dockerd"]);
    let certificate = || std::fs::read(warm.lab.store().join("machines/lab1/server.pem")).unwrap();
    let (engine_before, certificate_before) = (engine(), certificate());
    warm.ok(["regenerate-certs", "-f", "lab1"]);
    assert_ne!(certificate(), certificate_before);
    assert_eq!(engine(), engine_before);
    assert!(count() >= before, "the container is still there");

    warm.ok(["suspend", "lab1"]);
    assert_eq!((warm.ok(["status", "lab1"]).trim(), warm.qemus()), ("Saved", 0));
    assert_eq!(warm.run(["env", "lab1"]).code, Some(1));
    let stop = warm.run(["stop", "lab1"]);
    assert!(stop.stderr.contains("machine start lab1"), "{}", stop.stderr);
    warm.ok(["start", "lab1"]);
    // What was only in memory is still there.
    assert!(count() >= before, "the container went on");
    let clock: u64 = warm.ok(["ssh", "lab1", "date +%s"]).trim().parse().unwrap();
    assert!(clock.abs_diff(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()) <= 2);

    // Larger while it runs, and back to what it was, memory and all.
    assert_eq!(warm.run(["set", "lab1", "--disk", "29000"]).code, Some(1), "no smaller");
    warm.ok(["set", "lab1", "--disk", "32000"]);
    let size =
        warm.ok(["ssh", "lab1", "df -m /var/lib/docker | tail -n 1 | tr -s ' ' | cut -d' ' -f2"]);
    assert!(size.trim().parse::<u32>().unwrap() > 30_000, "{size}");
    let memory = warm.run(["set", "lab1", "--memory", "900"]);
    assert!(memory.stderr.contains("machine stop lab1"), "{}", memory.stderr);
    warm.ok(["snapshot", "save", "lab1", "running"]);
    let before = count();
    docker_ok(&warm.lab, "lab1", &["rm", "-f", "counter"]);
    warm.ok(["snapshot", "restore", "lab1", "running"]);
    warm.ok(["start", "lab1"]);
    assert!(count() >= before, "the container is back, and goes on");
    let snapshots = warm.ok(["snapshot", "ls", "lab1"]);
    assert!(snapshots.contains("running") && snapshots.contains("yes"), "{snapshots}");
    warm.ok(["snapshot", "rm", "lab1", "running"]);

    let machine_id = warm.ok(["ssh", "lab1", "cat /etc/machine-id"]);
    warm.ok(["stop", "lab1"]);
    warm.ok(["set", "lab1", "--memory", "900"]);
    warm.ok(["start", "lab1"]);
    assert_eq!(
        warm.ok(["ssh", "lab1", "hostname; cat /etc/machine-id"]),
        "lab1\n".to_owned() + &machine_id
    );
    warm.ok(["suspend", "lab1"]);
    warm.ok(["kill", "lab1"]);
    assert_eq!(warm.ok(["status", "lab1"]), "Stopped\n");
    warm.ok(["rm", "-y", "lab1"]);
    assert_eq!(warm.qemus(), 0);
}

/// A template that is not what it was is not used; a create that is killed leaves nobody's machine.
#[test]
fn a_bad_template_or_a_crash_never_makes_a_stranger() {
    if crate::lab::in_a_hurry() {
        return;
    }
    let Some(warm) = Warm::new() else { return };
    let id = warm.build();
    let template = warm.template(&id);
    warm.ok(["template", "verify"]);

    // Killed at several moments of a warm start, then carried on with, or removed.
    for (round, moment) in ["disk.img", "qemu.pid", "qemu.pid"].into_iter().enumerate() {
        let mut create = warm.command(["create", "x"]).stdout(Stdio::null()).spawn().unwrap();
        let file = warm.lab.store().join("machines/x").join(moment);
        while !file.exists() && create.try_wait().unwrap().is_none() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        std::thread::sleep(std::time::Duration::from_millis(300 * round as u64));
        create.kill().unwrap();
        create.wait().unwrap();
        if round == 1 {
            let resumed = warm.run(["create", "x"]);
            if resumed.code != Some(0) {
                assert!(resumed.stderr.contains("already exists"), "{}", resumed.stderr);
            }
            assert_eq!(warm.ok(["ssh", "x", "hostname"]), "x\n");
        }
        warm.ok(["rm", "-y", "x"]);
        assert_eq!(warm.qemus(), 0, "after a kill at {moment}");
        assert!(warm.lab.machine_files().is_empty());
    }

    // A byte of the memory is another one.
    let memory = std::fs::OpenOptions::new().write(true).open(template.join("memory")).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&memory, b"x", 5 << 20).unwrap();
    let verify = warm.run(["template", "verify", &id]);
    assert_eq!(verify.code, Some(1));
    assert!(verify.stderr.contains("`memory`"), "{}", verify.stderr);
    let created = warm.run(["create", "x"]);
    assert_eq!(created.code, Some(0), "{}", created.stderr);
    let said = created.stdout + &created.stderr;
    assert!(said.contains("`memory`") && !said.contains("Starting from"), "{said}");
    assert_eq!(warm.ok(["ssh", "x", "hostname"]), "x\n");
    warm.ok(["rm", "-y", "x"]);

    // That boot was followed by a new template in the background, in the place of the bad one.
    let end = std::time::Instant::now() + std::time::Duration::from_secs(600);
    while warm.qemus() > 0 || warm.run(["template", "verify", &id]).code != Some(0) {
        assert!(std::time::Instant::now() < end, "no good template is there: {:?}", warm.remains());
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    assert_eq!(warm.remains(), std::slice::from_ref(&id));
    warm.ok(["template", "rm", &id]);
    assert_eq!(warm.run(["template", "rm", &id]).code, Some(1));
}

/// QEMU killed while a template is made, the builder killed, no room for it: an error that says so, and
/// in the end no file and no process.
#[test]
fn a_template_that_cannot_be_made_leaves_nothing() {
    let Some(warm) = Warm::new() else { return };
    let Some(disk) = Tmpfs::mount(&warm.lab.path().join("cache/qemu"), 2 << 20) else { return };
    let pid = || {
        let mut entries = std::fs::read_dir(warm.templates()).ok()?.filter_map(Result::ok);
        entries.find_map(|entry| std::fs::read_to_string(entry.path().join("qemu.pid")).ok())
    };
    let begin = || {
        let build = warm
            .command(["template", "build"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        while warm.qemus() == 0 || pid().is_none_or(|text| text.trim().is_empty()) {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        build
    };
    let build = begin();
    let pid = pid().unwrap();
    assert!(Command::new("kill").args(["-9", pid.trim()]).status().unwrap().success());
    let Run { code, stderr: said, .. } = crate::lab::end(build);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the template could not be made"), "{said}");
    assert!(warm.remains().is_empty(), "{:?}", warm.remains());

    let mut build = begin();
    build.kill().unwrap();
    build.wait().unwrap();
    assert_eq!(warm.qemus(), 1, "its QEMU does not know yet");
    disk.fill(100 << 10);
    let full = warm.run(["template", "build"]);
    assert_eq!(full.code, Some(1));
    assert!(full.stderr.contains("MB left"), "{}", full.stderr);
    assert!(full.stderr.contains("machine template rm --all"), "{}", full.stderr);
    assert_eq!(warm.qemus(), 0, "what the killed builder left is gone");
    assert!(warm.remains().is_empty(), "{:?}", warm.remains());
}
