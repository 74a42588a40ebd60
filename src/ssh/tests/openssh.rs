//! OpenSSH's own server and clients. Without `sshd` in its usual place these tests do nothing;
//! started by root it also needs the directory `/run/sshd`.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use machine_driver::{SshTarget, keys};
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;

use super::super::external::{Place, scp_argv, ssh_argv};
use super::super::terminal::Size;
use super::super::{ExitStatus, Pty, Session, connect, learn_host_key, pin, wait_ready};
use super::{PATIENCE, private, target, user_key};

/// A server of its own for one test, and the directory of the machine that it plays.
struct Sshd {
    process: Child,
    dir: tempfile::TempDir,
    target: SshTarget,
    host_key: String,
}

impl Sshd {
    /// `None` where there is no `sshd`. Its ports are asked for in turn, for another program may
    /// take one between our look and its start.
    fn start() -> Option<Self> {
        let program = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"]
            .into_iter()
            .find(|path| Path::new(path).exists())?;
        let dir = tempfile::tempdir().unwrap();
        let user = user_key(dir.path());
        let host = keys::generate("host").unwrap();
        let host_file = dir.path().join("ssh_host_ed25519_key");
        fs::write(&host_file, &host.private).unwrap();
        private(&host_file);
        fs::write(dir.path().join("authorized_keys"), &user.public).unwrap();
        let name = Command::new("id").arg("-un").output().unwrap();
        let name = String::from_utf8(name.stdout).unwrap();
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut process = Command::new(program)
                .args(["-D", "-e", "-f", "/dev/null", "-p", &port.to_string(), "-h"])
                .arg(&host_file)
                .args(["-o", "ListenAddress=127.0.0.1", "-o", "PidFile=none"])
                .args(["-o", "StrictModes=no", "-o", "UsePAM=no", "-o", "PermitRootLogin=yes"])
                .args(["-o", "Subsystem=sftp internal-sftp", "-o"])
                .arg(format!("AuthorizedKeysFile={}", dir.path().join("authorized_keys").display()))
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut said = String::new();
            let mut stderr = process.stderr.take().unwrap();
            let mut byte = [0];
            while !said.contains("Server listening on 127.0.0.1") {
                if stderr.read(&mut byte).unwrap() == 0 {
                    break;
                }
                said.push(char::from(byte[0]));
            }
            if said.contains("Server listening on 127.0.0.1") {
                // It goes on complaining there, and must not be stopped by a full pipe.
                std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
                let target = target(dir.path(), port, name.trim());
                return Some(Self { process, dir, target, host_key: host.public });
            }
            process.wait().unwrap();
            // Its package makes this at boot, and nobody boots in a container.
            if said.contains("Missing privilege separation directory") {
                return None;
            }
            assert!(said.contains("Address already in use"), "sshd: {said}");
        }
        panic!("no port is free");
    }

    fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    async fn session(&self) -> Session {
        wait_ready(&self.target, self.dir(), PATIENCE).await.unwrap()
    }

    /// Runs the system's `ssh` against it.
    fn ssh(&self, words: &[&str]) -> Output {
        let argv = ssh_argv(&self.target, self.dir(), words);
        Command::new("ssh").args(argv).stdin(Stdio::null()).output().unwrap()
    }

    fn place<'a>(&'a self, path: &'a str) -> Place<'a> {
        Place::Machine { target: &self.target, machine_dir: self.dir(), path }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

#[tokio::test]
async fn commands_of_a_real_server() {
    let Some(sshd) = Sshd::start() else { return };
    let session = sshd.session().await;
    let output = session.run("echo out; echo err >&2; exit 42").await.unwrap();
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("out\n", "err\n"));
    assert_eq!(output.status, ExitStatus::Code(42));
    assert_eq!(
        session.run("kill -TERM $$").await.unwrap().status,
        ExitStatus::Signal("TERM".into())
    );
    let big = "0123456789abcdef".repeat(512 * 1024);
    let echoed = session.run_with_input("cat", big.as_bytes()).await.unwrap();
    assert!(echoed.stdout == big, "{} of {} bytes", echoed.stdout.len(), big.len());
    session.close().await;
}

#[tokio::test]
async fn a_real_server_takes_the_rsa_keys_of_docker_machine() {
    let Some(sshd) = Sshd::start() else { return };
    let key = sshd.path("id_rsa");
    let made = Command::new("openssl")
        .args(["genrsa", "-traditional", "-out"])
        .args([key.as_os_str(), "2048".as_ref()])
        .output();
    let Ok(_) = made else { return };
    private(&key);
    let public = russh::keys::load_secret_key(&key, None).unwrap().public_key().to_openssh();
    fs::write(sshd.path("authorized_keys"), public.unwrap()).unwrap();
    connect(&sshd.target, sshd.dir(), PATIENCE).await.unwrap().check("true").await.unwrap();
    assert!(sshd.ssh(&["true"]).status.success());
}

#[tokio::test]
async fn both_clients_pin_the_same_key_in_the_same_file() {
    let Some(sshd) = Sshd::start() else { return };
    let output = sshd.ssh(&["echo out; echo err >&2; exit 42"]);
    assert_eq!(output.status.code(), Some(42), "{output:?}");
    assert_eq!((&output.stdout[..], &output.stderr[..]), (&b"out\n"[..], &b"err\n"[..]));
    let known_hosts = sshd.path("known_hosts");
    let by_ssh = fs::read_to_string(&known_hosts).unwrap();
    let key = sshd.host_key.rsplit_once(' ').unwrap().0;
    assert_eq!(by_ssh.trim_end(), format!("machine {key}"));
    sshd.session().await.close().await;
    assert_eq!(fs::read_to_string(&known_hosts).unwrap(), by_ssh);

    fs::remove_file(&known_hosts).unwrap();
    sshd.session().await.close().await;
    assert_eq!(fs::read_to_string(&known_hosts).unwrap(), by_ssh);
    assert!(sshd.ssh(&["true"]).status.success());

    pin(sshd.dir(), &keys::generate("").unwrap().public).unwrap();
    let refused = sshd.ssh(&["true"]);
    assert_eq!(refused.status.code(), Some(255));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("HOST IDENTIFICATION HAS CHANGED"), "{said}");
    assert!(connect(&sshd.target, sshd.dir(), PATIENCE).await.is_err());
}

#[tokio::test]
async fn a_terminal_has_a_size_that_can_change() {
    let Some(sshd) = Sshd::start() else { return };
    let session = sshd.session().await;
    let (resize, sizes) = watch::channel(Size { columns: 100, rows: 40 });
    let pty = Pty { term: "xterm-256color".into(), sizes };
    let (mut keyboard, stdin) = tokio::io::duplex(64);
    let (stdout, mut screen) = tokio::io::duplex(64 * 1024);
    let script = "echo $TERM; stty size; trap 'stty size; exit 5' WINCH; echo ready; read a";
    let user = async {
        let mut seen = String::new();
        while !seen.contains("ready") {
            read_some(&mut screen, &mut seen).await;
        }
        resize.send_replace(Size { columns: 120, rows: 50 });
        // The trap runs when the shell is done with what it waits for.
        while !seen.contains("50 120") && keyboard.write_all(b"\r").await.is_ok() {
            if read_some(&mut screen, &mut seen).await == 0 {
                break;
            }
        }
        seen
    };
    let (status, seen) = tokio::join!(session.interactive(Some(script), pty, stdin, stdout), user);
    assert!(seen.contains("xterm-256color") && seen.contains("40 100"), "{seen}");
    assert!(seen.contains("50 120"), "{seen}");
    assert_eq!(status.unwrap(), ExitStatus::Code(5));
}

async fn read_some(screen: &mut tokio::io::DuplexStream, seen: &mut String) -> usize {
    let mut buffer = [0; 1024];
    let n = tokio::io::AsyncReadExt::read(screen, &mut buffer).await.unwrap();
    *seen += &String::from_utf8_lossy(&buffer[..n]);
    n
}

/// Puts a small tree with an executable into `dir/tree`.
fn make_tree(dir: &Path) -> PathBuf {
    let tree = dir.join("tree");
    fs::create_dir_all(tree.join("empty")).unwrap();
    fs::create_dir_all(tree.join("a/b c")).unwrap();
    fs::write(tree.join("a/b c/ümlaut"), vec![7; 300_000]).unwrap();
    fs::write(tree.join("run"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(tree.join("run"), fs::Permissions::from_mode(0o755)).unwrap();
    tree
}

fn assert_same(one: &Path, other: &Path) {
    let diff = Command::new("diff").arg("-r").args([one, other]).output().unwrap();
    assert!(diff.status.success(), "{}", String::from_utf8_lossy(&diff.stdout));
    let mode = |dir: &Path| fs::metadata(dir.join("run")).unwrap().permissions().mode() & 0o100;
    assert_eq!(mode(one), mode(other));
}

#[tokio::test]
async fn trees_are_copied_both_ways_without_scp() {
    let Some(sshd) = Sshd::start() else { return };
    let session = sshd.session().await;
    let tree = make_tree(sshd.dir());
    let (there, back) = (sshd.path("there"), sshd.path("back"));
    let there_text = there.to_str().unwrap();
    assert!(session.copy_to(&tree, there_text, false).await.is_err());
    session.copy_to(&tree, there_text, true).await.unwrap();
    assert_same(&tree, &there);
    fs::create_dir(&back).unwrap();
    session.copy_from(there_text, &back, true).await.unwrap();
    assert_same(&tree, &back.join("there"));
    session.copy_to(&tree.join("run"), back.to_str().unwrap(), false).await.unwrap();
    assert_eq!(fs::read(back.join("run")).unwrap(), fs::read(tree.join("run")).unwrap());
    let error = session.copy_from("/no/such/file", &back, false).await.unwrap_err();
    assert!(error.to_string().contains("/no/such/file"), "{error}");
}

#[tokio::test]
async fn scp_copies_up_down_and_across() {
    let (Some(one), Some(two)) = (Sshd::start(), Sshd::start()) else { return };
    let tree = make_tree(one.dir());
    let scp = |from, to| {
        let argv = scp_argv(from, to, true, true);
        let output = Command::new("scp").args(&argv).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{argv:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let on_one = one.path("on one").to_str().unwrap().to_owned();
    let on_two = two.path("on two").to_str().unwrap().to_owned();
    scp(Place::Local(&tree), one.place(&on_one));
    assert_same(&tree, Path::new(&on_one));
    for sshd in [&one, &two] {
        learn_host_key(&sshd.target, sshd.dir(), PATIENCE).await.unwrap();
    }
    scp(one.place(&on_one), two.place(&on_two));
    assert_same(&tree, Path::new(&on_two));
    let back = two.path("back");
    scp(two.place(&on_two), Place::Local(&back));
    assert_same(&tree, &back);
}
