use std::fmt;

/// Which image a machine boots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// The newest of our own in the cache, else a new one.
    Own,
    /// boot2docker's latest release, by way of docker-machine's cache file.
    Boot2docker,
    /// A version, the address of releases or of an ISO, or a path.
    Named(String),
}

impl Choice {
    /// Reads what [`fmt::Display`] writes: `own`, `latest`, or else a name.
    pub fn read(text: &str) -> Self {
        match text {
            "own" => Self::Own,
            "latest" => Self::Boot2docker,
            text => Self::Named(text.to_owned()),
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Own => "own",
            Self::Boot2docker => "latest",
            Self::Named(text) => text,
        })
    }
}
