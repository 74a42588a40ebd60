use crate::{Birth, Error, ErrorKind, Result};

/// What is wrong with the file of a driver's own flag for user data, as far as it can be seen before
/// anything is made. The text is docker-machine's. `most` is what the vendor takes, in bytes.
pub fn check_user_data(path: &str, vendor: &str, most: u64) -> Result<()> {
    if path.is_empty() {
        return Ok(());
    }
    let wrong = |message| Err(Error::new(ErrorKind::Flags, message));
    match std::fs::metadata(path) {
        Err(_) => wrong(format!("user-data file {path} could not be found")),
        Ok(found) if found.len() > most => {
            wrong(format!("user-data file {path} has {} bytes", found.len()))
                .map_err(|error: Error| error.hint(format!("{vendor} takes {} KiB", most / 1024)))
        }
        Ok(_) => Ok(()),
    }
}

/// The user data of a new server, with what is in that file if one is named.
pub fn user_data(birth: &Birth, path: &str) -> Result<Option<String>> {
    let file = match path {
        "" => None,
        path => Some(std::fs::read_to_string(path).map_err(|error| {
            Error::new(ErrorKind::Flags, format!("user-data file {path} cannot be read"))
                .caused_by(error)
        })?),
    };
    birth.first_boot.user_data(file.as_deref())
}
