mod bootstrap;
pub(crate) mod handshake;
mod openssl;

use std::path::Path;

use time::OffsetDateTime;

use super::{Authority, CertPaths, ensure};

/// A store's certificates in `dir`, as [`ensure`] makes them.
fn store(dir: &Path) -> (CertPaths, Authority) {
    let paths = CertPaths::in_dir(dir);
    ensure(&paths, "ada", now()).unwrap();
    let authority = Authority::load(&paths).unwrap();
    (paths, authority)
}

fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
