use std::time::{SystemTime, UNIX_EPOCH};

use crate::{Error, ErrorKind, Result};

/// What cloud-init is to do when the machine boots for the first time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FirstBoot {
    /// The user's own file, whatever kind of user data it is.
    pub user_file: Option<String>,
    /// A shell script that makes the guest a Docker host as far as that needs no certificate: SSH
    /// only checks and mends then.
    pub script: Option<String>,
    /// When the guest is to switch itself off, whatever else happens.
    pub expires: Option<SystemTime>,
}

/// Parts two parts. No user's file has it, or it is refused.
const BOUNDARY: &str = "==machine-user-data-7f3a9c==";

impl FirstBoot {
    /// The user data that asks for all of it; `None` if there is nothing to ask for. `driver_file`
    /// is one more file of the user's, from a driver's own flag.
    ///
    /// What the user gives stays as it is, and so does what it means: the parts are put side by
    /// side in one MIME message, which cloud-init takes from every cloud, and no key of one
    /// can hide a key of the other. The user's parts come first.
    pub fn user_data(&self, driver_file: Option<&str>) -> Result<Option<String>> {
        let files: Vec<&str> = driver_file.into_iter().chain(self.user_file.as_deref()).collect();
        let ours = self.our_script();
        match (files.as_slice(), &ours) {
            ([], None) => return Ok(None),
            // One file alone needs no message, and reaches guests without cloud-init too.
            ([file], None) => return Ok(Some((*file).to_owned())),
            ([], Some(script)) => return Ok(Some(script.clone())),
            _ => {}
        }
        let mut message = format!(
            "Content-Type: multipart/mixed; boundary=\"{BOUNDARY}\"\nMIME-Version: 1.0\n\n"
        );
        for file in files {
            if file.contains(BOUNDARY) {
                return Err(Error::new(ErrorKind::Flags, "the user data is machine's own already"));
            }
            message += &format!("--{BOUNDARY}\n{}", part(file)?);
        }
        if let Some(script) = ours {
            message += &format!("--{BOUNDARY}\n{}", part(&script)?);
        }
        Ok(Some(message + &format!("--{BOUNDARY}--\n")))
    }

    fn our_script(&self) -> Option<String> {
        let expires = self.expires.map(|at| {
            let seconds = at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
            switch_off_at(seconds)
        });
        if expires.is_none() && self.script.is_none() {
            return None;
        }
        // The end comes first: nothing that goes wrong after it can keep the guest running.
        let parts = expires.into_iter().chain(self.script.clone());
        Some(parts.fold("#!/bin/sh\n".to_owned(), |script, part| script + &part))
    }
}

/// One part with its headers. A file that is a MIME message already is one as it is.
fn part(file: &str) -> Result<String> {
    let first = file.lines().next().unwrap_or_default().trim_end();
    let kind = match first {
        _ if is_message(first) => return Ok(format!("{}\n", file.trim_end())),
        "#cloud-config" => "text/cloud-config",
        "#cloud-boothook" => "text/cloud-boothook",
        "#cloud-config-archive" => "text/cloud-config-archive",
        "#include" => "text/x-include-url",
        "#include-once" => "text/x-include-once-url",
        "#part-handler" => "text/part-handler",
        "## template: jinja" => "text/jinja2",
        _ if first.starts_with("#!") => "text/x-shellscript",
        _ => {
            return Err(Error::new(
                ErrorKind::Flags,
                "the user data is of no kind that cloud-init knows",
            )
            .caused_by(format!(
                "its first line is `{}`",
                first.chars().take(40).collect::<String>()
            ))
            .hint("its first line is `#cloud-config`, or `#!/bin/sh` for a script"));
        }
    };
    Ok(format!(
        "Content-Type: {kind}; charset=\"utf-8\"\nContent-Transfer-Encoding: 8bit\n\n{}\n",
        file.trim_end()
    ))
}

fn is_message(first: &str) -> bool {
    let first = first.to_ascii_lowercase();
    first.starts_with("content-type: multipart/") || first.starts_with("mime-version:")
}

/// Shell that switches the guest off at a time, also after restarts. In the unit, systemd wants each
/// dollar twice; a service that is still starting would hold up the boot.
fn switch_off_at(seconds: u64) -> String {
    format!(
        r"if [ -d /run/systemd/system ]; then
cat >/etc/systemd/system/machine-ttl.service <<'EOF'
[Unit]
Description=The end of this machine's time (machine create --ttl)
[Service]
ExecStart=/bin/sh -c 'left=$$(( {seconds} - $$(date +%%s) )); [ $$left -le 0 ] || sleep $$left; systemctl poweroff'
EOF
mkdir -p /etc/systemd/system/multi-user.target.wants
ln -sf ../machine-ttl.service /etc/systemd/system/multi-user.target.wants/
systemctl daemon-reload
systemctl start --no-block machine-ttl.service
else
( left=$(( {seconds} - $(date +%s) )); [ $left -le 0 ] || sleep $left; poweroff ) >/dev/null 2>&1 &
fi
"
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn one_file_alone_stays_as_it_is() {
        let nothing = FirstBoot::default();
        assert_eq!(nothing.user_data(None).unwrap(), None);
        assert_eq!(nothing.user_data(Some("anything")).unwrap().unwrap(), "anything");
    }

    #[test]
    fn the_users_part_and_ours_stand_side_by_side() {
        let first_boot = FirstBoot {
            user_file: Some("#cloud-config\npackages: [htop]\n".into()),
            script: Some("echo engine\n".into()),
            expires: Some(UNIX_EPOCH + Duration::from_secs(1_795_000_000)),
        };
        let text = first_boot.user_data(Some("#!/bin/bash\necho mine\n")).unwrap().unwrap();
        assert!(text.starts_with("Content-Type: multipart/mixed; boundary="), "{text}");
        let parts: Vec<&str> = text.split(&format!("--{BOUNDARY}")).collect();
        assert_eq!(parts.len(), 5, "{text}");
        assert!(parts[1].contains("x-shellscript") && parts[1].contains("echo mine"));
        assert!(parts[2].contains("text/cloud-config") && parts[2].contains("packages: [htop]"));
        assert!(parts[3].find("1795000000").unwrap() < parts[3].find("echo engine").unwrap());
        assert_eq!(parts[4], "--\n");
    }

    #[test]
    fn what_cloud_init_would_pass_over_is_refused() {
        let first_boot = FirstBoot { script: Some("true\n".into()), ..FirstBoot::default() };
        let error = first_boot.user_data(Some("packages: [htop]")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Flags);
        let message = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"b\"\n\n--b--\n";
        assert!(first_boot.user_data(Some(message)).unwrap().unwrap().contains(message.trim_end()));
    }

    #[test]
    #[cfg(unix)]
    fn our_script_is_shell() {
        let script = FirstBoot {
            script: Some("true\n".into()),
            expires: Some(UNIX_EPOCH),
            ..FirstBoot::default()
        };
        let script = script.user_data(None).unwrap().unwrap();
        let parsed = std::process::Command::new("/bin/sh").args(["-nc", &script]).status();
        assert!(parsed.unwrap().success());
    }
}
