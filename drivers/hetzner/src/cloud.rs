use machine_driver::cloud::{
    self, About, Cloud, FIREWALL, Firewall, Given, Interface, Key, Part, Place, Power, Server, Wish,
};
use machine_driver::rest::{Answer, Complaint, Rate};
use machine_driver::{Context, Error, ErrorKind, Result, Secret, State, Tags, async_trait, tags};
use serde_json::{Value, json};

use crate::choice::choose;
use crate::flags::{API_URL, PERMISSIONS, flags};
use crate::json::{self, HetznerServer, SshKey};
use crate::record::{Labels, Own, Record, record};

/// A project.
pub(crate) struct Hetzner {
    place: Place,
}

const SERVER: &str = "server";
const KEY: &str = "SSH key";
/// The plugin made one for each of `--hetzner-additional-key`.
const ADDITIONAL_KEY: &str = "additional SSH key";

/// What the vendor takes.
const MOST_USER_DATA: u64 = 32 * 1024;

static INTERFACE: Interface = Interface {
    vendor: "Hetzner Cloud",
    // A project has 3600 calls, and gets one back each second; how fast it uses them is ours.
    rate: Rate { per_second: 4.0, burst: 3 },
    complaint,
    per_page: "50",
    next: |page, path| {
        let next = page["meta"]["pagination"]["next_page"].as_u64()?;
        let with = if path.contains('?') { '&' } else { '?' };
        Some(format!("{path}{with}page={next}&per_page=50"))
    },
};

fn complaint(answer: &Answer) -> Complaint {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let text = |key: &str| body["error"][key].as_str().unwrap_or_default().to_owned();
    Complaint { code: text("code"), message: text("message"), request_id: None }
}

/// SSH, Docker and ping. What goes out needs no rule, and what is private no firewall sees.
fn rules(networks: &[String]) -> Value {
    let rule = |protocol: &str, port: Value| {
        let mut rule = json!({ "direction": "in", "protocol": protocol, "source_ips": networks });
        if !port.is_null() {
            rule["port"] = port;
        }
        rule
    };
    json!([rule("tcp", "22".into()), rule("tcp", "2376".into()), rule("icmp", Value::Null)])
}

/// The user's, and a script that lets further keys in: a project has each key only once, so that they
/// could not be each machine's own.
fn user_data(record: &Record, wish: &Wish<'_>) -> Result<Option<String>> {
    let own = &record.own;
    let mut birth = wish.birth.clone();
    if !own.additional_keys.is_empty() {
        let (user, keys) = (&record.base.ssh_user, own.additional_keys.join("\n"));
        let script = format!(
            "home=$(getent passwd '{user}' | cut -d: -f6)\nmkdir -p -m 700 \"$home/.ssh\"\n\
             cat >>\"$home/.ssh/authorized_keys\" <<'END-OF-KEYS'\n{keys}\nEND-OF-KEYS\n\
             chown -R '{user}' \"$home/.ssh\"\n"
        );
        birth.first_boot.script = Some(script + &birth.first_boot.script.unwrap_or_default());
    }
    match own.user_data.as_str() {
        "" => cloud::user_data(&birth, &own.user_data_file),
        text => birth.first_boot.user_data(Some(text)),
    }
}

#[async_trait]
impl Cloud for Hetzner {
    type Own = Own;

    const ABOUT: About = About {
        name: "hetzner",
        summary: "Servers of Hetzner Cloud",
        flags,
        interface: &INTERFACE,
        api_url: API_URL,
        token: "token",
        variable: "HETZNER_API_TOKEN",
        denied: &["make a token that may write: https://console.hetzner.cloud, Security"],
        secrets: &["AccessToken", "UserData"],
        permissions: PERMISSIONS,
        rest: &[],
        user: "root",
        creating: "Creating Hetzner server...",
        waiting: "Waiting for the server to come up...",
    };

    fn record(cx: &Context, given: &Given<'_>) -> Result<Record> {
        record(cx, given)
    }

    fn parts(record: &mut Record) -> Vec<Part<'_>> {
        let own = &mut record.own;
        vec![
            Part::new(SERVER, &mut own.server_id),
            Part::new(KEY, &mut own.key_id).once().only_if(!own.is_existing_key),
            Part::new(ADDITIONAL_KEY, &mut own.additional_key_ids),
        ]
    }

    fn token(own: &Own) -> &Secret {
        &own.access_token
    }

    fn new(place: Place) -> Self {
        Self { place }
    }

    fn place(&self) -> &Place {
        &self.place
    }

    fn check_files(own: &Own) -> Result<()> {
        cloud::check_user_data(&own.user_data_file, "Hetzner Cloud", MOST_USER_DATA)
    }

    async fn check(&self, cx: &Context, record: &Record) -> Result<()> {
        let Own { key_id, is_existing_key, existing_key_path: path, .. } = &record.own;
        choose(&self.place, &record.own).await?;
        cloud::check_openings(cx).await?;
        if !is_existing_key {
            return Ok(());
        }
        let local = cloud::public_half(path)?;
        let is_it =
            |key: &Key| key.id == key_id.to_string() && cloud::is_same_key(&key.public_key, &local);
        let message = format!("remote key {key_id} does not match local key {path}");
        let found = self.keys().await?.iter().any(is_it);
        found.then_some(()).ok_or_else(|| Error::new(ErrorKind::Flags, message))
    }

    fn key_file(record: &Record) -> Option<&str> {
        Some(record.own.existing_key_path.as_str()).filter(|path| !path.is_empty())
    }

    fn leave_key(record: &mut Record) {
        record.own.is_existing_key = true;
    }

    async fn use_users_key(&self, cx: &Context, record: &mut Record) -> Result<()> {
        let path = cloud::copy_key(cx, &record.own.existing_key_path)?;
        record.base.ssh_key_path = path.display().to_string();
        Ok(())
    }

    async fn upload_key(&self, record: &Record, public_key: &str, wish: &Wish<'_>) -> Result<Key> {
        let body = json!({
            "name": wish.tags.label(),
            "public_key": public_key.trim(),
            "labels": wish.tags.labels(&record.own.key_labels),
        });
        let request = self.place.api.post("/ssh_keys").json(&body).repeatable();
        self.place.one_as::<SshKey, _>("ssh_key", request).await
    }

    async fn keys(&self) -> Result<Vec<Key>> {
        self.place.all_as::<SshKey, _>("ssh_keys", "/ssh_keys").await
    }

    async fn body(&self, record: &mut Record, wish: &Wish<'_>) -> Result<Value> {
        let own = &record.own;
        let choice = choose(&self.place, own).await?;
        let [v4, v6] = choice.primary_ips;
        let mut body = json!({
            "name": record.base.machine_name,
            "server_type": own.server_type,
            "image": choice.image.to_string(),
            "ssh_keys": [own.key_id.to_string()],
            "labels": wish.tags.labels(&own.server_labels),
            "networks": choice.networks,
            "volumes": choice.volumes,
            "public_net": {
                "enable_ipv4": !own.disable_public4,
                "enable_ipv6": !own.disable_public6,
                "ipv4": v4,
                "ipv6": v6,
            },
        });
        // A firewall is for what is public.
        if !(own.disable_public4 && own.disable_public6) {
            let own = wish.firewall.and_then(|it| it.id.parse().ok());
            let all = choice.firewalls.into_iter().chain(own);
            body["firewalls"] = all.map(|id: u64| json!({ "firewall": id })).collect();
        }
        if !own.location.is_empty() {
            body["location"] = own.location.as_str().into();
        }
        if let Some(group) = choice.placement_group {
            body["placement_group"] = group.into();
        }
        if let Some(user_data) = user_data(record, wish)? {
            body["user_data"] = user_data.into();
        }
        Ok(body)
    }

    async fn make_server(&self, body: &Value) -> Result<Server> {
        let request = self.place.api.post("/servers").json(body);
        self.place.one_as::<HetznerServer, _>("server", request).await
    }

    async fn servers(&self, store: Option<&str>) -> Result<Vec<Server>> {
        let of_store = |store| format!("/servers?label_selector={}%3D{store}", tags::STORE);
        let path = store.map_or_else(|| "/servers".to_owned(), of_store);
        self.place.all_as::<HetznerServer, _>("servers", &path).await
    }

    async fn server(&self, id: &str) -> Result<Server> {
        let request = self.place.api.get(format!("/servers/{id}"));
        self.place.one_as::<HetznerServer, _>("server", request).await
    }

    fn address<'a>(record: &Record, server: &'a Server) -> Option<&'a str> {
        let address = match &record.own {
            own if own.use_private_network => &server.private_v4,
            own if own.disable_public4 => &server.public_v6,
            _ => &server.public_v4,
        };
        address.as_deref().filter(|_| server.state != State::Starting)
    }

    async fn act(&self, id: &str, power: Power) -> Result<()> {
        let what = power.word(["poweron", "shutdown", "poweroff", "reboot"]);
        let request = self.place.api.post(format!("/servers/{id}/actions/{what}"));
        self.place.act(what, request, |action| format!("/actions/{action}")).await
    }

    async fn delete(&self, kind: &str, id: &str) -> Result<()> {
        let list = match kind {
            SERVER => "servers",
            FIREWALL => "firewalls",
            _ => "ssh_keys",
        };
        // A server that is still being made is locked, and a firewall in use until its last one is gone.
        let path = format!("/{list}/{id}");
        self.place.delete_when_free(&path, |action| format!("/actions/{action}")).await
    }

    async fn firewalls(&self) -> Result<Vec<Firewall>> {
        self.place.all_as::<json::Firewall, _>("firewalls", "/firewalls").await
    }

    async fn make_firewall(&self, tags: &Tags, networks: &[String]) -> Result<Firewall> {
        let name = Firewall::name(&tags.store);
        let labels = tags.labels(&Labels::new());
        let body = json!({ "name": name, "labels": labels, "rules": rules(networks) });
        let request = self.place.api.post("/firewalls").json(&body);
        self.place.one_as::<json::Firewall, _>("firewall", request).await
    }

    async fn widen_firewall(&self, firewall: &Firewall, networks: &[String]) -> Result<()> {
        let path = format!("/firewalls/{}/actions/set_rules", firewall.id);
        let body = json!({ "rules": rules(&[&firewall.open_to[..], networks].concat()) });
        self.place.api.post(path).json(&body).repeatable().send().await.map(drop)
    }
}
