//! The directory of this computer that the guest sees.

use std::path::Path;

use crate::record::Record;

/// Name and path of the share; `None` if there is to be none, or the directory is not there.
pub(crate) fn share(record: &Record) -> Option<(String, String)> {
    if record.no_share || crate::network::APPLE_SILICON {
        return None;
    }
    let (name, path) = match record.share_folder.as_str() {
        "" => usual(),
        text => custom(text),
    };
    Path::new(&path).exists().then_some((name, path))
}

/// The home directories, under docker-machine's names.
fn usual() -> (String, String) {
    let (name, path) = if cfg!(target_os = "macos") {
        ("Users", "/Users")
    } else if cfg!(windows) {
        ("c/Users", r"\\?\c:\Users")
    } else {
        ("hosthome", "/home")
    };
    (name.to_owned(), path.to_owned())
}

/// `DIR:NAME`, split at the last colon. Without a name it is the directory's own, as the guest would
/// write it.
fn custom(text: &str) -> (String, String) {
    let is_drive = |dir: &str| dir.len() == 1 && text[2..].starts_with(['\\', '/']);
    let (path, name) = match text.rsplit_once(':') {
        Some((dir, name)) if !is_drive(dir) => (dir, name),
        _ => (text, ""),
    };
    let name = if name.is_empty() { path.trim_start_matches('/') } else { name };
    (name.to_owned(), path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_and_names() {
        let pair = |name: &str, path: &str| (name.to_owned(), path.to_owned());
        assert_eq!(custom("/data:mine"), pair("mine", "/data"));
        assert_eq!(custom("/data/x"), pair("data/x", "/data/x"));
        assert_eq!(custom("/data:"), pair("data", "/data"));
        assert_eq!(custom(r"c:\data:mine"), pair("mine", r"c:\data"));
        assert_eq!(custom(r"c:\data"), pair(r"c:\data", r"c:\data"));
    }

    #[test]
    fn a_directory_that_is_not_there_is_not_shared() {
        let record = |share_folder: &str, no_share| Record {
            share_folder: share_folder.into(),
            no_share,
            ..Record::default()
        };
        assert_eq!(share(&record("/no/such/directory", false)), None);
        assert_eq!(share(&record("", true)), None);
    }
}
