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
    /// Not code but a record for `load-env`: Nushell evaluates no text.
    Nushell,
}

impl Dialect {
    /// The dialect of a shell by its name; every shell that is not known is taken for `sh`.
    pub fn named(name: &str) -> Self {
        Self::known(name).unwrap_or(Self::Sh)
    }

    /// The dialect of a program, if it is a shell.
    pub fn known(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        Some(match name.strip_suffix(".exe").unwrap_or(&name).trim_start_matches('-') {
            "sh" | "bash" | "zsh" | "dash" | "ash" | "ksh" | "ksh93" | "mksh" | "busybox" => {
                Self::Sh
            }
            "fish" => Self::Fish,
            "powershell" | "powershell_ise" | "pwsh" => Self::PowerShell,
            "cmd" => Self::Cmd,
            "tcsh" | "csh" => Self::Tcsh,
            "nu" | "nushell" => Self::Nushell,
            name if name.starts_with("emacs") => Self::Emacs,
            _ => return None,
        })
    }

    /// A line that sets a variable for the shell and its children.
    pub fn set(self, name: &str, value: &str) -> String {
        let value = self.quoted(value);
        match self {
            Self::Sh => format!("export {name}={value}"),
            Self::Fish => format!("set -gx {name} {value};"),
            Self::PowerShell => format!("$Env:{name} = {value}"),
            Self::Cmd => match value.contains(['&', '|', '<', '>', '^', '(', ')']) {
                true => format!("SET \"{name}={value}\""),
                false => format!("SET {name}={value}"),
            },
            Self::Tcsh => format!("setenv {name} {value};"),
            Self::Emacs => format!("(setenv \"{name}\" {value})"),
            Self::Nushell => format!("{name}: {value}"),
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
            // A variable without a value is not handed to programs.
            Self::Nushell => format!("{name}: null"),
        }
    }

    /// Several of these lines as one piece of code.
    pub(super) fn block(self, lines: impl Iterator<Item = String>) -> String {
        match self {
            Self::Nushell => {
                "{\n".to_owned()
                    + &lines.fold(String::new(), |text, line| text + &format!("    {line}\n"))
                    + "}\n"
            }
            _ => lines.map(|line| line + "\n").collect(),
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
            // No record: `from nuon` fails.
            Self::Nushell => "machine env failed\n",
        }
    }

    /// docker-machine's two lines that say how to run the code.
    pub(super) fn usage(self, command: &str) -> String {
        let (comment, how) = match self {
            Self::Sh => ("#", format!("eval $({command})")),
            Self::Fish => ("#", format!("eval ({command})")),
            Self::PowerShell => ("#", format!("& {command} | Invoke-Expression")),
            Self::Cmd => ("REM", format!("\t@FOR /f \"tokens=*\" %i IN ('{command}') DO @%i")),
            Self::Tcsh => (":", format!("eval `{command}`")),
            Self::Emacs => (
                ";;",
                format!(
                    "(with-temp-buffer (shell-command \"{command}\" (current-buffer)) \
                     (eval-buffer))"
                ),
            ),
            Self::Nushell => ("#", format!("{command} | from nuon | load-env")),
        };
        format!("{comment} Run this command to configure your shell: \n{comment} {how}\n")
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
            // Windows' consoles have code pages of other letters, in which PowerShell reads programs.
            Self::PowerShell if !value.is_ascii() => {
                let mut quoted = String::from("\"");
                for character in value.chars() {
                    match character {
                        '"' | '$' | '`' => quoted.extend(['`', character]),
                        _ if character.is_ascii() => quoted.push(character),
                        _ => quoted.extend(
                            character
                                .encode_utf16(&mut [0; 2])
                                .iter()
                                .map(|unit| format!("$([char]0x{unit:04X})")),
                        ),
                    }
                }
                quoted + "\""
            }
            Self::PowerShell if special("\"$`") => format!("'{}'", value.replace('\'', "''")),
            Self::Tcsh if special("\"$`!\\") => {
                format!("'{}'", value.replace('\'', r"'\''").replace('!', r"\!"))
            }
            Self::Emacs | Self::Nushell => {
                format!("\"{}\"", value.replace('\\', r"\\").replace('"', "\\\""))
            }
            // A percent sign is doubled nowhere but in batch files; the hint's `FOR` takes it as it
            // is unless a variable of that name exists.
            Self::Cmd => value.to_owned(),
            _ => format!("\"{value}\""),
        }
    }
}
