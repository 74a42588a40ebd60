//! The operating systems that become Docker hosts, as data.
//!
//! Names in the progress lines, places of files and the order of the Engine's options are
//! docker-machine's (`libmachine/provision`); what it did not know (`ID_LIKE`, Rocky, Alma,
//! Amazon, Alpine, Flatcar, derivatives) is added.

use super::os_release::OsRelease;

/// How one family of operating systems is made a Docker host.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Family {
    /// What the progress line says: `Provisioning with NAME...`.
    pub name: &'static str,
    /// The `ID`s in os-release that belong to it, and the words of `ID_LIKE` that lead to it.
    ids: &'static [&'static str],
    likes: &'static [&'static str],
    pub packages: Option<&'static Packages>,
    /// Whether Docker's own script, `get.docker.com`, knows this system.
    pub script: bool,
    pub service: Service,
}

/// A package manager: shell commands that run as root.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Packages {
    pub program: &'static str,
    /// Brings the lists up to date; empty where installing does that.
    pub refresh: &'static str,
    /// Installs the packages whose names follow.
    pub install: &'static str,
    /// Brings all packages up to date.
    pub upgrade: &'static str,
    /// Brings the packages whose names follow up to date; they are installed.
    pub upgrade_some: &'static str,
    /// Succeeds if the package `$p` is installed.
    pub installed: &'static str,
    /// Lists the versions of a package that can be had, best first: one a line. `$p` is its name.
    pub versions: &'static str,
    /// Between a package's name and its version.
    pub pin: &'static str,
    /// Packages that hold an Engine; the first that can be had is taken.
    pub engines: &'static [&'static str],
    /// Packages that the Engine is of little use without and that may not exist.
    pub extras: &'static [&'static str],
    /// Packages that are upgraded together with the Engine, where they are installed.
    pub companions: &'static [&'static str],
    /// What it says when another one is at work.
    pub locked: &'static [&'static str],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    Systemd,
    OpenRc,
    /// boot2docker's own scripts, which are a provisioner of their own.
    Boot2docker,
}

/// The drop-in with which systemd starts the Engine our way; docker-machine's name.
pub(super) const DROP_IN: &str = "/etc/systemd/system/docker.service.d/10-machine.conf";
/// The same for `OpenRC`: shell variables.
pub(super) const OPENRC_CONF: &str = "/etc/conf.d/docker";
/// Where the Engine's certificates lie.
pub(super) const OPTIONS_DIR: &str = "/etc/docker";

impl Family {
    /// The family of an operating system: by its `ID`, else by the first word of `ID_LIKE` that
    /// says something. `None` for one that is not known.
    pub(super) fn of(os: &OsRelease) -> Option<&'static Self> {
        let by_id = FAMILIES.iter().find(|family| family.ids.contains(&os.id().as_str()));
        by_id.or_else(|| {
            os.id_like().iter().find_map(|like| {
                let knows = |family: &&Family| {
                    family.likes.contains(&like.as_str()) || family.ids.contains(&like.as_str())
                };
                FAMILIES.iter().find(knows)
            })
        })
    }

    /// The name in docker-machine's progress line.
    pub(super) fn shown(&self, os: &OsRelease) -> String {
        let id = os.id();
        match self.name {
            "ubuntu" if os.version_id().parse::<f32>().is_ok_and(|version| version < 15.04) => {
                "ubuntu(upstart)".to_owned()
            }
            "ubuntu" => "ubuntu(systemd)".to_owned(),
            // docker-machine has one name for each of them.
            "redhat" if ["centos", "fedora", "ol"].contains(&id.as_str()) => id,
            "redhat" if id != "rhel" => format!("redhat({id})"),
            name => name.to_owned(),
        }
    }

    /// The names of all, for messages.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        FAMILIES.iter().map(|family| family.name)
    }
}

static FAMILIES: [Family; 9] = [
    Family {
        name: "boot2docker",
        ids: &["boot2docker"],
        likes: &[],
        packages: None,
        script: false,
        service: Service::Boot2docker,
    },
    Family {
        name: "ubuntu",
        ids: &["ubuntu"],
        likes: &["ubuntu"],
        packages: Some(&APT),
        script: true,
        service: Service::Systemd,
    },
    Family {
        name: "debian",
        ids: &["debian", "raspbian"],
        likes: &["debian"],
        packages: Some(&APT),
        script: true,
        service: Service::Systemd,
    },
    Family {
        name: "redhat",
        ids: &["rhel", "centos", "fedora", "rocky", "almalinux", "ol"],
        likes: &["rhel", "fedora", "centos"],
        packages: Some(&DNF),
        script: true,
        service: Service::Systemd,
    },
    // Like Fedora by its own word, but Docker's script does not know it and it has its own package.
    Family {
        name: "amazon",
        ids: &["amzn"],
        likes: &[],
        packages: Some(&DNF_AMAZON),
        script: false,
        service: Service::Systemd,
    },
    Family {
        name: "SUSE",
        ids: &["opensuse-leap", "opensuse-tumbleweed", "opensuse", "sles", "sled", "suse"],
        likes: &["suse"],
        packages: Some(&ZYPPER),
        script: false,
        service: Service::Systemd,
    },
    Family {
        name: "arch",
        ids: &["arch", "archarm"],
        likes: &["arch"],
        packages: Some(&PACMAN),
        script: false,
        service: Service::Systemd,
    },
    Family {
        name: "alpine",
        ids: &["alpine"],
        likes: &[],
        packages: Some(&APK),
        script: false,
        service: Service::OpenRc,
    },
    // The Engine is part of the image, whose /usr cannot be written.
    Family {
        name: "coreOS",
        ids: &["coreos", "flatcar"],
        likes: &["coreos", "flatcar"],
        packages: None,
        script: false,
        service: Service::Systemd,
    },
];

static APT: Packages = Packages {
    program: "apt-get",
    refresh: "apt-get -q update",
    install: "DEBIAN_FRONTEND=noninteractive apt-get -q -y \
              -o Dpkg::Options::=--force-confold --no-install-recommends install",
    upgrade: "DEBIAN_FRONTEND=noninteractive apt-get -q -y \
              -o Dpkg::Options::=--force-confold upgrade",
    upgrade_some: "DEBIAN_FRONTEND=noninteractive apt-get -q -y \
              -o Dpkg::Options::=--force-confold --only-upgrade install",
    installed: "dpkg-query -W -f='${db:Status-Status}' \"$p\" 2>/dev/null | grep -qx installed",
    versions: "apt-cache madison \"$p\" | cut -d'|' -f2 | tr -d ' '",
    pin: "=",
    engines: &["docker-ce", "docker.io"],
    extras: &["docker-cli", "docker-ce-cli", "iptables", "ca-certificates"],
    companions: &[
        "docker-ce-cli",
        "docker-cli",
        "docker-ce-rootless-extras",
        "docker-buildx-plugin",
        "docker-compose-plugin",
        "docker-buildx",
        "docker-compose",
        "containerd.io",
        "containerd",
        "runc",
    ],
    locked: &[
        "Could not get lock",
        "Unable to acquire the dpkg frontend lock",
        "dpkg status database is locked",
        "Unable to lock directory",
        "is another process using it",
    ],
};

static DNF: Packages = Packages {
    program: "dnf",
    refresh: "",
    install: "y=$(command -v dnf || command -v yum) && \"$y\" -q -y install",
    upgrade: "y=$(command -v dnf || command -v yum) && \"$y\" -q -y update --exclude='docker-*'",
    upgrade_some: "y=$(command -v dnf || command -v yum) && \"$y\" -q -y upgrade",
    installed: "rpm -q \"$p\" >/dev/null 2>&1",
    versions: "y=$(command -v dnf || command -v yum) && \"$y\" -q list --showduplicates \"$p\" 2>/dev/null \
               | awk '$1 ~ /\\./ {sub(/^[0-9]*:/, \"\", $2); print $2}' | sort -Vr",
    pin: "-",
    engines: &["docker-ce", "moby-engine", "docker"],
    extras: &["docker-ce-cli", "iptables-nft"],
    companions: &[
        "docker-ce-cli",
        "docker-ce-rootless-extras",
        "docker-buildx-plugin",
        "docker-compose-plugin",
        "docker-cli",
        "docker-buildx",
        "containerd.io",
        "containerd",
        "runc",
    ],
    locked: &[
        "Existing lock",
        "Another app is currently holding the yum lock",
        "waiting for it to exit",
    ],
};

static DNF_AMAZON: Packages = Packages { engines: &["docker"], extras: &[], ..DNF };

static ZYPPER: Packages = Packages {
    program: "zypper",
    refresh: "",
    install: "zypper -n -q install",
    upgrade: "zypper -n -q update",
    upgrade_some: "zypper -n -q update",
    installed: "rpm -q \"$p\" >/dev/null 2>&1",
    versions: "zypper -n -q search -s -t package --match-exact \"$p\" \
               | awk -F'|' '/package/ {gsub(/ /, \"\", $4); print $4}'",
    pin: "=",
    engines: &["docker"],
    extras: &["iptables"],
    companions: &["docker-buildx", "containerd", "runc"],
    locked: &["System management is locked"],
};

static PACMAN: Packages = Packages {
    program: "pacman",
    refresh: "",
    install: "pacman -Sy --needed --noconfirm --noprogressbar",
    upgrade: "pacman -Syu --noconfirm --noprogressbar",
    upgrade_some: "pacman -Sy --needed --noconfirm --noprogressbar",
    installed: "pacman -Q \"$p\" >/dev/null 2>&1",
    versions: "pacman -Si \"$p\" | awk '/^Version/ {print $3}'",
    pin: "=",
    engines: &["docker"],
    extras: &[],
    companions: &["docker-buildx", "docker-compose", "containerd", "runc"],
    locked: &["unable to lock database"],
};

static APK: Packages = Packages {
    program: "apk",
    refresh: "apk -q update",
    install: "apk -q add",
    upgrade: "apk -q upgrade",
    upgrade_some: "apk -q add --upgrade",
    installed: "apk -q info -e \"$p\" >/dev/null",
    versions: "apk list \"$p\" 2>/dev/null | sed -n \"s/^$p-\\([0-9][^ ]*\\) .*/\\1/p\"",
    pin: "=",
    engines: &["docker"],
    extras: &[],
    companions: &[
        "docker-cli",
        "docker-engine",
        "docker-openrc",
        "docker-cli-buildx",
        "docker-cli-compose",
        "containerd",
        "runc",
    ],
    locked: &["Unable to lock database", "temporary error (try again later)"],
};

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Option<String> {
        let os = OsRelease::parse(text);
        Family::of(&os).map(|family| family.shown(&os))
    }

    #[test]
    fn systems_are_told_by_id_and_by_likeness() {
        for (text, expected) in [
            ("ID=boot2docker\n", "boot2docker"),
            ("ID=debian\nVERSION_ID=\"12\"\n", "debian"),
            ("ID=raspbian\nID_LIKE=debian\n", "debian"),
            ("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\nVERSION_ID=21.3\n", "ubuntu(systemd)"),
            ("ID=ubuntu\nVERSION_ID=\"24.04\"\n", "ubuntu(systemd)"),
            ("ID=ubuntu\nVERSION_ID=\"14.04\"\n", "ubuntu(upstart)"),
            ("ID=\"rhel\"\nID_LIKE=\"fedora\"\n", "redhat"),
            ("ID=\"centos\"\nID_LIKE=\"rhel fedora\"\n", "centos"),
            ("ID=fedora\n", "fedora"),
            ("ID=\"ol\"\nID_LIKE=\"fedora\"\n", "ol"),
            ("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", "redhat(rocky)"),
            ("ID='almalinux'\n", "redhat(almalinux)"),
            ("ID=\"amzn\"\nID_LIKE=\"fedora\"\n", "amazon"),
            ("ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\n", "SUSE"),
            ("ID=arch\n", "arch"),
            ("ID=manjaro\nID_LIKE=arch\n", "arch"),
            ("ID=alpine\n", "alpine"),
            ("ID=flatcar\nID_LIKE=coreos\n", "coreOS"),
        ] {
            assert_eq!(name(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(name("ID=plan9\n"), None);
        assert_eq!(name(""), None);
    }

    #[test]
    fn every_id_belongs_to_one_family() {
        let mut ids: Vec<_> = FAMILIES.iter().flat_map(|family| family.ids).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all);
    }

    #[test]
    #[cfg(unix)]
    fn the_commands_are_shell() {
        for packages in FAMILIES.iter().filter_map(|family| family.packages) {
            let install = format!("{} x", packages.install);
            let some = format!("{} x", packages.upgrade_some);
            for command in [
                packages.refresh,
                &install,
                packages.upgrade,
                &some,
                packages.installed,
                packages.versions,
            ] {
                let parsed = std::process::Command::new("/bin/sh").args(["-nc", command]).status();
                assert!(parsed.unwrap().success(), "{command}");
            }
        }
    }
}
