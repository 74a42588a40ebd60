//! What is there on a host, read in one round trip and without changing anything.

use machine_driver::{Error, Result};

use super::family::{DROP_IN, Family, OPENRC_CONF, Service};
use super::host::Host;
use super::os_release::OsRelease;

/// A host before it is provisioned.
#[derive(Debug)]
pub(super) struct Survey {
    pub os: OsRelease,
    pub family: &'static Family,
    pub hostname: String,
    /// How far the host's clock is ahead of ours, in seconds.
    pub clock_ahead: i64,
    pub engine: Option<EngineThere>,
    /// Files as they are; empty if they are not there.
    pub daemon_json: String,
    pub service_conf: String,
    pub has_certificates: bool,
    /// Free space for the Engine, in KiB.
    pub free_kib: Option<u64>,
}

/// The Engine of a host that has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EngineThere {
    /// The path of `dockerd`.
    pub program: String,
    /// For example `28.3.2`.
    pub version: String,
    pub running: bool,
    pub containers: u32,
    pub live_restore: bool,
    /// Swarm mode, with which an Engine cannot keep containers over a restart.
    pub swarm: bool,
}

/// Looks. An operating system that is not known is an error.
pub(super) async fn survey(host: &Host) -> Result<Survey> {
    let text = host.check("look at the host", &script()).await?;
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    read(&text, now)
}

fn script() -> String {
    format!(
        r"
s() {{ echo; echo {MARK}$1; }}
s os; cat /etc/os-release 2>/dev/null || cat /usr/lib/os-release
s now; date -u +%s
s hostname; uname -n
s dockerd; command -v dockerd || ls /usr/lib/coreos/dockerd /usr/lib/flatcar/dockerd 2>/dev/null
s version; dockerd --version 2>/dev/null
s info; timeout 20 docker info --format '{{{{.ContainersRunning}}}} {{{{.LiveRestoreEnabled}}}} {{{{.Swarm.LocalNodeState}}}}' 2>/dev/null
s json; cat /etc/docker/daemon.json 2>/dev/null
s conf; cat {DROP_IN} 2>/dev/null || cat {OPENRC_CONF} 2>/dev/null
s certs; ls /etc/docker/ca.pem 2>/dev/null
s free; d=/var/lib/docker; [ -d $d ] || d=/var; df -Pk $d | tail -n 1
s init; if [ -d /run/systemd/system ]; then echo systemd; elif command -v rc-service >/dev/null; then echo openrc; fi
true"
    )
}

const MARK: &str = "@@machine:";

fn read(text: &str, now: i64) -> Result<Survey> {
    let section = |name: &str| {
        let start = format!("{MARK}{name}\n");
        let rest = text.split_once(&start).map_or("", |(_before, rest)| rest);
        rest.split_once(&format!("\n{MARK}")).map_or(rest, |(section, _after)| section).to_owned()
    };
    let os = OsRelease::parse(&section("os"));
    let family = Family::of(&os).ok_or_else(|| unknown(&os))?;
    let init = section("init");
    let has = match family.service {
        Service::Systemd => init.trim() == "systemd",
        Service::OpenRc => init.trim() == "openrc",
        Service::Boot2docker => true,
    };
    if !has {
        return Err(Error::other(format!(
            "{} runs here without the service manager that it normally has",
            os.pretty_name()
        ))
        .hint("a container or a chroot cannot be made a Docker host"));
    }
    let info = section("info");
    let mut info = info.split_whitespace();
    let containers = info.next().and_then(|word| word.parse().ok());
    let engine = Some(section("dockerd").trim().lines().next().unwrap_or_default().to_owned())
        .filter(|program| !program.is_empty())
        .map(|program| EngineThere {
            program,
            version: version(&section("version")),
            running: containers.is_some(),
            containers: containers.unwrap_or(0),
            live_restore: info.next() == Some("true"),
            swarm: info.next().is_some_and(|state| state != "inactive"),
        });
    Ok(Survey {
        family,
        hostname: section("hostname").trim().to_owned(),
        clock_ahead: section("now").trim().parse::<i64>().map_or(0, |there| there - now),
        engine,
        daemon_json: section("json"),
        service_conf: section("conf"),
        has_certificates: !section("certs").trim().is_empty(),
        free_kib: section("free").split_whitespace().nth(3).and_then(|word| word.parse().ok()),
        os,
    })
}

/// `Docker version 28.3.2, build e77ff99` says 28.3.2.
fn version(text: &str) -> String {
    let word = text.split_whitespace().nth(2).unwrap_or_default();
    word.trim_end_matches(',').to_owned()
}

fn unknown(os: &OsRelease) -> Error {
    let name = match os.pretty_name() {
        "" => "a system without /etc/os-release",
        name => name,
    };
    let known: Vec<_> = Family::names().collect();
    Error::other("OS type not recognized")
        .caused_by(format!("the host runs {name} (ID `{}`)", os.id()))
        .hint(format!("these can be provisioned: {}", known.join(", ")))
        .hint("if it has Docker, use it through SSH: `machine adopt NAME ssh://USER@HOST`")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\n@@machine:os\nID=debian\nVERSION_ID=\"12\"\n\n@@machine:now\n1060\n\n\
        @@machine:hostname\nh2\n\n@@machine:dockerd\n/usr/sbin/dockerd\n\n@@machine:version\n\
        Docker version 20.10.24+dfsg1, build 5d6db84\n\n@@machine:info\n2 false inactive\n\n\
        @@machine:json\n{\"debug\": true}\n\n@@machine:conf\n\n@@machine:certs\n\n\
        @@machine:free\n/dev/vda 100 20 80 20% /\n\n@@machine:init\nsystemd\n";

    #[test]
    fn everything_is_read() {
        let survey = read(TEXT, 1000).unwrap();
        assert_eq!((survey.family.name, survey.clock_ahead), ("debian", 60));
        assert_eq!((survey.hostname.as_str(), survey.free_kib), ("h2", Some(80)));
        assert_eq!(survey.daemon_json.trim(), "{\"debug\": true}");
        assert_eq!(survey.service_conf.trim(), "");
        assert!(!survey.has_certificates);
        let engine = survey.engine.unwrap();
        assert_eq!(engine.program, "/usr/sbin/dockerd");
        assert_eq!(engine.version, "20.10.24+dfsg1");
        assert_eq!((engine.containers, engine.live_restore, engine.swarm), (2, false, false));
    }

    #[test]
    fn an_unknown_system_is_named() {
        let text = TEXT.replace("ID=debian", "ID=plan9\nPRETTY_NAME='Plan 9'");
        let error = read(&text, 0).unwrap_err();
        assert_eq!(error.to_string(), "OS type not recognized");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(cause, "the host runs Plan 9 (ID `plan9`)");
    }

    #[test]
    fn a_debian_without_systemd_is_refused() {
        let error = read(&TEXT.replace("init\nsystemd", "init\n"), 0).unwrap_err();
        assert!(error.to_string().contains("without the service manager"), "{error}");
    }

    #[test]
    #[cfg(unix)]
    fn the_script_is_shell() {
        let parsed = std::process::Command::new("/bin/sh").args(["-nc", &script()]).status();
        assert!(parsed.unwrap().success());
    }
}
