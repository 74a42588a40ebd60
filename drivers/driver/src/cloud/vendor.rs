use std::fmt::Debug;
use std::path::PathBuf;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Given, Machine, Part, Place, Record, Removal};
use crate::{Birth, Context, Error, ErrorKind, Flag, Resource, Result, State, Tags};

/// A cloud: what one vendor's account has, and the calls that make and delete it. The value is an
/// account that was opened.
///
/// The kit makes a whole driver of it ([`super::kind`]): the order in which things are made, recorded,
/// waited for and removed is the same everywhere and stands there.
#[async_trait]
pub trait Cloud: Sized + Send + Sync + 'static {
    /// The keys of the record that only this driver has, under docker-machine's names.
    type Own: Serialize + DeserializeOwned + Clone + Debug + Send + Sync + 'static;

    /// What is the same for all its machines.
    const ABOUT: About;

    /// All options of `create`; see [`super::flags`].
    fn flags() -> Vec<Flag>;

    /// The record of an unborn machine. Checks the values, touches nothing outside.
    fn record(cx: &Context, given: &Given<'_>) -> Result<Record<Self::Own>>;

    /// What a machine has for itself, in the order in which it is removed. The server comes first, and
    /// is removed before what it uses.
    fn parts(record: &mut Record<Self::Own>) -> Vec<Part<'_>>;

    /// The account, and the region where lists are for one region, for people.
    fn account(record: &Record<Self::Own>) -> String;

    /// Adds what helps against an error of this vendor.
    fn explain(error: Error) -> Error {
        error
    }

    /// The key to log in with. By default it is the machine's.
    fn key(record: &Record<Self::Own>) -> PathBuf {
        record.base.key()
    }

    async fn open(cx: &Context, record: &Record<Self::Own>) -> Result<Self>;

    fn place(&self) -> &Place;

    /// What would make `create` fail later, found before anything is made.
    async fn check(cx: &Context, record: &Record<Self::Own>) -> Result<()>;

    /// Notes in the record of a machine that is about to be made what it will be known by.
    async fn begin(&self, record: &mut Record<Self::Own>) {
        let _ = record;
    }

    /// Sees to it that the key that lets the user in is in the account, and recorded. A call that makes
    /// one is followed by a checkpoint before the next call; behind the last one the kit makes it.
    async fn make_key(
        &self,
        cx: &Context,
        machine: &mut Machine<Self>,
        tags: &Tags,
        birth: &Birth,
    ) -> Result<()>;

    /// The body of the call that makes the server. What is noted in the record is on disk before that
    /// call. `firewall` is the store's own, unless the machine is open to the world.
    async fn body(
        &self,
        record: &mut Record<Self::Own>,
        tags: &Tags,
        firewall: Option<&Firewall>,
        birth: &Birth,
    ) -> Result<Value>;

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

    /// The resources of one kind that bear a store's mark, servers and firewalls apart.
    async fn others(&self, kind: &'static str, store: &str) -> Result<Vec<Resource>>;

    /// Deletes a resource, and waits until it is gone if something else waits for that. What is gone is
    /// success.
    async fn delete(&self, kind: &str, id: &str) -> Result<()>;

    /// In another account everything is "not found", which would be taken for gone: an error if the
    /// machine is in another one.
    async fn check_account(&self, record: &Record<Self::Own>) -> Result<()>;

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

/// What is the same for all machines of a cloud.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// The driver's name, with which its flags begin.
    pub name: &'static str,
    pub summary: &'static str,
    /// The variable with the token.
    pub variable: &'static str,
    /// The keys of the record that tell accounts and regions apart.
    pub account: &'static [&'static str],
    /// The keys of the record that may hold a secret.
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

/// What the kit knows of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    pub id: String,
    pub name: String,
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

/// `error` with hints if it says that the token is not good for this, and has none yet.
#[must_use]
pub fn if_denied(error: Error, hints: &[&str]) -> Error {
    if error.kind() != ErrorKind::Denied || !error.hints().is_empty() {
        return error;
    }
    hints.iter().fold(error, |error, hint| error.hint(*hint))
}
