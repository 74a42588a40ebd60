use std::sync::Arc;

use machine_driver::{Image, Progress, Result};

use super::{Choice, Images, boot2docker, fetch};

impl Images {
    /// What a machine that boots `choice`, and has `version` of it now, can be brought to: `None` if
    /// there is nothing newer. Asks the network as [`Images::prepare`] does, in docker-machine's
    /// words. Of our own it finds what is in the cache, and builds nothing; of an image that was
    /// named it is what is there now, for a version says little where anything may stand.
    pub async fn newer(
        &self,
        choice: &Choice,
        version: &str,
        progress: Arc<dyn Progress>,
    ) -> Result<Option<Image>> {
        let image = match choice {
            Choice::Own => self.newest()?.map(|entry| entry.image()).transpose()?,
            Choice::Boot2docker => Some(boot2docker::latest(self, &*progress).await?),
            Choice::Named(text) => return fetch::again(self, text, &*progress).await.map(Some),
        };
        Ok(image.filter(|image| image.version != version))
    }
}
