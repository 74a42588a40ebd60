use crate::answer::{Answer, usage};
use crate::host::{Dhcp, Host, Interface};
use crate::vm::Vm;

pub(crate) fn list(host: &Host, words: &[&str]) -> Answer {
    let line = |vm: &Vm| match vm.is_accessible() {
        true => format!("\"{}\" {{{}}}\n", vm.name, vm.uuid),
        false => format!("\"<inaccessible>\" {{{}}}\n", vm.uuid),
    };
    match *words {
        ["vms"] => Answer::says(host.vms.iter().map(line).collect::<String>()),
        ["vms", "--long"] => Answer {
            stdout: host.vms.iter().map(long).collect(),
            stderr: host.vms.iter().filter(|vm| !vm.is_accessible()).map(complaint).collect(),
            code: 0,
        },
        ["runningvms"] => {
            Answer::says(host.vms.iter().filter(|vm| vm.is_on()).map(line).collect::<String>())
        }
        ["hostonlyifs"] => Answer::says(host.interfaces.iter().map(interface).collect::<String>()),
        ["dhcpservers"] => Answer::says(host.dhcp.iter().map(dhcp).collect::<String>()),
        ["hostinfo"] => Answer::says(HOST),
        ["dvds"] => {
            let line =
                |path: &String| format!("State:          created\nLocation:       {path}\n\n");
            Answer::says(host.dvds.iter().map(line).collect::<String>())
        }
        ["hdds"] => Answer::says(host.vms.iter().map(disks).collect::<String>()),
        [other, ..] => usage(&format!("Unknown subcommand \"{other}\".")),
        [] => usage("list what?"),
    }
}

fn state(vm: &Vm) -> &str {
    match vm.state.as_str() {
        "poweroff" => "powered off",
        other => other,
    }
}

fn complaint(vm: &Vm) -> String {
    let settings = vm.settings();
    format!(
        "VBoxManage: error: Runtime error opening '{}' for reading VERR_FILE_NOT_FOUND (File not found.).\n",
        settings.display()
    )
}

/// The lines that differ between machines, and those around them that a reader may stumble over.
fn long(vm: &Vm) -> String {
    if !vm.is_accessible() {
        let settings = vm.settings();
        return format!(
            "Name:            <inaccessible!>\nUUID:            {}\nConfig file:     {}\n\
             Access error details:\n\n",
            vm.uuid,
            settings.display()
        );
    }
    let field = |name: &str, value: &str| format!("{:<29}{value}\n", format!("{name}:"));
    let mut text = field("Name", &vm.name)
        + &field("Encryption", "disabled")
        + &field("Groups", "/")
        + &field("Platform Architecture", "x86")
        + &field("UUID", &vm.uuid)
        + &field("Config file", &vm.settings().display().to_string())
        + &field("Hardware UUID", &vm.uuid)
        + &field("Memory size", &format!("{}MB", vm.option("memory", "1024")))
        + &field("State", &format!("{} (since 2026-11-23T21:19:10.668000000)", state(vm)));
    for (number, kind) in vm.interfaces() {
        let of = |option: &str| vm.option(&format!("{option}{number}"), "").to_owned();
        let attachment = match kind {
            "nat" => "NAT".to_owned(),
            "hostonly" => format!("Host-only Interface '{}'", of("hostonlyadapter")),
            "intnet" => format!("Internal Network '{}'", of("intnet")),
            other => other.to_owned(),
        };
        let mac = of("macaddress");
        let value = format!("MAC: {mac}, Attachment: {attachment}, Cable connected: on");
        text += &field(&format!("NIC {number}"), &value);
    }
    text += &field("Shared folders", "");
    for (name, path) in &vm.shares {
        text += &format!(
            "\nName: '{name}', Host path: '{path}' (machine mapping), writable, auto-mount\n"
        );
    }
    text + "\n* Guest:\nConfigured memory balloon:   0MB\n\n\n"
}

fn interface(it: &Interface) -> String {
    let number: String = it.name.chars().filter(char::is_ascii_digit).collect();
    let Interface { name, address, mask, .. } = it;
    format!(
        "Name:            {name}\nGUID:            f000027b-dae8-4abf-8000-0a002700000{number}\n\
         DHCP:            Disabled\nIPAddress:       {address}\nNetworkMask:     {mask}\n\
         IPV6Address:     \nIPV6NetworkMaskPrefixLength: 0\n\
         HardwareAddress: 0a:00:27:00:00:0{number}\nMediumType:      Ethernet\nWireless:        No\n\
         Status:          Up\nVBoxNetworkName: HostInterfaceNetworking-{name}\n\n"
    )
}

fn dhcp(it: &Dhcp) -> String {
    let Dhcp { network, server, mask, lower, upper, enabled } = it;
    let enabled = if *enabled { "Yes" } else { "No" };
    format!(
        "NetworkName:    {network}\nDhcpd IP:       {server}\nLowerIPAddress: {lower}\n\
         UpperIPAddress: {upper}\nNetworkMask:    {mask}\nEnabled:        {enabled}\n\
         Global Configuration:\n    minLeaseTime:     default\n    defaultLeaseTime: default\n\
         \x20   maxLeaseTime:     default\n    Forced options:   None\n    Suppressed opts.: None\n\
         \x20       1/legacy: {mask}\nGroups:               None\nIndividual Configs:   None\n"
    )
}

fn disks(vm: &Vm) -> String {
    let disk = |(kind, path, uuid): &(String, String, String)| match kind.as_str() {
        "hdd" => format!(
            "UUID:           {uuid}\nParent UUID:    base\nState:          created\n\
             Type:           normal (base)\nLocation:       {path}\nStorage format: VMDK\n\n"
        ),
        _ => String::new(),
    };
    vm.media.values().map(disk).collect()
}

const HOST: &str = "Host Information:

Host time: 2026-11-23T21:19:04.515000000Z
Processor online count: 2
Processor count: 2
Processor online core count: 2
Processor core count: 2
Processor supports HW virtualization: yes
Processor supports PAE: yes
Processor supports long mode: yes
Processor supports nested paging: yes
Processor supports unrestricted guest: yes
Processor supports nested HW virtualization: no
Processor supports virt. vmsave/vmload: no
Processor#0 speed: 2596 MHz
Processor#0 description: AMD EPYC
Processor#1 speed: 2596 MHz
Processor#1 description: AMD EPYC
Memory size: 24105 MByte
Memory available: 22233 MByte
Operating system: Linux
Operating system version: 6.18.44
";
