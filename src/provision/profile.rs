//! boot2docker's `profile`: the Engine's configuration as shell variables.

use crate::ssh::quoted;
use crate::store::EngineOptions;

/// Where the guest keeps its TLS files.
pub const OPTIONS_DIR: &str = "/var/lib/boot2docker";

/// The file's text. `/etc/init.d/docker` of boot2docker and of our image source it, so every value
/// is quoted for the shell.
pub fn profile(options: &EngineOptions, driver: &str, port: u16) -> String {
    let storage = match options.storage_driver.as_str() {
        "" => "overlay2",
        given => given,
    };
    let mut text = String::from("EXTRA_ARGS=");
    text += &quoted(&format!("\n{}\n", arguments(options, driver).join("\n")));
    text += &format!("\nCACERT={OPTIONS_DIR}/ca.pem\n");
    text += &format!("DOCKER_HOST='-H tcp://0.0.0.0:{port}'\n");
    text += &format!("DOCKER_STORAGE={}\n", quoted(storage));
    text += "DOCKER_TLS=auto\n";
    text += &format!("SERVERKEY={OPTIONS_DIR}/server-key.pem\n");
    text += &format!("SERVERCERT={OPTIONS_DIR}/server.pem\n\n");
    for variable in &options.env {
        text += &format!("export {}\n", quoted(variable));
    }
    text
}

/// The Engine's arguments, in docker-machine's order.
fn arguments(options: &EngineOptions, driver: &str) -> Vec<String> {
    let provider = format!("provider={driver}");
    let labels = options.labels.iter().chain([&provider]).map(|label| format!("--label {label}"));
    let insecure = options.insecure_registry.iter().map(|it| format!("--insecure-registry {it}"));
    let mirrors = options.registry_mirror.iter().map(|it| format!("--registry-mirror {it}"));
    let others = options.arbitrary_flags.iter().map(|flag| format!("--{flag}"));
    labels.chain(insecure).chain(mirrors).chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_and_form_are_docker_machines() {
        let options = EngineOptions {
            labels: vec!["a=b".into()],
            arbitrary_flags: vec!["bip=10.0.0.1/24".into()],
            env: vec!["X=1".into(), "Y=it's".into()],
            ..EngineOptions::default()
        };
        let text = profile(&options, "qemu", 2376);
        let arguments = "EXTRA_ARGS='\n--label a=b\n--label provider=qemu\n--bip=10.0.0.1/24\n'\n";
        assert!(text.starts_with(arguments), "{text}");
        assert!(text.contains("\nDOCKER_HOST='-H tcp://0.0.0.0:2376'\n"), "{text}");
        assert!(text.ends_with("\nexport X=1\nexport 'Y=it'\\''s'\n"), "{text}");
    }

    #[test]
    #[cfg(unix)]
    fn a_shell_reads_back_what_was_meant() {
        let nasty = r#"a'b"c $HOME `id` \ d"#;
        let options = EngineOptions { env: vec![format!("V={nasty}")], ..EngineOptions::default() };
        let script = profile(&options, "qemu", 2376) + "printf %s \"$V\"";
        let output = std::process::Command::new("/bin/sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), nasty);
    }
}
