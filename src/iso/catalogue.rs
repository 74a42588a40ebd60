//! What is in the image cache.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use machine_driver::{DirectBoot, Error, ErrorKind, Image, Progress, Result, file};
use machine_guest::manifest::{self, INITRD, ISO, KERNEL, MANIFEST, Manifest};

use super::isos::Iso;
use super::{Images, build, fetch};

/// One image of our own making in the cache.
#[derive(Debug, Clone)]
pub struct Entry {
    pub dir: PathBuf,
    pub manifest: Manifest,
    pub built: SystemTime,
}

impl Entry {
    pub(super) fn read(dir: &Path) -> Result<Self> {
        let manifest = Manifest::read(dir).map_err(|error| {
            Error::other(format!("the image `{}` is broken", dir.display()))
                .caused_by(error)
                .hint(format!("remove it with `machine image rm {}`", name(dir)))
        })?;
        let built = fs::metadata(dir.join(MANIFEST))?.modified()?;
        Ok(Self { dir: dir.to_owned(), manifest, built })
    }

    /// The files, for a driver. Sizes are checked here, hashes by [`Images::verify`]: hashing
    /// 130 MB at each `create` would cost more than it proves, since the files were hashed when
    /// they were written.
    pub fn image(&self) -> Result<Image> {
        for (name, file) in &self.manifest.files {
            let path = self.dir.join(name);
            let length = fs::metadata(&path).map_or(0, |meta| meta.len());
            if length != file.size {
                let version = &self.manifest.version;
                return Err(Error::other(format!(
                    "`{}` has {length} bytes instead of {}",
                    path.display(),
                    file.size
                ))
                .hint(format!("`machine image rm {version}`, and it is built anew")));
            }
        }
        Ok(Image {
            version: self.manifest.version.clone(),
            iso: self.dir.join(ISO),
            direct: Some(DirectBoot {
                kernel: self.dir.join(KERNEL),
                initrd: self.dir.join(INITRD),
                command_line: self.manifest.command_line.clone(),
            }),
        })
    }

    pub fn size(&self) -> u64 {
        self.manifest.files.values().map(|file| file.size).sum()
    }
}

impl Images {
    /// All images, the one that `create` uses last. A broken one is an error that names it.
    pub fn entries(&self) -> Result<Vec<Entry>> {
        let dirs = match fs::read_dir(self.images_dir()) {
            Ok(dirs) => dirs,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let mut entries = dirs
            .filter_map(std::result::Result::ok)
            .map(|dir| dir.path())
            .filter(|dir| dir.is_dir() && !name(dir).starts_with('.'))
            .map(|dir| Entry::read(&dir))
            .collect::<Result<Vec<_>>>()?;
        entries.sort_by_key(|entry| (entry.built, entry.manifest.version.clone()));
        Ok(entries)
    }

    /// All images that somebody else made, the newest last.
    pub fn isos(&self) -> Result<Vec<Iso>> {
        fetch::isos(self).all()
    }

    /// The image of that version in the cache.
    pub fn of_version(&self, version: &str) -> Result<Image> {
        match self.place_of(version)? {
            Place::Own(dir) => Entry::read(&dir)?.image(),
            Place::Iso(iso) => Ok(Image::iso(&iso.version, fetch::isos(self).path(&iso))),
        }
    }

    /// Hashes every file of an image and compares it with what is known of it.
    pub fn verify(&self, version: &str) -> Result<()> {
        let dir = match self.place_of(version)? {
            Place::Own(dir) => dir,
            Place::Iso(iso) => return fetch::isos(self).verify(&iso),
        };
        manifest::verify(&dir)
            .map(|_| ())
            .map_err(|error| error.hint(format!("machine image rm {version}")))
    }

    /// Copies an image that was built elsewhere into the cache, once its files are proved to be
    /// what its manifest says: the directory of an image, or the ISO alone.
    pub async fn import(&self, from: &Path, progress: &dyn Progress) -> Result<Entry> {
        let images = self.images_dir();
        let _lock = build::lock(&images, progress).await?;
        let work = tempfile::Builder::new().prefix(".import-").tempdir_in(&images)?;
        let manifest = if from.is_dir() {
            let found = manifest::verify(from)
                .map_err(|error| error.hint("copy the image again from where it was built"))?;
            let names = found.files.into_keys();
            for name in names.chain([MANIFEST.to_owned()]) {
                fs::copy(from.join(&name), work.path().join(&name))?;
            }
            manifest::verify(work.path())?
        } else {
            machine_guest::import::iso(from, work.path())?
        };
        let output = images.join(&manifest.version);
        if !output.exists() {
            fs::rename(work.keep(), &output)?;
            file::sync_dir(&images)?;
        }
        Entry::read(&output)
    }

    /// Removes an image. Machines that use it keep their own links.
    pub fn remove(&self, version: &str) -> Result<()> {
        let dir = match self.place_of(version)? {
            Place::Own(dir) => dir,
            Place::Iso(iso) => return fetch::isos(self).remove(&iso),
        };
        let gone = self.images_dir().join(format!(".removed-{version}"));
        fs::rename(&dir, &gone)?;
        match fs::remove_dir_all(gone) {
            // A build that began just now has swept it away.
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Removes the packages from which images were built.
    pub fn remove_packages(&self) -> Result<()> {
        match fs::remove_dir_all(self.cache().join("packages")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Our own come before those of others.
    fn place_of(&self, version: &str) -> Result<Place> {
        let dir = self.images_dir().join(version);
        let plain = Path::new(version).components().count() == 1 && !version.starts_with('.');
        if plain && dir.is_dir() {
            return Ok(Place::Own(dir));
        }
        if let Some(iso) = fetch::isos(self).named(version)? {
            return Ok(Place::Iso(iso));
        }
        Err(Error::new(ErrorKind::NotFound, format!("there is no image `{version}`"))
            .hint("`machine image ls` lists the images"))
    }
}

/// Where an image is in the cache.
enum Place {
    Own(PathBuf),
    Iso(Iso),
}

fn name(dir: &Path) -> String {
    dir.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
