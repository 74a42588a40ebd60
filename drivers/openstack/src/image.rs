use machine_driver::{Error, ErrorKind, Result, cloud};
use serde::{Deserialize, Serialize};

use crate::choice::Flavor;
use crate::place::{Place, all};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Image {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    status: String,
    /// GiB.
    #[serde(default)]
    pub(crate) min_disk: u64,
    /// MiB.
    #[serde(default)]
    min_ram: u64,
    /// Bytes.
    #[serde(default)]
    size: Option<u64>,
    #[serde(default)]
    virtual_size: Option<u64>,
    #[serde(default)]
    created_at: String,
}

const GIB: u64 = 1 << 30;

impl Image {
    /// The smallest root disk that it fits on, in GiB.
    pub(crate) fn smallest_disk(&self) -> u64 {
        let bytes = self.virtual_size.or(self.size).unwrap_or_default();
        self.min_disk.max(bytes.div_ceil(GIB))
    }

    /// What the image asks for and the flavor does not have.
    pub(crate) fn check(&self, flavor: &Flavor, disk: u64) -> Result<()> {
        let name = self.name.as_deref().unwrap_or(&self.id);
        if self.status != "active" {
            return Err(Error::new(
                ErrorKind::Flags,
                format!("the image `{name}` is not ready: it is {}", self.status),
            ));
        }
        if self.min_ram > flavor.ram {
            let Flavor { name: flavor, ram, .. } = flavor;
            return Err(Error::new(
                ErrorKind::Flags,
                format!("the image `{name}` needs {} MiB, `{flavor}` has {ram}", self.min_ram),
            ));
        }
        // 0 is "as large as the image".
        if disk > 0 && self.min_disk > disk {
            return Err(Error::new(
                ErrorKind::Flags,
                format!("the image `{name}` needs a disk of {} GiB, not {disk}", self.min_disk),
            )
            .hint("choose another flavor, or --openstack-boot-from-volume with a --openstack-volume-size"));
        }
        Ok(())
    }
}

impl Place {
    /// The image that is named. Those who publish images often leave the older ones of that name.
    pub(crate) async fn image(&self, id: &str, name: &str) -> Result<Image> {
        let glance = self.glance()?;
        if !id.is_empty() {
            let image = glance.get(format!("/images/{id}")).fetch().await;
            return image.map_err(|error: Error| match error.kind() {
                ErrorKind::NotFound => {
                    Error::new(ErrorKind::Flags, format!("there is no image with the id `{id}`"))
                        .caused_by(error)
                        .hint("by name: --openstack-image-name")
                }
                _ => error,
            });
        }
        let named: Vec<Image> = all(&glance, "images", "/images", &[("name", name)]).await?;
        let newest = named
            .into_iter()
            .filter(|it| it.status == "active")
            .max_by(|a, b| a.created_at.cmp(&b.created_at));
        if let Some(newest) = newest {
            return Ok(newest);
        }
        let names = self.image_names().await?;
        Err(cloud::unknown("openstack-image-name", "image", name, names.iter().map(String::as_str))
            .context(format!("Unable to find image named {name}")))
    }

    pub(crate) async fn image_names(&self) -> Result<Vec<String>> {
        let glance = self.glance()?;
        let fetch = async || {
            let all: Vec<Image> =
                all(&glance, "images", "/images", &[("status", "active")]).await?;
            Ok(all.into_iter().filter_map(|it| it.name).collect())
        };
        self.catalogue("images", fetch).await
    }
}
