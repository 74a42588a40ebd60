//! The boot image: where it comes from, where it is kept, and whether it is what it should be.
//!
//! ```text
//! <cache>/packages/           packages and signed indices, shared by all builds
//! <cache>/images/VERSION/     machine.iso  vmlinuz  initrd.img  manifest.json
//! <cache>/isos/HASH.iso       images that somebody else made, by the hash of their address
//! ```
//!
//! A directory appears under `images/` by one rename when it is whole; nothing in it changes
//! afterwards. Machines hold links to the files, so the cache may be emptied at any time.

mod build;
mod catalogue;
mod foreign;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use machine_driver::{Image, Progress, Result};

pub use build::BuildSettings;
pub use catalogue::Entry;

/// The images of one user.
#[derive(Debug, Clone)]
pub struct Images {
    cache: PathBuf,
    settings: BuildSettings,
}

impl Images {
    pub fn new(cache: PathBuf, settings: BuildSettings) -> Self {
        Self { cache, settings }
    }

    /// The same images, built with other settings.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut BuildSettings)) -> Self {
        change(&mut self.settings);
        self
    }

    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// The image that a machine boots: the one at `source` if the user named one, else the newest
    /// in the cache, else a new one, built now.
    pub async fn image(&self, source: Option<&str>, progress: Arc<dyn Progress>) -> Result<Image> {
        match source {
            Some(source) => foreign::fetch(&self.cache.join("isos"), source, progress).await,
            None => match self.newest()? {
                Some(entry) => entry.image(),
                None => build::build_first(self, progress).await?.image(),
            },
        }
    }

    /// The image of that version in the cache.
    pub fn of_version(&self, version: &str) -> Result<Image> {
        self.entry(version)?.image()
    }

    /// The image of our own that `create` uses, if there is one.
    pub fn newest(&self) -> Result<Option<Entry>> {
        Ok(self.entries()?.into_iter().next_back())
    }

    /// Builds an image from the packages that the mirror has now, unless that very image is
    /// already here. Two builds at once share the work: the second waits and takes the result.
    pub async fn build(&self, progress: Arc<dyn Progress>) -> Result<Entry> {
        build::build(self, progress).await
    }

    fn images_dir(&self) -> PathBuf {
        self.cache.join("images")
    }
}
