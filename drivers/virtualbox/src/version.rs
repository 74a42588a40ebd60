use std::fmt;

use machine_driver::{Error, Result};

use crate::manage::Manage;

/// Of VirtualBox. The build (`_Debianr175245`) is of no interest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    pub(crate) major: u32,
    pub(crate) minor: u32,
    pub(crate) patch: u32,
}

impl Version {
    pub(crate) const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch }
    }

    /// Reads the last line, before which Debian's wrapper may have put a warning.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let line = text.lines().rfind(|line| !line.trim().is_empty())?.trim();
        let mut numbers = line
            .split('.')
            .map(|part| part.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default())
            .map(str::parse);
        let mut next = || numbers.next().and_then(Result::ok);
        Some(Self::new(next()?, next()?, next().unwrap_or(0)))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// Asks the program. An unreadable answer is an error in docker-machine's words.
pub(crate) async fn version(manage: &Manage) -> Result<Version> {
    let text = manage.run(&["--version"]).await?;
    Version::parse(&text).filter(|version| version.major >= 5).ok_or_else(|| {
        Error::other(format!(
            "We support Virtualbox starting with version 5. Your VirtualBox install is {:?}. \
             Please upgrade at https://www.virtualbox.org",
            text.trim()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vendors_and_wrappers_add_to_it() {
        let wrapped = "WARNING: The character device /dev/vboxdrv does not exist.\n\t Please install \
             the virtualbox-dkms package\n\n\t You will not be able to start VMs.\n7.2.22_Debianr175245\n";
        assert_eq!(Version::parse(wrapped), Some(Version::new(7, 2, 22)));
        assert_eq!(Version::parse("6.1.50r161033\n"), Some(Version::new(6, 1, 50)));
        assert_eq!(Version::parse("5.0_rc1"), Some(Version::new(5, 0, 0)));
        assert_eq!(Version::parse("nonsense"), None);
        assert!(Version::new(6, 1, 28) < Version::new(7, 0, 0));
    }
}
