//! Getting an Engine onto a host.

use machine_driver::{Error, Progress, Result};

use super::family::Packages;
use super::host::{Host, failure};
use super::options::{Install, Options};
use super::settle::alone;
use super::survey::Survey;
use crate::ssh::{ExitStatus, quoted};

/// What will be done about the Engine.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It is there, in a version that will do.
    Keep,
    Script {
        url: String,
        /// Whether the package may stand in when the script cannot be had.
        or_package: bool,
    },
    Package,
}

pub(super) const DOCKERS_OWN: &str = "https://get.docker.com";

/// 300 MB: what Debian's docker.io and its dependencies take, and some.
const ROOM_KIB: u64 = 300_000;

/// Chooses the way. `url` is the recorded `--engine-install-url`; `none` there means, as in
/// rancher-machine, that nothing is to be installed.
pub(super) fn way(survey: &Survey, options: &Options, url: &str) -> Result<Way> {
    let family = survey.family;
    if let Some(engine) = &survey.engine {
        return match &options.engine_version {
            Some(pin) if pin != "latest" && !is_version(&engine.version, pin) => {
                replace(survey, options, pin, &engine.version)
            }
            Some(pin) if pin == "latest" && family.packages.is_some() => Ok(Way::Package),
            _ => Ok(Way::Keep),
        };
    }
    let own = url.is_empty() || url.trim_end_matches('/') == DOCKERS_OWN;
    let script = |or_package| Way::Script {
        url: if url.is_empty() { DOCKERS_OWN.to_owned() } else { url.to_owned() },
        or_package,
    };
    let none = options.install == Install::None || url == "none";
    match options.install {
        _ if none => {
            Err(Error::other("there is no Docker Engine on the host, and none is to be installed")
                .hint("install it there, or leave out `--engine-install none`"))
        }
        Install::Script => Ok(script(false)),
        Install::Auto if !own => Ok(script(false)),
        Install::Auto if family.script => Ok(script(family.packages.is_some())),
        _ if family.packages.is_some() => Ok(Way::Package),
        _ => Err(Error::other(format!(
            "there is no Docker Engine on the host, and {} has no package of it",
            survey.os.pretty_name()
        ))
        .hint("take an image of that system that has Docker in it")),
    }
}

fn replace(survey: &Survey, options: &Options, pin: &str, there: &str) -> Result<Way> {
    if options.install != Install::None && survey.family.packages.is_some() {
        return Ok(Way::Package);
    }
    Err(Error::other(format!("the host has Docker {there}, and `--engine-version` wants {pin}"))
        .hint("leave the flag out to use the Engine that is there"))
}

/// Whether `version` is what `pin` asks for: `28`, `28.3` or `28.3.2`.
pub(super) fn is_version(version: &str, pin: &str) -> bool {
    let version = version.split_once(':').map_or(version, |(_epoch, rest)| rest);
    version.strip_prefix(pin).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Does it.
pub(super) async fn install(
    host: &Host,
    survey: &Survey,
    way: &Way,
    options: &Options,
    progress: &dyn Progress,
) -> Result<()> {
    if *way != Way::Keep {
        check_room(survey)?;
    }
    match (way, survey.family.packages) {
        (Way::Keep, _) => Ok(()),
        (Way::Script { url, or_package }, packages) => {
            let locked = packages.map_or(&[][..], |packages| packages.locked);
            match fetch(host, url, packages, progress).await {
                Ok(file) => run_script(host, url, &file, options, locked, progress).await,
                Err(error) if *or_package => {
                    let why = std::error::Error::source(&error).map(ToString::to_string);
                    let why = why
                        .as_deref()
                        .and_then(|it| it.lines().last())
                        .unwrap_or("no answer")
                        .to_owned();
                    progress.line(&format!(
                        "{url} cannot be had ({why}): installing the distribution's own package..."
                    ));
                    let packages =
                        packages.expect("a package may stand in only where there is one");
                    package(host, packages, survey, options, progress).await
                }
                Err(error) => Err(error),
            }
        }
        (Way::Package, Some(packages)) => package(host, packages, survey, options, progress).await,
        (Way::Package, None) => unreachable!("chosen only where there are packages"),
    }
}

/// Brings all packages up to date.
pub(super) async fn upgrade(
    host: &Host,
    packages: &Packages,
    progress: &dyn Progress,
) -> Result<()> {
    progress.line("Upgrading the packages of the host...");
    refresh(host, packages, progress).await?;
    alone(host, "upgrade the host's packages", packages.upgrade, packages.locked, progress)
        .await
        .map(drop)
}

pub(super) fn check_room(survey: &Survey) -> Result<()> {
    match survey.free_kib {
        Some(free) if free < ROOM_KIB => Err(Error::other(format!(
            "the host has {} MB of disk left, and installing Docker needs {} MB",
            free / 1000,
            ROOM_KIB / 1000
        ))
        .hint("make room there: `df -h` shows where; nothing was changed")),
        _ => Ok(()),
    }
}

/// Fetches the script into a file of the user's, whole or not at all, and returns its path.
async fn fetch(
    host: &Host,
    url: &str,
    packages: Option<&'static Packages>,
    progress: &dyn Progress,
) -> Result<String> {
    let script = format!(
        "f=$(mktemp /tmp/machine-install.XXXXXX) || exit 1\n\
         if command -v curl >/dev/null; then curl -fsSL --retry 2 --connect-timeout 10 --max-time 120 -o \"$f\" {url} \n\
         elif command -v wget >/dev/null; then wget -q -T 20 -O \"$f\" {url}\n\
         else rm -f \"$f\"; exit 97; fi || {{ rm -f \"$f\"; exit 98; }}\n\
         echo \"$f\"",
        url = quoted(url)
    );
    let shell = host.user_shell();
    let mut output = shell.run(&script).await?;
    if let (ExitStatus::Code(97), Some(packages)) = (&output.status, packages) {
        refresh(host, packages, progress).await?;
        let install = format!("{} curl", packages.install);
        alone(host, "install curl", &install, packages.locked, progress).await?;
        output = shell.run(&script).await?;
    }
    match output.status {
        ExitStatus::Code(0) => Ok(output.stdout.trim().to_owned()),
        _ => Err(failure(&format!("fetch {url}"), &output).hint(
            "does the host reach the internet? `--engine-install package` needs only its mirror",
        )),
    }
}

/// Runs it as the user that is logged in: such scripts call sudo themselves.
async fn run_script(
    host: &Host,
    url: &str,
    file: &str,
    options: &Options,
    locked: &[&str],
    progress: &dyn Progress,
) -> Result<()> {
    let version = match options.engine_version.as_deref() {
        None | Some("latest") => String::new(),
        Some(pin) => format!("VERSION={} ", quoted(pin)),
    };
    let command = format!("{version}sh {file} 2>&1");
    let shell = host.user_shell();
    let mut said = false;
    let end = tokio::time::Instant::now() + std::time::Duration::from_secs(900);
    loop {
        let output = shell.run(&command).await?;
        let busy = locked.iter().any(|text| output.stdout.contains(text));
        if output.status == ExitStatus::Code(0) {
            shell.run(&format!("rm -f {file}")).await?;
            return Ok(());
        }
        if !busy || tokio::time::Instant::now() > end {
            shell.run(&format!("rm -f {file}")).await?;
            return Err(failure(&format!("install Docker with {url}"), &output)
                .context("error installing docker"));
        }
        if !std::mem::replace(&mut said, true) {
            progress.line("Waiting for another package manager...");
        }
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    }
}

/// Installs the distribution's package, or Docker's own where its source is set up.
async fn package(
    host: &Host,
    packages: &'static Packages,
    survey: &Survey,
    options: &Options,
    progress: &dyn Progress,
) -> Result<()> {
    refresh(host, packages, progress).await?;
    let pin = options.engine_version.as_deref().filter(|pin| *pin != "latest");
    let mut seen = Vec::new();
    let mut chosen = None;
    for engine in packages.engines {
        let versions = versions(host, packages, engine).await?;
        let fits = |version: &&String| pin.is_none_or(|pin| is_version(version, pin));
        if let Some(version) = versions.iter().find(fits) {
            chosen = Some((*engine, version.clone()));
            break;
        }
        seen.extend(versions.into_iter().map(|version| format!("{engine} {version}")));
    }
    let Some((engine, version)) = chosen else {
        return Err(nothing_fits(survey, packages, pin, &seen));
    };
    let mut command = format!("{} {engine}", packages.install);
    if pin.is_some() {
        command += &format!("{}{version}", packages.pin);
    }
    for extra in packages.extras {
        // Docker's own packages bring their own.
        let wanted = engine != "docker-ce" || !extra.starts_with("docker-cli");
        if wanted && !versions(host, packages, extra).await?.is_empty() {
            command += &format!(" {extra}");
        }
    }
    alone(host, &format!("install the package {engine}"), &command, packages.locked, progress)
        .await
        .map_err(|error| error.context("error installing docker"))
        .map(drop)
}

pub(super) async fn versions(
    host: &Host,
    packages: &Packages,
    package: &str,
) -> Result<Vec<String>> {
    let script = format!("p={package}; {}; true", packages.versions);
    let text = host.check("list the versions of a package", &script).await?;
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

pub(super) async fn refresh(
    host: &Host,
    packages: &Packages,
    progress: &dyn Progress,
) -> Result<()> {
    if packages.refresh.is_empty() {
        return Ok(());
    }
    let what = "bring the host's package lists up to date";
    alone(host, what, packages.refresh, packages.locked, progress).await.map(drop)
}

pub(super) fn nothing_fits(
    survey: &Survey,
    packages: &Packages,
    pin: Option<&str>,
    seen: &[String],
) -> Error {
    let system = survey.os.pretty_name();
    match pin {
        Some(pin) if !seen.is_empty() => {
            let shown = seen.iter().take(8).cloned().collect::<Vec<_>>().join(", ");
            Error::other(format!("{system} has no package of Docker {pin}"))
                .caused_by(format!("it has {shown}"))
                .hint("take one of those versions, or `--engine-install script`")
        }
        _ => Error::other(format!("{system} finds no package of Docker"))
            .caused_by(format!("looked for {}", packages.engines.join(", ")))
            .hint("is its package source complete? On Debian it is in `main`, on Ubuntu in `universe`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provision::family::Family;
    use crate::provision::os_release::OsRelease;
    use crate::provision::survey::EngineThere;

    fn survey(id: &str, engine: Option<&str>) -> Survey {
        let os = OsRelease::parse(&format!("ID={id}\n"));
        Survey {
            family: Family::of(&os).unwrap(),
            os,
            hostname: "h".into(),
            clock_ahead: 0,
            engine: engine.map(|version| EngineThere {
                program: "/usr/bin/dockerd".into(),
                version: version.into(),
                running: true,
                containers: 0,
                live_restore: false,
                swarm: false,
            }),
            daemon_json: String::new(),
            service_conf: String::new(),
            has_certificates: false,
            free_kib: None,
        }
    }

    fn pinned(version: &str) -> Options {
        Options { engine_version: Some(version.into()), ..Options::default() }
    }

    #[test]
    fn a_pin_ends_at_a_boundary() {
        assert!(is_version("28.3.2", "28") && is_version("5:28.3.2-1~debian.12", "28.3"));
        assert!(!is_version("28.3.2", "2") && !is_version("28.30.1", "28.3"));
        assert!(is_version("20.10.24+dfsg1", "20.10.24"));
    }

    #[test]
    fn old_scripts_go_on_with_dockers_own_script() {
        let script = |url: &str, or_package| Way::Script { url: url.into(), or_package };
        let default = Options::default();
        let way = |id, options: &Options, url: &str| way(&survey(id, None), options, url).unwrap();
        assert_eq!(way("debian", &default, DOCKERS_OWN), script(DOCKERS_OWN, true));
        assert_eq!(way("debian", &default, "https://x/i.sh"), script("https://x/i.sh", false));
        assert_eq!(way("arch", &default, DOCKERS_OWN), Way::Package);
        assert_eq!(way("alpine", &default, ""), Way::Package);
        let package = Options { install: Install::Package, ..Options::default() };
        assert_eq!(way("debian", &package, DOCKERS_OWN), Way::Package);
    }

    #[test]
    fn an_engine_that_is_there_stays() {
        let there =
            |options: &Options| way(&survey("debian", Some("28.3.2")), options, DOCKERS_OWN);
        assert_eq!(there(&Options::default()).unwrap(), Way::Keep);
        assert_eq!(there(&pinned("28")).unwrap(), Way::Keep);
        assert_eq!(there(&pinned("29")).unwrap(), Way::Package);
        assert!(way(&survey("flatcar", Some("28.3.2")), &pinned("29"), "").is_err());
    }

    #[test]
    fn none_means_none() {
        let none = Options { install: Install::None, ..Options::default() };
        assert!(way(&survey("debian", None), &none, DOCKERS_OWN).is_err());
        assert!(way(&survey("debian", None), &Options::default(), "none").is_err());
        assert_eq!(way(&survey("debian", Some("1")), &none, DOCKERS_OWN).unwrap(), Way::Keep);
        assert!(way(&survey("coreos", None), &Options::default(), DOCKERS_OWN).is_err());
    }

    #[test]
    fn a_full_disk_is_seen_before() {
        let full = Survey { free_kib: Some(1000), ..survey("debian", None) };
        assert!(check_room(&full).unwrap_err().to_string().contains("1 MB of disk left"));
    }
}
