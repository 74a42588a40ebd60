//! Images that somebody else made: boot2docker's own, or another one with its contract.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use machine_driver::{Error, Image, Progress, Result, file, http};

/// Fetches the image at `source`: a path, a `file://` address, or an `http(s)://` address, which
/// may end in `#sha256=HEX`. What was downloaded once is not downloaded again.
pub(super) async fn fetch(
    cache: &Path,
    source: &str,
    progress: Arc<dyn Progress>,
) -> Result<Image> {
    let (address, hash) = match source.split_once("#sha256=") {
        Some((address, hash)) => (address, Some(hash)),
        None => (source, None),
    };
    let path = if address.starts_with("http://") || address.starts_with("https://") {
        let target = cache.join(format!("{}.iso", file::sha256_hex(address.as_bytes())));
        if !target.exists() {
            file::create_dir(cache)?;
            progress.line(&format!("Downloading {} from {address}...", target.display()));
            http::download(address, &target, &*progress).await?;
        }
        target
    } else {
        PathBuf::from(address.strip_prefix("file://").unwrap_or(address))
    };
    if let Some(hash) = hash {
        check_hash(&path, hash)?;
    }
    let version = version(&path).map_err(|error| {
        Error::other(format!("cannot use the image `{}`", path.display())).caused_by(error)
    })?;
    Ok(Image::iso(version, path))
}

fn check_hash(path: &Path, expected: &str) -> Result<()> {
    let found = file::sha256_hex(&fs::read(path)?);
    if found.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    Err(Error::other(format!("`{}` is not what was asked for", path.display()))
        .caused_by(format!("its SHA-256 is {found}, not {expected}"))
        .hint(format!("remove it: `rm '{}'`", path.display())))
}

/// The version in the volume label, which boot2docker's convention puts into the 32 bytes at
/// offset 0x8028, behind the `-` of the first `-v`.
fn version(path: &Path) -> std::io::Result<String> {
    let mut iso = File::open(path)?;
    let mut header = [0; 0x28 + 32];
    iso.seek(SeekFrom::Start(0x8000))?;
    iso.read_exact(&mut header)
        .map_err(|_| std::io::Error::other("it is too short to be an ISO image"))?;
    if &header[1..6] != b"CD001" {
        return Err(std::io::Error::other("it is not an ISO 9660 image"));
    }
    let label = String::from_utf8_lossy(&header[0x28..]).trim_end().to_owned();
    Ok(match label.find("-v") {
        Some(at) => label[at + 1..].to_owned(),
        None => label,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn iso(dir: &tempfile::TempDir, label: &str) -> PathBuf {
        let mut bytes = vec![0; 0x8000];
        bytes.extend(b"\x01CD001");
        bytes.resize(0x8028, 0);
        bytes.extend(format!("{label:32}").bytes());
        let path = dir.path().join("b2d.iso");
        fs::write(&path, bytes).unwrap();
        path
    }

    #[tokio::test]
    async fn a_local_image_is_taken_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = iso(&dir, "b2d-v19.03.12");
        let progress = Arc::new(machine_driver::Silent);
        let image = fetch(dir.path(), &path.display().to_string(), progress.clone()).await.unwrap();
        assert_eq!((image.version.as_str(), &image.iso), ("v19.03.12", &path));
        let wrong = format!("file://{}#sha256=00", path.display());
        let error = fetch(dir.path(), &wrong, progress).await.unwrap_err();
        assert!(error.to_string().contains("b2d.iso"), "{error}");
    }

    #[tokio::test]
    async fn rubbish_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("page.iso");
        fs::write(&path, "<html>not found</html>").unwrap();
        let progress = Arc::new(machine_driver::Silent);
        let error = fetch(dir.path(), &path.display().to_string(), progress).await.unwrap_err();
        assert!(error.to_string().contains("page.iso"), "{error}");
    }
}
