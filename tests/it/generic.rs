//! Real hosts become machines: the generic driver, provisioning, certificates, and the ways in.

use std::fs;
use std::process::Command;

use crate::hosts::{Base, Host, in_network, key, machine};
use crate::lab::{Lab, run};

/// The lines of docker-machine, in its order.
const LINES: &str = "Running pre-create checks...
Creating machine...
(m1) Importing SSH key...
Waiting for machine to be running, this may take a few minutes...
Detecting operating system of created instance...
Waiting for SSH to be available...
Detecting the provisioner...
Provisioning with debian...
Copying certs to the local machine directory...
Copying certs to the remote machine...
Setting Docker configuration on the remote daemon...
Checking connection to Docker...
Docker is up and running!
";

const DROP_IN: &str = "[Service]
ExecStart=
ExecStart=/usr/sbin/dockerd -H tcp://0.0.0.0:2376 -H unix:///var/run/docker.sock --tlsverify --tlscacert /etc/docker/ca.pem --tlscert /etc/docker/server.pem --tlskey /etc/docker/server-key.pem --label a=b --label provider=generic 
Environment=\"FOO=bar baz\" 
";

#[test]
fn a_host_with_docker_becomes_a_machine_and_loses_nothing() {
    let Some(host) = Host::boot(Base::Docker, |_| {}) else { return };
    let lab = Lab::new();
    host.run_container("keep");
    let before = host.container("keep");
    let name = host.says("hostname");

    let dry = host.create(&lab, &["--dry-run", "m1"]);
    assert_eq!(dry.code, Some(0), "{}", dry.stderr);
    assert!(dry.stdout.contains("keep its Docker Engine 20.10"), "{}", dry.stdout);
    assert!(dry.stdout.contains("its 1 running containers go on"), "{}", dry.stdout);
    assert!(lab.machine_files().is_empty());
    host.says("test ! -e /etc/docker/ca.pem");

    let made = host.create(&lab, &["--engine-label", "a=b", "--engine-env", "FOO=bar baz", "m1"]);
    assert_eq!(made.code, Some(0), "{}{}", made.stdout, made.stderr);
    assert!(made.stdout.contains(LINES), "{}", made.stdout);
    assert_eq!(host.container("keep"), before, "a container was lost");
    assert_eq!(host.says("hostname"), name, "the host was renamed");
    assert_eq!(host.says("cat /etc/systemd/system/docker.service.d/10-machine.conf"), DROP_IN);
    let modes = host.says("cd /etc/docker && stat -c '%a %n' ca.pem server-key.pem server.pem");
    assert_eq!(modes, "644 ca.pem\n600 server-key.pem\n644 server.pem\n");
    host.says("test ! -e /etc/docker/daemon.json && ! ls /etc/docker | grep tmp");

    let ls = run(machine(&lab).args(["ls", "--format", "{{.State}} {{.DockerVersion}} {{.URL}}"]));
    let expected = format!("Running v20.10.24+dfsg1 tcp://{}:2376\n", host.address);
    assert_eq!(ls.stdout, expected, "{}", ls.stderr);

    let serial = || fs::read(lab.store().join("machines/m1/server.pem")).unwrap();
    let first = serial();
    let again = run(machine(&lab).args(["regenerate-certs", "-f", "m1"]));
    assert_eq!(again.code, Some(0), "{}{}", again.stdout, again.stderr);
    assert!(again.stdout.starts_with("Regenerating TLS certificates\nWaiting for SSH"));
    assert_ne!(serial(), first);
    assert_eq!(host.container("keep"), before, "regenerate-certs lost a container");
    let there = host.says("cat /etc/docker/server.pem");
    assert_eq!(there.into_bytes(), serial());

    let again = run(machine(&lab).args(["provision", "m1"]));
    assert_eq!(again.code, Some(0), "{}{}", again.stdout, again.stderr);
    assert_eq!(host.container("keep"), before, "provision lost a container");
    assert_eq!(host.says("docker info -f '{{.LiveRestoreEnabled}}'"), "false\n");

    // The host is not ours to remove.
    assert_eq!(run(machine(&lab).args(["rm", "-y", "m1"])).code, Some(0));
    assert_eq!(host.container("keep"), before);
}

#[test]
fn a_bare_host_gets_the_distributions_package() {
    let Some(host) = Host::boot(Base::Bare, |_| {}) else { return };
    let lab = Lab::new();
    let none = host.create(&lab, &["--engine-install", "none", "b1"]);
    assert_eq!(none.code, Some(3), "{}", none.stderr);
    let pinned =
        host.create(&lab, &["--engine-install", "package", "--engine-version", "99", "b1"]);
    assert!(pinned.stderr.contains("has no package of Docker 99"), "{}", pinned.stderr);
    assert!(pinned.stderr.contains("it has docker.io 20.10.24"), "{}", pinned.stderr);
    assert_eq!(run(machine(&lab).args(["rm", "-y", "b1"])).code, Some(0));
    host.says("! command -v dockerd");

    // Another package manager is at work until half a minute after the lists are there.
    host.says("rm -rf /var/lib/apt/lists/*");
    host.says(
        "nohup perl -e 'use Fcntl; open F, \">\", \"/var/lib/dpkg/lock-frontend\"; \
         $l = pack(\"ssx4qqi\", F_WRLCK, 0, 0, 0, 0); fcntl F, F_SETLK, $l or die; \
         sleep 1 until glob(\"/var/lib/apt/lists/*Packages\"); sleep 30' >/dev/null 2>&1 &",
    );
    let args = ["--engine-version", "20.10", "--set-hostname", "b1"];
    let made = host.create(&lab, &args);
    assert_eq!(made.code, Some(0), "{}{}", made.stdout, made.stderr);
    assert!(made.stdout.contains("Waiting for another package manager: "), "{}", made.stdout);
    assert!(made.stdout.contains("installing the distribution's own package"), "{}", made.stdout);
    assert_eq!(
        host.says("hostname; cat /etc/hostname; getent hosts b1"),
        "b1\nb1\n127.0.1.1       b1\n"
    );
    let version = run(machine(&lab).args(["version", "b1"]));
    assert_eq!(version.stdout, "20.10.24+dfsg1\n", "{}", version.stderr);
    a_newer_package_is_taken(&lab, &host);

    // An install script of the user's own, over a scheme that needs no network.
    let script = run(machine(&lab).args(["rm", "-y", "b1"]));
    assert_eq!(script.code, Some(0));
    host.says("apt-get -q -y purge docker.io >/dev/null 2>&1; ! command -v dockerd");
    host.says("printf 'echo ran as $(id -un) $VERSION; false\\n' >/srv/install.sh");
    let url = "file:///srv/install.sh";
    let failed = host.create(&lab, &["--engine-install-url", url, "--engine-version", "28", "b2"]);
    assert_eq!(failed.code, Some(1));
    assert!(failed.stderr.contains("error installing docker"), "{}", failed.stderr);
    assert!(failed.stderr.contains("ran as root 28"), "{}", failed.stderr);
}

/// The same package under a higher version: its scripts restart the Engine as a real one's do.
fn a_newer_package_is_taken(lab: &Lab, host: &Host) {
    host.says(
        "cd /srv/repo && dpkg-deb -R docker.io_*.deb /var/tmp/p && \
         sed -i 's/^Version: .*/&+machine1/' /var/tmp/p/DEBIAN/control && \
         dpkg-deb -Znone -b /var/tmp/p newer.deb >/dev/null && rm -r /var/tmp/p && \
         { dpkg-deb -f newer.deb; printf 'Filename: ./newer.deb\\nSize: %s\\nSHA256: %s\\n\\n' \
           $(stat -c %s newer.deb) $(sha256sum <newer.deb | cut -d' ' -f1); } >>Packages",
    );
    host.run_container("keep");
    let before = host.container("keep");
    // It was made with `--engine-version 20.10`.
    let pinned = lab.store().join("machines/b1/provision.json");
    let options = fs::read(&pinned).unwrap();
    fs::write(&pinned, String::from_utf8(options).unwrap().replace("20.10", "19.03")).unwrap();
    let none = run(machine(lab).args(["upgrade", "b1"]));
    assert!(none.stderr.contains("has no package of Docker 19.03"), "{}", none.stderr);
    fs::remove_file(pinned).unwrap();
    let upgraded = run(machine(lab).args(["upgrade", "b1"]));
    assert_eq!(upgraded.code, Some(0), "{}{}", upgraded.stdout, upgraded.stderr);
    let lines = "Upgrading docker...\nRestarting docker...\nWaiting for Docker to answer...\n";
    assert!(upgraded.stdout.ends_with(lines), "{}", upgraded.stdout);
    let version = host.says("dpkg-query -W -f '${Version}' docker.io");
    assert!(version.ends_with("+machine1"), "{version}");
    assert_eq!(host.container("keep"), before, "upgrade lost a container");
    assert_eq!(host.says("docker info -f '{{.LiveRestoreEnabled}}'"), "false\n");
    host.says("test ! -e /etc/docker/daemon.json && docker rm -f keep");
}

#[test]
fn a_machine_is_reached_through_a_socket_ssh_and_contexts() {
    let Some(host) = Host::boot(Base::Docker, |_| {}) else { return };
    let lab = Lab::new();
    assert_eq!(host.create(&lab, &["m1"]).code, Some(0));
    let docker = |setup: &str| {
        let script = format!("{setup}\ndocker version --format '{{{{.Server.Version}}}}'");
        run(in_lab(&lab, "bash").args(["-c", &script]))
    };
    let has_docker = Command::new("docker").arg("--version").output().is_ok();
    let program = env!("CARGO_BIN_EXE_machine");

    let env = run(machine(&lab).args(["env", "--via", "socket", "m1"]));
    assert_eq!(env.code, Some(0), "{}", env.stderr);
    let socket = lab.store().join("run/m1.docker.sock");
    assert!(env.stdout.contains(&format!("DOCKER_HOST=\"unix://{}\"", socket.display())));
    let ping =
        run(in_network("curl").args(["-s", "--unix-socket"]).arg(&socket).arg("http://d/_ping"));
    assert_eq!(ping.stdout, "OK", "{}", ping.stderr);
    for way in [format!("unix://{}", socket.display()), "ssh://m1.machine".to_owned()] {
        let active = run(machine(&lab).arg("active").env("DOCKER_HOST", &way));
        assert_eq!(active.stdout, "m1\n", "{way}: {}", active.stderr);
        let mut ls = machine(&lab);
        let ls = run(ls.args(["ls", "-f", "{{.Name}} {{.Active}}"]).env("DOCKER_HOST", &way));
        assert_eq!(ls.stdout, "m1 *\n", "{way}: {}", ls.stderr);
    }
    if has_docker {
        let setup = "context create --via socket m1; export DOCKER_CONTEXT=m1";
        let version = docker(&format!("{program} {setup}"));
        assert_eq!(version.stdout, "m1\n20.10.24+dfsg1\n", "{}", version.stderr);
        let version = docker(&format!("eval $({program} env --via socket m1)"));
        assert_eq!(version.stdout, "20.10.24+dfsg1\n", "{}", version.stderr);
    }

    let unknown = run(in_lab(&lab, program).args(["env", "--via", "ssh", "m1"]));
    assert!(unknown.stderr.contains("ssh-config --install"), "{}", unknown.stderr);
    assert_eq!(run(in_lab(&lab, program).args(["ssh-config", "--install"])).code, Some(0));
    let env = run(in_lab(&lab, program).args(["env", "--via", "ssh", "m1"]));
    assert!(env.stdout.contains("DOCKER_HOST=\"ssh://m1.machine\""), "{}", env.stderr);
    if has_docker {
        let version = docker(&format!("eval $({program} env --via ssh m1)"));
        assert_eq!(version.stdout, "20.10.24+dfsg1\n", "{}", version.stderr);
        let version = docker(&format!("{program} context create m1; export DOCKER_CONTEXT=m1"));
        assert_eq!(version.stdout, "m1\n20.10.24+dfsg1\n", "{}", version.stderr);
        let current = run(in_lab(&lab, "docker").args(["context", "show"]));
        assert_eq!(current.stdout, "default\n");
    }

    // All of it goes with the machine.
    assert_eq!(run(machine(&lab).args(["rm", "-y", "m1"])).code, Some(0));
    assert!(!socket.exists());
    assert!(!lab.store().join("locks/tunnel@m1.lock").exists());
    let contexts = fs::read_dir(lab.path().join(".docker/contexts/meta"));
    assert_eq!(contexts.map_or(0, Iterator::count), 0);
}

#[test]
fn an_adopted_host_is_not_touched() {
    let Some(host) = Host::boot(Base::Docker, |_| {}) else { return };
    let lab = Lab::new();
    fs::create_dir_all(lab.path().join(".ssh")).unwrap();
    let config = format!(
        "Host box\n  HostName {}\n  User root\n  IdentityFile {}\n  UserKnownHostsFile {}\n\
         Host far\n  HostName {}\n  User root\n  IdentityFile {}\n  ProxyJump box\n  UserKnownHostsFile {}\n",
        host.address,
        key().display(),
        lab.path().join("known").display(),
        host.address,
        key().display(),
        lab.path().join("known").display(),
    );
    fs::write(lab.path().join(".ssh/config"), config).unwrap();
    let program = env!("CARGO_BIN_EXE_machine");
    let files = "find /etc /root /usr /home -type f -newer /tmp/mark | sort; hostname";
    host.says("touch /tmp/mark");
    for (name, address) in [("a1", "ssh://box"), ("a2", "ssh://far")] {
        let adopted = run(in_lab(&lab, program).args(["adopt", name, address]));
        assert_eq!(adopted.code, Some(0), "{}{}", adopted.stdout, adopted.stderr);
        assert!(adopted.stdout.contains("It has Docker 20.10.24+dfsg1."), "{}", adopted.stdout);
        let env = run(in_lab(&lab, program).args(["env", name]));
        assert!(env.stdout.contains(&format!("DOCKER_HOST=\"{address}\"")), "{}", env.stdout);
        let hostname = run(in_lab(&lab, program).args(["ssh", name, "hostname"]));
        assert_eq!(hostname.stdout, host.says("hostname"), "{}", hostname.stderr);
        let version = run(in_lab(&lab, program).args(["version", name]));
        assert_eq!(version.stdout, "20.10.24+dfsg1\n", "{}", version.stderr);
        let config = run(in_lab(&lab, program).args(["config", name]));
        assert_eq!(config.stdout, format!("-H={address}\n"), "{}", config.stderr);
    }
    let listed = |format: &str| {
        let mut ls = in_lab(&lab, program);
        run(ls.args(["ls", "-f", format]).env("DOCKER_HOST", "ssh://far")).stdout
    };
    assert_eq!(
        listed("{{.Name}} {{.Active}} {{.State}} {{.URL}} {{.DockerVersion}}"),
        "a1 - Running ssh://box v20.10.24+dfsg1\na2 * Running ssh://far v20.10.24+dfsg1\n"
    );
    // A host that is down.
    let config = lab.path().join(".ssh/config");
    let good = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("Host box\n  Port 1\n{good}")).unwrap();
    let down = listed("{{.Name}} {{.State}} {{.DockerVersion}} {{.Error}}");
    let error = "Unable to query docker version: cannot connect to `box`: ";
    assert!(down.starts_with(&format!("a1 Stopped Unknown {error}")), "{down}");
    fs::write(&config, good).unwrap();
    let refused = run(in_lab(&lab, program).args(["provision", "a1"]));
    assert!(refused.stderr.contains("does not support provisioning"), "{}", refused.stderr);
    let socket = run(in_lab(&lab, program).args(["env", "--via", "socket", "a1"]));
    assert_eq!(socket.code, Some(0), "{}", socket.stderr);
    let path = lab.store().join("run/a1.docker.sock");
    let ping =
        run(in_network("curl").args(["-s", "--unix-socket"]).arg(&path).arg("http://d/_ping"));
    assert_eq!(ping.stdout, "OK");
    assert_eq!(run(in_lab(&lab, program).args(["rm", "-y", "a1", "a2"])).code, Some(0));
    assert!(!path.exists());
    let changed = host.says(files);
    assert_eq!(changed.lines().count(), 1, "files were changed there: {changed}");
    let bad = run(in_lab(&lab, program).args(["adopt", "a3", "ssh://nobody@box"]));
    assert!(bad.stderr.contains("does not let `nobody` in"), "{}", bad.stderr);
    assert!(lab.machine_files().is_empty());
}

/// A program in the lab, where `ssh` reads the lab's own configuration: OpenSSH goes by the
/// password file, not by `HOME`.
fn in_lab(lab: &Lab, program: &str) -> Command {
    use std::os::unix::fs::PermissionsExt;
    let bin = lab.path().join("bin");
    fs::create_dir_all(&bin).unwrap();
    let config = lab.path().join(".ssh/config");
    let ssh = bin.join("ssh");
    if !ssh.exists() {
        let script = format!(
            "#!/bin/sh\nPATH=${{PATH#{}:}}\nexec ssh $([ -e {config} ] && echo -F {config}) \"$@\"\n",
            bin.display(),
            config = config.display(),
        );
        fs::write(&ssh, script).unwrap();
        fs::set_permissions(&ssh, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let base = machine(lab);
    let mut command = in_network(program);
    command.env_clear();
    command.envs(base.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::iter::once(bin).chain(std::env::split_paths(&path));
    command.env("PATH", std::env::join_paths(dirs).unwrap());
    command
}
