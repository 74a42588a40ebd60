//! What a guest's console says.

use std::fs;
use std::path::Path;

/// What Linux says when it gives up (`panic()` in its `kernel/panic.c`).
pub const PANIC: &str = "Kernel panic - not syncing";

/// Whether the guest that wrote this console gave up. One that cannot be read has not.
pub fn panicked(console: &Path) -> bool {
    let text = fs::read(console).unwrap_or_default();
    text.windows(PANIC.len()).any(|window| window == PANIC.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_of_a_kernel() {
        let dir = tempfile::tempdir().unwrap();
        let console = dir.path().join("console.log");
        assert!(!panicked(&console));
        fs::write(&console, "[machine 12.1] booted\n").unwrap();
        assert!(!panicked(&console));
        let words = b"\xff[    3.0] Kernel panic - not syncing: Fatal exception in interrupt\n";
        fs::write(&console, words).unwrap();
        assert!(panicked(&console));
    }
}
