//! The boot image: where it comes from, where it is kept, and whether it is what it should be.
//!
//! ```text
//! <cache>/packages/               packages and signed indices, shared by all builds
//! <cache>/images/VERSION/         machine.iso  vmlinuz  initrd.img  manifest.json
//! <cache>/isos/sha256/HEX.iso     images that somebody else made, and beside each what is known
//!                                 of it, HEX.json
//! <cache>/isos/answers/           what servers last said of their releases
//! <store>/cache/boot2docker.iso   docker-machine's own: a copy of boot2docker's latest release
//! ```
//!
//! A directory appears under `images/`, and a file under `isos/sha256/`, by one rename when it is
//! whole; nothing in it changes afterwards. Machines hold links or copies, so the cache may be
//! emptied at any time.

mod boot2docker;
mod build;
mod catalogue;
mod choice;
mod fetch;
mod isos;
mod known;
mod lookup;
mod newer;
mod prune;
mod releases;
mod source;
mod volume;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use machine_driver::{Image, Progress, Result};

pub use build::BuildSettings;
pub use catalogue::Entry;
pub use choice::Choice;
pub use isos::Iso;
pub use releases::BOOT2DOCKER;

use releases::Releases;

/// What the command line says of images.
#[derive(Debug, Clone, Default)]
pub struct ImageSettings {
    /// How our own are built.
    pub build: BuildSettings,
    /// The image of machines whose maker named none, in the words of [`Choice::read`]. Without it
    /// the image is our own, or that of the driver as docker-machine has it.
    pub default: Option<String>,
    /// The program stands in docker-machine's place.
    pub as_docker_machine: bool,
    /// The address of the API where boot2docker's releases are asked for, if not [`BOOT2DOCKER`].
    pub releases: Option<String>,
    /// The token for such questions.
    pub token: Option<String>,
    /// docker-machine's own cache directory, `<store>/cache`.
    pub store_cache: PathBuf,
}

/// The images of one user.
#[derive(Debug, Clone)]
pub struct Images {
    cache: PathBuf,
    settings: ImageSettings,
}

impl Images {
    pub fn new(cache: PathBuf, settings: ImageSettings) -> Self {
        Self { cache, settings }
    }

    /// The same images, built with other settings.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut BuildSettings)) -> Self {
        change(&mut self.settings.build);
        self
    }

    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// The image that a machine boots. `named` is what its maker said, `boots_boot2docker` what its
    /// driver's [`machine_driver::Kind::boots_boot2docker`] says.
    pub fn choose(&self, named: Option<&str>, boots_boot2docker: bool) -> Choice {
        match (named, self.settings.default.as_deref()) {
            (Some(text), _) | (None, Some(text)) => Choice::read(text),
            (None, None) if self.settings.as_docker_machine && boots_boot2docker => {
                Choice::Boot2docker
            }
            (None, None) => Choice::Own,
        }
    }

    /// Brings what is to be had before a machine is begun: boot2docker's latest release, if that is
    /// the choice, with docker-machine's words. Other images come when they are asked for.
    pub async fn prepare(
        &self,
        choice: &Choice,
        boots_boot2docker: bool,
        progress: &dyn Progress,
    ) -> Result<()> {
        match choice {
            Choice::Boot2docker => boot2docker::latest(self, progress).await.map(|_| ()),
            Choice::Named(text) if self.settings.as_docker_machine && boots_boot2docker => {
                boot2docker::is_passed_over(self, text, progress)
            }
            _ => Ok(()),
        }
    }

    /// The image that was chosen.
    pub async fn image(&self, choice: &Choice, progress: Arc<dyn Progress>) -> Result<Image> {
        match choice {
            Choice::Own => match self.newest()? {
                Some(entry) => entry.image(),
                None => build::build_first(self, progress).await?.image(),
            },
            Choice::Boot2docker => match boot2docker::here(self)? {
                Some(image) => Ok(image),
                None => boot2docker::latest(self, &*progress).await,
            },
            Choice::Named(text) => fetch::named(self, text, &*progress).await,
        }
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

    /// Fetches an image that somebody else made into the cache: `latest`, a version, or an address.
    /// What is at an address is fetched again, for it may have changed.
    pub async fn pull(&self, text: &str, progress: &dyn Progress) -> Result<Iso> {
        fetch::pull(self, text, progress).await
    }

    fn images_dir(&self) -> PathBuf {
        self.cache.join("images")
    }

    /// The releases that a bare version is one of.
    fn releases(&self) -> Result<Releases> {
        Releases::named(self.settings.releases.as_deref().unwrap_or(BOOT2DOCKER))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_our_own_unless_somebody_says_otherwise() {
        let chosen = |as_docker_machine, default: Option<&str>, named, boots| {
            let default = default.map(str::to_owned);
            let settings = ImageSettings { default, as_docker_machine, ..ImageSettings::default() };
            Images::new(PathBuf::new(), settings).choose(named, boots)
        };
        let named = |text: &str| Choice::Named(text.to_owned());
        assert_eq!(chosen(false, None, None, true), Choice::Own);
        assert_eq!(chosen(true, None, None, false), Choice::Own);
        assert_eq!(chosen(true, None, None, true), Choice::Boot2docker);
        assert_eq!(chosen(true, Some("own"), None, true), Choice::Own);
        assert_eq!(chosen(false, Some("latest"), None, false), Choice::Boot2docker);
        assert_eq!(chosen(false, Some("18.09.4"), None, false), named("18.09.4"));
        assert_eq!(chosen(true, Some("own"), Some("v1.8.0"), true), named("v1.8.0"));
    }
}
