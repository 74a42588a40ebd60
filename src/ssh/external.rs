//! Command lines for the system's own `ssh`, `scp` and `rsync`.
//!
//! As docker-machine's (`libmachine/ssh/client.go`, `commands/scp.go`), except that host keys are
//! checked against the machine's own file and that real errors are shown: `LogLevel=quiet` would
//! end a changed host key with status 255 and not a word.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use machine_driver::SshTarget;

use super::host_key::{self, ALIAS};

/// One end of a copy.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    Local(&'a Path),
    Machine { target: &'a SshTarget, machine_dir: &'a Path, path: &'a str },
}

/// The arguments of `ssh`, without the program. `words` are the user's own, which may be a command
/// or further options; `ssh` joins the words of a command with spaces.
pub fn ssh_argv(
    target: &SshTarget,
    machine_dir: &Path,
    words: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Vec<OsString> {
    if target.key.as_os_str().is_empty() {
        return users_own_argv(target, words);
    }
    let mut argv = options(&[machine_dir]);
    argv.push(format!("{}@{}", target.user, target.host).into());
    argv.extend(["-o", "IdentitiesOnly=yes", "-i"].map(OsString::from));
    argv.push(target.key.clone().into_os_string());
    argv.extend(["-p".into(), target.port.to_string().into()]);
    argv.extend(words.into_iter().map(|word| word.as_ref().to_owned()));
    argv
}

/// A machine without a key of its own is reached as the user would reach it: by their
/// configuration, with its jumps, their agent, and their `known_hosts`.
fn users_own_argv(
    target: &SshTarget,
    words: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Vec<OsString> {
    let mut argv = users_own_options();
    argv.push(match target.user.as_str() {
        "" => target.host.clone().into(),
        user => format!("{user}@{}", target.host).into(),
    });
    if target.port != 0 {
        argv.extend(["-p".into(), target.port.to_string().into()]);
    }
    argv.extend(words.into_iter().map(|word| word.as_ref().to_owned()));
    argv
}

fn users_own_options() -> Vec<OsString> {
    ["ConnectTimeout=10", "ServerAliveInterval=60", "StrictHostKeyChecking=accept-new"]
        .into_iter()
        .flat_map(|option| ["-o".into(), option.into()])
        .collect()
}

/// The arguments of `scp`, without the program. Two machines are named by `scp://` addresses, each
/// with its own port, which needs OpenSSH 7.7. `scp` takes one set of options for both, so either
/// may show either's host key, and one that is not pinned yet would look like a changed one: use
/// [`super::learn_host_key`] on both first.
pub fn scp_argv(from: Place<'_>, to: Place<'_>, recursive: bool, quiet: bool) -> Vec<OsString> {
    let machines: Vec<_> = [from, to].into_iter().filter_map(Place::machine).collect();
    let dirs: Vec<_> = machines.iter().map(|(_, machine_dir)| *machine_dir).collect();
    let own = machines.iter().any(|(target, _)| target.key.as_os_str().is_empty());
    let mut argv = if own { users_own_options() } else { options(&dirs) };
    argv.push("-3".into());
    argv.extend(recursive.then(|| "-r".into()));
    argv.extend(quiet.then(|| "-q".into()));
    let keys: Vec<_> =
        machines.iter().map(|(target, _)| &target.key).filter(|key| **key != *"").collect();
    if !machines.is_empty() && keys.len() == machines.len() {
        argv.extend(["-o", "IdentitiesOnly=yes"].map(OsString::from));
    }
    for key in keys {
        argv.extend(["-i".into(), key.clone().into_os_string()]);
    }
    let address: fn(&SshTarget, &str) -> String = match &machines[..] {
        [(target, _)] => {
            if target.port != 0 {
                argv.extend(["-P".into(), target.port.to_string().into()]);
            }
            remote
        }
        _ => remote_uri,
    };
    argv.push("--".into());
    argv.extend([from, to].map(|place| match place {
        Place::Local(path) => local(path),
        Place::Machine { target, path, .. } => address(target, path).into(),
    }));
    argv
}

/// The value of `rsync -e`. The machine's files are then `USER@HOST:PATH`.
pub fn rsync_shell(target: &SshTarget, machine_dir: &Path) -> String {
    let own = target.key.as_os_str().is_empty();
    let mut words = if own { users_own_options() } else { options(&[machine_dir]) };
    if target.port != 0 {
        words.extend(["-p".into(), target.port.to_string().into()]);
    }
    if !own {
        words.extend(["-o", "IdentitiesOnly=yes", "-i"].map(OsString::from));
        words.push(target.key.clone().into_os_string());
    }
    words.iter().fold("ssh".to_owned(), |line, word| {
        // rsync splits at spaces and reads a doubled quote as one.
        line + " '" + &word.to_string_lossy().replace('\'', "''") + "'"
    })
}

impl<'a> Place<'a> {
    fn machine(self) -> Option<(&'a SshTarget, &'a Path)> {
        match self {
            Self::Local(_) => None,
            Self::Machine { target, machine_dir, .. } => Some((target, machine_dir)),
        }
    }
}

/// What all of them have in common. A key that is seen first is pinned under our name for it.
fn options(machine_dirs: &[&Path]) -> Vec<OsString> {
    let known_hosts = machine_dirs.iter().map(|dir| host_key::file(dir));
    let pinned = known_hosts.clone().all(|path| host_key::is_pinned(&path));
    let files: Vec<_> = known_hosts.map(|path| file_word(&path)).collect();
    let mut argv: Vec<OsString> = vec!["-F".into(), "/dev/null".into()];
    for option in [
        "ConnectionAttempts=3".to_owned(),
        "ConnectTimeout=10".to_owned(),
        "ControlMaster=no".to_owned(),
        "ControlPath=none".to_owned(),
        "LogLevel=ERROR".to_owned(),
        "PasswordAuthentication=no".to_owned(),
        "ServerAliveInterval=60".to_owned(),
        format!("StrictHostKeyChecking={}", if pinned { "yes" } else { "accept-new" }),
        format!("UserKnownHostsFile={}", files.join(" ")),
        format!("HostKeyAlias={ALIAS}"),
    ] {
        argv.extend(["-o".into(), option.into()]);
    }
    argv
}

/// A file name in the value of an option: OpenSSH splits it at spaces and expands `%`.
pub(super) fn file_word(path: &Path) -> String {
    let mut word = path.to_string_lossy().replace('%', "%%");
    if cfg!(unix) {
        word = word.replace('\\', r"\\").replace('"', r#"\""#);
    }
    format!("\"{word}\"")
}

fn remote(target: &SshTarget, path: &str) -> String {
    let host = bracketed(&target.host);
    match target.user.as_str() {
        "" => format!("{host}:{path}"),
        user => format!("{user}@{host}:{path}"),
    }
}

/// `scp://USER@HOST:PORT/PATH`, where a path that is absolute has a second slash.
fn remote_uri(target: &SshTarget, path: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~/".contains(byte);
    let path: String = path
        .bytes()
        .map(|byte| if plain(&byte) { char::from(byte).into() } else { format!("%{byte:02X}") })
        .collect();
    format!("scp://{}@{}:{}/{path}", target.user, bracketed(&target.host), target.port)
}

fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

/// A relative name with a colon would be a host's.
fn local(path: &Path) -> OsString {
    if path.is_relative() && path.to_string_lossy().contains(':') {
        return PathBuf::from(".").join(path).into_os_string();
    }
    path.as_os_str().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(port: u16) -> SshTarget {
        SshTarget {
            host: "127.0.0.1".into(),
            port,
            user: "docker".into(),
            key: "/s/my key/id_rsa".into(),
        }
    }

    fn joined(argv: &[OsString]) -> String {
        argv.join(OsStr::new("|")).into_string().unwrap()
    }

    #[test]
    fn ssh_is_called_as_docker_machine_does_but_with_a_pinned_key() {
        let dir = tempfile::tempdir().unwrap();
        let machine_dir = dir.path().join("100% mine");
        std::fs::create_dir(&machine_dir).unwrap();
        let first = joined(&ssh_argv(&target(2222), &machine_dir, ["ls", "-l"]));
        let quoted = machine_dir.join("known_hosts").display().to_string().replace('%', "%%");
        let expected = format!(
            "-F|/dev/null|-o|ConnectionAttempts=3|-o|ConnectTimeout=10|-o|ControlMaster=no|\
             -o|ControlPath=none|-o|LogLevel=ERROR|-o|PasswordAuthentication=no|\
             -o|ServerAliveInterval=60|-o|StrictHostKeyChecking=accept-new|\
             -o|UserKnownHostsFile=\"{quoted}\"|-o|HostKeyAlias=machine|docker@127.0.0.1|\
             -o|IdentitiesOnly=yes|-i|/s/my key/id_rsa|-p|2222|ls|-l"
        );
        assert_eq!(first, expected);
        let key = machine_driver::keys::generate("").unwrap().public;
        host_key::pin(&machine_dir, &key).unwrap();
        let second = joined(&ssh_argv(&target(2222), &machine_dir, [""; 0]));
        assert!(second.contains("StrictHostKeyChecking=yes"), "{second}");
        let agent = SshTarget { key: "".into(), ..target(22) };
        let agent = joined(&ssh_argv(&agent, &machine_dir, [""; 0]));
        assert!(agent.ends_with("|docker@127.0.0.1|-p|22"), "{agent}");
        assert!(!agent.contains("-F") && !agent.contains("UserKnownHostsFile"), "{agent}");
        let adopted = SshTarget { key: "".into(), port: 0, user: String::new(), ..target(22) };
        let adopted = joined(&ssh_argv(&adopted, &machine_dir, [""; 0]));
        assert!(adopted.ends_with("=accept-new|127.0.0.1"), "{adopted}");
    }

    #[test]
    fn scp_gives_each_machine_its_own_port() {
        let (one, two) = (target(1001), target(1002));
        let machine_dir = Path::new("/s/m");
        let machine = |target, path| Place::Machine { target, machine_dir, path };
        let up = scp_argv(Place::Local(Path::new("a:b")), machine(&one, "/tmp/x y"), true, false);
        let end = "|-3|-r|-o|IdentitiesOnly=yes|-i|/s/my key/id_rsa|-P|1001|--|./a:b|\
                   docker@127.0.0.1:/tmp/x y";
        assert!(joined(&up).ends_with(end), "{}", joined(&up));
        let adopted = SshTarget { key: "".into(), port: 0, user: String::new(), ..target(22) };
        let down = scp_argv(machine(&adopted, "x"), Place::Local(Path::new("y")), false, false);
        assert!(joined(&down).ends_with("=accept-new|-3|--|127.0.0.1:x|y"), "{}", joined(&down));
        let across = joined(&scp_argv(machine(&one, "/a b"), machine(&two, "c"), false, true));
        let end = "|--|scp://docker@127.0.0.1:1001//a%20b|scp://docker@127.0.0.1:1002/c";
        assert!(across.ends_with(end), "{across}");
        assert!(
            across.contains("UserKnownHostsFile=\"/s/m/known_hosts\" \"/s/m/known_hosts\"|"),
            "{across}"
        );
    }

    #[test]
    fn rsync_gets_one_string() {
        let shell = rsync_shell(&target(22), Path::new("/s/it's"));
        assert!(shell.starts_with("ssh '-F' '/dev/null' "), "{shell}");
        assert!(shell.contains(r#" 'UserKnownHostsFile="/s/it''s/known_hosts"' "#), "{shell}");
        assert!(shell.ends_with("'-p' '22' '-o' 'IdentitiesOnly=yes' '-i' '/s/my key/id_rsa'"));
    }
}
