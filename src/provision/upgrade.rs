//! A newer Engine, by the package manager that brought the one that is there.

use machine_driver::{Error, Result};

use super::family::{Packages, Service};
use super::host::Host;
use super::install::{self, check_room};
use super::options::Options;
use super::settle::{self, alone};
use super::survey::Survey;
use super::{check_clock, detect, service};
use crate::engine::{Engine, Machine};

/// Brings the Engine's packages up to date, within what `--engine-version` said, and restarts it.
/// Its containers go on running.
pub async fn upgrade(engine: &Engine, machine: &Machine<'_>) -> Result<()> {
    let progress = &*machine.progress;
    progress.line("Waiting for SSH to be available...");
    let (host, survey) = detect(engine, machine).await?;
    let packages = survey.family.packages.ok_or_else(|| part_of_the_image(machine, &survey))?;
    let there = survey.engine.as_ref().ok_or_else(|| {
        Error::other("there is no Docker Engine on the host")
            .hint(format!("machine provision {}", machine.name()))
    })?;
    check_clock(&survey, progress)?;
    check_room(&survey)?;
    let options = Options::load(&machine.context.machine_dir)?;
    settle::cloud_init(&host, progress).await?;
    progress.line("Upgrading docker...");
    install::refresh(&host, packages, progress).await?;
    let command = command(&host, packages, &survey, &options).await?;
    // The packages' own scripts restart the Engine too.
    service::keeping(&host, survey.family.service, there, &survey.daemon_json, async {
        alone(&host, "upgrade Docker", &command, packages.locked, progress).await?;
        progress.line("Restarting docker...");
        service::restart(&host, survey.family.service).await
    })
    .await
    .map_err(|error| {
        error.hint(format!("`machine provision {}` puts its configuration right", machine.name()))
    })
}

async fn command(
    host: &Host,
    packages: &'static Packages,
    survey: &Survey,
    options: &Options,
) -> Result<String> {
    let installed = installed(host, packages).await?;
    let engine = packages.engines.iter().find(|engine| installed.iter().any(|it| it == *engine));
    let engine = engine.ok_or_else(|| {
        Error::other("the host's Docker Engine did not come from a package")
            .caused_by(format!("looked for {}", packages.engines.join(", ")))
            .hint("upgrade it there the way that it was installed")
    })?;
    let pin = options.engine_version.as_deref().filter(|pin| *pin != "latest");
    let Some(pin) = pin else {
        return Ok(format!("{} {}", packages.upgrade_some, installed.join(" ")));
    };
    let versions = install::versions(host, packages, engine).await?;
    match versions.iter().find(|version| install::is_version(version, pin)) {
        Some(version) => Ok(format!("{} {engine}{}{version}", packages.install, packages.pin)),
        None => {
            let seen: Vec<_> = versions.iter().map(|it| format!("{engine} {it}")).collect();
            Err(install::nothing_fits(survey, packages, Some(pin), &seen))
        }
    }
}

/// The packages of an Engine that the host has.
async fn installed(host: &Host, packages: &Packages) -> Result<Vec<String>> {
    let names = [packages.engines, packages.companions].concat().join(" ");
    let script = format!("for p in {names}; do {} && echo \"$p\"; done; true", packages.installed);
    let text = host.check("list the packages of Docker", &script).await?;
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

/// The Engine of such a system is upgraded together with it.
fn part_of_the_image(machine: &Machine<'_>, survey: &Survey) -> Error {
    let system = survey.os.pretty_name();
    if survey.family.service == Service::Boot2docker {
        let kind = machine.driver.kind();
        return Error::unsupported(kind, "another boot image")
            .caused_by(format!("Docker is part of the image that {system} boots"))
            .hint("make a new machine from a newer image");
    }
    Error::other(format!("Docker is part of {system}, which is upgraded as a whole"))
        .hint("Flatcar does it by itself; at once: `sudo update_engine_client -update` there")
        .hint(format!("then `machine restart {}`", machine.name()))
}
