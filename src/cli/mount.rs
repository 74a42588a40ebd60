use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use machine_driver::SshTarget;

use super::error::CliError;
use super::session::Session;
use super::{scp, ssh, target};
use crate::ssh::external;

/// Mount or unmount a directory from a machine with SSHFS.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without a machine the one called `default` is meant, and without a directory of this computer the \
one of the same path.

Examples:
  machine mount lab1:/home/docker ./lab1
  machine mount -u lab1:/home/docker ./lab1")]
pub(super) struct Args {
    /// Unmount instead of mount
    #[arg(long, short)]
    unmount: bool,
    /// `[[USER@]MACHINE:]PATH` on the machine, and a directory on this computer
    #[arg(value_name = "PLACE")]
    places: Vec<String>,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    let (source, here) = match args.places.as_slice() {
        [source] => (source, None),
        [source, here] => (source, Some(here.as_str())),
        _ => {
            return Err(CliError::usage("Improper number of arguments")
                .hint("machine mount lab1:/home/docker ./lab1")
                .after_help_of("mount"));
        }
    };
    let (program, what) = match args.unmount {
        true => ("fusermount", "the unmount option"),
        false => ("sshfs", "the mount feature"),
    };
    let program = scp::program(program, what, session)?;
    let (user, name, path) = place(source);
    target::check(session, name).map_err(|error| {
        let old = format!("error loading host: Error loading host: {}", error.causes());
        error.docker_machine_says(old)
    })?;
    let here = here.unwrap_or(path);
    if args.unmount {
        return ssh::run_external(&program, vec!["-u".into(), here.into()], session).await;
    }
    let machine = session.machine(name)?;
    machine.check_usable()?;
    let mut target = ssh::ssh_target(&machine)?;
    if let Some(user) = user {
        user.clone_into(&mut target.user);
    }
    let argv = sshfs_argv(&target, &machine.context.machine_dir, path, here);
    ssh::run_external(&program, argv, session).await
}

/// User, machine and path of `[[USER@]MACHINE:]PATH`.
fn place(source: &str) -> (Option<&str>, &str, &str) {
    let (machine, path) = source.split_once(':').unwrap_or(("default", source));
    match machine.split_once('@') {
        Some((user, name)) => (Some(user), name, path),
        None => (None, machine, path),
    }
}

/// The arguments of `sshfs`: `ssh`'s own options, each of which sshfs hands on.
fn sshfs_argv(target: &SshTarget, machine_dir: &Path, path: &str, here: &str) -> Vec<OsString> {
    let argv = external::ssh_argv(target, machine_dir, [""; 0]);
    let mut options: Vec<String> = argv
        .windows(2)
        .filter(|pair| pair[0] == "-o")
        .map(|pair| pair[1].to_string_lossy().into_owned())
        .collect();
    options.push(format!("Port={}", target.port));
    if !target.key.as_os_str().is_empty() {
        options.push(format!("IdentityFile={}", target.key.display()));
    }
    let mut argv: Vec<OsString> = vec!["-F".into(), "/dev/null".into()];
    for option in options {
        argv.extend(["-o".into(), escaped(&option).into()]);
    }
    let host = match target.host.contains(':') {
        true => format!("[{}]", target.host),
        false => target.host.clone(),
    };
    argv.push(format!("{}@{host}:{path}", target.user).into());
    argv.push(here.into());
    argv
}

/// libfuse splits the value of `-o` at commas, and reads a backslash as an escape.
fn escaped(option: &str) -> String {
    option.replace('\\', r"\\").replace(',', r"\,")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        assert_eq!(place("lab1:/data"), (None, "lab1", "/data"));
        assert_eq!(place("me@lab1:data"), (Some("me"), "lab1", "data"));
        assert_eq!(place("/data"), (None, "default", "/data"));
    }

    #[test]
    fn options_are_those_of_ssh() {
        let target = SshTarget {
            host: "::1".into(),
            port: 2222,
            user: "docker".into(),
            key: "/s/a,b/id_rsa".into(),
        };
        let argv = sshfs_argv(&target, Path::new("/s/a,b"), "/data", "here");
        let argv = argv.join(std::ffi::OsStr::new(" ")).into_string().unwrap();
        assert!(
            argv.ends_with(r" -o Port=2222 -o IdentityFile=/s/a\,b/id_rsa docker@[::1]:/data here")
        );
        assert!(
            argv.contains(r#"-o UserKnownHostsFile="/s/a\,b/known_hosts" -o HostKeyAlias=machine"#)
        );
    }
}
