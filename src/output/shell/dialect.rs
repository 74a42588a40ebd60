/// The language of a shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// sh, bash, zsh, ksh, and every shell that is not known.
    Sh,
    Fish,
    PowerShell,
    Cmd,
    Tcsh,
    Emacs,
    Nushell,
}

impl Dialect {
    pub fn named(name: &str) -> Self {
        match name {
            "fish" => Self::Fish,
            "powershell" | "pwsh" => Self::PowerShell,
            "cmd" => Self::Cmd,
            "tcsh" | "csh" => Self::Tcsh,
            "emacs" => Self::Emacs,
            "nu" | "nushell" => Self::Nushell,
            _ => Self::Sh,
        }
    }

    /// A line that sets a variable for the shell and its children.
    pub fn set(self, name: &str, value: &str) -> String {
        let value = self.quoted(value);
        match self {
            Self::Sh => format!("export {name}={value}"),
            Self::Fish => format!("set -gx {name} {value};"),
            Self::PowerShell => format!("$Env:{name} = {value}"),
            Self::Cmd => format!("SET {name}={value}"),
            Self::Tcsh => format!("setenv {name} {value};"),
            Self::Emacs => format!("(setenv \"{name}\" {value})"),
            Self::Nushell => format!("$env.{name} = {value}"),
        }
    }

    /// A line that takes a variable out of the environment.
    pub fn unset(self, name: &str) -> String {
        match self {
            Self::Sh => format!("unset {name}"),
            Self::Fish => format!("set -e {name};"),
            Self::PowerShell => format!(r"Remove-Item Env:\\{name}"),
            Self::Cmd => format!("SET {name}="),
            Self::Tcsh => format!("unsetenv {name};"),
            Self::Emacs => format!("(setenv \"{name}\" nil)"),
            Self::Nushell => format!("hide-env --ignore-errors {name}"),
        }
    }

    /// Code that makes the evaluation fail, where the shell knows such a thing.
    pub(super) fn failure(self) -> &'static str {
        match self {
            Self::Sh => "false\n",
            Self::Fish | Self::Tcsh => "false;\n",
            Self::PowerShell => "throw 'machine env failed'\n",
            Self::Cmd => "EXIT /B 1\n",
            Self::Emacs => "(error \"machine env failed\")\n",
            Self::Nushell => "error make {msg: \"machine env failed\"}\n",
        }
    }

    /// docker-machine's two lines that say how to run the code.
    pub(super) fn usage(self, command: &str) -> String {
        let (comment, how) = match self {
            Self::Sh => ("# ", format!("eval $({command})")),
            Self::Fish => ("# ", format!("eval ({command})")),
            Self::PowerShell => ("# ", format!("& {command} | Invoke-Expression")),
            Self::Cmd => ("REM \t", format!("@FOR /f \"tokens=*\" %i IN ('{command}') DO @%i")),
            Self::Tcsh => (": ", format!("eval `{command}`")),
            Self::Emacs => (
                ";; ",
                format!(
                    "(with-temp-buffer (shell-command \"{command}\" (current-buffer)) \
                     (eval-buffer))"
                ),
            ),
            Self::Nushell => ("# ", format!("{command} | save -f env.nu; source env.nu")),
        };
        format!("{comment}Run this command to configure your shell: \n{comment}{how}\n")
    }

    /// The value as one word: in double quotes, as docker-machine has it, if nothing in it means
    /// anything there, else quoted so that it stands for itself.
    fn quoted(self, value: &str) -> String {
        let special = |characters: &str| value.contains(|c| characters.contains(c));
        match self {
            Self::Sh if special("\"$`\\!") => format!("'{}'", value.replace('\'', r"'\''")),
            Self::Fish if special("\"$\\") => {
                format!("'{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
            }
            Self::PowerShell if special("\"$`") => format!("'{}'", value.replace('\'', "''")),
            Self::Tcsh if special("\"$`!\\") => {
                format!("'{}'", value.replace('\'', r"'\''").replace('!', r"\!"))
            }
            Self::Emacs | Self::Nushell => {
                format!("\"{}\"", value.replace('\\', r"\\").replace('"', "\\\""))
            }
            Self::Cmd => value.to_owned(),
            _ => format!("\"{value}\""),
        }
    }
}
