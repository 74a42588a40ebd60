use std::fmt::Debug;
use std::path::PathBuf;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Given, Interface, Part, Place, Record, Removal};
use crate::rest::Bearer;
use crate::{Birth, Context, Error, ErrorKind, Flag, Resource, Result, Secret, State, Tags};

/// A cloud: what one vendor's account has, and the calls that make and delete it. The value is an
/// account that was opened.
///
/// The kit makes a whole driver of it ([`super::kind()`]): the order in which things are made, recorded,
/// waited for and removed is the same everywhere and stands there.
#[async_trait]
pub trait Cloud: Sized + Send + Sync + 'static {
    /// The keys of the record that only this driver has, under docker-machine's names.
    type Own: Serialize + DeserializeOwned + Clone + Debug + Send + Sync + 'static;

    /// What is the same for all its machines.
    const ABOUT: About;

    /// The record of an unborn machine. Checks the values, touches nothing outside.
    fn record(cx: &Context, given: &Given<'_>) -> Result<Record<Self::Own>>;

    /// What a machine has for itself, in the order in which it is removed: the server, then the key
    /// that lets the user in, then what else there is.
    fn parts(record: &mut Record<Self::Own>) -> Vec<Part<'_>>;

    /// The recorded ids of the server and of the key, whoever's that is.
    fn ids(record: &Record<Self::Own>) -> [Option<String>; 2] {
        let mut record = record.clone();
        let parts = Self::parts(&mut record);
        [0, 1].map(|number| parts.get(number).and_then(|part| part.ids.all().into_iter().next()))
    }

    /// The token of the account.
    fn token(own: &Self::Own) -> &Secret;

    /// An account, seen through its token.
    fn new(place: Place) -> Self;

    fn place(&self) -> &Place;

    /// What is wrong with the files that the flags name.
    fn check_files(own: &Self::Own) -> Result<()>;

    /// What would make `create` fail later, found before anything is made.
    async fn check(&self, cx: &Context, record: &Record<Self::Own>) -> Result<()>;

    /// Notes in the record of a machine that is about to be made what it will be known by.
    async fn begin(&self, record: &mut Record<Self::Own>) {
        let _ = record;
    }

    /// The private half of a key of the user's to upload instead of the machine's own.
    fn key_file(record: &Record<Self::Own>) -> Option<&str> {
        let _ = record;
        None
    }

    /// Notes that the key was there before, and stays.
    fn leave_key(record: &mut Record<Self::Own>) {
        let _ = record;
    }

    /// Records the user's key of the account, where that is to let them in.
    async fn use_users_key(&self, cx: &Context, record: &mut Record<Self::Own>) -> Result<()> {
        let _ = (cx, record);
        Ok(())
    }

    /// The key to log in with. By default it is the recorded one, or the machine's.
    fn key(record: &Record<Self::Own>) -> PathBuf {
        record.base.key()
    }

    async fn upload_key(
        &self,
        record: &Record<Self::Own>,
        public_key: &str,
        wish: &Wish<'_>,
    ) -> Result<Key>;

    /// Whether a key was refused because the account has it.
    fn is_double(error: &Error) -> bool {
        error.kind() == ErrorKind::Conflict
    }

    /// All keys of the account.
    async fn keys(&self) -> Result<Vec<Key>>;

    /// The body of the call that makes the server. What is noted in the record is on disk before that
    /// call.
    async fn body(&self, record: &mut Record<Self::Own>, wish: &Wish<'_>) -> Result<Value>;

    /// Makes the server.
    async fn make_server(&self, body: &Value) -> Result<Server>;

    /// All servers: those of a store, or of the whole account, because docker-machine's bear no mark by
    /// which to choose.
    async fn servers(&self, store: Option<&str>) -> Result<Vec<Server>>;

    async fn server(&self, id: &str) -> Result<Server>;

    /// The address by which the machine is used, as soon as it has all that it is to have.
    fn address<'a>(record: &Record<Self::Own>, server: &'a Server) -> Option<&'a str>;

    /// Has something done to a server, and waits for the end of it.
    async fn act(&self, id: &str, power: Power) -> Result<()>;

    /// The resources of one kind that bear a store's mark: of kinds other than server, key and
    /// firewall.
    async fn others(&self, kind: &'static str, store: &str) -> Result<Vec<Resource>> {
        let _ = (kind, store);
        Ok(Vec::new())
    }

    /// Deletes a resource, and waits until it is gone if something else waits for that. What is gone is
    /// success.
    async fn delete(&self, kind: &str, id: &str) -> Result<()>;

    /// In another account everything is "not found", which would be taken for gone: an error if the
    /// machine is in another one. Where the vendor does not tell whose a token is, it is another one if
    /// it knows neither the server nor its key.
    async fn check_account(&self, record: &Record<Self::Own>) -> Result<()> {
        let ids = Self::ids(record);
        let [Some(server), Some(key)] = &ids else { return Ok(()) };
        match self.server(server).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            seen => return seen.map(drop),
        }
        if self.keys().await?.iter().any(|it| it.id == *key) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Denied, "this token is of another account")
            .caused_by(format!("it knows neither the server {server} nor its key {key}"))
            .hint("use a token of that account")
            .hint("if both have gone: `machine rm -f`"))
    }

    /// Removes what a machine has beside its parts.
    async fn remove_rest(&self, record: &Record<Self::Own>, removal: &mut Removal) {
        let _ = (record, removal);
    }

    /// All firewalls of the account.
    async fn firewalls(&self) -> Result<Vec<Firewall>>;

    /// Makes the firewall of a store: SSH, Docker and ping from `networks`, and everything out.
    async fn make_firewall(&self, tags: &Tags, networks: &[String]) -> Result<Firewall>;

    /// Lets further networks in.
    async fn widen_firewall(&self, firewall: &Firewall, networks: &[String]) -> Result<()>;

    /// Removes what a store without servers has beside its firewall.
    async fn drop_rest(&self, store: &str, removal: &mut Removal) {
        let _ = (store, removal);
    }
}

/// What a machine is to be.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    pub tags: &'a Tags,
    pub birth: &'a Birth,
    /// The store's own, unless the machine is open to the world. There is none before it is time to
    /// make the server.
    pub firewall: Option<&'a Firewall>,
}

/// What is the same for all machines of a cloud.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// The driver's name, with which its flags begin.
    pub name: &'static str,
    pub summary: &'static str,
    /// All options of `create`; see [`super::flags()`].
    pub flags: fn() -> Vec<Flag>,
    pub interface: &'static Interface,
    /// The interface's address, if the record has no other.
    pub api_url: &'static str,
    /// What its token is called.
    pub token: &'static str,
    /// The variable with the token.
    pub variable: &'static str,
    /// What helps who has no good token.
    pub denied: &'static [&'static str],
    /// The keys of the record that may hold a secret, the token's first.
    pub secrets: &'static [&'static str],
    /// The least that a token must be allowed.
    pub permissions: &'static str,
    /// The kinds of resources that machines leave behind and that are no [`Part`].
    pub rest: &'static [&'static str],
    /// The user of images where nobody says otherwise.
    pub user: &'static str,
    /// Said before a server is made.
    pub creating: &'static str,
    /// Said before its address is waited for.
    pub waiting: &'static str,
}

/// What is asked of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    On,
    /// The guest is asked to shut down.
    Shutdown,
    Off,
    Reboot,
}

impl Power {
    /// The vendor's word for it: in the order in which they stand here.
    pub fn word(self, words: [&'static str; 4]) -> &'static str {
        words[self as usize]
    }
}

/// What the kit knows of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    pub id: String,
    pub name: String,
    /// [`State::Missing`] if it is being deleted.
    pub state: State,
    /// `None` if it is not ours.
    pub tags: Option<Tags>,
    pub public_v4: Option<String>,
    pub private_v4: Option<String>,
    pub public_v6: Option<String>,
}

/// What the kit knows of a firewall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firewall {
    pub id: String,
    pub name: String,
    /// From where SSH and Docker can be reached.
    pub open_to: Vec<String>,
}

impl Firewall {
    /// The name of a store's own.
    pub fn name(store: &str) -> String {
        format!("machine-{store}")
    }
}

/// What the kit knows of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub id: String,
    pub public_key: String,
    /// `None` if it is not ours.
    pub tags: Option<Tags>,
}

impl About {
    pub(super) fn explain(&self, error: Error) -> Error {
        if error.kind() != ErrorKind::Denied || !error.hints().is_empty() {
            return error;
        }
        self.denied.iter().fold(error, |error, hint| error.hint(*hint))
    }
}

/// Opens the account of a machine.
pub(super) async fn open<C: Cloud>(cx: &Context, record: &Record<C::Own>) -> Result<C> {
    let About { interface, api_url, token, variable, .. } = C::ABOUT;
    let what = format!("{} {token}", interface.vendor);
    let token = C::token(&record.own).reveal(cx, &what, variable).await?;
    let url = record.api_url(api_url);
    Ok(C::new(Place::new(cx, interface, url, &token, Bearer::new(&token)?)?))
}
