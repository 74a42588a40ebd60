use machine_driver::{
    Availability, Context, Driver, Error, ErrorKind, Flag, FlagValues, Kind, Result, async_trait,
};

use crate::driver::NoneDriver;
use crate::record::Record;

/// What the registry holds for `none`.
pub fn kind() -> impl Kind {
    NoneKind
}

struct NoneKind;

#[async_trait]
impl Kind for NoneKind {
    fn name(&self) -> &'static str {
        "none"
    }

    fn summary(&self) -> &'static str {
        "An Engine that runs already, known by its URL"
    }

    fn flags(&self) -> Vec<Flag> {
        // docker-machine reads no variable for it: `URL` would be far too common a name.
        vec![Flag {
            env: None,
            ..Flag::text("url", "", None, "URL of host when no driver is selected")
        }]
    }

    fn configure(&self, cx: &Context, values: &FlagValues) -> Result<Box<dyn Driver>> {
        let url = values.text("url").ok_or_else(|| {
            Error::new(ErrorKind::Flags, "--url option is required when no driver is selected")
                .hint("for example: --url tcp://192.0.2.1:2376")
        })?;
        let host = host_of(url)?;
        Ok(Box::new(NoneDriver::new(Record::new(cx, url, host))))
    }

    fn load(&self, record: serde_json::Value) -> Result<Box<dyn Driver>> {
        let record = serde_json::from_value(record)
            .map_err(|error| Error::other("this is no record of driver `none`").caused_by(error))?;
        Ok(Box::new(NoneDriver::new(record)))
    }

    async fn availability(&self, _cx: &Context) -> Availability {
        Availability { installed: true, detail: "needs nothing".into(), fix: None }
    }
}

/// Host and port of a URL as Go's `net/url` gives them; empty when there is no authority, as in
/// `unix:///var/run/docker.sock`.
///
/// Go refuses what this refuses, and little else: docker-machine's own tests say `--url none`.
fn host_of(url: &str) -> Result<&str> {
    let wrong = |what: &str| {
        Error::new(ErrorKind::Flags, format!("--url `{url}` {what}"))
            .hint("for example: --url tcp://192.0.2.1:2376")
    };
    if url.contains(|c: char| c.is_control() || c == ' ') {
        return Err(wrong("contains a blank or a control character"));
    }
    let Some((scheme, rest)) = url.split_once("://") else {
        let first = url.split('/').next().unwrap_or_default();
        return if first.contains(':') { Err(wrong("has no scheme")) } else { Ok("") };
    };
    if scheme.is_empty() {
        return Err(wrong("has no scheme"));
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    Ok(authority.rsplit_once('@').map_or(authority, |(_user, host)| host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_keeps_its_port() {
        for (url, host) in [
            ("tcp://1.2.3.4:2376", "1.2.3.4:2376"),
            ("http://127.0.0.1", "127.0.0.1"),
            ("ssh://me@box:22/path?a=b", "box:22"),
            ("tcp://[::1]:2376", "[::1]:2376"),
            ("unix:///var/run/docker.sock", ""),
            ("none", ""),
        ] {
            assert_eq!(host_of(url).unwrap(), host, "{url}");
        }
    }

    #[test]
    fn what_go_cannot_parse_is_refused() {
        for url in ["1.2.3.4:2376", "://x", "tcp://a b"] {
            assert_eq!(host_of(url).unwrap_err().kind(), ErrorKind::Flags, "{url}");
        }
    }
}
