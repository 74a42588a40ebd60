//! A machine in the form of `ssh_config(5)`, for programs that call `ssh` with a host name only,
//! as docker does for `DOCKER_HOST=ssh://…`: neither it nor OpenSSH has a variable for a key.

use std::path::Path;

use machine_driver::SshTarget;

use super::external::file_word;
use super::host_key::{self, ALIAS};

/// The name under which a machine stands in the configuration: no DNS name ends like that.
pub fn host_alias(machine: &str) -> String {
    format!("{machine}.machine")
}

/// The entry of one machine, with its key and its pinned host key.
pub fn ssh_config(machine: &str, target: &SshTarget, machine_dir: &Path) -> String {
    let mut text = format!("# Written by machine\nHost {}\n", host_alias(machine));
    let mut line = |keyword: &str, value: &str| text += &format!("  {keyword} {value}\n");
    line("HostName", &target.host);
    if !target.user.is_empty() {
        line("User", &target.user);
    }
    if target.port != 0 {
        line("Port", &target.port.to_string());
    }
    if !target.key.as_os_str().is_empty() {
        line("IdentityFile", &file_word(&target.key));
        line("IdentitiesOnly", "yes");
        line("UserKnownHostsFile", &file_word(&host_key::file(machine_dir)));
        line("HostKeyAlias", ALIAS);
        line("StrictHostKeyChecking", "yes");
        line("PasswordAuthentication", "no");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn openssh_reads_back_what_was_meant() {
        let dir = tempfile::tempdir().unwrap();
        let machine_dir = dir.path().join("100% mine");
        std::fs::create_dir(&machine_dir).unwrap();
        let target = SshTarget {
            host: "::1".into(),
            port: 2222,
            user: "docker".into(),
            key: machine_dir.join("id rsa"),
        };
        let path = dir.path().join("config");
        std::fs::write(&path, ssh_config("lab1", &target, &machine_dir)).unwrap();
        let ssh = std::process::Command::new("ssh")
            .arg("-F")
            .arg(&path)
            .args(["-G", "lab1.machine"])
            .output();
        let Ok(output) = ssh else {
            std::io::Write::write_all(&mut std::io::stderr(), b"skipped: no ssh\n").unwrap();
            return;
        };
        let text = String::from_utf8(output.stdout).unwrap();
        for expected in [
            "hostname ::1",
            "port 2222",
            "user docker",
            "hostkeyalias machine",
            "stricthostkeychecking true",
        ] {
            assert!(text.lines().any(|line| line == expected), "{expected} in {text}");
        }
        let known_hosts =
            format!("userknownhostsfile {}", machine_dir.join("known_hosts").display());
        assert!(text.contains(&known_hosts), "{text}");
    }
}
