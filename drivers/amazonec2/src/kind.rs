use std::collections::BTreeMap;
use std::time::SystemTime;

use machine_driver::{
    Availability, Context, Driver, Error, Flag, FlagValues, Kind, Result, State, async_trait, cloud,
};
use serde_json::Value;

use crate::check;
use crate::driver::AmazonEc2;
use crate::flags::{ACCESS_KEY_VARIABLE, PERMISSIONS, flags};
use crate::place::{Place, could_be_region, unknown_region};
use crate::record::Record;

/// What the registry holds for `amazonec2`.
pub fn kind() -> impl Kind {
    AmazonEc2Kind
}

struct AmazonEc2Kind;

#[async_trait]
impl Kind for AmazonEc2Kind {
    fn name(&self) -> &'static str {
        "amazonec2"
    }

    fn summary(&self) -> &'static str {
        "Instances of Amazon EC2"
    }

    fn flags(&self) -> Vec<Flag> {
        flags()
    }

    fn configure(&self, cx: &Context, values: &FlagValues) -> Result<Box<dyn Driver>> {
        let record = Record::new(cx, values);
        check::combination(&record)?;
        if !record.has_endpoint() && !could_be_region(&record.region) {
            return Err(unknown_region(&record.region));
        }
        Ok(Box::new(AmazonEc2::new(record)))
    }

    fn load(&self, record: Value) -> Result<Box<dyn Driver>> {
        Ok(Box::new(AmazonEc2::new(read(record)?)))
    }

    async fn availability(&self, cx: &Context) -> Availability {
        let variables = [
            ACCESS_KEY_VARIABLE,
            "AWS_PROFILE",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        ];
        let variable = variables.into_iter().find(|name| cx.environment.var(name).is_some());
        let home = cx.environment.home.as_ref();
        let file = ["credentials", "config"]
            .into_iter()
            .filter_map(|name| Some(home?.join(".aws").join(name)))
            .find(|path| path.exists());
        let detail = match (variable, &file) {
            (Some(variable), _) => format!("credentials by {variable}"),
            (None, Some(path)) => format!("credentials in {}", path.display()),
            (None, None) => "no credentials; on an instance, its role counts".to_owned(),
        };
        let installed = variable.is_some() || file.is_some();
        Availability { installed, detail, fix: (!installed).then(|| "aws configure".to_owned()) }
    }

    fn answers_at_once(&self) -> bool {
        true
    }

    async fn states(&self, machines: &[(&Context, &dyn Driver)]) -> Vec<Result<State>> {
        let keys = ["Endpoint", "DisableSSL", "Region", "AccessKey", "Profile"];
        let place = |record: &Value| keys.map(|key| record[key].to_string()).join(" ");
        let id = |record: &Value| record["InstanceId"].as_str().unwrap_or_default().to_owned();
        cloud::states(machines, place, id, list).await
    }

    fn secret_keys(&self) -> &'static [&'static str] {
        &["AccessKey", "SecretKey", "SessionToken"]
    }

    fn permissions(&self) -> &'static str {
        PERMISSIONS
    }
}

/// The states of all instances of an account in a region.
async fn list(cx: Context, record: Value) -> Result<BTreeMap<String, State>> {
    let place = Place::open(&cx, &read(record)?).await?;
    let all = place.every_instance(SystemTime::now()).await?;
    Ok(all.into_iter().map(|it| (it.id.clone(), it.state())).collect())
}

fn read(record: Value) -> Result<Record> {
    serde_json::from_value(record)
        .map_err(|error| Error::other("this is no record of driver `amazonec2`").caused_by(error))
}
