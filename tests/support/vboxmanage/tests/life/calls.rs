//! Every call that was made, against what the real program was seen to take.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::lab::Lab;

/// The same sub-commands with the same options as in the recorded sessions, or in the help that the
/// real program printed.
pub(crate) fn are_those_of_the_transcripts(lab: &Lab) {
    let Ok(text) = fs::read_to_string(lab.path().join("vbox/calls.jsonl")) else { return };
    let dir =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/transcripts/virtualbox-7.2");
    let Ok(files) = fs::read_dir(dir) else {
        std::io::Write::write_all(&mut std::io::stderr(), b"skipped: no ../shared/transcripts\n")
            .unwrap();
        return;
    };
    let recorded: String =
        files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap_or_default()).collect();
    let known = Known::of(&recorded);
    let mut calls = 0;
    for line in text.lines() {
        let words: Vec<String> = serde_json::from_str(line).unwrap();
        known.check(&words);
        calls += 1;
    }
    assert!(calls > 50, "{calls}");
}

struct Known {
    commands: BTreeSet<String>,
    options: BTreeSet<String>,
}

impl Known {
    fn of(recorded: &str) -> Self {
        let mut known = Self { commands: BTreeSet::new(), options: BTreeSet::new() };
        let words = recorded.split(|c: char| c.is_whitespace() || "[]<>|=".contains(c));
        for word in words.clone() {
            if word.starts_with("--") {
                known.options.insert(word.to_owned());
            }
        }
        let mut words = words.filter(|word| !word.is_empty()).peekable();
        while let Some(word) = words.next() {
            if word.ends_with("VBoxManage")
                && let Some(command) = words.peek()
            {
                known.commands.insert((*command).to_owned());
            }
        }
        known
    }

    fn check(&self, words: &[String]) {
        let command = &words[0];
        assert!(self.commands.contains(command), "the real program was not seen to take {command}");
        for option in words.iter().filter(|word| word.starts_with("--")) {
            let numbered = |letter: &str| {
                let bare = option.trim_end_matches(|c: char| c.is_ascii_digit());
                self.options.contains(&format!("{bare}{letter}"))
            };
            assert!(
                self.options.contains(option) || numbered("N") || numbered("X") || is_alias(option),
                "the real program was not seen to take {option} of {command}"
            );
        }
    }
}

/// The old spelling of an option that the help has in the new one: `--uartmode1` of `--uart-modeN`,
/// `--macaddress2` of `--mac-addressN`. The real program takes both, as the lab has shown.
fn is_alias(option: &str) -> bool {
    ["--uartmode1", "--macaddress2", "--natlocalhostreachable1"].contains(&option)
}
