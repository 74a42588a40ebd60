//! A hundred machines made at the same time, by as many processes, in an account with a limit.

use std::collections::BTreeMap;
use std::process::Stdio;

use super::faults::Subject;
use super::measured;
use super::server::Fake;
use crate::lab::Lab;

impl<F: Fake> Subject<'_, F> {
    /// Makes them, and counts the calls by their names. Where one is about a single thing, its id is
    /// left out.
    pub(crate) fn makes_a_hundred(&self) -> BTreeMap<String, usize> {
        let lab = Lab::new();
        self.server.limit(10);
        let children: Vec<_> = (0..100)
            .map(|number| {
                let mut command = self.machine(&lab);
                command
                    .env_remove("MACHINE_API_RATE")
                    .args(["create", "-d", self.driver])
                    .args(&self.flags)
                    .arg(format!("m{number}"))
                    .stdout(Stdio::null())
                    .stderr(Stdio::piped());
                command.spawn().unwrap()
            })
            .collect();
        for child in children {
            let stderr = crate::lab::end(child).stderr;
            assert!(stderr.contains("the step `ssh` failed"), "{stderr}");
        }
        // A computer that is busy may bunch what was sent one after the other.
        let refused = self.server.refused();
        assert!(refused < 5, "{refused} calls were refused");
        let mut counts = BTreeMap::new();
        for call in self.server.take_calls() {
            *counts.entry(call).or_insert(0) += 1;
        }
        let all: usize = counts.values().sum();
        measured(&format!(
            "100 machines of {} at once: {all} calls, {refused} refused: {counts:?}",
            self.driver
        ));
        counts
    }
}
