use machine_driver::Result;

use super::host::Host;
use crate::ssh::quoted;

/// Gives the host a name, now and for its next boot, and makes it resolve: docker-machine's steps,
/// each file written whole.
pub(super) async fn set(host: &Host, name: &str) -> Result<()> {
    let name = quoted(name);
    let script = format!(
        r#"n={name}
hostname "$n" 2>/dev/null || hostnamectl set-hostname "$n" || exit 1
printf '%s\n' "$n" >/etc/.hostname.machine && mv -f /etc/.hostname.machine /etc/hostname || exit 1
grep -Eq "[[:space:]]$n([[:space:]]|\$)" /etc/hosts 2>/dev/null && exit 0
{{ grep -v '^127\.0\.1\.1[[:space:]]' /etc/hosts; echo "127.0.1.1 $n"; }} >/etc/.hosts.machine
chmod 644 /etc/.hosts.machine && mv -f /etc/.hosts.machine /etc/hosts"#
    );
    host.check("set the host's name", &script).await.map(drop)
}
