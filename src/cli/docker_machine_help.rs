//! Help as docker-machine prints it, from the same commands and options as our own.

use clap::{Arg, ArgAction, Command};

use super::environment::Environment;

/// The help of a command, or of the program if `name` is empty.
pub(super) fn render(root: &Command, name: &str, environment: &Environment) -> String {
    match root.find_subcommand(name) {
        Some(command) => of_command(command, environment),
        None => of_program(root, environment),
    }
}

fn of_program(root: &Command, environment: &Environment) -> String {
    let program = environment.program_name();
    let version = environment.manner.version();
    let mut options: Vec<_> = root.get_arguments().map(|arg| option(arg, environment)).collect();
    options.push(("--help, -h".to_owned(), "show help".to_owned()));
    let version_flag = options.iter().position(|(left, _)| left.starts_with("--version"));
    if let Some(place) = version_flag {
        let version_flag = options.remove(place);
        options.push(version_flag);
    }
    let commands: Vec<_> = root
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
        .map(|command| {
            let names: Vec<_> =
                [command.get_name()].into_iter().chain(command.get_all_aliases()).collect();
            (names.join(", "), about(command))
        })
        .collect();
    format!(
        "Usage: {program} [OPTIONS] COMMAND [arg...]\n\n\
         Create and manage machines running Docker.\n\nVersion: {version}\n\n\
         Author:\n  Docker Machine Contributors - <https://github.com/docker/machine>\n\n\
         Options:\n{}  \nCommands:\n{}  \n\
         Run '{program} COMMAND --help' for more information on a command.\n",
        aligned("  ", &options),
        aligned("  ", &commands),
    )
}

fn of_command(command: &Command, environment: &Environment) -> String {
    let name = command.get_name();
    let mut args: Vec<&Arg> = command
        .get_arguments()
        .filter(|arg| !arg.is_positional() && !arg.is_hide_set())
        .filter(|arg| !["help", "debug"].contains(&arg.get_id().as_str()))
        .collect();
    if name == "create" {
        args.sort_by_key(|arg| arg.get_long());
    }
    let mut text = format!("Usage: docker-machine {name}");
    if !args.is_empty() {
        text += " [OPTIONS]";
    }
    text += &format!(" [arg...]\n\n{}\n", about(command));
    if let Some(description) = description(name, environment) {
        text += &format!("\nDescription:\n   {description}\n");
    }
    if !args.is_empty() {
        let options: Vec<_> = args.into_iter().map(|arg| option(arg, environment)).collect();
        text += &format!("\nOptions:\n   \n{}", aligned("   ", &options));
    }
    text
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

/// What docker-machine says of a command's arguments.
fn description(name: &str, environment: &Environment) -> Option<String> {
    let text = match name {
        "config" | "env" | "inspect" | "status" | "url" => "Argument is a machine name.",
        "ip" | "kill" | "provision" | "regenerate-certs" | "restart" | "rm" | "start" | "stop"
        | "upgrade" => "Argument(s) are one or more machine names.",
        "ssh" => "Arguments are [machine-name] [command]",
        "scp" => "Arguments are [[user@]machine:][path] [[user@]machine:][path].",
        "mount" => "Arguments are [machine:][path] [mountpoint]",
        "create" => {
            return Some(format!(
                "Run '{} create --driver name --help' to include the create flags for that driver \
                 in the help text.",
                environment.program
            ));
        }
        _ => return None,
    };
    Some(text.to_owned())
}

/// The two columns of an option: how it is written, and what it is for.
fn option(arg: &Arg, environment: &Environment) -> (String, String) {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let (usage, variable, default) = marks(&help);
    let default = arg
        .get_default_values()
        .first()
        .map(|value| value.to_string_lossy().into_owned())
        .or(default)
        .map(|default| default.trim_matches('`').to_owned())
        .filter(|default| !default.is_empty());
    let default = match arg.get_id().as_str() {
        "driver" => Some(environment.manner.default_driver().to_owned()),
        "storage_path" => environment
            .home
            .as_ref()
            .map(|home| home.join(".docker").join("machine").display().to_string()),
        _ => default,
    };
    let long = arg.get_long().map(|long| format!("--{long}"));
    let short = arg.get_short().map(|short| format!("-{short}"));
    let names: Vec<_> = long.iter().chain(&short).cloned().collect();
    let names = names.join(", ");
    let is_truth = !arg.get_action().takes_values() || arg.is_require_equals_set();
    let left = match arg.get_action() {
        ArgAction::Append => format!("{names} [{names} option {names} option]"),
        _ if is_truth => names,
        _ => format!("{names} {}", default.map(|text| format!("\"{text}\"")).unwrap_or_default()),
    };
    let variable = variable.map(|name| format!(" [${name}]")).unwrap_or_default();
    (left, usage + &variable)
}

/// Takes `[env: NAME]` and `[default: VALUE]` off the end of a help text.
fn marks(help: &str) -> (String, Option<String>, Option<String>) {
    let (mut rest, mut variable, mut default) = (help.trim_end(), None, None);
    while let Some((before, mark)) = rest.strip_suffix(']').and_then(|it| it.rsplit_once(" [")) {
        if let Some(name) = mark.strip_prefix("env: ") {
            variable = Some(name.trim_matches('`').to_owned());
        } else if let Some(value) = mark.strip_prefix("default: ") {
            default = Some(value.to_owned());
        } else {
            break;
        }
        rest = before;
    }
    (rest.to_owned(), variable, default)
}

/// Two columns, the first filled with tabs up to a multiple of eight, as Go's `text/tabwriter`
/// does it with a tab as padding.
fn aligned(indent: &str, rows: &[(String, String)]) -> String {
    let length = |left: &str| indent.len() + left.chars().count();
    let widest = rows.iter().map(|(left, _)| length(left)).max().unwrap_or(0);
    let width = (widest + 1).div_ceil(8) * 8;
    rows.iter().fold(String::new(), |text, (left, right)| {
        let tabs = "\t".repeat((width - length(left)).div_ceil(8));
        text + &format!("{indent}{left}{tabs}{right}\n")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_taken_off_the_end() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            marks("Memory in MB [env: M] [default: 1]"),
            ("Memory in MB".to_owned(), text("M"), text("1"))
        );
        assert_eq!(marks("Port, as [HOST:]GUEST"), ("Port, as [HOST:]GUEST".into(), None, None));
    }

    #[test]
    fn columns_are_filled_with_tabs() {
        let rows =
            [("--a".to_owned(), "x".to_owned()), ("--longer-one".to_owned(), "y".to_owned())];
        assert_eq!(aligned("   ", &rows), "   --a\t\tx\n   --longer-one\ty\n");
    }
}
