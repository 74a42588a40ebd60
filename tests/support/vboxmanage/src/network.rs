//! Host-only interfaces and their DHCP servers.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::process::Command;

use crate::answer::{Answer, FAILURE, INVALID, PROGRESS, usage};
use crate::host::{Dhcp, Host, Interface};

pub(crate) fn interface(host: &mut Host, words: &[&str]) -> Answer {
    match *words {
        ["create"] => create(host),
        ["remove", name] => remove(host, name),
        ["ipconfig", name, "--ip", address, "--netmask", mask] => {
            configure(host, name, address, mask)
        }
        _ => usage("hostonlyif"),
    }
}

/// Whether the interfaces are to be real ones, in a network namespace of their own.
pub(crate) fn is_real() -> bool {
    std::env::var("STANDIN_NETWORK").is_ok_and(|word| word == "real")
}

pub(crate) fn ip(words: &[&str]) {
    if is_real() {
        let done = Command::new("ip").args(words).status();
        assert!(done.is_ok_and(|status| status.success()), "ip {words:?}");
    }
}

/// The first free number. A new interface is at 192.168.56.1 or beyond.
fn create(host: &mut Host) -> Answer {
    if std::env::var("STANDIN_NETWORK").is_ok_and(|word| word == "none") {
        let said = "VBoxNetAdpCtl: Error while adding new interface: failed to open /dev/vboxnetctl: \
                    No such file or directory";
        let mut answer = Answer::fails(1, "Failed to create the host-only adapter");
        answer.stderr =
            format!("0%...NS_ERROR_FAILURE\n{}VBoxManage: error: {said}\n", answer.stderr);
        return answer.of(FAILURE, "HostNetworkInterfaceWrap, interface IHostNetworkInterface");
    }
    let free = |number: &u32| {
        let name = format!("vboxnet{number}");
        !host.interfaces.iter().any(|it| it.name == name)
    };
    let number = (0..128).find(free).expect("a number is free");
    let name = format!("vboxnet{number}");
    ip(&["link", "add", &name, "type", "bridge"]);
    ip(&["link", "set", &name, "up"]);
    host.interfaces.push(Interface {
        name: name.clone(),
        address: format!("192.168.{}.1", 56 + number),
        mask: "255.255.255.0".into(),
        leases: BTreeMap::new(),
    });
    Answer::done(format!("Interface '{name}' was successfully created\n"))
}

fn remove(host: &mut Host, name: &str) -> Answer {
    let before = host.interfaces.len();
    host.interfaces.retain(|it| it.name != name);
    if host.interfaces.len() == before {
        return missing(name, 140);
    }
    ip(&["link", "del", name]);
    Answer { stderr: PROGRESS.into(), ..Answer::default() }
}

fn configure(host: &mut Host, name: &str, address: &str, mask: &str) -> Answer {
    let Some(interface) = host.interfaces.iter_mut().find(|it| it.name == name) else {
        return missing(name, 242);
    };
    if !is_allowed(address) {
        let text = "Code E_ACCESSDENIED (0x80070005) - Access denied (extended info not available)";
        let mut answer = Answer::fails(1, text);
        answer.stderr += "VBoxManage: error: Context: \"EnableStaticIPConfig(Bstr(pszIp).raw(), \
                          Bstr(pszNetmask).raw())\" at line 252 of file VBoxManageHostonly.cpp\n";
        return answer;
    }
    (interface.address, interface.mask) = (address.to_owned(), mask.to_owned());
    ip(&["addr", "flush", "dev", name]);
    ip(&["addr", "add", &format!("{address}/24"), "dev", name]);
    Answer::default()
}

fn missing(name: &str, line: u32) -> Answer {
    let text = format!("The host network interface named '{name}' could not be found");
    let mut answer =
        Answer::fails(1, &text).of(INVALID, "HostWrap, interface IHost, callee nsISupports");
    answer.stderr += &format!(
        "VBoxManage: error: Context: \"FindHostNetworkInterfaceByName(Bstr(pszName).raw(), \
         hif.asOutParam())\" at line {line} of file VBoxManageHostonly.cpp\n"
    );
    answer
}

/// Within the range that VirtualBox allows without a configuration, or those of the configuration.
fn is_allowed(address: &str) -> bool {
    let Ok(address) = address.parse::<Ipv4Addr>() else { return false };
    let configuration =
        std::env::var("STANDIN_CONFIGURATION").unwrap_or_else(|_| "192.168.56.0/21".into());
    configuration.split_whitespace().filter_map(|range| range.split_once('/')).any(
        |(network, prefix)| {
            let shift = 32 - prefix.parse::<u32>().expect("a prefix is a number");
            let network: Ipv4Addr = network.parse().expect("a network is an address");
            network.to_bits() >> shift == address.to_bits() >> shift
        },
    )
}

pub(crate) fn dhcp(host: &mut Host, words: &[&str]) -> Answer {
    let [verb, "--netname", network, rest @ ..] = words else { return usage("dhcpserver") };
    let place = host.dhcp.iter().position(|it| it.network == *network);
    match (*verb, place) {
        ("add", Some(_)) => Answer::fails(2, "DHCP server already exists"),
        ("modify" | "remove", None) => {
            Answer::fails(1, &format!("Failed to find DHCP server for network '{network}'"))
        }
        ("remove", Some(place)) => {
            host.dhcp.remove(place);
            Answer::default()
        }
        ("add" | "modify", place) => {
            let ["--ip", server, "--netmask", mask, "--lowerip", lower, "--upperip", upper, switch] =
                *rest
            else {
                return usage("dhcpserver");
            };
            let [network, server, mask, lower, upper] =
                [network, server, mask, lower, upper].map(str::to_owned);
            let new = Dhcp { network, server, mask, lower, upper, enabled: switch == "--enable" };
            match place {
                Some(place) => host.dhcp[place] = new,
                None => host.dhcp.push(new),
            }
            Answer::default()
        }
        _ => usage("dhcpserver"),
    }
}

/// The address that the DHCP server gives to an interface of a machine. The same one each time.
pub(crate) fn lease(host: &mut Host, interface: &str, mac: &str) -> Option<String> {
    let network = format!("HostInterfaceNetworking-{interface}");
    let server = host.dhcp.iter().find(|it| it.network == network && it.enabled)?;
    let first: Ipv4Addr = server.lower.parse().ok()?;
    let interface = host.interfaces.iter_mut().find(|it| it.name == interface)?;
    if let Some(address) = interface.leases.get(mac) {
        return Some(address.clone());
    }
    let given = u32::try_from(interface.leases.len()).ok()?;
    let address = Ipv4Addr::from_bits(first.to_bits() + given).to_string();
    interface.leases.insert(mac.to_owned(), address.clone());
    Some(address)
}

/// The error of a start whose interface is gone.
pub(crate) fn gone(name: &str) -> Answer {
    Answer::fails(
        1,
        &format!("Nonexistent host networking interface, name '{name}' (VERR_INTERNAL_ERROR)"),
    )
    .of(FAILURE, "ConsoleWrap, interface IConsole")
}
