//! Host-only interfaces: found, made, given their address.

use std::time::Duration;

use machine_driver::wait::{Look, Wait};
use machine_driver::{Context, Error, Result};

use super::plan::{Plan, plan};
use super::{Cidr, dhcp, release};
use crate::driver::VirtualBox;
use crate::listing::paragraphs;
use crate::manage::Manage;
use crate::record::Record;
use crate::version::Version;

/// One, as `list hostonlyifs` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Interface {
    pub(crate) name: String,
    /// `None` without an address, or with the mask `15.0.0.0` that VirtualBox has shown by mistake.
    pub(super) cidr: Option<Cidr>,
    address: String,
    /// What its DHCP server is called after.
    pub(super) network: String,
}

impl Interface {
    /// Whether this is the wanted one. A broken mask is put right later.
    pub(super) fn is_at(&self, wanted: Cidr) -> bool {
        match self.cidr {
            Some(cidr) => cidr == wanted,
            None => self.address == wanted.address.to_string(),
        }
    }

    #[cfg(test)]
    pub(super) fn named(name: &str, cidr: Option<Cidr>) -> Self {
        let network = format!("HostInterfaceNetworking-{name}");
        Self { name: name.into(), cidr, address: String::new(), network }
    }
}

/// All of them. Two with one name or address are an error: nobody can say which is meant.
pub(crate) async fn interfaces(manage: &Manage) -> Result<Vec<Interface>> {
    let all = listed(manage).await?;
    for (place, one) in all.iter().enumerate() {
        let twice = |what: &str, text: &str| {
            Error::other(format!(
                "VirtualBox is configured with multiple host-only adapters with the same {what} \
                 {text:?}. Please remove one"
            ))
            .hint(format!("VBoxManage hostonlyif remove {}", one.name))
        };
        if all[..place].iter().any(|it| it.name == one.name) {
            return Err(twice("name", &one.name));
        }
        if one.cidr.is_some() && all[..place].iter().any(|it| it.address == one.address) {
            return Err(twice("IP", &one.address));
        }
    }
    Ok(all)
}

/// The same, whatever they are: for those that only take away.
pub(super) async fn listed(manage: &Manage) -> Result<Vec<Interface>> {
    Ok(parse(&manage.run(&["list", "hostonlyifs"]).await?))
}

fn parse(text: &str) -> Vec<Interface> {
    let interface = |mut paragraph: crate::listing::Paragraph| {
        let mut take = |key| paragraph.remove(key).unwrap_or_default();
        let (name, address, mask) = (take("Name"), take("IPAddress"), take("NetworkMask"));
        let cidr = match (address.parse(), mask.parse()) {
            (Ok(address), Ok(mask)) => Cidr::with_mask(address, mask),
            _ => None,
        };
        Interface { name, cidr, address, network: take("VBoxNetworkName") }
    };
    paragraphs(text, "Name").into_iter().map(interface).collect()
}

/// Finds the machine's interface or makes it, with its DHCP server, and returns its name.
pub(super) async fn ensure(
    vb: &mut VirtualBox,
    cx: &Context,
    manage: &Manage,
    version: Version,
) -> Result<String> {
    let there = interfaces(manage).await?;
    cx.progress.line("Check network to re-create if needed...");
    let (interface, cidr) = match plan(cx, &vb.record, &there, version)? {
        Plan::Make(cidr) => (make(vb, cx, manage, &there, cidr).await?, cidr),
        Plan::Reuse(interface) => {
            let cidr = interface.cidr;
            let wanted = vb.record.cidr.parse().ok();
            let cidr =
                cidr.or(wanted).ok_or_else(|| Error::other("the interface has no address"))?;
            if interface.cidr.is_none() {
                configure(manage, &interface.name, cidr).await?;
            }
            (interface, cidr)
        }
    };
    vb.record.cidr = cidr.to_string();
    vb.record.host_only_adapter.clone_from(&interface.name);
    cx.checkpoint(vb)?;
    dhcp::ensure(manage, &interface.network, cidr, !vb.record.no_dhcp).await?;
    Ok(interface.name)
}

/// Makes one more interface. The record says before that one is asked for, since its name is only
/// known afterwards; the interface itself is marked as ours in VirtualBox's own settings.
async fn make(
    vb: &mut VirtualBox,
    cx: &Context,
    manage: &Manage,
    there: &[Interface],
    cidr: Cidr,
) -> Result<Interface> {
    let name = match left_behind(&vb.record, there) {
        Some(interface) => interface.name.clone(),
        None => {
            vb.record.host_only_before = Some(there.iter().map(|it| it.name.clone()).collect());
            cx.checkpoint(vb)?;
            let said = manage.run(&["hostonlyif", "create"]).await?;
            match said.split('\'').nth(1) {
                Some(name) => name.to_owned(),
                None => appeared(&vb.record, manage).await?,
            }
        }
    };
    release::mark(manage, &name, cidr).await?;
    vb.record.host_only_before = None;
    vb.record.host_only_adapter.clone_from(&name);
    cx.checkpoint(vb)?;
    if let Err(error) = configure(manage, &name, cidr).await {
        // Each attempt would leave one more.
        release::remove_interface(manage, &name).await.ok();
        vb.record.host_only_adapter.clear();
        cx.checkpoint(vb)?;
        return Err(error);
    }
    settled(manage, &name, cidr).await
}

/// The interface that an attempt has made which was cut off.
pub(super) fn left_behind<'a>(record: &Record, there: &'a [Interface]) -> Option<&'a Interface> {
    let before = record.host_only_before.as_ref()?;
    there.iter().find(|it| !before.contains(&it.name))
}

async fn appeared(record: &Record, manage: &Manage) -> Result<String> {
    let wait = Wait::new("the new host-only interface", Duration::from_secs(10));
    let look = async || match interfaces(manage).await {
        Ok(there) => match left_behind(record, &there) {
            Some(interface) => Look::Ready(interface.name.clone()),
            None => Look::NotYet(None),
        },
        Err(error) => Look::NotYet(Some(error)),
    };
    wait.until(look).await.map_err(|error| {
        error.context(
            "The host-only adapter we just created is not visible. This is a well known VirtualBox \
             bug. You might want to uninstall it and reinstall at least version 5.0.12 that is is \
             supposed to fix this issue",
        )
    })
}

async fn configure(manage: &Manage, name: &str, cidr: Cidr) -> Result<()> {
    let (address, mask) = (cidr.address.to_string(), cidr.mask().to_string());
    let args = ["hostonlyif", "ipconfig", name, "--ip", &address, "--netmask", &mask];
    manage.run(&args).await.map(drop)
}

/// Waits until VirtualBox shows the address that it was given; it has been known to forget it.
async fn settled(manage: &Manage, name: &str, cidr: Cidr) -> Result<Interface> {
    let wait = Wait::new(format!("the address {cidr} on {name}"), Duration::from_secs(15));
    wait.at_least_every(Duration::from_secs(2))
        .until(async || {
            let found = async {
                let there = interfaces(manage).await?;
                let ours = there.into_iter().find(|it| it.name == name && it.cidr == Some(cidr));
                if ours.is_none() {
                    configure(manage, name, cidr).await?;
                }
                Ok(ours)
            };
            match found.await {
                Ok(Some(interface)) => Look::Ready(interface),
                Ok(None) => Look::NotYet(None),
                Err(error) => Look::NotYet(Some(error)),
            }
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "Name:            vboxnet0\nGUID:            f000027b\nDHCP:            Disabled\n\
        IPAddress:       192.168.56.1\nNetworkMask:     255.255.255.0\n\
        VBoxNetworkName: HostInterfaceNetworking-vboxnet0\n\n\
        Name:            vboxnet1\nIPAddress:       192.168.57.1\nNetworkMask:     15.0.0.0\n\
        VBoxNetworkName: HostInterfaceNetworking-vboxnet1\n\n";

    #[test]
    fn addresses_and_a_broken_mask() {
        let all = parse(TWO);
        let [first, second] = ["192.168.56.1/24", "192.168.57.1/24"].map(|it| it.parse().unwrap());
        assert_eq!((all[0].cidr, all[1].cidr), (Some(first), None));
        assert!(all[0].is_at(first) && all[1].is_at(second) && !all[0].is_at(second));
        assert_eq!(all[1].network, "HostInterfaceNetworking-vboxnet1");
    }

    #[test]
    fn what_an_attempt_left_is_the_one_that_was_not_there_before() {
        let all = parse(TWO);
        let record = |before: Option<&str>| Record {
            host_only_before: before.map(|name| vec![name.to_owned()]),
            ..Record::default()
        };
        assert_eq!(left_behind(&record(Some("vboxnet0")), &all), Some(&all[1]));
        assert_eq!(left_behind(&record(None), &all), None);
    }
}
