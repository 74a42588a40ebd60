use machine_driver::{
    Availability, Context, Driver, Error, ErrorKind, Flag, FlagValues, Kind, Result, async_trait,
};

use crate::driver::GenericDriver;
use crate::record::Record;

/// What the registry holds for `generic`.
pub fn kind() -> impl Kind {
    GenericKind
}

/// The record of a host on which nothing is changed and whose Engine is reached through SSH.
/// Without user or port the user's SSH configuration decides.
pub fn adopted(cx: &Context, host: &str, user: Option<&str>, port: Option<u16>) -> Box<dyn Driver> {
    let mut record = Record::new(cx, host);
    user.unwrap_or_default().clone_into(&mut record.base.ssh_user);
    record.base.ssh_port = port.unwrap_or_default();
    Box::new(GenericDriver::new(record))
}

struct GenericKind;

#[async_trait]
impl Kind for GenericKind {
    fn name(&self) -> &'static str {
        "generic"
    }

    fn summary(&self) -> &'static str {
        "A host that is there already, reached by SSH"
    }

    fn flags(&self) -> Vec<Flag> {
        crate::flags::flags()
    }

    fn configure(&self, cx: &Context, values: &FlagValues) -> Result<Box<dyn Driver>> {
        let address = values.text("generic-ip-address").ok_or_else(|| {
            let what = "generic driver requires the --generic-ip-address option";
            Error::new(ErrorKind::Flags, what)
                .hint("for example: --generic-ip-address 192.0.2.1 --generic-ssh-user ubuntu")
        })?;
        check_address(address)?;
        let mut record = Record::new(cx, address);
        let user = values.text("generic-ssh-user").unwrap_or("root");
        user.clone_into(&mut record.base.ssh_user);
        record.base.ssh_port = port(values, "generic-ssh-port")?;
        record.engine_port = port(values, "generic-engine-port")?;
        let key = values.text("generic-ssh-key").unwrap_or_default();
        key.clone_into(&mut record.ssh_key);
        Ok(Box::new(GenericDriver::new(record)))
    }

    fn load(&self, record: serde_json::Value) -> Result<Box<dyn Driver>> {
        let record = serde_json::from_value(record).map_err(|error| {
            Error::other("this is no record of driver `generic`").caused_by(error)
        })?;
        Ok(Box::new(GenericDriver::new(record)))
    }

    async fn availability(&self, _cx: &Context) -> Availability {
        Availability { installed: true, detail: "needs nothing".into(), fix: None }
    }
}

fn port(values: &FlagValues, flag: &str) -> Result<u16> {
    let number = values.int(flag).unwrap_or_default();
    u16::try_from(number).ok().filter(|port| *port != 0).ok_or_else(|| {
        Error::new(ErrorKind::Flags, format!("--{flag} is a port from 1 to 65535, not {number}"))
    })
}

/// The address stands in command lines and URLs.
fn check_address(address: &str) -> Result<()> {
    let wrong = |what: &str, hint: &str| {
        Err(Error::new(ErrorKind::Flags, format!("--generic-ip-address `{address}` {what}"))
            .hint(hint))
    };
    if address.starts_with('-') || address.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return wrong("is no address", "for example: --generic-ip-address 192.0.2.1");
    }
    if address.contains(['/', '@']) {
        return wrong(
            "is more than an address",
            "user and port have flags: --generic-ssh-user ubuntu --generic-ssh-port 2222",
        );
    }
    if address.matches(':').count() == 1 {
        return wrong("has a port", "--generic-ssh-port 2222 --generic-engine-port 2376");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in ["192.0.2.1", "host.example", "::1", "fe80::1%eth0"] {
            check_address(good).unwrap();
        }
        for bad in ["-oProxyCommand=id", "a b", "me@host", "tcp://1.2.3.4", "1.2.3.4:22"] {
            assert_eq!(check_address(bad).unwrap_err().kind(), ErrorKind::Flags, "{bad}");
        }
    }
}
