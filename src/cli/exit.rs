//! Exit codes, as documented in `docs/exit-codes.md`.

/// Any error that has no code of its own.
pub(super) const GENERAL: u8 = 1;
/// The command line makes no sense.
pub(super) const USAGE: u8 = 2;
/// `create` found in its pre-create check that it cannot work; nothing was made.
pub(super) const PRE_CREATE_CHECK: u8 = 3;
/// Ctrl-C or SIGTERM: 128 + SIGINT, as shells have it.
pub(super) const INTERRUPTED: u8 = 130;
