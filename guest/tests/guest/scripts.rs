//! What the shell that runs in the guest makes of its scripts.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// busybox's shell keeps a copy of what a function's own redirections replace, so that it can put
/// it back (shell/ash.c, `redirect` with `REDIR_SAVEFD2`), in a child in the background as well. Who
/// reads the script's output in `$(...)` then waits for the end of that child: a second and a half
/// for each machine from a template once. What stands around braces is not kept.
#[test]
fn functions_in_the_background_let_go_of_their_output() {
    let scripts: Vec<(PathBuf, String)> =
        files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("files"))
            .into_iter()
            .filter_map(|path| fs::read_to_string(&path).ok().map(|text| (path, text)))
            .collect();
    let functions: BTreeSet<&str> = scripts
        .iter()
        .flat_map(|(_, text)| text.lines())
        .filter_map(|line| line.split_once("() {").map(|(name, _)| name.trim()))
        .collect();
    assert!(functions.contains("after_birth"), "the functions were not found: {functions:?}");
    for (path, text) in &scripts {
        for line in text.lines().map(str::trim).filter(|line| line.ends_with(" &")) {
            let command = line.rsplit("||").next().unwrap_or(line).trim();
            let name = command.split_whitespace().next().unwrap_or_default();
            assert!(
                !(functions.contains(name) && command.contains('>')),
                "{}: put braces around the function in `{line}`",
                path.display()
            );
        }
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
