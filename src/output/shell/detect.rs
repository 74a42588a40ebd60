use super::Dialect;

/// What tells which shell will read the code.
#[derive(Debug, Clone, Default)]
pub struct Surroundings<'a> {
    /// `$SHELL`, the user's login shell, if it is set.
    pub shell: Option<&'a str>,
    /// Whether fish has left its mark in the environment.
    pub fish: bool,
    /// The names of the process that called us and of the one that called that.
    pub callers: Vec<String>,
    pub windows: bool,
}

/// The shell that called us; else the login shell; else the system's own.
///
/// docker-machine asks the login shell first, and is wrong in a fish that was started from bash.
/// PowerShell's `PSModulePath` is no sign: cmd inherits it from the system.
pub fn detect(around: &Surroundings<'_>) -> Dialect {
    let caller = around.callers.iter().find_map(|name| Dialect::known(name));
    let login = around.shell.map(|shell| Dialect::named(base_name(shell)));
    caller.or(login).unwrap_or(if around.windows { Dialect::Cmd } else { Dialect::Sh })
}

/// docker-machine's way. `None` if it does not know; `true` if it says that it has guessed.
pub fn detect_as_docker_machine(around: &Surroundings<'_>) -> Option<(Dialect, bool)> {
    if let Some(shell) = around.shell {
        let fish = around.windows && around.fish;
        return Some((if fish { Dialect::Fish } else { Dialect::named(base_name(shell)) }, false));
    }
    if !around.windows {
        return None;
    }
    let is = |name: &String, part| name.to_ascii_lowercase().contains(part);
    let found = around.callers.iter().find_map(|name| match name {
        name if is(name, "powershell") || is(name, "pwsh") => Some(Dialect::PowerShell),
        name if is(name, "cmd") => Some(Dialect::Cmd),
        _ => None,
    });
    Some(found.map_or((Dialect::Cmd, true), |dialect| (dialect, false)))
}

fn base_name(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    name.strip_suffix(".exe").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around<'a>(shell: Option<&'a str>, callers: &[&str], windows: bool) -> Surroundings<'a> {
        let callers = callers.iter().map(|name| (*name).to_owned()).collect();
        Surroundings { shell, fish: false, callers, windows }
    }

    #[test]
    fn the_caller_counts_before_the_login_shell() {
        let found = |shell, callers: &[&str]| detect(&around(shell, callers, false));
        assert_eq!(found(Some("/bin/bash"), &["fish"]), Dialect::Fish);
        assert_eq!(found(Some("/usr/bin/fish"), &["-bash"]), Dialect::Sh);
        assert_eq!(found(Some("/usr/bin/fish"), &["make", "python3"]), Dialect::Fish);
        assert_eq!(found(Some("/bin/bash"), &["sudo", "nu"]), Dialect::Nushell);
        assert_eq!(found(Some("/bin/bash"), &["emacs-nox"]), Dialect::Emacs);
        assert_eq!(found(None, &["cron"]), Dialect::Sh);
        let windows = |callers: &[&str]| detect(&around(None, callers, true));
        assert_eq!(windows(&["pwsh.exe"]), Dialect::PowerShell);
        assert_eq!(windows(&["cmd.exe", "powershell.exe"]), Dialect::Cmd);
        assert_eq!(windows(&["explorer.exe"]), Dialect::Cmd);
    }

    #[test]
    fn docker_machine_asks_the_login_shell() {
        let found = |shell, callers: &[&str], windows| {
            detect_as_docker_machine(&around(shell, callers, windows))
        };
        assert_eq!(found(Some("/bin/bash"), &["fish"], false), Some((Dialect::Sh, false)));
        assert_eq!(found(Some("/usr/bin/tcsh"), &[], false), Some((Dialect::Tcsh, false)));
        assert_eq!(found(None, &["bash"], false), None);
        assert_eq!(
            found(None, &["x.exe", "Powershell.exe"], true),
            Some((Dialect::PowerShell, false))
        );
        assert_eq!(found(None, &["x.exe"], true), Some((Dialect::Cmd, true)));
        let mut bash = around(Some("C:\\Git\\bash.exe"), &[], true);
        assert_eq!(detect_as_docker_machine(&bash), Some((Dialect::Sh, false)));
        bash.fish = true;
        assert_eq!(detect_as_docker_machine(&bash), Some((Dialect::Fish, false)));
    }
}
