use super::{Session, SshError, quoted};

impl Session {
    /// Writes a file on the machine as root, in one step: a reader sees the old bytes or the new
    /// ones, and a connection that breaks leaves the old ones. `mode` is octal, for example
    /// `0o600`; the directory must exist. No secret stands in a command line.
    pub async fn upload(&self, path: &str, content: &[u8], mode: u32) -> Result<(), SshError> {
        let sudo = if self.user == "root" { "" } else { "sudo -n " };
        let (script, file) = (quoted(SCRIPT), quoted(path));
        let length = content.len();
        let command = format!("{sudo}sh -c {script} {file} {mode:o} {length}");
        let output = self.run_with_input(&command, content).await?;
        output.success(&format!("writing {path}")).map(drop)
    }
}

/// The file is `$0`, its mode `$1`, its length `$2`. The end of the input may be the connection's,
/// so the length decides. busybox has all of this.
pub(super) const SCRIPT: &str = r#"umask 077 && t="$0.tmp$$" && trap 'rm -f "$t"' EXIT && cat >"$t" && [ "$(wc -c <"$t")" -eq "$2" ] && chmod "$1" "$t" && mv -f "$t" "$0""#;
