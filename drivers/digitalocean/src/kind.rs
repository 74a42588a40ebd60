use std::collections::BTreeMap;
use std::time::SystemTime;

use machine_driver::{
    Availability, Context, Driver, Error, ErrorKind, Flag, FlagValues, Kind, Result, State,
    async_trait, cloud,
};
use serde_json::Value;

use crate::driver::DigitalOcean;
use crate::flags::{PERMISSIONS, TOKEN, TOKEN_VARIABLE, flags};
use crate::place::{Place, with_token_hint};
use crate::record::Record;

/// What the registry holds for `digitalocean`.
pub fn kind() -> impl Kind {
    DigitalOceanKind
}

struct DigitalOceanKind;

#[async_trait]
impl Kind for DigitalOceanKind {
    fn name(&self) -> &'static str {
        "digitalocean"
    }

    fn summary(&self) -> &'static str {
        "Droplets of DigitalOcean"
    }

    fn flags(&self) -> Vec<Flag> {
        flags()
    }

    fn configure(&self, cx: &Context, values: &FlagValues) -> Result<Box<dyn Driver>> {
        let record = Record::new(cx, values);
        if record.access_token.is_empty() {
            let message = format!("digitalocean driver requires the --{TOKEN} option");
            return Err(Error::new(ErrorKind::Denied, message)
                .hint(format!("export {TOKEN_VARIABLE}=..."))
                .hint(format!(
                    "or keep it elsewhere: --{TOKEN} 'command:pass show digitalocean'"
                )));
        }
        if record.base.ssh_port == 0 {
            let message = "--digitalocean-ssh-port is a port from 1 to 65535";
            return Err(Error::new(ErrorKind::Flags, message));
        }
        Ok(Box::new(DigitalOcean { record }))
    }

    fn load(&self, record: Value) -> Result<Box<dyn Driver>> {
        Ok(Box::new(DigitalOcean { record: read(record)? }))
    }

    async fn availability(&self, cx: &Context) -> Availability {
        match cx.environment.var(TOKEN_VARIABLE) {
            Some(_) => Availability {
                installed: true,
                detail: format!("token in {TOKEN_VARIABLE}"),
                fix: None,
            },
            None => Availability {
                installed: false,
                detail: "no token".to_owned(),
                fix: Some(format!("export {TOKEN_VARIABLE}=...")),
            },
        }
    }

    fn answers_at_once(&self) -> bool {
        true
    }

    async fn states(&self, machines: &[(&Context, &dyn Driver)]) -> Vec<Result<State>> {
        let place = |record: &Value| format!("{} {}", record["APIURL"], record["AccessToken"]);
        let id = |record: &Value| match record["DropletID"].as_u64() {
            None | Some(0) => String::new(),
            Some(id) => id.to_string(),
        };
        cloud::states(machines, place, id, list).await
    }

    fn secret_keys(&self) -> &'static [&'static str] {
        &["AccessToken"]
    }

    fn permissions(&self) -> &'static str {
        PERMISSIONS
    }
}

/// The states of all droplets of an account: docker-machine's have no tag by which to choose.
async fn list(cx: Context, record: Value) -> Result<BTreeMap<String, State>> {
    let place = Place::open(&cx, &read(record)?).await?;
    let all = place.every_droplet(SystemTime::now()).await.map_err(with_token_hint)?;
    Ok(all.iter().map(|it| (it.id.to_string(), it.state())).collect())
}

fn read(record: Value) -> Result<Record> {
    serde_json::from_value(record).map_err(|error| {
        Error::other("this is no record of driver `digitalocean`").caused_by(error)
    })
}
