//! The shell code that `env` prints, in the language of each shell.
//!
//! Plain values come out exactly as docker-machine wrote them; a value with a character that means
//! something to the shell is quoted, which docker-machine left out.

mod detect;
mod dialect;

pub use detect::{Surroundings, detect, detect_as_docker_machine};
pub use dialect::Dialect;

/// The variables that `env` sets, in its order.
pub const VARIABLES: [&str; 4] =
    ["DOCKER_TLS_VERIFY", "DOCKER_HOST", "DOCKER_CERT_PATH", "DOCKER_MACHINE_NAME"];

/// Code that sets `variables`, and the hint how to run it. `args` is the command line.
pub fn set(dialect: Dialect, variables: &[(String, String)], args: &[String]) -> String {
    let lines = variables.iter().map(|(name, value)| dialect.set(name, value));
    dialect.block(lines) + &dialect.usage(&command_line(args))
}

/// Code that takes `names` out of the environment.
pub fn unset(dialect: Dialect, names: &[String], args: &[String]) -> String {
    let lines = names.iter().map(|name| dialect.unset(name));
    dialect.block(lines) + &dialect.usage(&command_line(args))
}

/// Code for when there is no machine to point at: it forgets the old one and fails, so that
/// `eval $(machine env nope) && docker rm …` reaches nobody.
pub fn failing(dialect: Dialect) -> String {
    let lines = VARIABLES.iter().map(|name| dialect.unset(name) + "\n").collect::<String>();
    // An unquoted `eval $(…)` makes blanks of the line ends: without the semicolon, `false` would
    // be one more name to unset.
    match dialect {
        Dialect::Sh => format!("{}; {}", lines.trim_end(), dialect.failure()),
        _ => lines + dialect.failure(),
    }
}

/// The value of the no-proxy variable with `ip` in it.
pub fn no_proxy(old: &str, ip: &str) -> String {
    if old.is_empty() {
        return ip.to_owned();
    }
    if old.split(',').any(|host| host.trim() == ip) {
        return old.to_owned();
    }
    format!("{old},{ip}")
}

/// The command line for the hint; the program and words with blanks are quoted where they need it.
fn command_line(args: &[String]) -> String {
    let mut args = args.iter();
    let mut line = match args.next() {
        Some(program) if program.contains([' ', '\\']) => format!("\"{program}\""),
        Some(program) => program.clone(),
        None => String::new(),
    };
    for arg in args {
        line += " ";
        line += &if arg.contains(' ') { format!("\"{arg}\"") } else { arg.clone() };
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args() -> Vec<String> {
        ["machine", "env", "lab1"].map(str::to_owned).to_vec()
    }

    fn variables() -> Vec<(String, String)> {
        vec![("DOCKER_HOST".into(), "tcp://127.0.0.1:2376".into())]
    }

    #[test]
    fn plain_values_are_docker_machines_bytes() {
        let text = |dialect| set(dialect, &variables(), &args());
        assert_eq!(
            text(Dialect::Sh),
            "export DOCKER_HOST=\"tcp://127.0.0.1:2376\"\n\
             # Run this command to configure your shell: \n# eval $(machine env lab1)\n"
        );
        assert_eq!(
            text(Dialect::Fish),
            "set -gx DOCKER_HOST \"tcp://127.0.0.1:2376\";\n\
             # Run this command to configure your shell: \n# eval (machine env lab1)\n"
        );
        assert!(text(Dialect::PowerShell).starts_with("$Env:DOCKER_HOST = \"tcp://"));
        assert_eq!(
            text(Dialect::Cmd),
            "SET DOCKER_HOST=tcp://127.0.0.1:2376\n\
             REM Run this command to configure your shell: \n\
             REM \t@FOR /f \"tokens=*\" %i IN ('machine env lab1') DO @%i\n"
        );
        assert_eq!(
            text(Dialect::Tcsh),
            "setenv DOCKER_HOST \"tcp://127.0.0.1:2376\";\n\
             : Run this command to configure your shell: \n: eval `machine env lab1`\n"
        );
        assert_eq!(
            text(Dialect::Emacs),
            "(setenv \"DOCKER_HOST\" \"tcp://127.0.0.1:2376\")\n\
             ;; Run this command to configure your shell: \n\
             ;; (with-temp-buffer (shell-command \"machine env lab1\" (current-buffer)) \
             (eval-buffer))\n"
        );
    }

    #[test]
    fn the_hint_keeps_words_with_blanks_together() {
        let args = [r"C:\m\machine.exe", "--storage-path", r"C:\Jane O'Neil", "env", "lab1"];
        let hint = set(Dialect::PowerShell, &[], &args.map(str::to_owned));
        let line =
            r#"& "C:\m\machine.exe" --storage-path "C:\Jane O'Neil" env lab1 | Invoke-Expression"#;
        assert!(hint.contains(line), "{hint}");
    }

    #[test]
    fn no_proxy_compares_whole_addresses() {
        assert_eq!(no_proxy("", "10.0.0.1"), "10.0.0.1");
        assert_eq!(no_proxy("10.0.0.12", "10.0.0.1"), "10.0.0.12,10.0.0.1");
        assert_eq!(no_proxy("a, 10.0.0.1", "10.0.0.1"), "a, 10.0.0.1");
    }

    /// Runs code in a real shell; `None` where it is not installed.
    #[cfg(unix)]
    fn run(shell: &str, code: &str) -> Option<(bool, String)> {
        let output = std::process::Command::new(shell).args(["-c", code]).output();
        let Ok(output) = output else {
            std::io::Write::write_all(
                &mut std::io::stderr(),
                format!("skipped: no {shell}\n").as_bytes(),
            )
            .unwrap();
            return None;
        };
        Some((output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned()))
    }

    #[cfg(unix)]
    const SHELLS: [(&str, Dialect); 5] = [
        ("sh", Dialect::Sh),
        ("bash", Dialect::Sh),
        ("zsh", Dialect::Sh),
        ("fish", Dialect::Fish),
        ("tcsh", Dialect::Tcsh),
    ];

    #[test]
    #[cfg(unix)]
    fn real_shells_read_back_what_was_meant() {
        for nasty in ["a b", "it's", "\"q\"", "$HOME", "`id`", r"back\slash", r"end\"] {
            for (shell, dialect) in SHELLS {
                let code = dialect.set("V", nasty) + "\nprintenv V";
                if let Some((_, printed)) = run(shell, &code) {
                    assert_eq!(printed.trim_end_matches('\n'), nasty, "{shell}: {code}");
                }
            }
        }
    }

    #[test]
    #[cfg(unix)]
    fn failing_code_fails_and_forgets() {
        for (shell, dialect) in SHELLS {
            let code = dialect.set("DOCKER_HOST", "x") + "\n" + &failing(dialect);
            let Some((succeeded, _)) = run(shell, &code) else { continue };
            assert!(!succeeded, "{shell}: {code}");
            let code =
                dialect.set("DOCKER_HOST", "x") + "\n" + &dialect.unset("DOCKER_HOST") + "\nenv";
            let (_, printed) = run(shell, &code).unwrap();
            assert!(!printed.contains("DOCKER_HOST"), "{shell}: {printed}");
        }
    }
}
