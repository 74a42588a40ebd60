use std::sync::Arc;

use super::Mirror;
use super::keys;

/// Everything packages may come from.
#[derive(Debug, Clone)]
pub struct Archive {
    pub mirror: Mirror,
    /// Debian's release, for example `trixie`.
    pub codename: &'static str,
    /// Debian's name of the architecture, for example `amd64`.
    pub architecture: &'static str,
    /// Further repositories, whose newer packages win.
    pub extra: Vec<Repo>,
    /// The address of an HTTP proxy, if the settings of the system do not say it.
    pub proxy: Option<String>,
}

/// One suite of one signed repository.
#[derive(Debug, Clone)]
pub struct Repo {
    /// What stands before `/dists/`.
    pub url: String,
    pub suite: String,
    pub components: Vec<String>,
    /// OpenPGP keys, any one of which must have signed.
    pub keys: Arc<[Vec<u8>]>,
    /// Whether the build can do without it, for an archive that has no such suite.
    pub optional: bool,
}

impl Archive {
    /// The suites in the order in which they are read.
    pub(super) fn repos(&self) -> Vec<Repo> {
        let debian = |url: &str, suite: String, optional| Repo {
            url: url.to_owned(),
            suite,
            components: vec!["main".to_owned()],
            keys: keys::debian(),
            optional,
        };
        let Mirror { main, security } = &self.mirror;
        let mut repos = vec![
            debian(main, self.codename.to_owned(), false),
            debian(main, format!("{}-updates", self.codename), true),
        ];
        if let Some(security) = security {
            repos.push(debian(security, format!("{}-security", self.codename), true));
        }
        repos.extend(self.extra.iter().cloned());
        repos
    }
}
