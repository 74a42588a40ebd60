use std::time::{Duration, UNIX_EPOCH};

use machine_driver::{FirstBoot, Result};

use super::install::DOCKERS_OWN;
use super::options::{Install, Options};
use crate::engine::Machine;
use crate::ssh::quoted;
use crate::store::EngineOptions;

/// What cloud-init does for a machine, from the options with which it was made. docker-machine gave
/// it nothing but the user's file.
///
/// Certificates are not among it: they name an address that is known only when the machine is made,
/// and what is in user data can be read by every container of the machine.
pub fn first_boot(machine: &Machine<'_>) -> Result<FirstBoot> {
    let options = Options::load(&machine.context.machine_dir)?;
    let engine = &machine.record.host_options.engine_options;
    Ok(FirstBoot {
        script: script(&options, engine),
        expires: options.expires.map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds)),
        user_file: options.cloud_init,
    })
}

/// Installs the Engine as provisioning would. What needs a look at the system first, such as its
/// own packages, is left to that.
fn script(options: &Options, engine: &EngineOptions) -> Option<String> {
    let url = match engine.install_url.as_str() {
        "" => DOCKERS_OWN,
        "none" => return None,
        url => url,
    };
    if options.as_docker_machine || !matches!(options.install, Install::Auto | Install::Script) {
        return None;
    }
    let version = match options.engine_version.as_deref() {
        None | Some("latest") => String::new(),
        Some(version) => format!("VERSION={} ", quoted(version)),
    };
    let url = quoted(url);
    Some(format!(
        r#"if ! command -v dockerd >/dev/null 2>&1; then
f=/var/lib/cloud/machine-install-engine.sh
for try in 1 2 3; do
  if command -v curl >/dev/null 2>&1; then curl -fsSL --connect-timeout 20 -o "$f" {url} && break
  else wget -q -T 20 -O "$f" {url} && break; fi
  sleep 5
done
[ -s "$f" ] && {version}sh "$f"
rm -f "$f"
fi
"#
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_needs_no_look_is_done_by_cloud_init() {
        let engine = EngineOptions::default();
        let options = Options { engine_version: Some("28.3".into()), ..Options::default() };
        let text = script(&options, &engine).unwrap();
        assert!(text.contains("VERSION=28.3 sh") && text.contains(DOCKERS_OWN), "{text}");
        for options in [
            Options { as_docker_machine: true, ..Options::default() },
            Options { install: Install::None, ..Options::default() },
            Options { install: Install::Package, ..Options::default() },
        ] {
            assert_eq!(script(&options, &engine), None, "{options:?}");
        }
        let none = EngineOptions { install_url: "none".into(), ..EngineOptions::default() };
        assert_eq!(script(&Options::default(), &none), None);
    }

    #[test]
    #[cfg(unix)]
    fn the_script_is_shell() {
        let text = script(&Options::default(), &EngineOptions::default()).unwrap();
        let parsed = std::process::Command::new("/bin/sh").args(["-nc", &text]).status();
        assert!(parsed.unwrap().success());
    }
}
