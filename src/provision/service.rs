//! The Engine as a service: its configuration is put in place, it is restarted, and its containers
//! go on running meanwhile.

use machine_driver::{Error, Result};

use super::daemon::{self, Configuration};
use super::family::{DROP_IN, OPENRC_CONF, Service};
use super::host::{Host, failure};
use super::survey::EngineThere;
use crate::ssh::ExitStatus;

pub(super) const DAEMON_JSON: &str = "/etc/docker/daemon.json";

/// The state of the files before, to which a failure returns.
pub(super) struct Before<'a> {
    pub daemon_json: &'a str,
    pub service_conf: &'a str,
}

/// Writes the configuration and restarts the Engine with it. If the Engine does not come up, the
/// files are as before and it runs with them.
pub(super) async fn configure(
    host: &Host,
    service: Service,
    engine: &EngineThere,
    configuration: &Configuration,
    env: &[String],
    before: &Before<'_>,
) -> Result<()> {
    let (path, text) = match service {
        Service::OpenRc => (OPENRC_CONF, daemon::openrc_conf(&configuration.arguments, env)),
        _ => (DROP_IN, daemon::drop_in(&engine.program, &configuration.arguments, env)),
    };
    let old = before.daemon_json;
    let new = configuration.daemon_json.as_deref().unwrap_or(old);
    let kept = keep_containers(host, service, engine, old).await?;
    let configured = async {
        if let Some(slash) = path.rfind('/') {
            host.check("make a directory", &format!("mkdir -p {}", &path[..slash])).await?;
        }
        host.write(path, &text, 0o644).await?;
        if kept {
            host.write(DAEMON_JSON, &daemon::with_live_restore(new)?, 0o644).await?;
        } else if new != old {
            host.write(DAEMON_JSON, new, 0o644).await?;
        }
        // The Engine refuses a bridge that has another address than it is told.
        if engine.containers == 0
            && configuration.arguments.iter().any(|it| it.starts_with("--bip"))
        {
            let script = "ip link show docker0 >/dev/null 2>&1 || exit 0; \
                          systemctl stop docker.service 2>/dev/null; ip link delete docker0; true";
            host.check("take the old bridge away", script).await?;
        }
        restart(host, service).await
    };
    let configured: Result<()> = configured.await;
    let end = if configured.is_ok() { new } else { old };
    if configured.is_err() {
        // The error that brought us here is the one to report.
        put_back(host, path, before.service_conf).await.ok();
        // Containers that outlived the attempt are stopped by an Engine that starts without it.
        let json = if kept { daemon::with_live_restore(old)? } else { old.to_owned() };
        put_back(host, DAEMON_JSON, &json).await.ok();
        restart(host, service).await.ok();
    }
    if kept {
        release(host, service, end).await?;
    }
    configured.map_err(|error| error.hint("the host's own configuration is back in place"))
}

/// Restarts the Engine without losing a container.
pub(super) async fn restart_keeping(
    host: &Host,
    service: Service,
    engine: &EngineThere,
    daemon_json: &str,
) -> Result<()> {
    keeping(host, service, engine, daemon_json, restart(host, service)).await
}

/// Does something in which the Engine is restarted, without losing a container.
pub(super) async fn keeping(
    host: &Host,
    service: Service,
    engine: &EngineThere,
    daemon_json: &str,
    work: impl Future<Output = Result<()>>,
) -> Result<()> {
    let kept = keep_containers(host, service, engine, daemon_json).await?;
    let done = work.await;
    if kept {
        let released = release(host, service, daemon_json).await;
        // Why the work failed says more than what followed from it.
        return done.and(released);
    }
    done
}

/// Turns `live-restore` on in a running Engine, which takes it by SIGHUP. Returns whether that was
/// needed and is to be undone. An Engine in swarm mode cannot do it; its services start tasks anew.
async fn keep_containers(
    host: &Host,
    service: Service,
    engine: &EngineThere,
    daemon_json: &str,
) -> Result<bool> {
    if !engine.running || engine.containers == 0 || engine.live_restore || engine.swarm {
        return Ok(false);
    }
    host.check("make a directory", "mkdir -p /etc/docker").await?;
    host.write(DAEMON_JSON, &daemon::with_live_restore(daemon_json)?, 0o644).await?;
    let script = format!(
        "{reload}\ni=0; until [ \"$(docker info --format '{{{{.LiveRestoreEnabled}}}}')\" = true ]; do \
         i=$((i+1)); [ $i -le 50 ] || exit 1; sleep 0.2 2>/dev/null || sleep 1; done",
        reload = reload(service)
    );
    if let Err(error) = host.check("keep the containers over the restart", &script).await {
        put_back(host, DAEMON_JSON, daemon_json).await.ok();
        return Err(error.hint("stop the containers first, and try again"));
    }
    Ok(true)
}

/// Leaves `daemon.json` as it is to be, and `live-restore` off again in the running Engine, which
/// remembers a value that the file no longer has.
async fn release(host: &Host, service: Service, daemon_json: &str) -> Result<()> {
    let off = daemon::with_live_restore(daemon_json)?
        .replace("\"live-restore\": true", "\"live-restore\": false");
    host.write(DAEMON_JSON, &off, 0o644).await?;
    host.check("reload the Engine's configuration", &format!("{}; sleep 1", reload(service)))
        .await?;
    put_back(host, DAEMON_JSON, daemon_json).await
}

async fn put_back(host: &Host, path: &str, text: &str) -> Result<()> {
    if text.trim().is_empty() {
        host.delete(path).await
    } else {
        host.write(path, text, 0o644).await
    }
}

pub(super) async fn restart(host: &Host, service: Service) -> Result<()> {
    let (script, log) = match service {
        // Started too often within ten seconds, systemd would refuse to start it again.
        Service::Systemd => (
            "systemctl daemon-reload && systemctl reset-failed docker.service 2>/dev/null; \
             systemctl -f enable docker.service 2>/dev/null; systemctl restart docker.service",
            "journalctl -u docker.service -n 25 --no-pager -o cat 2>/dev/null | grep -v '^docker.service: ' | tail -n 8",
        ),
        Service::OpenRc => (
            "rc-update -q add docker default; rc-service docker restart",
            "tail -n 8 /var/log/docker.log",
        ),
        Service::Boot2docker => {
            ("/etc/init.d/docker restart", "tail -n 8 /var/lib/boot2docker/log/docker.log")
        }
    };
    let mut output = host.run(script).await?;
    if output.status == ExitStatus::Code(0) {
        let wait = "i=0; until docker version >/dev/null 2>&1; do i=$((i+1)); [ $i -le 60 ] || exit 1; sleep 1; done";
        output = host.run(wait).await?;
    }
    if output.status == ExitStatus::Code(0) {
        return Ok(());
    }
    let said = host.run(log).await?.stdout;
    let error = match said.trim() {
        "" => failure("start the Engine", &output),
        said => Error::other("the Engine does not start on the host").caused_by(said.to_owned()),
    };
    Err(error.hint("`journalctl -u docker` there says more"))
}

fn reload(service: Service) -> &'static str {
    match service {
        Service::Systemd => "systemctl kill -s HUP --kill-who=main docker.service",
        Service::OpenRc => "rc-service docker reload",
        Service::Boot2docker => "kill -HUP \"$(cat /var/run/docker.pid)\"",
    }
}
