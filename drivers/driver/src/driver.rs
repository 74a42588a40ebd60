use std::fmt::Debug;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use crate::seed::Seed;
use crate::{
    Account, Context, Endpoint, Error, FirstBoot, Flag, FlagValues, Forwards, Result, Size,
    SizeFlags, Snapshots, State, Templates,
};

/// A kind of host: what the registry holds, one for each driver.
#[async_trait]
pub trait Kind: Send + Sync {
    /// The driver's name on the command line and in records, for example `qemu`.
    fn name(&self) -> &str;

    /// One line for `machine create --help` and the documentation.
    fn summary(&self) -> &str;

    /// All options of `create`. The same table each time it is called.
    fn flags(&self) -> Vec<Flag>;

    /// Makes an unborn machine from flags. Checks the values, touches nothing outside.
    fn configure(&self, cx: &Context, values: &FlagValues) -> Result<Box<dyn Driver>>;

    /// Revives a machine from the `Driver` object of its record. Touches nothing outside.
    fn load(&self, record: serde_json::Value) -> Result<Box<dyn Driver>>;

    /// Whether machines of this kind can be made here, and if not, what would mend it.
    async fn availability(&self, cx: &Context) -> Availability;

    /// Whether [`Kind::states`] is one question to the hypervisor or the cloud. Otherwise each
    /// machine is asked for itself, with a deadline of its own.
    fn answers_at_once(&self) -> bool {
        false
    }

    /// The states of several machines, in order. A driver whose hypervisor or cloud can answer
    /// for all at once overrides this; the default asks each machine, all at the same time.
    async fn states(&self, machines: &[(&Context, &dyn Driver)]) -> Vec<Result<State>> {
        let queries = machines.iter().map(|(cx, driver)| driver.state(cx));
        futures_util::future::join_all(queries).await
    }

    /// The keys of the record that may hold a secret, which is redacted wherever people see it.
    fn secret_keys(&self) -> &'static [&'static str] {
        &[]
    }

    /// The least that the account must be allowed, as the vendor writes it. Empty where nothing is
    /// asked for permission.
    fn permissions(&self) -> &'static str {
        ""
    }

    /// Whether docker-machine's driver of this name boots boot2docker's latest release. Where the
    /// program stands in docker-machine's place, so does this one, unless the user names another
    /// image.
    fn boots_boot2docker(&self) -> bool {
        false
    }

    /// The flag that names a network which machines share, where the driver makes one when the first
    /// machine joins it and gives each a stable address there.
    fn network_flag(&self) -> Option<&'static str> {
        None
    }

    /// Another flag, and the value that it must have so that there is such a network.
    fn network_mode(&self) -> Option<(&'static str, &'static str)> {
        None
    }

    /// The flags that [`Driver::resize`] can change later.
    fn size_flags(&self) -> SizeFlags {
        SizeFlags::default()
    }

    /// How many machines of this kind may be made at the same time, where there is a limit.
    fn at_once(&self) -> Option<usize> {
        None
    }

    /// Machines prepared in advance, where the driver can do that.
    fn templates(&self) -> Option<&dyn Templates> {
        None
    }
}

/// Whether a driver can work on this computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Availability {
    pub installed: bool,
    /// What was found, for example `QEMU 10.0.2`, or what is missing.
    pub detail: String,
    /// What to do about it, best a command to paste.
    pub fix: Option<String>,
}

/// One machine.
///
/// # Contract
///
/// - The engine holds the machine's lock during every method that takes `&mut self`, so no two
///   of them run at once for one machine, also across processes. Methods that take `&self` may
///   run at any time beside them.
/// - `create`, `start`, `stop`, `kill` and `remove` are **idempotent**: called again after a
///   crash they carry on from what was recorded, and what is done already is success.
/// - Every created resource is recorded and put on disk ([`Context::checkpoint`]) before the
///   next call is made.
/// - `remove` deletes everything that is recorded, treats "not found" as done, carries on past a
///   failure and reports all of them in one error. The engine drops the record only on `Ok`.
/// - Every wait has a deadline (see [`crate::wait`]), and no future leaks work when dropped: a
///   dropped `create` must leave nothing that the record does not name.
#[async_trait]
pub trait Driver: Debug + Send + Sync {
    /// The name of its [`Kind`].
    fn kind(&self) -> &str;

    /// The `Driver` object of `config.json`.
    fn record(&self) -> serde_json::Value;

    /// What the record says it has made outside the store, for people: `droplet 3164400`. Empty
    /// where nothing of a machine lies elsewhere.
    fn made(&self) -> Vec<String> {
        Vec::new()
    }

    /// The addresses and ports as last recorded, or as [`Driver::state`] and [`Kind::states`] have
    /// seen them since. No process, no network, no file.
    fn endpoint(&self) -> Endpoint;

    /// The flags that would make a machine like this one, as far as they are not the defaults and the
    /// record tells them; without secrets.
    fn values(&self) -> FlagValues {
        FlagValues::default()
    }

    /// What can be done with a machine of this kind.
    fn capabilities(&self) -> Capabilities;

    /// Finds what would make `create` fail later, before anything is made. Changes nothing.
    async fn pre_create_check(&self, cx: &Context) -> Result<()>;

    /// Fixes what can be fixed before birth (ports, addresses), so that the certificates can name
    /// it. Idempotent.
    async fn reserve(&mut self, cx: &Context) -> Result<()> {
        let _ = cx;
        Ok(())
    }

    /// Makes the machine and starts it. Returns when the machine is started, not when its guest
    /// is ready: waiting for the guest is the engine's work, except for an address that only the
    /// driver can learn, which is in [`Driver::endpoint`] on return. One that only the guest knows is
    /// asked for with [`Driver::address_query`].
    async fn create(&mut self, cx: &Context, birth: &Birth) -> Result<()>;

    /// Lets all machines that share a network know each other by name, as they are now. Called when
    /// the guest of a machine is up: others may have been made at the same time, or while it was off.
    async fn announce(&self, cx: &Context) -> Result<()> {
        let _ = cx;
        Ok(())
    }

    /// The machines that share a network with this one, itself included: addresses and names. Only of
    /// a driver that has no way into guests that run, and so cannot [`Driver::announce`] anything: the
    /// engine tells them over SSH. Empty without such a network.
    fn neighbours(&self, cx: &Context) -> Result<Vec<(IpAddr, String)>> {
        let _ = cx;
        Ok(Vec::new())
    }

    async fn start(&mut self, cx: &Context) -> Result<()>;

    /// Shuts the guest down in order, and waits until it is off. A guest that does not obey within
    /// the driver's deadline is switched off.
    async fn stop(&mut self, cx: &Context) -> Result<()>;

    /// Switches the machine off at once.
    async fn kill(&mut self, cx: &Context) -> Result<()>;

    async fn restart(&mut self, cx: &Context) -> Result<()> {
        self.stop(cx).await?;
        self.start(cx).await
    }

    async fn remove(&mut self, cx: &Context) -> Result<()>;

    /// Saves the running machine, memory and all, and switches it off: [`State::Saved`]. `start`
    /// carries on where it was; `kill` drops what was saved. Present if
    /// [`Capabilities::suspend`] is.
    async fn suspend(&mut self, cx: &Context) -> Result<()> {
        let _ = cx;
        Err(Error::unsupported(self.kind(), "suspending"))
    }

    /// Changes the size of a machine. CPUs and memory change while it is off; its disk only grows, and
    /// its guest sees that at the next boot at the latest. Present if [`Capabilities::resize`] is.
    async fn resize(&mut self, cx: &Context, size: Size) -> Result<()> {
        let _ = (cx, size);
        Err(Error::unsupported(self.kind(), "another size"))
    }

    /// The files of the machine's directory that it is made of; those that there are go to another
    /// store with it. Present if [`Capabilities::portable`] is.
    fn portable_files(&self) -> Vec<String> {
        Vec::new()
    }

    /// Makes a machine that was revived from another store's record, and whose files are here now, at
    /// home in this one: its name, paths, ports and addresses. It is off.
    async fn settle(&mut self, cx: &Context) -> Result<()> {
        let _ = cx;
        Err(Error::unsupported(self.kind(), "machines that move"))
    }

    /// Copies the files of this machine to the directory of `to`, another machine of this store, and
    /// returns that: of the same size and on the same network, but off, and with no port or address
    /// yet. If this one runs it stands still meanwhile. What the copy's disk says of its identity is
    /// still this machine's. Present if [`Capabilities::copy`] is.
    async fn copy(&self, cx: &Context, to: &Context) -> Result<Box<dyn Driver>> {
        let _ = (cx, to);
        Err(Error::unsupported(self.kind(), "copies of a machine"))
    }

    /// The identity with what only the driver knows of it: the machine's place on a shared network.
    fn identity(&self, cx: &Context, seed: Seed) -> Result<Seed> {
        let _ = cx;
        Ok(seed)
    }

    async fn state(&self, cx: &Context) -> Result<State>;

    /// The state, if it can be had without a process or the network; `env` and `ip` live on this.
    fn glance(&self, cx: &Context) -> Option<State> {
        let _ = cx;
        None
    }

    /// Whether the machine may have another address than the recorded one, for example because this
    /// computer was restarted. No process, no network, no file.
    fn may_have_moved(&self) -> bool {
        false
    }

    /// Looks up the address of a running machine that [`Driver::may_have_moved`], and records it.
    async fn locate(&mut self, cx: &Context) -> Result<()> {
        let _ = cx;
        Ok(())
    }

    /// The command that prints the addresses of the guest, where nobody else knows them. After
    /// `create` and `start` the engine runs it there over SSH as soon as it can log in, and hands what
    /// it printed to [`Driver::learn_address`].
    fn address_query(&self) -> Option<&'static str> {
        None
    }

    /// Takes the address of the machine out of the answer to [`Driver::address_query`]. An error if it
    /// is not in it yet; the engine then asks again.
    fn learn_address(&mut self, answer: &str) -> Result<()> {
        let _ = answer;
        Err(Error::unsupported(self.kind(), "learning an address"))
    }

    /// The boot image that the user asked for instead of the default one, in the words in which it
    /// was said: an address, a path, a version or `latest`.
    fn image_source(&self) -> Option<&str> {
        None
    }

    /// The version of the boot image that the machine has. `None` where there is no such thing.
    fn image_version(&self) -> Option<&str> {
        None
    }

    /// Gives a machine that is switched off, and not saved, another boot image: for its next start
    /// and all after it. A crash at any moment leaves a machine that boots the old image or the new
    /// one. Present if [`Capabilities::change_image`] is.
    async fn change_image(&mut self, cx: &Context, image: &Image) -> Result<()> {
        let _ = (cx, image);
        Err(Error::unsupported(self.kind(), "another boot image"))
    }

    /// The file to which the machine's console is written, whose end is shown when a boot fails.
    fn console(&self, cx: &Context) -> Option<PathBuf> {
        let _ = cx;
        None
    }

    /// The account in which the machine is, where others may have been left behind.
    fn account(&self) -> Option<&dyn Account> {
        None
    }

    /// Present if [`Capabilities::forward`] is.
    fn forwards(&mut self) -> Option<&mut dyn Forwards> {
        None
    }

    /// Present if [`Capabilities::snapshot`] is.
    fn snapshots(&mut self) -> Option<&mut dyn Snapshots> {
        None
    }
}

/// What some drivers can do and others cannot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Boots the guest image, so the engine must supply [`Birth::image`].
    pub needs_image: bool,
    /// Carries a [`Seed`] into the guest: nobody logs in to provision it. Where the endpoint is known
    /// only after the boot, the server certificate is renewed over SSH to name it.
    pub born_provisioned: bool,
    /// There is an operating system behind the endpoint that can be provisioned and logged in to.
    pub has_guest: bool,
    /// Ports can be forwarded from this computer to the guest.
    pub forward: bool,
    /// Boots an image that cloud-init sets up, and passes [`Birth::first_boot`] on to it.
    pub cloud_init: bool,
    /// Can be saved with its memory, and carried on with.
    pub suspend: bool,
    /// Can be given another boot image.
    pub change_image: bool,
    /// Can be made larger or smaller, see [`Driver::resize`].
    pub resize: bool,
    /// Can be saved under a name and made what it was.
    pub snapshot: bool,
    /// Is nothing but files, and can be taken to another store.
    pub portable: bool,
    /// Can be copied, see [`Driver::copy`].
    pub copy: bool,
    /// The host was there before the machine and stays when it is removed: it keeps its keys, its
    /// name and its packages, and the engine restarts it over SSH.
    pub existing_host: bool,
}

/// What a machine is born with.
#[derive(Debug, Clone)]
pub struct Birth {
    /// Present if [`Capabilities::needs_image`] is.
    pub image: Option<Image>,
    pub seed: Seed,
    /// The public half of the machine's SSH key, one line of `authorized_keys`.
    pub ssh_public_key: String,
    /// What cloud-init is to do, if [`Capabilities::cloud_init`].
    pub first_boot: FirstBoot,
}

/// The files of a boot image in the cache. A driver links or copies them into the machine's
/// directory, for the cache may be emptied at any time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    pub version: String,
    pub iso: PathBuf,
    /// Kernel, initial RAM disk and command line for hypervisors that boot a kernel directly;
    /// absent for an image that somebody else made.
    pub direct: Option<DirectBoot>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectBoot {
    pub kernel: PathBuf,
    pub initrd: PathBuf,
    pub command_line: String,
}

impl Image {
    pub fn iso(version: impl Into<String>, iso: impl AsRef<Path>) -> Self {
        Self { version: version.into(), iso: iso.as_ref().to_owned(), direct: None }
    }
}

impl dyn Driver {
    /// The forwards, or the error that this driver has none.
    pub fn forwards_or_unsupported(&mut self) -> Result<&mut dyn Forwards> {
        let kind = self.kind().to_owned();
        self.forwards().ok_or_else(|| Error::unsupported(&kind, "port forwards"))
    }

    /// The snapshots, or the error that this driver has none.
    pub fn snapshots_or_unsupported(&mut self) -> Result<&mut dyn Snapshots> {
        let kind = self.kind().to_owned();
        self.snapshots().ok_or_else(|| Error::unsupported(&kind, "snapshots"))
    }
}
