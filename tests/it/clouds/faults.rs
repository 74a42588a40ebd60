//! Every call of a machine's life goes wrong in turn, in every way; afterwards nothing may be left.

use std::process::{Command, Stdio};

use super::server::{Fake, Fault, Server};
use crate::lab::{Lab, Run};

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
    /// How many of them had been answered already.
    pub(crate) needless: usize,
}

/// How many clouds share the calls that go wrong in one way. Most of the time is spent waiting.
const SHARES: usize = 3;

/// Lets everything go wrong, one call after the other, in each way in clouds of its own.
pub(crate) fn every_call_goes_wrong<F: Fake>(
    fake: impl Fn() -> F + Sync,
    subject: impl Fn(&Server<F>) -> Subject<'_, F> + Sync,
) -> Figures {
    let run = &|fault, share| {
        let server = Server::start(fake());
        let mut figures = Figures::default();
        let subject = subject(&server);
        subject.in_create(fault, share, &mut figures);
        subject.in_remove(fault, share, &mut figures);
        figures.needless = server.needless();
        figures
    };
    let ways = Fault::ALL.into_iter().flat_map(|fault| (0..SHARES).map(move |it| (fault, it)));
    let all: Vec<Figures> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            ways.map(|(fault, share)| scope.spawn(move || run(fault, share))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    all.into_iter().fold(Figures::default(), |sum, it| Figures {
        faults: sum.faults + it.faults,
        calls: sum.calls + it.calls,
        needless: sum.needless + it.needless,
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
        crate::lab::end(child)
    }

    /// To whom the ports are opened is known before anything is made.
    pub(crate) fn openings_are_checked(&self) {
        let lab = Lab::new();
        let mut wrong = self.create(&lab);
        wrong.args(["--open-to", "home"]);
        let mut unknown = self.create(&lab);
        unknown
            .env_remove("MACHINE_PUBLIC_ADDRESS")
            .env("MACHINE_ADDRESS_SERVICE", "http://127.0.0.1:9");
        for (command, expected) in [
            (wrong, "`home` is no address and no network"),
            (unknown, "this computer's public address is not known"),
        ] {
            let refused = self.run(command);
            assert_eq!(refused.code, Some(3), "{}", refused.stderr);
            assert!(refused.stderr.contains(expected), "{}", refused.stderr);
            assert!(refused.stderr.contains("--open-to 203.0.113"), "{}", refused.stderr);
            assert!(lab.machine_files().is_empty());
        }
        assert_eq!(self.server.left(), [""; 0]);
    }

    /// Lets each call go wrong in one way, one after the other in the same cloud.
    pub(crate) fn each_call_goes_wrong(&self, fault: Fault) -> Figures {
        let mut figures = Figures::default();
        for share in 0..SHARES {
            self.in_create(fault, share, &mut figures);
            self.in_remove(fault, share, &mut figures);
        }
        figures
    }

    fn in_create(&self, fault: Fault, share: usize, figures: &mut Figures) {
        let ways = [After::Remove, After::CreateAndRemove, After::Collect];
        for number in (share..).step_by(SHARES) {
            let lab = Lab::new();
            self.server.fail_at(number, fault);
            let mut create = self.create(&lab);
            impatient(&mut create, fault);
            let first = self.run(create);
            if self.server.is_waiting() {
                self.server.forget_fault();
                self.mend(&lab, After::Remove, "after a create without a fault", figures);
                assert!(number > SHARES, "no call could go wrong: {}", first.stderr);
                return;
            }
            figures.faults += 1;
            figures.calls += self.server.take_calls().len();
            let what = format!("{fault:?} at call {number} of create: {}", first.stderr);
            assert_eq!(first.code.is_none(), fault == Fault::Kill, "{what}");
            if fault == Fault::Interrupt {
                self.says_what_there_is(&lab, &first, &what);
            }
            self.mend(&lab, ways[number / SHARES % ways.len()], &what, figures);
        }
    }

    /// All that the machine has, by its ids, and how to be rid of it.
    fn says_what_there_is(&self, lab: &Lab, interrupted: &Run, what: &str) {
        assert_eq!(interrupted.code, Some(130), "{what}");
        for id in self.server.fake(|fake| fake.ids()) {
            assert!(interrupted.stderr.contains(&id), "nothing was said of {id}: {what}");
        }
        if lab.machine_files().is_empty() {
            return;
        }
        assert!(interrupted.stderr.contains("machine rm -y m1"), "{what}");
        let journal = std::fs::read_to_string(lab.store().join("machines/m1/journal.jsonl"));
        let last = journal.unwrap().lines().rfind(|it| !it.is_empty()).map(str::to_owned);
        assert!(last.is_some_and(|it| it.contains("interrupted")), "{what}");
    }

    fn in_remove(&self, fault: Fault, share: usize, figures: &mut Figures) {
        for number in (share..).step_by(SHARES) {
            let lab = Lab::new();
            self.run(self.create(&lab));
            figures.calls += self.server.take_calls().len();
            self.server.fail_at(number, fault);
            let mut remove = self.machine(&lab);
            remove.args(["rm", "-y", "m1"]);
            impatient(&mut remove, fault);
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
                let collected = self.run(collect);
                assert_eq!(collected.code, Some(0), "{what}\nthen gc: {}", collected.stderr);
            }
        }
        if !lab.machine_files().is_empty() {
            let mut remove = self.machine(lab);
            remove.args(["rm", "-y", "m1"]);
            let removed = self.run(remove);
            assert_eq!(removed.code, Some(0), "{what}\nthen rm: {}", removed.stderr);
        }
        figures.calls += self.server.take_calls().len();
        assert_eq!(self.server.left(), [""; 0], "orphans ({after:?}) after {what}");
    }
}

/// Who would wait half a minute for an answer that never comes waits for a shorter time. Not too short
/// a one: fakes of others are slow to begin, on a computer that is busy.
fn impatient(command: &mut Command, fault: Fault) {
    if fault == Fault::Late {
        command.env("MACHINE_API_TIMEOUT", "5");
    }
}
