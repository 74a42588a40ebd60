use std::collections::BTreeMap;
use std::time::Duration;

use machine_driver::rest::Api;
use machine_driver::wait::{Look, Wait};
use machine_driver::{Error, ErrorKind, Result, Tags};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::place::{POLL, Place, all, one, text};
use crate::record::Record;

/// What the driver reads of a volume.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Volume {
    #[serde(deserialize_with = "text")]
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) name: Option<String>,
    status: String,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

const READY: Duration = Duration::from_secs(200);

impl Volume {
    pub(crate) fn ours(&self) -> Option<Tags> {
        Tags::from_labels(&self.metadata)
    }
}

impl Place {
    /// All volumes of the project; none where there is no Cinder.
    pub(crate) async fn volumes(&self) -> Result<Vec<Volume>> {
        match self.cinder() {
            Ok(cinder) => all(&cinder, "volumes", "/volumes/detail", &[]).await,
            Err(_) => Ok(Vec::new()),
        }
    }

    /// The volume of this machine that an earlier attempt may have made.
    pub(crate) async fn volume_of(&self, tags: &Tags) -> Result<Option<Volume>> {
        let is_its = |it: &Tags| it.store == tags.store && it.machine == tags.machine;
        let all = self.volumes().await?;
        Ok(all.into_iter().find(|it| it.ours().as_ref().is_some_and(is_its)))
    }

    pub(crate) async fn make_volume(&self, record: &Record, tags: &Tags) -> Result<String> {
        let cinder = self.cinder()?;
        let wish = &record.rancher;
        let name = match wish.volume_name.as_str() {
            "" => format!("{}-volume", record.base.machine_name),
            name => name.to_owned(),
        };
        let mut volume = json!({
            "name": name,
            "size": wish.volume_size,
            "metadata": tags.labels(&BTreeMap::new()),
        });
        if !wish.volume_type.is_empty() {
            volume["volume_type"] = wish.volume_type.as_str().into();
        }
        let body = json!({ "volume": volume });
        match one::<Volume>("volume", cinder.post("/volumes").json(&body)).await {
            Ok(volume) => Ok(volume.id),
            Err(error) if matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Unreachable) => {
                match self.volume_of(tags).await {
                    Ok(Some(volume)) => Ok(volume.id),
                    _ => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Attaches a volume as soon as it can be.
    pub(crate) async fn attach(&self, server: &str, volume: &str, device: &str) -> Result<()> {
        let cinder = self.cinder()?;
        let what = format!("the volume {volume} to be available");
        let is_free = Wait::new(what, READY)
            .at_least_every(POLL)
            .until(async || match look(&cinder, volume).await {
                Ok(it) if it.status == "available" => Look::Ready(true),
                Ok(it) if it.status == "in-use" => Look::Ready(false),
                Ok(it) if it.status.starts_with("error") => {
                    Look::Hopeless(Error::other(format!("the volume is in state `{}`", it.status)))
                }
                Ok(it) => Look::NotYet(Some(Error::other(format!("it is {}", it.status)))),
                Err(error) if error.kind() == ErrorKind::NotFound => Look::Hopeless(error),
                Err(error) => Look::NotYet(Some(error)),
            })
            .await?;
        let path = format!("/servers/{server}/os-volume_attachments");
        if !is_free {
            let attached: Vec<Value> = all(&self.nova, "volumeAttachments", &path, &[]).await?;
            return match attached.iter().any(|it| it["volumeId"] == volume) {
                true => Ok(()),
                false => {
                    let message = format!("the volume {volume} is in use by another server");
                    Err(Error::new(ErrorKind::Conflict, message))
                }
            };
        }
        let mut attachment = json!({ "volumeId": volume });
        if !device.is_empty() {
            attachment["device"] = device.into();
        }
        let body = json!({ "volumeAttachment": attachment });
        // A volume is attached once, so trying again is refused and no more.
        self.nova.post(path).json(&body).send().await.map(drop)
    }

    /// Makes sure that the volume and the type that are named are there.
    pub(crate) async fn check_volume(&self, record: &Record) -> Result<()> {
        let wish = &record.rancher;
        let cinder = self.cinder()?;
        if !wish.volume_id.is_empty() {
            let found = look(&cinder, &wish.volume_id).await;
            found.map_err(|error| match error.kind() {
                ErrorKind::NotFound => {
                    let message = format!("there is no volume with the id `{}`", wish.volume_id);
                    Error::new(ErrorKind::Flags, message).caused_by(error)
                }
                _ => error,
            })?;
        }
        if !wish.volume_type.is_empty() {
            let types: Vec<Value> = all(&cinder, "volume_types", "/types", &[]).await?;
            let is_it = |it: &&Value| {
                it["name"] == wish.volume_type.as_str() || it["id"] == wish.volume_type.as_str()
            };
            if types.iter().find(is_it).is_none() {
                let names = types.iter().filter_map(|it| it["name"].as_str());
                return Err(machine_driver::cloud::unknown(
                    "openstack-volume-type",
                    "volume type",
                    &wish.volume_type,
                    names,
                ));
            }
        }
        Ok(())
    }

    /// Deletes a volume, which may still be on its way from a server, and waits until it has gone:
    /// Cinder only says that it has understood.
    pub(crate) async fn delete_volume(&self, id: &str) -> Result<()> {
        let cinder = self.cinder()?;
        let path = format!("/volumes/{id}");
        Wait::new(format!("the volume {id} to be gone"), READY)
            .at_least_every(POLL)
            .until(async || match look(&cinder, id).await {
                Err(error) if error.kind() == ErrorKind::NotFound => Look::Ready(()),
                Err(error) if error.kind() == ErrorKind::Denied => Look::Hopeless(error),
                Err(error) => Look::NotYet(Some(error)),
                Ok(it) if ["available", "error"].contains(&it.status.as_str()) => {
                    match cinder.delete(&path).send_if_there().await {
                        Ok(Some(_)) => Look::NotYet(None),
                        Ok(None) => Look::Ready(()),
                        Err(error) if error.kind() == ErrorKind::Denied => Look::Hopeless(error),
                        Err(error) => Look::NotYet(Some(error)),
                    }
                }
                Ok(it) if it.status == "error_deleting" => {
                    let why = Error::other("Cinder could not delete it");
                    Look::Hopeless(why.hint(format!("openstack volume delete --force {id}")))
                }
                Ok(it) => Look::NotYet(Some(Error::other(format!("it is {}", it.status)))),
            })
            .await
    }
}

async fn look(cinder: &Api, id: &str) -> Result<Volume> {
    one("volume", cinder.get(format!("/volumes/{id}"))).await
}
