use super::error::CliError;

/// How the program speaks, by the name under which it was called: as itself, or as the
/// docker-machine whose scripts it serves.
///
/// Decided once, from the name. Everything that differs between the two hangs on this value and on
/// what an error says in docker-machine's words, see [`CliError::docker_machine_says`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Manner {
    #[default]
    Machine,
    DockerMachine,
}

impl Manner {
    /// By the program's path as it was typed; the directory and `.exe` do not count.
    pub(super) fn of(program: &str) -> Self {
        let name = program.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
        match name.strip_suffix(".exe").unwrap_or(&name) {
            "docker-machine" => Self::DockerMachine,
            _ => Self::Machine,
        }
    }

    pub(super) fn is_docker_machine(self) -> bool {
        self == Self::DockerMachine
    }

    /// What `create` uses where nothing else is said.
    pub(super) fn default_driver(self) -> &'static str {
        match self {
            Self::Machine => "qemu",
            Self::DockerMachine => "virtualbox",
        }
    }

    /// What stands behind the word `version`. docker-machine names the commit, or `HEAD` where the
    /// build does not know it.
    pub(super) fn version(self) -> String {
        let version = env!("CARGO_PKG_VERSION");
        match self {
            Self::Machine => version.to_owned(),
            Self::DockerMachine => {
                format!("{version}, build {}", option_env!("MACHINE_BUILD").unwrap_or("HEAD"))
            }
        }
    }

    /// An error as it goes to stderr.
    pub(super) fn text(self, error: &CliError) -> String {
        match self {
            Self::Machine => error.text(),
            Self::DockerMachine => error.docker_machine_text(),
        }
    }

    /// What a line of progress is in docker-machine's words, where a script may know them.
    pub(super) fn line(self, line: &str) -> &str {
        match (self, line) {
            (Self::DockerMachine, "Waiting for Docker to answer...") => {
                "Waiting for SSH to be available...\nDetecting the provisioner..."
            }
            _ => line,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_decides() {
        for old in ["docker-machine", "/usr/bin/docker-machine", r"C:\bin\Docker-Machine.EXE"] {
            assert_eq!(Manner::of(old), Manner::DockerMachine, "{old}");
        }
        for own in ["machine", "machine.exe", "", "/docker-machine/machine", "docker-machine2"] {
            assert_eq!(Manner::of(own), Manner::Machine, "{own}");
        }
    }

    #[test]
    fn docker_machine_logs_in_where_we_ask_the_engine() {
        let line = "Waiting for Docker to answer...";
        let old = "Waiting for SSH to be available...\nDetecting the provisioner...";
        assert_eq!(Manner::DockerMachine.line(line), old);
        assert_eq!(Manner::Machine.line(line), line);
    }
}
