//! Who may read a file on Windows, asked of Windows' own programs: the standard library cannot say.
//!
//! What is private there is what its OpenSSH takes for private too: the user, the system, and the
//! administrators, who can read everything anyway.

#[cfg(windows)]
pub use on_windows::{foreign_readers, make_private};

/// The users and groups other than those in a security descriptor's list of rights, by their SID or
/// its two letters. The descriptor is in Microsoft's definition language (SDDL), as `cacls /S` prints
/// it: `D:PAI(A;OICI;FA;;;SY)(A;;0x1200a9;;;BU)`.
#[cfg_attr(not(any(windows, test)), expect(dead_code, reason = "Windows' alone"))]
fn foreign(sddl: &str, own: &str) -> Vec<String> {
    // SYSTEM, the administrators, and whoever the owner is.
    let known = ["SY", "BA", "OW", "S-1-5-18", "S-1-5-32-544", "S-1-3-4", own];
    let rights = sddl.split_once("D:").map_or("", |(_, rights)| rights);
    rights
        .split('(')
        .skip(1)
        .filter_map(|entry| {
            let fields: Vec<&str> = entry.split(')').next()?.split(';').collect();
            let (kind, who) = (fields.first()?, fields.get(5)?);
            (*kind == "A" && !known.contains(who)).then(|| (*who).to_owned())
        })
        .collect()
}

#[cfg(windows)]
mod on_windows {
    use std::io;
    use std::path::Path;
    use std::process::Command;

    /// Takes the rights that a directory inherits away, and gives it to the user alone; what is made
    /// in it inherits that. An error where the file system knows no rights.
    pub fn make_private(dir: &Path) -> io::Result<()> {
        let own = own_sid()?;
        let mut command = Command::new("icacls.exe");
        command.arg(dir).args(["/inheritance:r", "/q", "/grant:r"]);
        for sid in ["S-1-5-18", "S-1-5-32-544", &own] {
            command.arg(format!("*{sid}:(OI)(CI)F"));
        }
        printed(&mut command).map(drop)
    }

    /// Who else may read a file; `None` where that cannot be known.
    pub fn foreign_readers(path: &Path) -> Option<Vec<String>> {
        let own = own_sid().ok()?;
        let sddl = printed(Command::new("cacls.exe").arg(path).arg("/S")).ok()?;
        sddl.contains("D:").then(|| super::foreign(&sddl, &own))
    }

    /// `"PC\user","S-1-5-21-…"`.
    fn own_sid() -> io::Result<String> {
        let line = printed(Command::new("whoami.exe").args(["/user", "/fo", "csv", "/nh"]))?;
        let sid = line.rsplit(',').next().unwrap_or_default().trim().trim_matches('"');
        match sid.starts_with("S-1-") {
            true => Ok(sid.to_owned()),
            false => Err(io::Error::other(format!("whoami said `{}`", line.trim()))),
        }
    }

    /// What a program prints. They answer at once, so they need no deadline.
    fn printed(command: &mut Command) -> io::Result<String> {
        let output = command.output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(text);
        }
        Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_the_system_and_the_administrators_are_no_strangers() {
        let own = "S-1-5-21-1-2-3-1001";
        let private = format!("\"C:\\k\" D:PAI(A;OICI;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;{own})");
        assert!(foreign(&private, own).is_empty());
        let open = "D:AI(A;ID;FA;;;SY)(A;ID;0x1301bf;;;AU)(D;;FA;;;WD)(A;;FR;;;S-1-5-21-9)";
        assert_eq!(foreign(open, own), ["AU", "S-1-5-21-9"]);
        assert!(foreign("", own).is_empty());
    }
}
