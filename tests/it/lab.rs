//! A store of its own for each test, and the program run on it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A temporary store with a home around it.
pub(crate) struct Lab {
    dir: tempfile::TempDir,
}

/// What a run of the program left.
pub(crate) struct Run {
    /// `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::Builder::new().prefix("machine-test-").tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.path().join("store")
    }

    /// The program, ready to be given arguments. Its environment has `PATH`, a home and a store.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_machine"));
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path())
            .env("SHELL", "/bin/bash")
            .env("USER", "tester")
            .env("MACHINE_STORAGE_PATH", self.store())
            .env("MACHINE_CACHE_PATH", cache())
            .env("QEMU_TEMPLATE", "off")
            // A busy host that emulates is slow, which is not what the tests are about.
            .env("MACHINE_BOOT_TIMEOUT", "900")
            .env("FAKE_CLOUD", self.path().join("cloud.json"))
            .stdin(Stdio::null());
        command
    }

    /// The program as it is when it is called by docker-machine's name.
    #[cfg(unix)]
    pub(crate) fn docker_machine<A: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = A>,
    ) -> Command {
        use std::os::unix::process::CommandExt;
        let mut command = self.command();
        command.arg0("docker-machine").args(args);
        command
    }

    pub(crate) fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Run {
        run(self.command().args(args))
    }

    /// Runs it and demands success.
    pub(crate) fn ok<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> String {
        let run = self.run(args);
        assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
        run.stdout
    }

    /// Makes a machine of the fake driver.
    pub(crate) fn fake(&self, args: &[&str]) -> Run {
        self.run(["create", "-d", "fake"].iter().chain(args))
    }

    /// Gives a machine a certificate of the store's authority that lasts ten days: from now, or from
    /// a time that faketime knows, for example `-2y`. Whether that could be done.
    pub(crate) fn certify(&self, machine: &str, address: &str, from: Option<&str>) -> bool {
        let script = format!(
            "set -e; cd {lab}; openssl req -new -key {dir}/server-key.pem -subj /O=x -out csr; \
             printf 'subjectAltName=IP:{address},DNS:localhost\\nextendedKeyUsage=serverAuth\\n' \
             >ext; {faketime} openssl x509 -req -in csr -CA {certs}/ca.pem \
             -CAkey {certs}/ca-key.pem -set_serial 7 -days 10 -extfile ext -out {dir}/server.pem",
            lab = self.path().display(),
            dir = self.store().join("machines").join(machine).display(),
            certs = self.store().join("certs").display(),
            faketime = from.map(|from| format!("faketime -f {from}")).unwrap_or_default(),
        );
        let needed = if from.is_some() { "faketime" } else { "openssl" };
        if Command::new(needed).arg("--version").output().is_err() {
            skip(&format!("there is no {needed} to make an old certificate with"));
            return false;
        }
        let made = run(Command::new("bash").args(["-c", &script]));
        assert_eq!(made.code, Some(0), "{}", made.stderr);
        true
    }

    /// The resources in the fake driver's cloud.
    pub(crate) fn cloud(&self) -> usize {
        let text = std::fs::read_to_string(self.path().join("cloud.json")).unwrap_or_default();
        let cloud: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        cloud["resources"].as_array().map_or_else(
            || cloud["resources"].as_object().map_or(0, serde_json::Map::len),
            Vec::len,
        )
    }

    /// The files of a machine, none if it is gone.
    pub(crate) fn machine_files(&self) -> Vec<String> {
        std::fs::read_dir(self.store().join("machines"))
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }
}

/// A test that fails leaves no virtual machine behind.
impl Drop for Lab {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for name in self.machine_files() {
                self.command().args(["rm", "-f", &name]).output().ok();
            }
        }
    }
}

/// Says plainly what was not tested, and why.
pub(crate) fn skip(why: &str) {
    let text = format!("skipped: {why}\n");
    std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes()).unwrap();
}

/// Whether the tests that take long are left out, which is said: `scripts/test --long` runs them.
pub(crate) fn in_a_hurry() -> bool {
    let hurry = std::env::var_os("MACHINE_TEST_LONG").is_none();
    if hurry {
        skip("this one takes long: `scripts/test --long`");
    }
    hurry
}

/// Runs it to its end, with nothing to read.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> Run {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    end(command.spawn().unwrap())
}

/// Far more than any command needs, on a slow and busy computer too.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30 * 60);

/// Waits for the end of a command. One that hangs is killed and fails this test: libtest has no deadline,
/// so that one such command would keep the whole run from ever saying what went wrong.
#[track_caller]
pub(crate) fn end(child: std::process::Child) -> Run {
    use std::sync::mpsc::{RecvTimeoutError, channel};
    let pid = child.id();
    let (over, ended) = channel::<()>();
    let guard = std::thread::spawn(move || {
        let hung = ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout);
        if hung {
            kill(pid);
        }
        hung
    });
    let output = child.wait_with_output().unwrap();
    drop(over);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(!guard.join().unwrap(), "it hung:\n{stdout}{stderr}");
    Run { code: output.status.code(), stdout, stderr }
}

#[cfg(unix)]
fn kill(pid: u32) {
    use rustix::process::{Pid, Signal, kill_process};
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    kill_process(pid.unwrap(), Signal::KILL).ok();
}

#[cfg(windows)]
fn kill(pid: u32) {
    Command::new("taskkill").args(["/F", "/PID", &pid.to_string()]).output().ok();
}

/// Images and packages are shared by all tests: building one takes longer than all the rest.
pub(crate) fn cache() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("machine-cache")
}

/// Says plainly that a test could not be made, and why.
#[cfg(unix)]
pub(crate) fn skipped(why: &str) {
    use std::io::Write;
    writeln!(std::io::stderr(), "SKIPPED: {why}").ok();
}

/// Somebody who listens on loopback of another network: the namespace that the file stands for.
#[cfg(target_os = "linux")]
pub(crate) fn listen_in(namespace: &Path) -> std::net::TcpListener {
    in_namespace(namespace, || std::net::TcpListener::bind("127.0.0.1:0")).unwrap()
}

/// A connection to loopback of another network.
#[cfg(target_os = "linux")]
pub(crate) fn connect_in(namespace: &Path, port: u16) -> std::io::Result<std::net::TcpStream> {
    in_namespace(namespace, move || std::net::TcpStream::connect(("127.0.0.1", port)))
}

#[cfg(target_os = "linux")]
fn in_namespace<T: Send + 'static>(
    namespace: &Path,
    open: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    use std::os::fd::AsFd;
    let file = std::fs::File::open(namespace)?;
    // Only this one thread moves there; its socket stays when it has ended.
    let opened = std::thread::spawn(move || {
        rustix::thread::move_into_link_name_space(file.as_fd(), None)?;
        open()
    });
    opened.join().unwrap()
}
