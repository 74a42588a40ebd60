//! The flags of the chosen driver in `create`: from the driver's table to the parser and back.

use std::ffi::OsString;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches};
use machine_driver::{Error, ErrorKind, Flag, FlagKind, FlagValue, FlagValues, Kind, Origin};

use super::environment::{Environment, parse_bool};
use super::error::CliError;
use crate::engine::Registry;

/// The driver that `create` was called for, with its flags.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) name: String,
    flags: Vec<Flag>,
}

/// What the command line and the environment say of the driver.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) driver: String,
    pub(super) values: FlagValues,
}

/// Whether the raw arguments of a command name a driver.
pub(super) fn is_named(args: &[OsString]) -> bool {
    from_args(args).is_some()
}

/// Looks for the driver in the raw arguments of `create`, as docker-machine does, then in
/// `MACHINE_DRIVER`.
pub(super) fn chosen(args: &[OsString], environment: &Environment) -> Result<Chosen, CliError> {
    let name = from_args(args)
        .or_else(|| environment.var("MACHINE_DRIVER").map(str::to_owned))
        .unwrap_or_else(|| environment.manner.default_driver().to_owned());
    let registry = Registry::built_in();
    let kind: &dyn Kind = registry.find(&name).map_err(|error| {
        CliError::from(error).docker_machine_says(format!(
            "Driver \"{name}\" not found. Do you have the plugin binary \
             \"docker-machine-driver-{name}\" accessible in your PATH?"
        ))
    })?;
    let flags = kind.flags();
    Ok(Chosen { name, flags })
}

/// The last one counts, as with every option.
fn from_args(args: &[OsString]) -> Option<String> {
    let mut found = None;
    let mut args = args.iter().map(|arg| arg.to_string_lossy()).take_while(|arg| arg != "--");
    while let Some(arg) = args.next() {
        if ["-d", "--driver", "-driver"].contains(&arg.as_ref()) {
            found = args.next().map(std::borrow::Cow::into_owned);
        }
        for prefix in ["-d=", "--driver=", "-driver="] {
            if let Some(value) = arg.strip_prefix(prefix) {
                found = Some(value.to_owned());
            }
        }
    }
    found
}

impl Chosen {
    pub(super) fn heading(&self) -> String {
        format!("Options of the driver `{}`", self.name)
    }

    pub(super) fn args(&self) -> Vec<Arg> {
        self.flags.iter().map(argument).collect()
    }
}

fn argument(flag: &Flag) -> Arg {
    let mut help = flag.help.to_string();
    if let Some(env) = &flag.env {
        help += &format!(" [env: {env}]");
    }
    let default = match &flag.kind {
        FlagKind::Int(Some(number)) => Some(number.to_string()),
        FlagKind::Text(Some(text)) if !text.is_empty() => Some(text.to_string()),
        _ => None,
    };
    if let Some(default) = default {
        help += &format!(" [default: {default}]");
    }
    let arg = Arg::new(flag.name.to_string()).long(flag.name.to_string()).help(help);
    match flag.kind {
        FlagKind::Bool => arg
            .action(ArgAction::Set)
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .value_name("BOOL")
            .hide_possible_values(true)
            .value_parser(clap::builder::ValueParser::new(|word: &str| {
                parse_bool(word).ok_or("expected true or false")
            })),
        FlagKind::Int(_) => arg.value_name("N").value_parser(clap::value_parser!(i64)),
        FlagKind::Text(_) => arg.value_name("VALUE"),
        FlagKind::List(_) => arg.value_name("VALUE").action(ArgAction::Append),
    }
}

/// The values: command line before environment before default. A number or truth value in the
/// environment that cannot be read is an error that names the variable, except to docker-machine,
/// which passes over it.
pub(super) fn given(
    chosen: Chosen,
    matches: &ArgMatches,
    environment: &Environment,
) -> Result<Given, CliError> {
    let mut values = FlagValues::defaults(&chosen.flags);
    let lenient = environment.manner.is_docker_machine();
    for flag in &chosen.flags {
        let name = flag.name.as_ref();
        let typed = (matches.value_source(name) == Some(ValueSource::CommandLine))
            .then(|| from_matches(flag, matches))
            .flatten();
        match (typed, lenient) {
            (Some(FlagValue::List(typed)), true) => {
                values.set(name, joined(flag, typed, environment));
            }
            (Some(typed), _) => values.set(name, typed),
            (None, _) => {
                let value = from_environment(flag, environment);
                let value = match value {
                    Err(_) if lenient => None,
                    value => {
                        value.map_err(|error| CliError::from(error).code(super::exit::USAGE))?
                    }
                };
                set_from_environment(&mut values, flag, value);
            }
        }
    }
    Ok(Given { driver: chosen.name, values })
}

fn set_from_environment(values: &mut FlagValues, flag: &Flag, value: Option<FlagValue>) {
    if let Some((value, variable)) = value.zip(flag.env.as_deref()) {
        values.set_from(flag.name.as_ref(), value, Origin::Variable(variable.to_owned()));
    }
}

/// docker-machine puts the list of the command line behind that of the environment.
fn joined(flag: &Flag, typed: Vec<String>, environment: &Environment) -> FlagValue {
    let variable = flag.env.as_deref().and_then(|name| environment.var(name));
    let mut list = variable.map(environment_list).unwrap_or_default();
    list.extend(typed);
    FlagValue::List(list)
}

/// A list in a variable: split at commas, with the blanks around taken off.
pub(super) fn environment_list(text: &str) -> Vec<String> {
    text.split(',').map(|item| item.trim().to_owned()).collect()
}

/// The values of a driver that variables give.
pub(super) fn from_variables(
    kind: &dyn Kind,
    environment: &Environment,
) -> Result<FlagValues, CliError> {
    let flags = kind.flags();
    let mut values = FlagValues::defaults(&flags);
    for flag in &flags {
        set_from_environment(&mut values, flag, from_environment(flag, environment)?);
    }
    Ok(values)
}

fn from_matches(flag: &Flag, matches: &ArgMatches) -> Option<FlagValue> {
    let name = flag.name.as_ref();
    match flag.kind {
        FlagKind::Bool => matches.get_one::<bool>(name).copied().map(FlagValue::Bool),
        FlagKind::Int(_) => matches.get_one::<i64>(name).copied().map(FlagValue::Int),
        FlagKind::Text(_) => matches.get_one::<String>(name).cloned().map(FlagValue::Text),
        FlagKind::List(_) => {
            matches.get_many::<String>(name).map(|items| FlagValue::List(items.cloned().collect()))
        }
    }
}

fn from_environment(flag: &Flag, environment: &Environment) -> Result<Option<FlagValue>, Error> {
    let Some((variable, text)) =
        flag.env.as_deref().and_then(|name| Some((name, environment.var(name)?)))
    else {
        return Ok(None);
    };
    let malformed = |expected: &str| {
        let shown = if flag.secret { "<redacted>" } else { text };
        let error = Error::new(
            ErrorKind::Flags,
            format!("the variable `{variable}` must be {expected}, not `{shown}`"),
        );
        error.hint(format!("`unset {variable}`, or use `--{}`", flag.name))
    };
    let value = match flag.kind {
        FlagKind::Bool => {
            FlagValue::Bool(parse_bool(text).ok_or_else(|| malformed("true or false"))?)
        }
        FlagKind::Int(_) => FlagValue::Int(text.parse().map_err(|_| malformed("a number"))?),
        FlagKind::Text(_) => FlagValue::Text(text.to_owned()),
        FlagKind::List(_) => FlagValue::List(environment_list(text)),
    };
    Ok(Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn the_driver_is_found_wherever_it_stands() {
        for line in [
            "machine create -d none x",
            "machine create x --driver none",
            "machine create --driver=none x",
            "machine create -d=none x",
        ] {
            assert_eq!(from_args(&args(line)).as_deref(), Some("none"), "{line}");
        }
        assert_eq!(from_args(&args("create x -d a --driver b")).as_deref(), Some("b"));
        assert_eq!(from_args(&args("create x -- -d a")), None);
    }

    #[test]
    fn a_wrong_driver_is_told_the_nearest() {
        let error = chosen(&args("machine create -d qemo x"), &Environment::default());
        assert!(error.unwrap_err().text().contains("qemu"));
    }
}
