use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use machine_driver::{Error, Progress, Result, file};
use machine_guest::apt::{Archive, Keyring, Mirror, Repo, host_mirror, host_proxy};

use super::{Entry, Images};

/// Where packages come from: Debian's release of the image, and what the user adds.
#[derive(Debug, Clone, Default)]
pub struct BuildSettings {
    /// The mirror that the user named.
    pub mirror: Option<String>,
    /// apt's configuration on this host (`/etc/apt`), which names a mirror and a proxy.
    pub apt_dir: Option<PathBuf>,
    /// Further repositories, each as `URL SUITE COMPONENT… KEYFILE`.
    pub repos: Vec<String>,
}

impl BuildSettings {
    fn archive(&self) -> Result<Archive> {
        let host = self.apt_dir.as_deref();
        let mirror = match &self.mirror {
            Some(url) => Mirror::named(url),
            None => host.and_then(host_mirror).unwrap_or_default(),
        };
        let mut archive = Archive::debian(&mirror, "trixie", "amd64")?;
        archive.proxy = host.and_then(host_proxy);
        for text in &self.repos {
            archive.repos.push(repo(text)?);
        }
        Ok(archive)
    }
}

/// Builds an image, or finds that the one that would be built is here. The lock makes a second
/// build wait for the first and take its result.
pub(super) async fn build(images: &Images, progress: Arc<dyn Progress>) -> Result<Entry> {
    let _lock = lock(&images.images_dir(), &*progress).await?;
    build_locked(images, progress).await
}

/// The newest image if there is one once the lock is had, else a new one: for `create`.
pub(super) async fn build_first(images: &Images, progress: Arc<dyn Progress>) -> Result<Entry> {
    let _lock = lock(&images.images_dir(), &*progress).await?;
    match images.newest()? {
        Some(entry) => Ok(entry),
        None => build_locked(images, progress).await,
    }
}

async fn build_locked(images: &Images, progress: Arc<dyn Progress>) -> Result<Entry> {
    let archive = images.settings.build.archive()?;
    let packages = images.cache().join("packages");
    progress.line("Building the guest image from Debian packages...");
    let choice = machine_guest::build::choose(&archive, &packages, &*progress).await?;
    let output = images.images_dir().join(choice.version());
    if output.exists() {
        let entry = Entry::read(&output)?;
        // Asked for now, so it is the newest again.
        File::open(output.join(machine_guest::manifest::MANIFEST))?
            .set_modified(std::time::SystemTime::now())?;
        progress.line(&format!("The image {} is current.", entry.manifest.version));
        return Ok(entry);
    }
    machine_guest::build::build(&archive, choice, &packages, &output, progress).await?;
    Entry::read(&output)
}

/// Waits until no other command builds or imports an image, and sweeps away what one that was
/// killed has left.
pub(super) async fn lock(dir: &Path, progress: &dyn Progress) -> Result<File> {
    file::create_dir(dir)?;
    let waiting = || progress.line("Waiting for the image that another command builds...");
    let file = file::lock(&dir.join(".lock"), waiting).await?;
    for entry in std::fs::read_dir(dir)?.filter_map(std::result::Result::ok) {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if [".build-", ".import-", ".removed-"].iter().any(|prefix| name.starts_with(prefix)) {
            std::fs::remove_dir_all(entry.path()).ok();
        }
    }
    Ok(file)
}

/// Reads `URL SUITE COMPONENT… KEYFILE`.
fn repo(text: &str) -> Result<Repo> {
    let wrong = |message: String| {
        Error::other(message)
            .hint("--repo 'https://HOST/debian trixie stable /etc/apt/keyrings/host.asc'")
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    let [url, suite, components @ .., path] = words.as_slice() else {
        return Err(wrong(format!("`{text}` does not describe a repository")));
    };
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(wrong(format!("`{url}` is not the address of a repository")));
    }
    if components.is_empty() {
        return Err(wrong(format!("`{text}` names no component")));
    }
    let key = std::fs::read(path)
        .map_err(|error| wrong(format!("cannot read the key `{path}`")).caused_by(error))?;
    Ok(Repo {
        url: (*url).to_owned(),
        suite: (*suite).to_owned(),
        components: components.iter().map(|&word| word.to_owned()).collect(),
        keys: Keyring::parse(path, &key)?,
        optional: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Any key will do.
    const KEY: &[u8] = include_bytes!("../../guest/keys/debian-archive-trixie-stable.gpg");

    #[test]
    fn a_repository_has_an_address_a_suite_components_and_a_key() {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("key.gpg");
        std::fs::write(&key, KEY).unwrap();
        let good = format!("http://h/debian trixie stable test {}", key.display());
        let settings = BuildSettings { repos: vec![good], ..BuildSettings::default() };
        let repos = settings.archive().unwrap().repos;
        let last = repos.last().unwrap();
        assert_eq!(
            (last.suite.as_str(), &last.components[..]),
            ("trixie", &["stable", "test"].map(str::to_owned)[..])
        );
        assert!(!last.optional && repos.len() == 4);
        std::fs::write(&key, "<html>").unwrap();
        for (bad, why) in [
            ("", "does not describe a repository"),
            ("http://h", "does not describe a repository"),
            ("http://h trixie /no/key", "names no component"),
            ("http://h trixie stable /no/key", "`/no/key`"),
            ("file:///h trixie stable /no/key", "is not the address"),
            (&format!("http://h trixie stable {}", key.display()), "package"),
        ] {
            let error = repo(bad).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
            assert!(!error.hints().is_empty(), "{error}");
        }
    }
}
