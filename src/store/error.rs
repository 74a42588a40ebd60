use std::io;
use std::path::{Path, PathBuf};

use machine_driver::ErrorKind;

use super::lock::Holder;

/// What can be wrong with the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("Docker machine \"{name}\" does not exist")]
    Unknown { name: String },
    #[error("machine `{name}` has no record: `{path}` is missing", path = path.display())]
    NoRecord { name: String, path: PathBuf },
    #[error("the record of machine `{name}` is broken: `{path}`", path = path.display())]
    Broken { name: String, path: PathBuf, source: serde_json::Error },
    /// The text is docker-machine's.
    #[error(
        "Error getting migrated host: config version is from the future -- you should upgrade your \
         Docker Machine client"
    )]
    Future { name: String, version: u64 },
    #[error("`{name}` is not a machine name")]
    Name { name: String, why: &'static str },
    #[error("machine `{name}` is busy: {holder}")]
    Busy { name: String, holder: Holder },
    #[error("cannot read `{path}`", path = path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write `{path}`", path = path.display())]
    Write { path: PathBuf, source: io::Error },
}

impl StoreError {
    pub(super) fn write(path: &Path, source: io::Error) -> Self {
        Self::Write { path: path.to_owned(), source }
    }

    /// Whether there was no space left.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Write { source, .. } if source.kind() == io::ErrorKind::StorageFull)
    }

    /// What the user can do about it.
    pub fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Unknown { .. } => {
                "`machine ls` lists the machines, `machine create` adds one".to_owned()
            }
            Self::NoRecord { name, .. } | Self::Broken { name, .. } => {
                format!("remove what is left of it with `machine rm -f {name}`")
            }
            Self::Future { name, version } => {
                format!(
                    "a newer program wrote the record of `{name}`, in version {version}: use it"
                )
            }
            Self::Name { why, .. } => (*why).to_owned(),
            Self::Busy { .. } => "wait until that is done, or end it".to_owned(),
            Self::Write { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull => {
                    "free some space there (`df -h` shows the disks), or name another store with \
                     `--storage-path DIR`"
                        .to_owned()
                }
                io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
                    "name a store that you may write with `--storage-path DIR` or \
                     `MACHINE_STORAGE_PATH`"
                        .to_owned()
                }
                _ => return Vec::new(),
            },
            Self::Read { .. } => return Vec::new(),
        };
        vec![hint]
    }
}

impl From<StoreError> for machine_driver::Error {
    fn from(error: StoreError) -> Self {
        let kind = match error {
            StoreError::Unknown { .. } => ErrorKind::NotFound,
            _ => ErrorKind::Other,
        };
        let hints = error.hints();
        let message = error.to_string();
        let wrapped = match error {
            StoreError::Broken { source, .. } => Self::new(kind, message).caused_by(source),
            StoreError::Read { source, .. } | StoreError::Write { source, .. } => {
                Self::new(kind, message).caused_by(source)
            }
            _ => Self::new(kind, message),
        };
        hints.into_iter().fold(wrapped, Self::hint)
    }
}
