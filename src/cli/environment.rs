use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use super::manner::Manner;

/// The environment as a value: read once at the start, so that nothing below looks at it.
#[derive(Debug, Clone, Default)]
pub(super) struct Environment {
    variables: BTreeMap<String, String>,
    pub(super) path: OsString,
    pub(super) home: Option<PathBuf>,
    directory: Option<PathBuf>,
    pub(super) args: Vec<String>,
    /// The program's own path, for `env`'s hint and for completion.
    pub(super) program: String,
    pub(super) manner: Manner,
}

impl Environment {
    pub(super) fn read() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let args: Vec<String> =
            std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect();
        let program = args.first().cloned().unwrap_or_else(|| "machine".to_owned());
        Self {
            variables,
            manner: Manner::of(&program),
            path: std::env::var_os("PATH").unwrap_or_default(),
            home: directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned()),
            directory: std::env::current_dir().ok(),
            program,
            args,
        }
    }

    /// The value of a variable; empty counts as unset, as in docker-machine.
    pub(super) fn var(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// What drivers may know of it.
    pub(super) fn for_drivers(&self) -> machine_driver::Environment {
        let mut environment =
            machine_driver::Environment::new(self.variables.clone(), self.home.clone());
        environment.directory.clone_from(&self.directory);
        environment
    }

    /// The program's name without its directory, as people type it.
    pub(super) fn program_name(&self) -> &str {
        let name = self.program.rsplit(['/', '\\']).next().unwrap_or_default();
        match name.strip_suffix(".exe").unwrap_or(name) {
            "" => "machine",
            name => name,
        }
    }

    /// Whether any word of the command line asks for the debug log, also one behind `ssh`, as in
    /// docker-machine.
    pub(super) fn asks_for_debug(&self) -> bool {
        self.args.iter().any(|arg| ["-D", "--debug", "-debug"].contains(&arg.as_str()))
    }

    /// A truth value in Go's words; anything else is no.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.var(name).and_then(parse_bool).unwrap_or(false)
    }
}

/// Go's `strconv.ParseBool`.
pub(super) fn parse_bool(word: &str) -> Option<bool> {
    match word {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}
