//! Running `VBoxManage`: its rules for success, its known complaints, and what to do about them.

use std::path::PathBuf;
use std::time::Duration;

use machine_driver::process::{self, Run};
use machine_driver::wait::{Look, Wait};
use machine_driver::{Context, Error, ErrorKind, Result};

use crate::program;

/// The program. Each [`Manage::run`] starts it once.
#[derive(Debug, Clone)]
pub(crate) struct Manage {
    program: PathBuf,
}

/// A disk may lie on a slow share, and a state of several gigabytes has to be written.
const DEADLINE: Duration = Duration::from_secs(300);

/// How long VirtualBox may take to let go of a machine that somebody else just dealt with.
const LOCKED: Duration = Duration::from_secs(20);

/// docker-machine tries five times, 100 ms apart.
const NOT_READY: Duration = Duration::from_secs(3);

impl Manage {
    pub(crate) fn find(cx: &Context) -> Result<Self> {
        Ok(Self { program: program::find(&cx.search_path)? })
    }

    /// Runs it once more while VirtualBox is not ready yet, and returns what it printed. A machine
    /// that is not registered is [`ErrorKind::NotFound`].
    pub(crate) async fn run(&self, args: &[&str]) -> Result<String> {
        self.patiently(args, NOT_READY, &["The object is not ready", "object is not ready"]).await
    }

    /// The same for a machine whose last process may not have let go of it yet.
    pub(crate) async fn run_unlocked(&self, args: &[&str]) -> Result<String> {
        let complaints =
            ["object is not ready", "while it is locked", "is already locked", "being unlocked"];
        self.patiently(args, LOCKED, &complaints).await
    }

    async fn patiently(
        &self,
        args: &[&str],
        patience: Duration,
        passing: &[&str],
    ) -> Result<String> {
        let wait = Wait::new("VirtualBox", patience);
        let passes = |error: &Error| {
            let said = error.one_line();
            passing.iter().any(|complaint| said.contains(complaint))
        };
        // An error that does not pass is the answer, not a wait that has failed.
        wait.until(async || match self.once(args).await {
            Err(error) if passes(&error) => Look::NotYet(Some(error)),
            answer => Look::Ready(answer),
        })
        .await?
    }

    async fn once(&self, args: &[&str]) -> Result<String> {
        let (status, output) =
            Run::new(&self.program).args(args).deadline(DEADLINE).status().await?;
        // `discardstate` ends with 0 after an error. A list ends with 0 too where one machine's settings
        // are gone, and complains of that one; it is whole all the same.
        let is_list = args.first() == Some(&"list");
        if status == Some(0) && (is_list || !output.stderr.contains("error:")) {
            return Ok(output.stdout);
        }
        Err(failure(args, status, &output))
    }
}

fn failure(args: &[&str], status: Option<i32>, output: &process::Output) -> Error {
    let said = if output.stderr.trim().is_empty() { &output.stdout } else { &output.stderr };
    if said.contains("Could not find a registered machine") {
        return Error::new(ErrorKind::NotFound, "machine does not exist").caused_by(errors(said));
    }
    let words = args.iter().take(3).copied().collect::<Vec<_>>().join(" ");
    let ended = status.map_or("was killed".to_owned(), |code| format!("exited with {code}"));
    let error = Error::other(format!("`VBoxManage {words}` {ended}")).caused_by(errors(said));
    ADVICE
        .iter()
        .filter(|(complaint, _)| said.contains(complaint))
        .fold(error, |error, (_, hint)| error.hint(*hint))
}

/// The lines that say what is wrong, without the progress before them and the usage after them.
fn errors(said: &str) -> String {
    let lines: Vec<&str> =
        said.lines().filter_map(|line| line.split_once("error: ")).map(|(_, text)| text).collect();
    if lines.is_empty() { process::tail(said, 5) } else { process::tail(&lines.join("\n"), 5) }
}

/// Pieces of VirtualBox's complaints, and what helps.
const ADVICE: &[(&str, &str)] = &[
    (
        "/dev/vboxnetctl",
        "load VirtualBox's kernel modules: `sudo modprobe vboxdrv vboxnetadp vboxnetflt`",
    ),
    (
        "VERR_VM_DRIVER_NOT_INSTALLED",
        "load VirtualBox's kernel module: `sudo modprobe vboxdrv`, or `sudo /sbin/vboxconfig`",
    ),
    ("VERR_SUPLIB", "VirtualBox's files are not as it installed them: reinstall it"),
    (
        "VERR_VMX_NO_VMX",
        "turn VT-x on in the computer's firmware; under another hypervisor, allow nested virtualization",
    ),
    (
        "VERR_SVM_NO_SVM",
        "turn AMD-V on in the computer's firmware; under another hypervisor, allow nested virtualization",
    ),
    (
        "VERR_VMX_IN_VMX_ROOT_MODE",
        "another hypervisor has the processor: on Linux `sudo modprobe -r kvm_intel`, or use `--driver qemu`",
    ),
    (
        "VERR_SVM_IN_USE",
        "another hypervisor has the processor: on Linux `sudo modprobe -r kvm_amd`, or use `--driver qemu`",
    ),
    (
        "VERR_NEM",
        "Hyper-V has the processor and does not share it: turn it off, or use `--driver hyperv`",
    ),
    (
        "E_ACCESSDENIED",
        "VirtualBox allows host-only networks only within 192.168.56.0/21: put a line such as `* 192.168.99.0/24` into /etc/vbox/networks.conf",
    ),
    ("VERR_NO_MEMORY", "ask for less memory: `--virtualbox-memory 1024`"),
    (
        "VBOX_E_PLATFORM_ARCH_NOT_SUPPORTED",
        "VirtualBox runs only machines of this computer's own architecture",
    ),
    (
        "because a hard disk",
        "VirtualBox still knows a disk of an earlier machine: `VBoxManage list hdds`, then `VBoxManage closemedium disk UUID`",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn output(stderr: &str) -> process::Output {
        process::Output { stdout: String::new(), stderr: stderr.into() }
    }

    #[test]
    fn complaints_become_advice() {
        let stderr = "0%...NS_ERROR_FAILURE\nVBoxManage: error: Failed to create the host-only adapter\n\
             VBoxManage: error: VBoxNetAdpCtl: Error while adding new interface: failed to open \
             /dev/vboxnetctl: No such file or directory\n";
        let error = failure(&["hostonlyif", "create"], Some(1), &output(stderr));
        assert_eq!(error.to_string(), "`VBoxManage hostonlyif create` exited with 1");
        assert!(error.hints()[0].contains("modprobe"), "{error:?}");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.starts_with("Failed to create the host-only adapter\n"), "{cause}");
    }

    #[test]
    fn an_unknown_machine_is_told_apart() {
        for said in [
            "VBoxManage: error: Could not find a registered machine named 'nosuch'\n",
            "VBoxManage: error: Could not find a registered machine with UUID {6e3b}\n",
        ] {
            let error = failure(&["showvminfo", "x"], Some(1), &output(said));
            assert_eq!(error.kind(), ErrorKind::NotFound);
        }
    }
}
