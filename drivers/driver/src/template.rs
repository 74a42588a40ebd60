use std::time::SystemTime;

use async_trait::async_trait;

use crate::{Context, Driver, Image, Result};

/// Machines prepared in advance, for drivers that can make a machine from a running guest which was
/// saved: up to everything that all machines have in common, and nothing that they have not.
///
/// Templates belong to the user, not to a store: they hold no identity, no key and no certificate.
/// In all methods the context's machine is of no interest.
#[async_trait]
pub trait Templates: Send + Sync {
    /// All templates of this driver, the oldest first.
    fn list(&self, cx: &Context) -> Result<Vec<Template>>;

    /// Whether the user wants templates for machines like this one. No file, no process.
    fn wanted(&self, driver: &dyn Driver) -> bool;

    /// Whether a machine like this one would start from a template.
    async fn fits(&self, cx: &Context, driver: &dyn Driver, material: &Material) -> Result<bool>;

    /// Makes the template for machines with the options of `driver`, unless it is there. It appears
    /// whole or not at all; a build of the same template by somebody else is waited for.
    async fn build(
        &self,
        cx: &Context,
        driver: &dyn Driver,
        material: &Material,
    ) -> Result<Template>;

    /// Compares every file with its hash. [`crate::ErrorKind::NotFound`] if there is no such template.
    async fn verify(&self, cx: &Context, id: &str) -> Result<()>;

    /// Removes a template. Machines made from it are whole and keep working. An error while a
    /// machine is being made from it.
    fn remove(&self, cx: &Context, id: &str) -> Result<()>;
}

/// What a template is made of, beside the driver's options.
#[derive(Debug, Clone)]
pub struct Material {
    pub image: Image,
    /// The Engine's configuration, as in [`crate::seed::Seed::profile`].
    pub profile: String,
}

/// One template, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pub id: String,
    /// The version of the guest image.
    pub image: String,
    /// What machines it fits, in words, for example `2 CPUs, 2048 MB, tcg, QEMU 7.2`.
    pub fits: String,
    pub created: SystemTime,
    /// When a machine was last made from it.
    pub used: SystemTime,
    /// Bytes that it takes on the disk.
    pub size: u64,
}
