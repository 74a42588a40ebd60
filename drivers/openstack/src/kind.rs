use std::collections::BTreeMap;
use std::time::SystemTime;

use machine_driver::{
    Availability, Context, Driver, Error, ErrorKind, Flag, FlagValues, Kind, Result, State,
    async_trait, cloud,
};
use serde_json::Value;

use crate::access::version_3;
use crate::clouds;
use crate::driver::OpenStack;
use crate::flags::{PERMISSIONS, flags};
use crate::place::Place;
use crate::problem::explain;
use crate::record::Record;

/// What the registry holds for `openstack`.
pub fn kind() -> impl Kind {
    OpenStackKind
}

struct OpenStackKind;

#[async_trait]
impl Kind for OpenStackKind {
    fn name(&self) -> &'static str {
        "openstack"
    }

    fn summary(&self) -> &'static str {
        "Servers of an OpenStack cloud"
    }

    fn flags(&self) -> Vec<Flag> {
        flags()
    }

    fn configure(&self, cx: &Context, values: &FlagValues) -> Result<Box<dyn Driver>> {
        let mut record = Record::new(cx, values);
        if !record.ours.cloud.is_empty() {
            let file = clouds::beside_caller(&cx.environment);
            record.ours.clouds_file =
                file.map(|file| file.display().to_string()).unwrap_or_default();
        }
        flags_fit(cx, values, &record)?;
        Ok(Box::new(OpenStack::new(record)))
    }

    fn load(&self, record: Value) -> Result<Box<dyn Driver>> {
        Ok(Box::new(OpenStack::new(read(record)?)))
    }

    async fn availability(&self, cx: &Context) -> Availability {
        for (variable, what) in [("OS_CLOUD", "cloud"), ("OS_AUTH_URL", "Keystone")] {
            if let Some(value) = cx.environment.var(variable) {
                let detail = format!("{what} `{value}` in {variable}");
                return Availability { installed: true, detail, fix: None };
            }
        }
        Availability {
            installed: false,
            detail: "no cloud".to_owned(),
            fix: Some("export OS_CLOUD=...".to_owned()),
        }
    }

    fn answers_at_once(&self) -> bool {
        true
    }

    async fn states(&self, machines: &[(&Context, &dyn Driver)]) -> Vec<Result<State>> {
        let place = |record: &Value| match read(record.clone()) {
            Ok(record) => record.place(),
            Err(_) => String::new(),
        };
        let id = |record: &Value| record["MachineId"].as_str().unwrap_or_default().to_owned();
        cloud::states(machines, place, id, list).await
    }

    fn secret_keys(&self) -> &'static [&'static str] {
        &["Password", "ApplicationCredentialSecret", "Token"]
    }

    fn permissions(&self) -> &'static str {
        PERMISSIONS
    }
}

/// The texts are docker-machine's, where it has one.
fn flags_fit(cx: &Context, values: &FlagValues, record: &Record) -> Result<()> {
    let wrong = |message: String| Err(Error::new(ErrorKind::Flags, message));
    if record.auth_url.is_empty() && record.ours.cloud.is_empty() {
        let message = "Authentication URL must be specified either using the environment variable \
                       OS_AUTH_URL or the CLI option --openstack-auth-url";
        return Err(Error::new(ErrorKind::Denied, message)
            .hint("or name an entry of clouds.yaml: export OS_CLOUD=...")
            .hint("or read the file that the cloud's console gives you: . ./openrc.sh"));
    }
    if !record.auth_url.is_empty() {
        version_3(&record.auth_url)?;
    }
    let version = cx.environment.var("OS_IDENTITY_API_VERSION").unwrap_or("3");
    if record.ours.cloud.is_empty() && !version.starts_with('3') {
        return Err(Error::new(
            ErrorKind::Flags,
            format!("version {version} of Keystone is not supported"),
        )
        .hint("export OS_IDENTITY_API_VERSION=3"));
    }
    let exclusive = [
        ("Flavor name", &record.flavor_name, "Flavor id", &record.flavor_id),
        ("Image name", &record.image_name, "Image id", &record.image_id),
        ("Network name", &record.network_name, "Network id", &record.network_id),
        (
            "Server group name",
            &record.rancher.server_group_name,
            "Server group id",
            &record.rancher.server_group_id,
        ),
    ];
    for (one, name, other, id) in exclusive {
        if !name.is_empty() && !id.is_empty() {
            return wrong(format!("Either {one} or {other} must be specified, not both"));
        }
    }
    if record.key_pair_name.is_empty() != record.private_key_file.is_empty() {
        return wrong("Both KeyPairName and PrivateKeyFile must be specified".to_owned());
    }
    let types = ["", "publicURL", "adminURL", "internalURL", "public", "admin", "internal"];
    if !types.contains(&record.endpoint_type.as_str()) {
        return wrong("Endpoint type must be 'publicURL', 'adminURL' or 'internalURL'".to_owned());
    }
    if record.compute_network {
        return Err(Error::new(ErrorKind::Flags, "nova-network has gone from OpenStack in 2020")
            .hint("leave --openstack-nova-network and OS_NOVA_NETWORK out"));
    }
    if ![4, 6].contains(&record.ip_version) {
        return wrong("--openstack-ip-version is 4 or 6".to_owned());
    }
    if record.base.ssh_port == 0 {
        return wrong("--openstack-ssh-port is a port from 1 to 65535".to_owned());
    }
    if record.ip_version == 6 && !record.floating_ip_pool.is_empty() {
        return wrong("--openstack-ip-version 6: floating IPs are of version 4".to_owned());
    }
    let negative = ["openstack-volume-size", "openstack-active-timeout"];
    if let Some(flag) = negative.iter().find(|flag| values.int(flag).is_some_and(|it| it < 0)) {
        return wrong(format!("--{flag} is not negative"));
    }
    volume_flags_fit(record)
}

fn volume_flags_fit(record: &Record) -> Result<()> {
    let wish = &record.rancher;
    if !wish.volume_id.is_empty() && (wish.volume_size > 0 || wish.boot_from_volume) {
        return Err(Error::new(
            ErrorKind::Flags,
            "--openstack-volume-id is for a volume that is there: it goes neither with \
             --openstack-volume-size nor with --openstack-boot-from-volume",
        ));
    }
    let is_made = wish.volume_size > 0 || wish.boot_from_volume;
    if !wish.volume_type.is_empty() && !is_made {
        let message = "--openstack-volume-type is for a volume that is made";
        return Err(
            Error::new(ErrorKind::Flags, message).hint("say how large: --openstack-volume-size 20")
        );
    }
    Ok(())
}

/// The states of all servers of a project: docker-machine's have no mark by which to choose.
async fn list(cx: Context, record: Value) -> Result<BTreeMap<String, State>> {
    let listed = async {
        let place = Place::open(&cx, &read(record)?).await?;
        place.servers(SystemTime::now()).await
    };
    let all = listed.await.map_err(explain)?;
    Ok(all.into_iter().map(|it| (it.id.clone(), it.state())).collect())
}

fn read(record: Value) -> Result<Record> {
    serde_json::from_value(record)
        .map_err(|error| Error::other("this is no record of driver `openstack`").caused_by(error))
}
