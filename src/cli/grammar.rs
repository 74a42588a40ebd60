//! Go's way of writing options, brought into the one form that the parser reads.
//!
//! docker-machine takes `-x`, `--x`, `--x=v` and `--x v` for any name, and `--b=false` for a truth
//! value. All of that is taken here, for every option that the parser knows, before and behind the
//! name. What only the parser takes (`-rq`, `-t5`) is left to it.

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::{Arg, ArgAction, Command};

use super::environment::parse_bool;
use super::manner::Manner;

/// What is wrong with a command line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misuse {
    pub(super) kind: Kind,
    /// The command in which it is, empty for none.
    pub(super) command: String,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    UnknownFlag(String),
    UnknownCommand(String),
    NoValue(String),
    NoTruth { flag: String, value: String },
    TwoForms { short: char, long: String },
}

/// The place of the command in `args`: the first word behind the global options.
pub(super) fn command_place(root: &Command, args: &[OsString]) -> Option<usize> {
    let mut place = 1;
    while let Some(word) = args.get(place) {
        let Some(flag) = Flag::read(word).filter(|_| word != "--") else { return Some(place) };
        let takes_next = flag.value.is_none() && find(root, root, &flag.name).is_some_and(takes);
        place += 1 + usize::from(takes_next);
    }
    None
}

/// Rewrites the whole command line.
pub(super) fn normalise(
    root: &Command,
    args: Vec<OsString>,
    manner: Manner,
) -> Result<Vec<OsString>, Misuse> {
    let mut words = args.into_iter();
    let mut normal = Vec::from_iter(words.next());
    let mut level = Level { root, command: root, given: BTreeMap::new() };
    while let Some(word) = words.next() {
        if word == "--" {
            normal.push(word);
            break;
        }
        let Some(flag) = Flag::read(&word) else {
            if let Some(command) = word.to_str().and_then(|it| level.command.find_subcommand(it)) {
                let passes = command.get_name() == "ssh";
                level = Level { root, command, given: BTreeMap::new() };
                normal.push(word);
                if passes {
                    normal.extend(pass(&mut words));
                    break;
                }
                continue;
            }
            if level.at_root() && manner.is_docker_machine() {
                let name = word.to_string_lossy().into_owned();
                return Err(level.misuse(Kind::UnknownCommand(name)));
            }
            normal.push(word);
            continue;
        };
        match level.find(&flag.name) {
            Some(arg) => {
                level.note(arg, &flag.name)?;
                normal.extend(level.known(arg, &flag, || words.next())?);
            }
            None if ["h", "help"].contains(&flag.name.as_str()) => normal.push("--help".into()),
            // A short option with its value, or several of them.
            None if flag.is_cluster(&word, |name| level.find(name).is_some()) => normal.push(word),
            None if manner.is_docker_machine() => {
                return Err(level.misuse(Kind::UnknownFlag(flag.name)));
            }
            // The parser knows what to say about it.
            None if flag.name.chars().count() > 1 => normal.push(flag.long(flag.value.clone())),
            None => normal.push(word),
        }
    }
    normal.extend(words);
    Ok(normal)
}

/// Everything behind `ssh` belongs to the machine, except a first word that asks for help.
fn pass(words: &mut impl Iterator<Item = OsString>) -> Vec<OsString> {
    let Some(first) = words.next() else { return Vec::new() };
    if ["-h", "-help", "--help"].iter().any(|help| first == *help) {
        return vec!["--help".into()];
    }
    [OsString::from("--"), first].into_iter().chain(words).collect()
}

/// The command whose options are being read, and which of them were given in which form.
struct Level<'a> {
    root: &'a Command,
    command: &'a Command,
    given: BTreeMap<String, bool>,
}

impl<'a> Level<'a> {
    fn at_root(&self) -> bool {
        std::ptr::eq(self.root, self.command)
    }

    fn find(&self, name: &str) -> Option<&'a Arg> {
        find(self.root, self.command, name)
    }

    /// Remembers the form of an option; both forms of one option are an error.
    fn note(&mut self, arg: &Arg, name: &str) -> Result<(), Misuse> {
        let is_long = arg.get_long() == Some(name);
        let before = self.given.insert(arg.get_id().to_string(), is_long);
        match (before, arg.get_short(), arg.get_long()) {
            (Some(before), Some(short), Some(long)) if before != is_long => {
                Err(self.misuse(Kind::TwoForms { short, long: long.to_owned() }))
            }
            _ => Ok(()),
        }
    }

    /// An option that is known, with its value in the same word. `next` gives the next word.
    fn known(
        &self,
        arg: &Arg,
        flag: &Flag,
        next: impl FnOnce() -> Option<OsString>,
    ) -> Result<Option<OsString>, Misuse> {
        let written = Flag {
            name: arg.get_long().unwrap_or(&flag.name).to_owned(),
            value: flag.value.clone(),
        };
        if !takes(arg) {
            let truth = match &flag.value {
                None => true,
                Some(value) => parse_bool(&value.to_string_lossy()).ok_or_else(|| {
                    let value = value.to_string_lossy().into_owned();
                    self.misuse(Kind::NoTruth { flag: flag.name.clone(), value })
                })?,
            };
            // A driver's truth value is told from one that was not given.
            if is_explicit(arg) {
                return Ok(Some(written.long(Some(truth.to_string().into()))));
            }
            return Ok(truth.then(|| written.long(None)));
        }
        match flag.value.clone().or_else(next) {
            Some(value) => Ok(Some(written.long(Some(value)))),
            None => Err(self.misuse(Kind::NoValue(flag.name.clone()))),
        }
    }

    fn misuse(&self, kind: Kind) -> Misuse {
        let command = if self.at_root() { "" } else { self.command.get_name() };
        Misuse { kind, command: command.to_owned() }
    }
}

fn find<'a>(root: &'a Command, command: &'a Command, name: &str) -> Option<&'a Arg> {
    let mut letters = name.chars();
    let letter = letters.next().filter(|_| letters.next().is_none());
    let is =
        |arg: &&Arg| arg.get_long() == Some(name) || letter.is_some() && arg.get_short() == letter;
    let global = root.get_arguments().filter(|arg| arg.is_global_set());
    command.get_arguments().chain(global).find(is)
}

fn takes(arg: &Arg) -> bool {
    arg.get_action().takes_values() && !is_explicit(arg)
}

/// A truth value that may be written with a value, as the drivers' are.
fn is_explicit(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Set) && arg.is_require_equals_set()
}

/// One word that begins with a dash.
struct Flag {
    /// Without dashes and value.
    name: String,
    value: Option<OsString>,
}

impl Flag {
    /// `None` for a word that is no option: a lone dash is a name.
    fn read(word: &OsString) -> Option<Self> {
        let text = word.to_str()?;
        let text = text.strip_prefix("--").or_else(|| text.strip_prefix('-'))?;
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.into())),
            None => (text, None),
        };
        if name.is_empty() && word != "--" {
            return None;
        }
        Some(Self { name: name.to_owned(), value })
    }

    /// In the parser's form.
    fn long(&self, value: Option<OsString>) -> OsString {
        let dashes = if self.name.chars().count() == 1 { "-" } else { "--" };
        let mut word = OsString::from(format!("{dashes}{}", self.name));
        if let Some(value) = value {
            word.push("=");
            word.push(value);
        }
        word
    }

    fn is_cluster(&self, word: &OsString, known: impl Fn(&str) -> bool) -> bool {
        let text = word.to_string_lossy();
        !text.starts_with("--") && self.name.chars().next().is_some_and(|it| known(&it.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> Command {
        let truth = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
        let text = |name: &'static str| Arg::new(name).long(name);
        Command::new("machine")
            .arg(truth("debug").short('D').global(true))
            .arg(text("storage-path").short('s'))
            .subcommand(
                Command::new("create")
                    .arg(text("driver").short('d'))
                    .arg(text("url"))
                    .arg(truth("swarm"))
                    .arg(text("private").require_equals(true).num_args(0..=1))
                    .arg(Arg::new("name").num_args(0..)),
            )
            .subcommand(Command::new("ssh").arg(Arg::new("words").num_args(0..)))
            .subcommand(
                Command::new("rm")
                    .arg(truth("force").short('f'))
                    .arg(Arg::new("yes").short('y').action(ArgAction::SetTrue)),
            )
    }

    fn normal(line: &str) -> Result<String, Misuse> {
        let args = format!("machine {line}").split(' ').map(OsString::from).collect();
        let words = normalise(&root(), args, Manner::DockerMachine)?;
        Ok(words[1..].join(std::ffi::OsStr::new(" ")).into_string().unwrap())
    }

    #[test]
    fn every_form_becomes_one() {
        let expected = "create --driver=none --url=tcp://x m";
        for line in [
            "create -d none --url tcp://x m",
            "create -driver none -url=tcp://x m",
            "create --driver=none --url tcp://x m",
            "create -d=none -url tcp://x m",
        ] {
            assert_eq!(normal(line).unwrap(), expected, "{line}");
        }
        assert_eq!(normal("create m -d none -url x").unwrap(), "create m --driver=none --url=x");
        assert_eq!(normal("-s /x -D rm m -y").unwrap(), "--storage-path=/x --debug rm m -y");
        assert_eq!(normal("create --url -x -- -d").unwrap(), "create --url=-x -- -d");
        assert_eq!(normal("rm -help").unwrap(), "rm --help");
        assert_eq!(normal("create -").unwrap(), "create -");
    }

    #[test]
    fn truth_values_can_be_written_out() {
        assert_eq!(normal("create --swarm=false m").unwrap(), "create m");
        assert_eq!(normal("create -swarm=T m").unwrap(), "create --swarm m");
        assert_eq!(normal("create -private m").unwrap(), "create --private=true m");
        assert_eq!(normal("create -private=0 m").unwrap(), "create --private=false m");
        let no_truth = Kind::NoTruth { flag: "swarm".into(), value: "maybe".into() };
        assert_eq!(normal("create --swarm=maybe m").unwrap_err().kind, no_truth);
    }

    #[test]
    fn ssh_passes_everything_through() {
        assert_eq!(normal("ssh m -D --x -- y").unwrap(), "ssh -- m -D --x -- y");
        assert_eq!(normal("ssh -help").unwrap(), "ssh --help");
        assert_eq!(normal("ssh m --help").unwrap(), "ssh -- m --help");
    }

    #[test]
    fn mistakes() {
        let misuse = |line| normal(line).map_err(|misuse| (misuse.kind, misuse.command));
        let unknown = |name: &str, command: &str| {
            Err((Kind::UnknownFlag(name.to_owned()), command.to_owned()))
        };
        assert_eq!(misuse("create --bogus m"), unknown("bogus", "create"));
        assert_eq!(misuse("--bogus ls"), unknown("bogus", ""));
        assert_eq!(
            misuse("rm -f --force"),
            Err((Kind::TwoForms { short: 'f', long: "force".into() }, "rm".into()))
        );
        assert_eq!(misuse("create -url"), Err((Kind::NoValue("url".into()), "create".into())));
        assert_eq!(misuse("foo"), Err((Kind::UnknownCommand("foo".into()), String::new())));
    }

    #[test]
    fn the_command_is_found_behind_global_options() {
        let place = |line: &str| {
            let args: Vec<_> = line.split(' ').map(OsString::from).collect();
            command_place(&root(), &args)
        };
        assert_eq!(place("machine -s create --debug ls create"), Some(4));
        assert_eq!(place("machine --storage-path=/x ssh m create"), Some(2));
        assert_eq!(place("machine -D"), None);
    }
}
