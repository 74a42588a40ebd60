//! Files that several machines share, each changed under a lock.

use std::fs::OpenOptions;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, Result, file};

/// Reads, changes and writes the JSON file `name` below `base` (a driver's directory in the store or
/// in the cache), while no other process does. An absent file is `T::default()`; it is written only
/// if it was changed.
pub fn update<T, R>(base: &Path, name: &Path, change: impl FnOnce(&mut T) -> Result<R>) -> Result<R>
where
    T: Default + Clone + PartialEq + Serialize + DeserializeOwned,
{
    let path = base.join(name);
    let dir = path.parent().unwrap_or(base);
    file::create_dir(dir).map_err(|error| failed(&path, error))?;
    // Held only while a small file is written, so that waiting for it needs no deadline.
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    let lock = options.open(base.join("lock")).map_err(|error| failed(&path, error))?;
    lock.lock().map_err(|error| failed(&path, error))?;

    file::sweep(dir);
    let before: T = read(&path)?;
    let mut after = before.clone();
    let result = change(&mut after)?;
    if after != before {
        let mut text = serde_json::to_vec_pretty(&after).expect("plain data is JSON");
        text.push(b'\n');
        file::write_atomic(&path, &text, 0o600).map_err(|error| failed(&path, error))?;
    }
    Ok(result)
}

/// The same for what is only taken out. `None` if there is no such file, or no space to write it: who
/// removes something on a full disk makes space, and whoever uses the file next has to see that the
/// machine is gone.
pub fn forget<T, R>(
    base: &Path,
    name: &Path,
    change: impl FnOnce(&mut T) -> Result<R>,
) -> Result<Option<R>>
where
    T: Default + Clone + PartialEq + Serialize + DeserializeOwned,
{
    if !base.join(name).exists() {
        return Ok(None);
    }
    match update(base, name, change) {
        Err(error) if error.is_full() => Ok(None),
        result => result.map(Some),
    }
}

/// Reads such a file. It is replaced in one step, so that reading needs no lock.
pub fn read<T: Default + DeserializeOwned>(path: &Path) -> Result<T> {
    let text = match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(T::default()),
        read => read.map_err(|error| failed(path, error))?,
    };
    serde_json::from_slice(&text).map_err(|error| {
        Error::other(format!("`{}` is broken", path.display()))
            .caused_by(error)
            .hint("delete the file: it is made again when machines start")
    })
}

fn failed(path: &Path, error: std::io::Error) -> Error {
    Error::from(error).context(format!("cannot use `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn changes_from_many_threads_all_arrive() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path();
        std::thread::scope(|scope| {
            for number in 0..8 {
                scope.spawn(move || {
                    update(base, Path::new("a/b.json"), |map: &mut BTreeMap<u32, u32>| {
                        map.insert(number, number);
                        Ok(())
                    })
                    .unwrap();
                });
            }
        });
        let map: BTreeMap<u32, u32> = read(&base.join("a/b.json")).unwrap();
        assert_eq!(map.len(), 8);
    }

    #[test]
    fn what_was_never_written_needs_no_forgetting() {
        let dir = tempfile::tempdir().unwrap();
        let (base, name) = (dir.path(), Path::new("x.json"));
        let remove = |map: &mut BTreeMap<u32, u32>| Ok(map.remove(&1));
        assert_eq!(forget(base, name, remove).unwrap(), None);
        assert!(!base.join(name).exists());
        update(base, name, |map: &mut BTreeMap<u32, u32>| Ok(map.insert(1, 2))).unwrap();
        assert_eq!(forget(base, name, remove).unwrap(), Some(Some(2)));
        assert_eq!(read::<BTreeMap<u32, u32>>(&base.join(name)).unwrap(), BTreeMap::new());
    }

    #[test]
    fn a_broken_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.json");
        std::fs::write(&path, "{").unwrap();
        let error = read::<BTreeMap<u32, u32>>(&path).unwrap_err();
        assert!(error.to_string().contains("x.json"), "{error}");
    }
}
