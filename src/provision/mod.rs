//! A fresh operating system becomes a Docker host.
//!
//! ```text
//!  log in ──▶ root? ──▶ survey ──▶ clock, space ──▶ cloud-init ──▶ name, packages ──▶ Engine
//!                                                                                      │
//!        answers over TLS ◀── restart, containers kept ◀── configuration ◀── certificates
//! ```
//!
//! Everything up to the wait for cloud-init only reads. Machines that are born with their identity
//! on the disk need none of this.

mod boot2docker;
mod daemon;
mod family;
mod first_boot;
mod host;
mod hostname;
mod install;
mod options;
mod os_release;
mod plan;
pub mod profile;
mod service;
mod settle;
mod survey;
mod upgrade;

use std::time::Duration;

use machine_driver::wait::{Look, Wait};
use machine_driver::{Error, Progress, Result};

use crate::engine::{Engine, Machine, issue_server, server_tls};
use crate::ssh;
use family::{OPTIONS_DIR, Service};
pub use first_boot::first_boot;
use host::Host;
pub use options::{Install, Options};
use survey::{Survey, survey};
pub use upgrade::upgrade;

/// How long a host that was there before us may take to let us in.
const LOGIN: Duration = Duration::from_secs(60);

/// Waits until somebody can log in.
pub async fn wait_for_ssh(engine: &Engine, machine: &Machine<'_>) -> Result<()> {
    machine.progress.line("Waiting for SSH to be available...");
    connect(engine, machine, engine.boot_deadline).await.map(drop)
}

/// The same without a word, and gives the way in.
pub async fn log_in(engine: &Engine, machine: &Machine<'_>) -> Result<ssh::Shell> {
    connect(engine, machine, engine.boot_deadline).await
}

/// Detects the guest's operating system and makes it a Docker host.
pub async fn provision(engine: &Engine, machine: &Machine<'_>) -> Result<()> {
    let (host, survey) = detect(engine, machine).await?;
    let progress = &*machine.progress;
    progress.line(&format!("Provisioning with {}...", survey.family.shown(&survey.os)));
    if survey.family.service == Service::Boot2docker {
        return boot2docker::provision(engine, machine, &host, &survey).await;
    }
    let options = Options::load(&machine.context.machine_dir)?;
    let engine_options = &machine.record.host_options.engine_options;
    let way = install::way(&survey, &options, &engine_options.install_url)?;
    check_clock(&survey, progress)?;
    // What cannot be merged must be known before anything is changed.
    daemon::configuration(
        engine_options,
        machine.driver.kind(),
        port(machine),
        &survey.daemon_json,
    )?;
    settle::cloud_init(&host, progress).await?;
    let renames = options.set_hostname || !machine.driver.capabilities().existing_host;
    if renames || options.as_docker_machine {
        hostname::set(&host, machine.name()).await?;
    }
    if let Some(packages) = survey.family.packages.filter(|_| options.upgrades(&survey)) {
        install::upgrade(&host, packages, progress).await?;
    }
    if way != install::Way::Keep || survey.family.name == "ubuntu" {
        progress.line("Installing Docker...");
    }
    install::install(&host, &survey, &way, &options, progress).await?;
    let survey = self::survey(&host).await?;
    configure(engine, machine, &host, &survey).await
}

/// Gives the Engine its certificates and its configuration, and restarts it.
async fn configure(
    engine: &Engine,
    machine: &Machine<'_>,
    host: &Host,
    survey: &Survey,
) -> Result<()> {
    let progress = &*machine.progress;
    let there = survey.engine.as_ref().ok_or_else(|| {
        Error::other("the Engine was installed, and `dockerd` is nowhere to be found")
            .hint("is it in a directory of `PATH` there?")
    })?;
    let options = &machine.record.host_options.engine_options;
    let configuration =
        daemon::configuration(options, machine.driver.kind(), port(machine), &survey.daemon_json)?;
    send_certificates(engine, machine, host, OPTIONS_DIR, false).await?;
    progress.line("Setting Docker configuration on the remote daemon...");
    let before =
        service::Before { daemon_json: &survey.daemon_json, service_conf: &survey.service_conf };
    let service = survey.family.service;
    service::configure(host, service, there, &configuration, &options.env, &before).await
}

/// Puts the machine's certificates, as they are in its directory or made anew, onto the host.
async fn send_certificates(
    engine: &Engine,
    machine: &Machine<'_>,
    host: &Host,
    dir: &str,
    anew: bool,
) -> Result<()> {
    let progress = &*machine.progress;
    progress.line("Copying certs to the local machine directory...");
    engine.certs.copy_into(&machine.context.machine_dir)?;
    let tls = if anew { issue_server(engine, machine)? } else { server_tls(engine, machine)? };
    progress.line("Copying certs to the remote machine...");
    host.check(&format!("make {dir}"), &format!("mkdir -p {dir}")).await?;
    host.write(&format!("{dir}/ca.pem"), &tls.ca, 0o644).await?;
    host.write(&format!("{dir}/server-key.pem"), &tls.key, 0o600).await?;
    host.write(&format!("{dir}/server.pem"), &tls.certificate, 0o644).await
}

/// Sends the certificates, made `anew` or as they are, and restarts the Engine, whose containers go
/// on running. Nothing else is changed.
pub async fn renew_certificates(engine: &Engine, machine: &Machine<'_>, anew: bool) -> Result<()> {
    let (host, survey) = detect(engine, machine).await?;
    let service = survey.family.service;
    let dir = if service == Service::Boot2docker { profile::OPTIONS_DIR } else { OPTIONS_DIR };
    check_clock(&survey, &*machine.progress)?;
    send_certificates(engine, machine, &host, dir, anew).await?;
    // Our own image has a front before the Engine, which needs no restart for that.
    if service == Service::Boot2docker
        && host.check("give the front its certificates", REKEY).await.is_ok()
    {
        return Ok(());
    }
    let Some(there) = &survey.engine else {
        return Err(Error::other("there is no Docker Engine on the host")
            .hint(format!("machine provision {}", machine.name())));
    };
    machine.progress.line("Setting Docker configuration on the remote daemon...");
    service::restart_keeping(&host, service, there, &survey.daemon_json).await
}

/// Restarts a host over SSH, and waits until it lets us in again after that.
pub async fn reboot(engine: &Engine, machine: &Machine<'_>) -> Result<()> {
    let host = Host::open(connect(engine, machine, LOGIN).await?).await?;
    let before = host.check("tell this boot from the next", BOOT).await?;
    // The connection may end before the command does.
    host.run("(shutdown -r now || reboot) >/dev/null 2>&1").await.ok();
    Wait::new("the host after its restart", engine.boot_deadline)
        .until(async || {
            let again = async {
                let host = Host::open(connect(engine, machine, LOGIN).await?).await?;
                host.check("tell this boot from the next", BOOT).await
            };
            match again.await {
                Ok(now) if now != before => Look::Ready(()),
                Ok(_) => Look::NotYet(Some(Error::other("it has not gone down yet"))),
                Err(error) => Look::NotYet(Some(error)),
            }
        })
        .await
}

/// Fails on a boot2docker that has no front.
const REKEY: &str = "grep -q rekey /etc/init.d/docker && /etc/init.d/docker rekey";

/// Different after each boot: the kernel's own mark, and when process 1 began, which also tells
/// the boots of a container.
const BOOT: &str = "cat /proc/sys/kernel/random/boot_id; cut -d' ' -f22 /proc/1/stat";

/// What provisioning would change, one line each. Nothing is.
pub async fn preview(
    engine: &Engine,
    machine: &Machine<'_>,
    options: &Options,
) -> Result<Vec<String>> {
    let shell = connect(engine, machine, LOGIN).await?;
    let host = Host::open(shell).await?;
    let survey = self::survey(&host).await?;
    if survey.family.service == Service::Boot2docker {
        return Ok(vec!["write its certificates and its profile".to_owned()]);
    }
    check_clock(&survey, &machine_driver::Silent)?;
    let engine_options = &machine.record.host_options.engine_options;
    plan::changes(&survey, options, engine_options, machine.name(), port(machine))
}

async fn detect(engine: &Engine, machine: &Machine<'_>) -> Result<(Host, Survey)> {
    machine.progress.line("Detecting the provisioner...");
    let shell = connect(engine, machine, LOGIN).await?;
    let host = Host::open(shell).await?;
    let survey = self::survey(&host).await?;
    Ok((host, survey))
}

/// The port that the Engine is to listen on: the one in the machine's URL.
fn port(machine: &Machine<'_>) -> u16 {
    let existing = machine.driver.capabilities().existing_host;
    let url = machine.endpoint().docker_url.filter(|_| existing).unwrap_or_default();
    url.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(ENGINE_PORT)
}

const ENGINE_PORT: u16 = 2376;

async fn connect(engine: &Engine, machine: &Machine<'_>, deadline: Duration) -> Result<ssh::Shell> {
    let target = machine.endpoint().ssh.ok_or_else(|| machine.not_running())?;
    let existing = machine.driver.capabilities().existing_host;
    let dir = &machine.context.machine_dir;
    let path = &engine.search_path;
    let deadline = deadline.min(engine.boot_deadline);
    ssh::wait_for_shell(&target, dir, path, deadline, existing).await.map_err(|error| {
        if !existing || !error.hints().is_empty() {
            return error;
        }
        error.hint(format!(
            "is the host on, is `{}` its address, and may port {} be reached?",
            target.host, target.port
        ))
    })
}

/// A clock that is wrong by so much that certificates would not be valid there is an error; by
/// less, a warning.
fn check_clock(survey: &Survey, progress: &dyn Progress) -> Result<()> {
    const MINUTE: i64 = 60;
    const DAY: i64 = 86_400;
    let ahead = survey.clock_ahead;
    let (minutes, word) = (ahead.abs() / MINUTE, if ahead < 0 { "behind" } else { "ahead" });
    if (-DAY + 10 * MINUTE..30 * DAY).contains(&ahead) {
        if minutes >= 5 {
            progress.warn(&format!("the host's clock is {minutes} minutes {word}"));
        }
        return Ok(());
    }
    Err(Error::other(format!("the host's clock is {} hours {word}", minutes / 60))
        .caused_by("certificates that are made now are not valid there")
        .hint("set it there: `sudo timedatectl set-ntp true`, or `sudo date -s @SECONDS`"))
}
