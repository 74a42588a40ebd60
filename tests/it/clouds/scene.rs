use std::process::Command;

use serde_json::Value;

use super::faults::Subject;
use super::server::{Fake, Server};
use crate::lab::{Lab, Run, run};

/// A lab and a cloud, and the program with its variables.
pub(super) struct Scene<F: Fake> {
    pub(super) lab: Lab,
    pub(super) server: Server<F>,
    subject: fn(&Server<F>) -> Subject<'_, F>,
}

impl<F: Fake> Scene<F> {
    pub(super) fn of(server: Server<F>, subject: fn(&Server<F>) -> Subject<'_, F>) -> Self {
        Self { lab: Lab::new(), server, subject }
    }

    pub(super) fn machine(&self, args: &[&str]) -> Command {
        let mut command = (self.subject)(&self.server).machine(&self.lab);
        command.args(args);
        command
    }

    pub(super) fn run(&self, args: &[&str]) -> Run {
        run(&mut self.machine(args))
    }

    /// Ends where nobody lets it in.
    pub(super) fn create(&self, args: &[&str]) -> Run {
        let mut command = (self.subject)(&self.server).create(&self.lab);
        run(command.args(args))
    }

    /// `create` that makes everything, and finds no guest.
    pub(super) fn made(&self, args: &[&str]) -> Run {
        let made = self.create(args);
        assert!(made.stderr.contains("the step `ssh` failed"), "{}{}", made.stdout, made.stderr);
        made
    }

    /// A machine that was switched off while it was half made is switched on by the next `create`.
    pub(super) fn carries_on_with_one_that_is_off(&self) {
        let stop = || self.run(&["stop", "m1"]);
        self.made(&[]);
        assert_eq!(stop().code, Some(0));
        assert!(stop().stderr.contains("already stopped"));
        self.made(&[]);
        assert_eq!(stop().code, Some(0), "it ran");
    }

    pub(super) fn record(&self) -> Value {
        let path = self.lab.store().join("machines/m1/config.json");
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }
}
