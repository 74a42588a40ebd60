use std::path::PathBuf;

use machine_driver::cloud::{
    self, About, Cloud, FIREWALL, Firewall, Given, Key, Part, Place, Power, Removal, Server, Wish,
};
use machine_driver::rest::problem;
use machine_driver::{Context, Error, ErrorKind, Resource, Result, Secret, Tags, async_trait};
use serde_json::{Value, json};

use crate::account::{DigitalOcean, INTERFACE};
use crate::check::{self, chosen_image};
use crate::firewall;
use crate::flags::{API_URL, PERMISSIONS, flags};
use crate::json::{self, Droplet, SshKey};
use crate::record::{Own, Record, record};
use crate::tags::{self, expiry_tag, guard_tag, store_tag};

const DROPLET: &str = "droplet";
const KEY: &str = "SSH key";
const TAG: &str = "tag";

#[async_trait]
impl Cloud for DigitalOcean {
    type Own = Own;

    const ABOUT: About = About {
        name: "digitalocean",
        summary: "Droplets of DigitalOcean",
        flags,
        interface: &INTERFACE,
        api_url: API_URL,
        token: "access token",
        variable: "DIGITALOCEAN_ACCESS_TOKEN",
        denied: &[
            "make a token at https://cloud.digitalocean.com/account/api/tokens",
            "`machine driver show digitalocean` lists what it must be allowed",
        ],
        secrets: &["AccessToken"],
        permissions: PERMISSIONS,
        rest: &[TAG],
        user: "root",
        creating: "Creating Digital Ocean droplet...",
        waiting: "Waiting for IP address to be assigned to the Droplet...",
    };

    fn record(cx: &Context, given: &Given<'_>) -> Result<Record> {
        record(cx, given)
    }

    fn parts(record: &mut Record) -> Vec<Part<'_>> {
        let owns_key = record.own.owns_key();
        let Own { droplet_id, ssh_key_id, .. } = &mut record.own;
        vec![Part::new(DROPLET, droplet_id), Part::new(KEY, ssh_key_id).once().only_if(owns_key)]
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
        check::files(own)
    }

    async fn check(&self, cx: &Context, record: &Record) -> Result<()> {
        check::check(self, cx, &record.own).await
    }

    async fn begin(&self, record: &mut Record) {
        let account = self.account().await;
        record.own.account_uuid = account.map(|it| it.owner().to_owned()).unwrap_or_default();
    }

    async fn use_users_key(&self, cx: &Context, record: &mut Record) -> Result<()> {
        let Record { base, own, .. } = record;
        if own.ssh_key_id != 0 {
            return Ok(());
        }
        let id = self.key_with(&own.ssh_key_fingerprint).await?;
        if own.ssh_key.is_empty() {
            cx.progress.line("Assuming Digital Ocean private SSH is located at ~/.ssh/id_rsa");
        } else {
            base.ssh_key_path = cloud::copy_key(cx, &own.ssh_key)?.display().to_string();
        }
        own.ssh_key_id = id;
        Ok(())
    }

    /// docker-machine does not record the path of the machine's own key. With a key of the user's
    /// that has no path, their agent and default keys count.
    fn key(Record { base, own, .. }: &Record) -> PathBuf {
        if base.ssh_key_path.is_empty() && !own.owns_key() {
            return cloud::copied_key(&base.machine_dir(), &own.ssh_key).unwrap_or_default();
        }
        base.key()
    }

    async fn upload_key(&self, _: &Record, public_key: &str, wish: &Wish<'_>) -> Result<Key> {
        let body = json!({ "name": wish.tags.label(), "public_key": public_key });
        let request = self.place.api.post("/v2/account/keys").json(&body).repeatable();
        self.place.one_as::<SshKey, _>("ssh_key", request).await
    }

    fn is_double(error: &Error) -> bool {
        problem(error).is_some_and(|it| it.status == 422)
    }

    async fn keys(&self) -> Result<Vec<Key>> {
        self.place.all_as::<SshKey, _>("ssh_keys", "/v2/account/keys").await
    }

    async fn body(&self, record: &mut Record, wish: &Wish<'_>) -> Result<Value> {
        let expiry = expiry_tag(wish.tags);
        record.own.expiry_tag = expiry.clone().unwrap_or_default();
        let own = &record.own;
        let mut all: Vec<String> = own.user_tags().map(str::to_owned).collect();
        all.push(store_tag(&wish.tags.store));
        all.extend(wish.firewall.map(|_| guard_tag(&wish.tags.store)));
        all.extend(expiry);
        let mut body = json!({
            "name": record.base.machine_name,
            "region": own.region,
            "size": own.size,
            "image": chosen_image(&self.place, own).await?,
            "ssh_keys": [own.ssh_key_id],
            "backups": own.backups,
            "ipv6": own.ipv6,
            "monitoring": own.monitoring,
            "tags": all,
        });
        if own.private_networking {
            body["private_networking"] = true.into();
        }
        if !own.vpc_uuid.is_empty() {
            body["vpc_uuid"] = own.vpc_uuid.as_str().into();
        }
        if let Some(user_data) = cloud::user_data(wish.birth, &own.user_data_file)? {
            body["user_data"] = user_data.into();
        }
        Ok(body)
    }

    async fn make_server(&self, body: &Value) -> Result<Server> {
        let request = self.place.api.post("/v2/droplets").json(body);
        self.place.one_as::<Droplet, _>("droplet", request).await
    }

    async fn servers(&self, store: Option<&str>) -> Result<Vec<Server>> {
        let of_store =
            |store| format!("/v2/droplets?tag_name={}", store_tag(store).replace(':', "%3A"));
        let path = store.map_or_else(|| "/v2/droplets".to_owned(), of_store);
        self.place.all_as::<Droplet, _>("droplets", &path).await
    }

    async fn server(&self, id: &str) -> Result<Server> {
        let request = self.place.api.get(format!("/v2/droplets/{id}"));
        self.place.one_as::<Droplet, _>("droplet", request).await
    }

    fn address<'a>(record: &Record, server: &'a Server) -> Option<&'a str> {
        let waits = (record.own.ipv6 && server.public_v6.is_none())
            || (record.own.private_networking && server.private_v4.is_none());
        server.public_v4.as_deref().filter(|_| !waits)
    }

    async fn act(&self, id: &str, power: Power) -> Result<()> {
        let what = power.word(["power_on", "shutdown", "power_off", "reboot"]);
        let path = format!("/v2/droplets/{id}/actions");
        let request = self.place.api.post(&path).json(&json!({ "type": what }));
        self.place.act(what, request, |action| format!("{path}/{action}")).await
    }

    async fn others(&self, kind: &'static str, store: &str) -> Result<Vec<Resource>> {
        let all: Vec<Value> = self.place.all("tags", "/v2/tags").await?;
        let names = all.iter().filter_map(|tag| tag["name"].as_str());
        let ours = names.filter_map(|name| {
            let tags = tags::read(name, store)?;
            Some(Resource { kind, id: name.to_owned(), name: name.to_owned(), tags })
        });
        Ok(ours.collect())
    }

    async fn delete(&self, kind: &str, id: &str) -> Result<()> {
        let list = match kind {
            DROPLET => "droplets",
            KEY => "account/keys",
            FIREWALL => "firewalls",
            _ => "tags",
        };
        self.place.delete(format!("/v2/{list}/{id}")).await
    }

    async fn check_account(&self, record: &Record) -> Result<()> {
        let recorded = &record.own.account_uuid;
        if recorded.is_empty() || self.account().await?.owner() == recorded {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Denied, "this token is of another account")
            .caused_by(format!("the droplet is in the account {recorded}"))
            .hint("use a token of that account"))
    }

    async fn remove_rest(&self, record: &Record, removal: &mut Removal) {
        if !record.own.expiry_tag.is_empty() {
            let gone = self.delete(TAG, &record.own.expiry_tag).await;
            removal.is_gone("the tag of its time", gone);
        }
    }

    async fn firewalls(&self) -> Result<Vec<Firewall>> {
        self.place.all_as::<json::Firewall, _>("firewalls", "/v2/firewalls").await
    }

    async fn make_firewall(&self, tags: &Tags, networks: &[String]) -> Result<Firewall> {
        let api = &self.place.api;
        // A firewall can only be for a tag that is there. Making one again changes nothing.
        let tag = json!({ "name": guard_tag(&tags.store) });
        api.post("/v2/tags").json(&tag).repeatable().send().await?;
        let body = firewall::firewall(&tags.store, networks);
        let request = api.post("/v2/firewalls").json(&body);
        self.place.one_as::<json::Firewall, _>("firewall", request).await
    }

    async fn widen_firewall(&self, firewall: &Firewall, networks: &[String]) -> Result<()> {
        let path = format!("/v2/firewalls/{}/rules", firewall.id);
        let body = json!({ "inbound_rules": firewall::rules(networks) });
        self.place.api.post(path).json(&body).repeatable().send().await.map(drop)
    }

    async fn drop_rest(&self, store: &str, removal: &mut Removal) {
        for tag in [guard_tag(store), store_tag(store)] {
            removal.is_gone(&format!("the tag `{tag}`"), self.delete(TAG, &tag).await);
        }
    }
}
