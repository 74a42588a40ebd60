use std::fs::File;

use machine_driver::{Progress, Result, file};

use super::{Images, boot2docker, fetch};

impl Images {
    /// Removes what `create` would not use by itself: our own images but the newest, images of
    /// others but docker-machine's, and what interrupted downloads left. Returns their names.
    pub async fn prune(&self, progress: &dyn Progress) -> Result<Vec<String>> {
        let mut removed = Vec::new();
        let mut own = self.entries()?;
        own.pop();
        for entry in own {
            self.remove(&entry.manifest.version)?;
            removed.push(entry.manifest.version);
        }
        let isos = fetch::isos(self);
        if !isos.dir.exists() {
            return Ok(removed);
        }
        let _lock: File = {
            let waiting =
                || progress.line("Waiting for the image that another command downloads...");
            file::lock(&isos.dir.join(".lock"), waiting).await?
        };
        let kept = boot2docker::hash(self)?;
        for iso in isos.all()?.into_iter().filter(|iso| Some(&iso.sha256) != kept.as_ref()) {
            isos.remove(&iso)?;
            removed.push(iso.version);
        }
        isos.sweep()?;
        Ok(removed)
    }
}
