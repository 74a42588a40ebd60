//! Completion: a small script for each shell, which asks this program for every word. What it
//! answers comes from the store, the parser and the drivers' tables of flags, never from a machine.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, Command, CommandFactory, ValueEnum};
use clap_complete::CompletionCandidate;
use clap_complete::engine::{ArgValueCompleter, PathCompleter, ValueCompleter};
use clap_complete::env::{EnvCompleter, Shells};

use super::console;
use super::driver_flags;
use super::environment::Environment;
use super::error::CliError;
use super::grammar;
use crate::engine::Registry;
use crate::store::Store;

/// The variable by which the script tells that it is the shell that asks, and which.
pub(super) const VARIABLE: &str = "_MACHINE_COMPLETE";

/// Print the completion script for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
It completes commands, options, names of machines, drivers and filters.

Examples:
  machine completion bash > /etc/bash_completion.d/machine
  machine completion zsh > \"${fpath[1]}/_machine\"
  machine completion fish > ~/.config/fish/completions/machine.fish
  machine completion powershell | Out-String | Invoke-Expression")]
pub(super) struct Args {
    shell: Shell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
    Elvish,
}

/// Prints the script, for the name under which the program was called.
pub(super) fn run(args: &Args, environment: &Environment) -> Result<ExitCode, CliError> {
    let name = environment.program_name();
    let shell = args.shell.to_possible_value().map(|shell| shell.get_name().to_owned());
    let completer = completer(shell.as_deref().unwrap_or_default())?;
    let mut script = Vec::new();
    completer.write_registration(VARIABLE, name, name, &program(environment), &mut script)?;
    console::print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}

/// The path that the script calls: as it was typed if it is found by that name, else whole.
fn program(environment: &Environment) -> String {
    if !environment.program.contains(['/', '\\']) {
        return environment.program.clone();
    }
    std::path::absolute(&environment.program)
        .map_or_else(|_| environment.program.clone(), |path| path.display().to_string())
}

/// Answers the shell: `machine -- WORD…`, with what each shell says besides in variables.
pub(super) fn answer(
    shell: &str,
    args: Vec<OsString>,
    environment: &Environment,
) -> Result<ExitCode, CliError> {
    let completer = completer(shell)?;
    let words: Vec<OsString> = args.into_iter().skip_while(|arg| arg != "--").skip(1).collect();
    let mut root = command(&words, environment);
    let mut answer = Vec::new();
    completer.write_complete(&mut root, words, None, &mut answer)?;
    console::print(&String::from_utf8_lossy(&answer))?;
    Ok(ExitCode::SUCCESS)
}

fn completer(shell: &str) -> Result<&'static dyn EnvCompleter, CliError> {
    const SHELLS: Shells<'static> = Shells::builtins();
    SHELLS
        .iter()
        .find(|completer| completer.name() == shell)
        .ok_or_else(|| CliError::usage(format!("there is no completion for the shell `{shell}`")))
}

/// The parser, in which every argument knows what it can be.
fn command(words: &[OsString], environment: &Environment) -> Command {
    let mut root = super::Cli::command();
    let place = grammar::command_place(&root, words);
    let command = place.and_then(|place| super::takes_driver(&words[place..]));
    if let (Some(place), Some(command)) = (place, command)
        && let Ok(driver) = driver_flags::chosen(&words[place..], environment)
    {
        root = super::with_driver(root, command, &driver);
    }
    let machines = Machines::of(words, &root, environment);
    let names: Vec<String> =
        root.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    for name in &names {
        root = root.mut_subcommand(name, |command| {
            let command_name = name.clone();
            command.mut_args(|arg| with_values(&command_name, arg, &machines))
        });
    }
    root
}

/// What the value of an argument can be. Drivers' options are left to the file names.
fn with_values(command: &str, arg: Arg, machines: &Machines) -> Arg {
    let values = match (command, arg.get_id().as_str()) {
        ("create" | "gc", "driver") => Values::Words(drivers()),
        // The name of a machine that is yet to be made.
        ("create", "names") => return arg,
        ("ls", "filter") => Values::Filters,
        ("env", "shell") => Values::Words(SHELLS.map(str::to_owned).to_vec()),
        ("ls" | "inspect", "format") => Values::Words(FORMATS.map(str::to_owned).to_vec()),
        ("doctor", "format") => Values::Words(vec!["json".to_owned(), "text".to_owned()]),
        ("scp" | "mount", "places") => Values::Places(machines.clone()),
        (_, "names" | "name") => Values::Machines(machines.clone()),
        _ => return arg,
    };
    arg.add(ArgValueCompleter::new(values))
}

const SHELLS: [&str; 9] =
    ["bash", "cmd", "emacs", "fish", "nushell", "powershell", "sh", "tcsh", "zsh"];
const FORMATS: [&str; 2] = ["json", "yaml"];

fn drivers() -> Vec<String> {
    Registry::built_in().iter().map(|kind| kind.name().to_owned()).collect()
}

/// The store in which the names are looked up, when they are asked for.
#[derive(Clone)]
struct Machines {
    store: Option<Store>,
}

impl Machines {
    /// The store of the command line that is being completed, else of the environment.
    fn of(words: &[OsString], root: &Command, environment: &Environment) -> Self {
        let place = grammar::command_place(root, words).unwrap_or(words.len());
        let option = words[..place.min(words.len())].windows(2).find_map(|pair| {
            ["-s", "--storage-path", "-storage-path"]
                .iter()
                .any(|name| pair[0] == *name)
                .then(|| PathBuf::from(&pair[1]))
        });
        let base = option
            .or_else(|| environment.var("MACHINE_STORAGE_PATH").map(PathBuf::from))
            .or_else(|| Some(environment.home.as_ref()?.join(".docker").join("machine")));
        Self { store: base.map(Store::new) }
    }

    fn names(&self) -> Vec<String> {
        self.store.as_ref().and_then(|store| store.names().ok()).unwrap_or_default()
    }
}

#[derive(Clone)]
enum Values {
    Words(Vec<String>),
    Machines(Machines),
    /// A path here, or `MACHINE:` for one there.
    Places(Machines),
    /// `KEY=VALUE`.
    Filters,
}

impl ValueCompleter for Values {
    fn complete(&self, current: &OsStr) -> Vec<CompletionCandidate> {
        let begun = current.to_string_lossy();
        match self {
            Self::Words(words) => beginning(&begun, words.iter().cloned()),
            Self::Machines(machines) => beginning(&begun, machines.names()),
            Self::Places(machines) => {
                let names = machines.names().into_iter().map(|name| name + ":");
                let mut candidates = beginning(&begun, names);
                candidates.extend(PathCompleter::any().complete(current));
                candidates
            }
            Self::Filters => beginning(&begun, filters()),
        }
    }
}

fn beginning(begun: &str, words: impl IntoIterator<Item = String>) -> Vec<CompletionCandidate> {
    let words = words.into_iter().filter(|word| word.starts_with(begun));
    words.map(CompletionCandidate::new).collect()
}

/// The filters of `ls`, whole where their values are known.
fn filters() -> Vec<String> {
    let drivers = drivers().into_iter().map(|name| format!("driver={name}"));
    let states = ["Running", "Paused", "Saved", "Stopped", "Stopping", "Starting", "Error"];
    let states = states.into_iter().map(|state| format!("state={state}"));
    let open = ["name=", "label=", "swarm="].map(str::to_owned);
    drivers.chain(states).chain(open).collect()
}
