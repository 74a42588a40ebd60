use std::path::{Path, PathBuf};
use std::process::ExitCode;

use machine_driver::{SshTarget, process};

use super::error::CliError;
use super::session::Session;
use super::{ssh, target};
use crate::ssh::external::{self, Place};

/// Copy files between machines
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  machine scp data.tar lab1:/tmp/
  machine scp -r lab1:/var/log ./logs
  machine scp lab1:/tmp/a lab2:/tmp/a")]
pub(super) struct Args {
    /// Copy files recursively (required to copy directories)
    #[arg(long, short)]
    recursive: bool,
    /// Reduce amount of data sent over network by sending only the differences (uses rsync)
    #[arg(long, short)]
    delta: bool,
    /// Disables the progress meter as well as warning and diagnostic messages from ssh
    #[arg(long, short)]
    quiet: bool,
    /// From and to: `[USER@]MACHINE:PATH`, or a path on this computer
    #[arg(value_name = "PLACE")]
    places: Vec<String>,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    let [source, destination] = args.places.as_slice() else {
        return Err(CliError::usage("Improper number of arguments")
            .hint("machine scp data.tar lab1:/tmp/")
            .after_help_of("scp"));
    };
    let (name, what) = match args.delta {
        true => ("rsync", "the --delta option"),
        false => ("scp", "the scp feature"),
    };
    let program = program(name, what, session)?;
    let from = End::resolve(source, session)?;
    let to = End::resolve(destination, session)?;
    if args.delta {
        return rsync(&program, &args, &from, &to, session).await;
    }
    if let (
        End::Machine { target: a, machine_dir: dir_a, .. },
        End::Machine { target: b, machine_dir: dir_b, .. },
    ) = (&from, &to)
    {
        // One set of options serves both ends, so both keys must be pinned before.
        let patience = std::time::Duration::from_secs(30);
        crate::ssh::learn_host_key(a, dir_a, patience).await?;
        crate::ssh::learn_host_key(b, dir_b, patience).await?;
    }
    let argv = external::scp_argv(from.place(), to.place(), args.recursive, args.quiet);
    ssh::run_external(&program, argv, session).await
}

async fn rsync(
    program: &Path,
    args: &Args,
    from: &End,
    to: &End,
    session: &Session,
) -> Result<ExitCode, CliError> {
    let ((End::Machine { target, machine_dir, .. }, End::Local(_))
    | (End::Local(_), End::Machine { target, machine_dir, .. })) = (from, to)
    else {
        return Err(CliError::usage("--delta copies between this computer and one machine"));
    };
    let mut argv = vec!["-e".into(), external::rsync_shell(target, machine_dir).into()];
    if !args.quiet {
        argv.insert(0, "--progress".into());
    }
    if args.recursive {
        argv.push("-r".into());
    }
    argv.extend([from.rsync_word().into(), to.rsync_word().into()]);
    ssh::run_external(program, argv, session).await
}

/// One end of a copy.
enum End {
    Local(PathBuf),
    Machine { target: SshTarget, machine_dir: PathBuf, path: String },
}

impl End {
    /// `localhost:PATH` is a local path, for paths with a colon in them.
    fn resolve(word: &str, session: &Session) -> Result<Self, CliError> {
        let Some((machine, path)) = word.split_once(':') else {
            return Ok(Self::Local(PathBuf::from(word)));
        };
        if machine == "localhost" {
            return Ok(Self::Local(PathBuf::from(path)));
        }
        let (user, name) = match machine.split_once('@') {
            Some((user, name)) => (Some(user), name),
            None => (None, machine),
        };
        let failed = |error: CliError| error.context("Error loading host");
        target::check(session, name).map_err(|error| {
            let old = format!("Error loading host: Error loading host: {}", error.causes());
            error.docker_machine_says(old)
        })?;
        let machine = session.machine(name).map_err(failed)?;
        machine.check_usable()?;
        let mut target = ssh::ssh_target(&machine)?;
        if let Some(user) = user {
            user.clone_into(&mut target.user);
        }
        Ok(Self::Machine {
            target,
            machine_dir: machine.context.machine_dir.clone(),
            path: path.to_owned(),
        })
    }

    fn place(&self) -> Place<'_> {
        match self {
            Self::Local(path) => Place::Local(path),
            Self::Machine { target, machine_dir, path } => {
                Place::Machine { target, machine_dir, path }
            }
        }
    }

    fn rsync_word(&self) -> String {
        match self {
            Self::Local(path) => path.display().to_string(),
            Self::Machine { target, path, .. } => {
                format!("{}@{}:{path}", target.user, target.host)
            }
        }
    }
}

pub(super) fn program(name: &str, what: &str, session: &Session) -> Result<PathBuf, CliError> {
    let found: Option<PathBuf> =
        process::find(name, Path::new(&session.environment.path).as_os_str());
    found.ok_or_else(|| {
        CliError::new(format!("You must have a copy of the {name} binary locally to use {what}"))
    })
}
