use std::path::PathBuf;

use machine_driver::cloud::{
    self, About, Cloud, FIREWALL, Firewall, Given, Machine, Part, Place, Power, Removal, Server,
};
use machine_driver::{Birth, Context, Error, ErrorKind, Flag, Resource, Result, Tags, async_trait};
use serde_json::{Value, json};

use crate::check::{self, chosen_image};
use crate::droplet::Droplet;
use crate::firewall;
use crate::flags::{API_URL, PERMISSIONS, flags};
use crate::place::{DigitalOcean, INTERFACE};
use crate::record::{Own, Record, record};
use crate::tags::{self, expiry_tag, guard_tag, store_tag};

const TOKEN_VARIABLE: &str = "DIGITALOCEAN_ACCESS_TOKEN";

const DROPLET: &str = "droplet";
const KEY: &str = "SSH key";
const TAG: &str = "tag";

#[async_trait]
impl Cloud for DigitalOcean {
    type Own = Own;

    const ABOUT: About = About {
        name: "digitalocean",
        summary: "Droplets of DigitalOcean",
        variable: TOKEN_VARIABLE,
        account: &["APIURL", "AccessToken"],
        secrets: &["AccessToken"],
        permissions: PERMISSIONS,
        rest: &[TAG],
        user: "root",
        creating: "Creating Digital Ocean droplet...",
        waiting: "Waiting for IP address to be assigned to the Droplet...",
    };

    fn flags() -> Vec<Flag> {
        flags()
    }

    fn record(cx: &Context, given: &Given<'_>) -> Result<Record> {
        record(cx, given)
    }

    fn parts(record: &mut Record) -> Vec<Part<'_>> {
        let owns_key = record.own.owns_key();
        let Own { droplet_id, ssh_key_id, .. } = &mut record.own;
        vec![Part::new(DROPLET, droplet_id), Part::new(KEY, ssh_key_id).once().only_if(owns_key)]
    }

    fn account(record: &Record) -> String {
        format!("{} {}", record.api_url(API_URL), record.own.access_token)
    }

    fn explain(error: Error) -> Error {
        let hints = [
            "make a token at https://cloud.digitalocean.com/account/api/tokens",
            "`machine driver show digitalocean` lists what it must be allowed",
        ];
        cloud::if_denied(error, &hints)
    }

    /// docker-machine does not record the path of the machine's own key. With a key of the user's
    /// that has no path, their agent and default keys count.
    fn key(Record { base, own, .. }: &Record) -> PathBuf {
        if base.ssh_key_path.is_empty() && !own.owns_key() {
            return cloud::copied_key(&base.machine_dir(), &own.ssh_key).unwrap_or_default();
        }
        base.key()
    }

    async fn open(cx: &Context, record: &Record) -> Result<Self> {
        let (url, token) = (record.api_url(API_URL), &record.own.access_token);
        let what = ("DigitalOcean access token", TOKEN_VARIABLE);
        let place = Place::with_token(cx, &INTERFACE, url, token, what).await?;
        Ok(Self { place })
    }

    fn place(&self) -> &Place {
        &self.place
    }

    async fn check(cx: &Context, record: &Record) -> Result<()> {
        check::check(cx, record).await
    }

    async fn begin(&self, record: &mut Record) {
        let account = self.account().await;
        record.own.account_uuid = account.map(|it| it.owner().to_owned()).unwrap_or_default();
    }

    async fn make_key(
        &self,
        cx: &Context,
        machine: &mut Machine<Self>,
        tags: &Tags,
        birth: &Birth,
    ) -> Result<()> {
        let record = &mut machine.record;
        if record.own.ssh_key_id != 0 {
            return Ok(());
        }
        if record.own.owns_key() {
            cx.progress.line("Creating SSH key...");
            record.own.ssh_key_id = self.upload_key(tags, &birth.ssh_public_key).await?;
            record.use_own_key(cx);
            return Ok(());
        }
        let id = self.key_with(&record.own.ssh_key_fingerprint).await?;
        if record.own.ssh_key.is_empty() {
            cx.progress.line("Assuming Digital Ocean private SSH is located at ~/.ssh/id_rsa");
        } else {
            let copy = cloud::copy_key(cx, &record.own.ssh_key)?;
            record.base.ssh_key_path = copy.display().to_string();
        }
        record.own.ssh_key_id = id;
        Ok(())
    }

    async fn body(
        &self,
        record: &mut Record,
        tags: &Tags,
        firewall: Option<&Firewall>,
        birth: &Birth,
    ) -> Result<Value> {
        let expiry = expiry_tag(tags);
        record.own.expiry_tag = expiry.clone().unwrap_or_default();
        let own = &record.own;
        let mut all: Vec<String> = own.user_tags().map(str::to_owned).collect();
        all.push(store_tag(&tags.store));
        all.extend(firewall.map(|_| guard_tag(&tags.store)));
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
        if let Some(user_data) = cloud::user_data(birth, &own.user_data_file)? {
            body["user_data"] = user_data.into();
        }
        Ok(body)
    }

    async fn make_server(&self, body: &Value) -> Result<Server> {
        let request = self.place.api.post("/v2/droplets").json(body);
        Ok(self.place.one::<Droplet>("droplet", request).await?.into())
    }

    async fn servers(&self, store: Option<&str>) -> Result<Vec<Server>> {
        let of_store =
            |store| format!("/v2/droplets?tag_name={}", store_tag(store).replace(':', "%3A"));
        let path = store.map_or_else(|| "/v2/droplets".to_owned(), of_store);
        let all: Vec<Droplet> = self.place.all("droplets", &path).await?;
        Ok(all.into_iter().map(Server::from).collect())
    }

    async fn server(&self, id: &str) -> Result<Server> {
        let request = self.place.api.get(format!("/v2/droplets/{id}"));
        Ok(self.place.one::<Droplet>("droplet", request).await?.into())
    }

    fn address<'a>(record: &Record, server: &'a Server) -> Option<&'a str> {
        let waits = (record.own.ipv6 && server.public_v6.is_none())
            || (record.own.private_networking && server.private_v4.is_none());
        server.public_v4.as_deref().filter(|_| !waits)
    }

    async fn act(&self, id: &str, power: Power) -> Result<()> {
        let what = match power {
            Power::On => "power_on",
            Power::Shutdown => "shutdown",
            Power::Off => "power_off",
            Power::Reboot => "reboot",
        };
        let path = format!("/v2/droplets/{id}/actions");
        let request = self.place.api.post(&path).json(&json!({ "type": what }));
        self.place.act(what, request, |action| format!("{path}/{action}")).await
    }

    async fn others(&self, kind: &'static str, store: &str) -> Result<Vec<Resource>> {
        if kind == TAG {
            let all: Vec<Value> = self.place.all("tags", "/v2/tags").await?;
            let names = all.iter().filter_map(|tag| tag["name"].as_str());
            let ours = names.filter_map(|name| Some((name, tags::read(name, store)?)));
            let resource = |(name, tags): (&str, _)| Resource {
                kind,
                id: name.into(),
                name: name.into(),
                tags,
            };
            return Ok(ours.map(resource).collect());
        }
        let ours = self.keys().await?.into_iter().filter_map(|it| {
            let tags = Tags::from_label(&it.name).filter(|tags| tags.store == store)?;
            Some(Resource { kind, id: it.id.to_string(), name: tags.machine.clone(), tags })
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
        let all: Vec<firewall::Firewall> = self.place.all("firewalls", "/v2/firewalls").await?;
        Ok(all.into_iter().map(Firewall::from).collect())
    }

    async fn make_firewall(&self, tags: &Tags, networks: &[String]) -> Result<Firewall> {
        let api = &self.place.api;
        // A firewall can only be for a tag that is there. Making one again changes nothing.
        let tag = json!({ "name": guard_tag(&tags.store) });
        api.post("/v2/tags").json(&tag).repeatable().send().await?;
        let body = firewall::firewall(&tags.store, networks);
        let request = api.post("/v2/firewalls").json(&body);
        Ok(self.place.one::<firewall::Firewall>("firewall", request).await?.into())
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
