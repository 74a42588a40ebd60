use std::sync::Arc;

/// The archive keys of Debian 12 and 13, from Debian's package `debian-archive-keyring`. An index
/// is signed by several of them; one is enough.
pub(super) fn debian() -> Arc<[Vec<u8>]> {
    const KEYS: [&[u8]; 6] = [
        include_bytes!("../../keys/debian-archive-bookworm-automatic.gpg"),
        include_bytes!("../../keys/debian-archive-bookworm-security-automatic.gpg"),
        include_bytes!("../../keys/debian-archive-bookworm-stable.gpg"),
        include_bytes!("../../keys/debian-archive-trixie-automatic.gpg"),
        include_bytes!("../../keys/debian-archive-trixie-security-automatic.gpg"),
        include_bytes!("../../keys/debian-archive-trixie-stable.gpg"),
    ];
    KEYS.iter().map(|key| key.to_vec()).collect()
}
