//! Answers that others have recorded (libcloud's, in `../shared/specs/fixtures/ec2`).

use std::path::Path;

/// `None`, with a word on stderr, where they are not there.
#[expect(clippy::print_stderr, reason = "a test says what it leaves out")]
pub(crate) fn answer(name: &str) -> Option<Vec<u8>> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/specs/fixtures/ec2").join(name);
    let answer = std::fs::read(&path).ok();
    if answer.is_none() {
        eprintln!("skipped: there is no `{}`", path.display());
    }
    answer
}
