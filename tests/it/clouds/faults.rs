//! Every call of a machine's life goes wrong in turn, in every way; afterwards nothing may be left.

use std::process::{Command, Stdio};

use super::server::{Fake, Fault, Server};
use crate::lab::{Lab, Run, run};

/// A driver and a fake of its cloud.
pub(crate) struct Subject<'a, F: Fake> {
    pub(crate) driver: &'static str,
    pub(crate) server: &'a Server<F>,
    /// What leads the driver there, for all commands.
    pub(crate) variables: Vec<(String, String)>,
    /// Further options of `create`.
    pub(crate) flags: Vec<String>,
}

/// What a run of faults came to.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// How many calls went wrong.
    pub(crate) faults: usize,
    /// How many calls were made in all.
    pub(crate) calls: usize,
}

/// Lets everything go wrong, one call after the other, in each way in a cloud of its own.
pub(crate) fn every_call_goes_wrong<F: Fake>(
    fake: impl Fn() -> F + Sync,
    subject: impl Fn(&Server<F>) -> Subject<'_, F> + Sync,
) -> Figures {
    let run = &|fault| {
        let server = Server::start(fake());
        subject(&server).every_call_goes_wrong(fault)
    };
    let all = std::thread::scope(|scope| {
        let threads = Fault::ALL.map(|fault| scope.spawn(move || run(fault)));
        threads.map(|thread| thread.join().unwrap())
    });
    all.into_iter().fold(Figures::default(), |sum, it| Figures {
        faults: sum.faults + it.faults,
        calls: sum.calls + it.calls,
    })
}

/// What mends it.
#[derive(Debug, Clone, Copy)]
enum After {
    Remove,
    CreateAndRemove,
    /// The record is lost, as with `rm -f` while the cloud cannot be reached.
    Collect,
}

impl<F: Fake> Subject<'_, F> {
    /// `create` reaches its cloud and no guest: it ends when nobody lets it in at once.
    pub(crate) fn create(&self, lab: &Lab) -> Command {
        let mut command = self.machine(lab);
        command.args(["create", "-d", self.driver]).args(&self.flags).arg("m1");
        command
    }

    pub(crate) fn machine(&self, lab: &Lab) -> Command {
        let mut command = lab.command();
        command
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            // What one lab has looked up is not to help the next one.
            .env("MACHINE_CACHE_PATH", lab.path().join("cache"))
            .env("MACHINE_BOOT_TIMEOUT", "0")
            .env("MACHINE_PUBLIC_ADDRESS", "203.0.113.7")
            .env("MACHINE_API_RATE", "1000");
        command
    }

    /// Runs a command to its end, or until the cloud has it killed.
    pub(crate) fn run(&self, mut command: Command) -> Run {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        self.server.caller(child.id());
        let output = child.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Run {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    fn every_call_goes_wrong(&self, fault: Fault) -> Figures {
        let mut figures = Figures::default();
        self.in_create(fault, &mut figures);
        self.in_remove(fault, &mut figures);
        figures
    }

    fn in_create(&self, fault: Fault, figures: &mut Figures) {
        let ways = [After::Remove, After::CreateAndRemove, After::Collect];
        for number in 0.. {
            let lab = Lab::new();
            self.server.fail_at(number, fault);
            let first = self.run(self.create(&lab));
            if self.server.is_waiting() {
                self.server.forget_fault();
                self.mend(&lab, After::Remove, "after a create without a fault", figures);
                assert!(number > 2, "there were no calls that could go wrong: {}", first.stderr);
                return;
            }
            figures.faults += 1;
            figures.calls += self.server.take_calls().len();
            let what = format!("{fault:?} at call {number} of create: {}", first.stderr);
            assert_eq!(first.code.is_none(), fault == Fault::Kill, "{what}");
            self.mend(&lab, ways[number % ways.len()], &what, figures);
        }
    }

    fn in_remove(&self, fault: Fault, figures: &mut Figures) {
        for number in 0.. {
            let lab = Lab::new();
            self.run(self.create(&lab));
            figures.calls += self.server.take_calls().len();
            self.server.fail_at(number, fault);
            let mut remove = self.machine(&lab);
            remove.args(["rm", "-y", "m1"]);
            let first = self.run(remove);
            let over = self.server.is_waiting();
            self.server.forget_fault();
            figures.calls += self.server.take_calls().len();
            let what = format!("{fault:?} at call {number} of rm: {}", first.stderr);
            if lab.machine_files().is_empty() {
                assert_eq!(self.server.left(), [""; 0], "the record is gone {what}");
            }
            self.mend(&lab, After::Remove, &what, figures);
            if over {
                return;
            }
            figures.faults += 1;
        }
    }

    fn mend(&self, lab: &Lab, after: After, what: &str, figures: &mut Figures) {
        match after {
            After::Remove => {}
            After::CreateAndRemove => {
                let again = self.run(self.create(lab));
                let reached = again.stderr.contains("the step `ssh` failed");
                assert!(reached, "{what}\nthen create: {}{}", again.stdout, again.stderr);
            }
            After::Collect => {
                std::fs::remove_dir_all(lab.store().join("machines/m1")).ok();
                let mut collect = self.machine(lab);
                collect.args(["gc", "-y", "-d", self.driver]);
                let collected = run(&mut collect);
                assert_eq!(collected.code, Some(0), "{what}\nthen gc: {}", collected.stderr);
            }
        }
        if !lab.machine_files().is_empty() {
            let mut remove = self.machine(lab);
            remove.args(["rm", "-y", "m1"]);
            let removed = run(&mut remove);
            assert_eq!(removed.code, Some(0), "{what}\nthen rm: {}", removed.stderr);
        }
        figures.calls += self.server.take_calls().len();
        assert_eq!(self.server.left(), [""; 0], "orphans ({after:?}) after {what}");
    }
}
