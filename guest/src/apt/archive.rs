use super::{AptError, Keyring, Mirror};

/// Everything packages may come from.
#[derive(Debug, Clone)]
pub struct Archive {
    /// In the order in which they are read. The newest version of a package wins; of equal ones the
    /// first.
    pub repos: Vec<Repo>,
    /// Debian's name of the architecture, for example `amd64`.
    pub architecture: &'static str,
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
    /// Any one of these keys must have signed.
    pub keys: Keyring,
    /// Whether the build can do without it, for an archive that has no such suite.
    pub optional: bool,
}

impl Archive {
    /// Debian's release of this code name (for example `trixie`) with its updates and security
    /// suites, signed by Debian's own keys.
    pub fn debian(
        mirror: &Mirror,
        codename: &str,
        architecture: &'static str,
    ) -> Result<Self, AptError> {
        let keys = Keyring::debian()?;
        let suite = |url: &str, suite: String, optional| Repo {
            url: url.to_owned(),
            suite,
            components: vec!["main".to_owned()],
            keys: keys.clone(),
            optional,
        };
        let Mirror { main, security } = mirror;
        let mut repos = vec![
            suite(main, codename.to_owned(), false),
            suite(main, format!("{codename}-updates"), true),
        ];
        if let Some(security) = security {
            repos.push(suite(security, format!("{codename}-security"), true));
        }
        Ok(Self { repos, architecture, proxy: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suites_are_the_releases_own_on_the_mirrors_host() {
        let mirror = Mirror {
            main: "http://m.example/debian".into(),
            security: Some("http://s.example/debian-security".into()),
        };
        let archive = Archive::debian(&mirror, "trixie", "amd64").unwrap();
        let read: Vec<_> = archive
            .repos
            .iter()
            .map(|repo| (repo.url.as_str(), repo.suite.as_str(), repo.optional))
            .collect();
        let expected = [
            ("http://m.example/debian", "trixie", false),
            ("http://m.example/debian", "trixie-updates", true),
            ("http://s.example/debian-security", "trixie-security", true),
        ];
        assert_eq!(read, expected);
        let alone = Mirror { security: None, ..mirror };
        assert_eq!(Archive::debian(&alone, "trixie", "amd64").unwrap().repos.len(), 2);
    }
}
