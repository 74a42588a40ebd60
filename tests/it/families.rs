//! Operating systems that cannot be had here: a Debian under another name, whose package manager is
//! a stub that writes down how it is called. What is shown is which commands are run, in which
//! order, and that the rest of provisioning fits the system; not that its package manager obeys.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::hosts::{Base, Host, machine};
use crate::lab::{Lab, run};

/// A system, by what it says of itself and what is asked of its package manager.
struct Family {
    release: &'static str,
    shown: &'static str,
    /// The calls that bring the Engine, and those that upgrade it.
    install: &'static [&'static str],
    upgrade: &'static [&'static str],
}

const FAMILIES: [Family; 3] = [
    Family {
        release: "ID=fedora\nPRETTY_NAME='Fedora Linux 42'\n",
        shown: "Provisioning with fedora...",
        install: &[
            "dnf -q list --showduplicates docker-ce",
            "dnf -q list --showduplicates moby-engine",
            "dnf -q list --showduplicates docker-ce-cli",
            "dnf -q list --showduplicates iptables-nft",
            "dnf -q -y install moby-engine iptables-nft",
        ],
        upgrade: &["dnf -q -y upgrade moby-engine containerd"],
    },
    Family {
        release: "ID=opensuse-leap\nID_LIKE='suse opensuse'\nPRETTY_NAME='openSUSE Leap 15.6'\n",
        shown: "Provisioning with SUSE...",
        install: &[
            "zypper -n -q search -s -t package --match-exact docker",
            "zypper -n -q search -s -t package --match-exact iptables",
            "zypper -n -q install docker iptables",
        ],
        upgrade: &["zypper -n -q update docker containerd"],
    },
    Family {
        release: "ID=arch\nPRETTY_NAME='Arch Linux'\n",
        shown: "Provisioning with arch...",
        install: &["pacman -Si docker", "pacman -Sy --needed --noconfirm --noprogressbar docker"],
        upgrade: &["pacman -Sy --needed --noconfirm --noprogressbar docker containerd"],
    },
];

/// Answers as the real ones do (dnf 4.14, zypper 1.14 and pacman 6.0 were asked), and puts the
/// hidden Engine in place for an installation.
const STUB: &str = r#"#!/bin/sh
call="${0##*/} $*"
case $call in rpm*|"pacman -Q"*|"apk -q info"*) ;; *) echo "$call" >>/root/calls ;; esac
for last; do :; done
fedora() { grep -q fedora /etc/os-release; }
installed() { [ -e /usr/sbin/dockerd ] && case $last in moby-engine) fedora ;; docker) ! fedora ;; containerd) ;; *) false ;; esac; }
bring() { [ -e /usr/sbin/dockerd ] || mv /root/dockerd /usr/sbin/; [ -e /usr/bin/docker ] || mv /root/docker /usr/bin/; }
case $call in
"dnf -q list --showduplicates docker-ce"*) echo 'Error: No matching Packages to list' >&2; exit 1 ;;
"dnf -q list "*) printf 'Available Packages\n%s.x86_64  2:28.3.2-1.fc42  updates\n' $last ;;
"zypper -n -q search "*) printf '\nS | Name | Type | Version | Arch | Repository\n--+-\n  | %s | package | 28.3.3-1 | x86_64 | l\n' $last ;;
"pacman -Si "*) printf 'Repository : extra\nVersion         : 1:28.3.3-1\n' ;;
"apk list "*) printf '%s-28.3.3-r1 x86_64 {docker} (Apache-2.0)\n' $last ;;
"rpm -q "*|"pacman -Q "*|"apk -q info -e "*) installed ;;
"apk -q update") ;;
"dnf -q -y install "*|"zypper -n -q install "*|"pacman -Sy "*|"apk -q add "*) bring ;;
"dnf -q -y upgrade "*|"zypper -n -q update "*) ;;
*) echo "$call: not understood" >&2; exit 64 ;;
esac
"#;

fn put(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::remove_file(path).ok();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn stubs(root: &Path, names: &[&str]) {
    for name in names {
        put(&root.join("usr/local/bin").join(name), STUB);
    }
}

/// The calls since the last look.
fn calls(host: &Host) -> Vec<String> {
    let text = host.says("cat /root/calls; rm -f /root/calls");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn each_system_is_asked_in_its_own_words() {
    let prepare = |root: &Path| stubs(root, &["dnf", "rpm", "zypper", "pacman"]);
    let Some(host) = Host::boot(Base::Docker, prepare) else { return };
    let lab = Lab::new();
    let made = host.create(&lab, &["--engine-install", "package", "m1"]);
    assert_eq!(made.code, Some(0), "{}{}", made.stdout, made.stderr);
    let disguise = |release: &str| {
        host.says(&format!("rm /etc/os-release; printf '%s' \"{release}\" >/etc/os-release"));
    };
    for Family { release, shown, install, upgrade } in FAMILIES {
        disguise(release);
        host.says("systemctl stop docker.socket docker 2>/dev/null; mv /usr/sbin/dockerd /root/");
        let provisioned = run(machine(&lab).args(["provision", "m1"]));
        assert_eq!(provisioned.code, Some(0), "{}{}", provisioned.stdout, provisioned.stderr);
        assert!(provisioned.stdout.contains(shown), "{}", provisioned.stdout);
        assert_eq!(calls(&host), install, "{shown}");
        let upgraded = run(machine(&lab).args(["upgrade", "m1"]));
        assert_eq!(upgraded.code, Some(0), "{}{}", upgraded.stdout, upgraded.stderr);
        assert_eq!(calls(&host), upgrade, "{shown}");
    }
    // The Engine is part of the system.
    disguise("ID=flatcar\nID_LIKE=coreos\nPRETTY_NAME='Flatcar Container Linux'\n");
    let provisioned = run(machine(&lab).args(["provision", "m1"]));
    assert_eq!(provisioned.code, Some(0), "{}{}", provisioned.stdout, provisioned.stderr);
    assert!(provisioned.stdout.contains("Provisioning with coreOS..."), "{}", provisioned.stdout);
    let upgraded = run(machine(&lab).args(["upgrade", "m1"]));
    let says = "Docker is part of Flatcar Container Linux, which is upgraded as a whole";
    assert!(upgraded.stderr.contains(says), "{}", upgraded.stderr);
    assert!(upgraded.stderr.contains("hint: Flatcar does it by itself"), "{}", upgraded.stderr);
}

/// Process 1 of a host without systemd. Containers need its processes out of the root group.
const INIT: &str = r"#!/bin/sh
mkdir -p /run/sshd /sys/fs/cgroup/init
for p in $(cat /sys/fs/cgroup/cgroup.procs); do echo $p >/sys/fs/cgroup/init/cgroup.procs; done
sed -e 's/^/+/' -e 's/ / +/g' /sys/fs/cgroup/cgroup.controllers >/sys/fs/cgroup/cgroup.subtree_control
/usr/sbin/sshd
while :; do sleep 1; done
";

/// What Alpine's `/etc/init.d/docker` does with its configuration.
const RC_SERVICE: &str = r#"#!/bin/sh
[ "$1" = docker ] || exit 1
[ ! -e /etc/conf.d/docker ] || . /etc/conf.d/docker
pid=$(cat /run/docker.pid 2>/dev/null)
case $2 in
restart)
  if [ -n "$pid" ] && kill $pid; then while [ -d /proc/$pid ]; do sleep 0.1; done; fi
  eval "setsid /usr/sbin/dockerd $DOCKER_OPTS </dev/null >>/var/log/docker.log 2>&1 &" ;;
reload) kill -HUP $pid ;;
*) exit 64 ;;
esac
"#;

#[test]
fn a_host_with_openrc() {
    let prepare = |root: &Path| {
        stubs(root, &["apk"]);
        put(&root.join("usr/local/bin/rc-service"), RC_SERVICE);
        put(&root.join("usr/local/bin/rc-update"), "#!/bin/sh\necho rc-update $* >>/root/calls\n");
        put(&root.join("usr/sbin/init"), INIT);
        put(&root.join("etc/os-release"), "ID=alpine\nPRETTY_NAME='Alpine Linux v3.22'\n");
        for (name, dir) in [("dockerd", "sbin"), ("docker", "bin")] {
            let from = root.join("usr").join(dir).join(name);
            fs::rename(from, root.join("root").join(name)).unwrap();
        }
    };
    let Some(host) = Host::boot(Base::Docker, prepare) else { return };
    let lab = Lab::new();
    let label = "what=it's a $HOME 100%";
    let made = host.create(&lab, &["--engine-label", label, "m1"]);
    assert_eq!(made.code, Some(0), "{}{}", made.stdout, made.stderr);
    assert!(made.stdout.contains("Provisioning with alpine..."), "{}", made.stdout);
    let enable = "rc-update -q add docker default";
    assert_eq!(calls(&host), ["apk -q update", "apk list docker", "apk -q add docker", enable]);
    let labels = host.says("docker info -f '{{range .Labels}}{{println .}}{{end}}'");
    assert!(labels.contains(label), "{labels}");

    host.run_container("keep");
    let before = host.container("keep");
    let renewed = run(machine(&lab).args(["regenerate-certs", "-f", "m1"]));
    assert_eq!(renewed.code, Some(0), "{}{}", renewed.stdout, renewed.stderr);
    let upgraded = run(machine(&lab).args(["upgrade", "m1"]));
    assert_eq!(upgraded.code, Some(0), "{}{}", upgraded.stdout, upgraded.stderr);
    let upgrade = "apk -q add --upgrade docker containerd";
    assert_eq!(calls(&host), [enable, "apk -q update", upgrade, enable]);
    assert_eq!(host.container("keep"), before, "a container was lost");
    assert_eq!(host.says("docker info -f '{{.LiveRestoreEnabled}}'"), "false\n");
}
