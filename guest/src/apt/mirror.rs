use std::fs;
use std::path::Path;

use super::{apt_conf, control};

/// Where Debian's own suites come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// What stands before `/dists/trixie`.
    pub main: String,
    /// What stands before `/dists/trixie-security`; `None` if there is none to be had.
    pub security: Option<String>,
}

/// The mirror where neither the user nor the host names one: one of Debian's secondary mirrors,
/// from <https://www.debian.org/mirror/list>.
pub const DEFAULT_MIRROR: &str = "http://ftp.de.debian.org/debian";

/// Debian's own host for security updates.
const DEFAULT_SECURITY: &str = "http://security.debian.org/debian-security";

impl Default for Mirror {
    fn default() -> Self {
        Self { main: DEFAULT_MIRROR.to_owned(), security: Some(DEFAULT_SECURITY.to_owned()) }
    }
}

impl Mirror {
    /// The mirror that the user names. Its security archive stands beside it, as
    /// `…/debian-security`, by the convention of Debian's mirrors; a mirror of another name is
    /// taken to serve everything that there is.
    pub fn named(url: &str) -> Self {
        let main = url.trim_end_matches('/').to_owned();
        let security = main.ends_with("/debian").then(|| format!("{main}-security"));
        Self { main, security }
    }
}

/// The mirror that the host's own apt uses, from `apt_dir` (normally `/etc/apt`), if it is a
/// Debian host. Only the address is taken: the suite is the image's own.
pub fn host_mirror(apt_dir: &Path) -> Option<Mirror> {
    let mut sources = one_line_sources(&apt_dir.join("sources.list"));
    let mut files: Vec<_> = fs::read_dir(apt_dir.join("sources.list.d"))
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    files.sort();
    for path in files {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("list") => sources.extend(one_line_sources(&path)),
            Some("sources") => sources.extend(deb822_sources(&path)),
            _ => {}
        }
    }
    let debian = sources.iter().filter(|source| source.is_debian());
    let (security, main): (Vec<_>, Vec<_>) = debian.partition(|source| source.is_security());
    let best = |sources: Vec<&Source>| {
        Some(sources.into_iter().min_by_key(|source| source.is_deep())?.url.clone())
    };
    Some(Mirror {
        main: best(main)?,
        security: Some(best(security).unwrap_or_else(|| DEFAULT_SECURITY.to_owned())),
    })
}

/// The proxy that the host's apt uses, from `Acquire::http::Proxy` in `apt.conf` and its folder.
pub fn host_proxy(apt_dir: &Path) -> Option<String> {
    let mut files: Vec<_> = fs::read_dir(apt_dir.join("apt.conf.d"))
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    files.sort();
    files.push(apt_dir.join("apt.conf"));
    let settings = files.iter().filter_map(|path| fs::read_to_string(path).ok());
    let proxies = settings.flat_map(|text| {
        let values = apt_conf::values(&text, "acquire::http::proxy");
        values.into_iter().map(str::to_owned).collect::<Vec<_>>()
    });
    // The last one counts; `DIRECT` and `false` mean none.
    proxies.last().filter(|proxy| proxy.starts_with("http://") || proxy.starts_with("https://"))
}

#[derive(Debug)]
struct Source {
    url: String,
    suites: Vec<String>,
    components: Vec<String>,
}

impl Source {
    fn is_debian(&self) -> bool {
        const SUITES: [&str; 9] = [
            "stable",
            "testing",
            "unstable",
            "sid",
            "bullseye",
            "bookworm",
            "trixie",
            "forky",
            "oldstable",
        ];
        let is_suite =
            |suite: &String| SUITES.contains(&suite.split(['-', '/']).next().unwrap_or_default());
        let http = self.url.starts_with("http://") || self.url.starts_with("https://");
        let path = self.url.trim_end_matches('/');
        http && (path.ends_with("/debian") || path.ends_with("/debian-security"))
            && self.suites.iter().any(is_suite)
            && self.components.iter().any(|component| component == "main")
    }

    /// Other makers' repositories for Debian often end in `/debian` too, but below something.
    fn is_deep(&self) -> bool {
        let path = self.url.split_once("://").map_or("", |(_, rest)| rest).trim_end_matches('/');
        path.matches('/').count() > 1
    }

    fn is_security(&self) -> bool {
        self.suites.iter().all(|suite| suite.contains("-security") || suite.contains("/updates"))
    }
}

fn one_line_sources(path: &Path) -> Vec<Source> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let source = |line: &str| {
        let line = line.split('#').next()?.trim().strip_prefix("deb")?;
        let line = line.strip_prefix([' ', '\t'])?.trim();
        let line = match line.strip_prefix('[') {
            Some(options) => options.split_once(']')?.1,
            None => line,
        };
        let mut words = line.split_whitespace().map(str::to_owned);
        let (url, suite) = (words.next()?, words.next()?);
        Some(Source { url, suites: vec![suite], components: words.collect() })
    };
    text.lines().filter_map(source).collect()
}

fn deb822_sources(path: &Path) -> Vec<Source> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let source = |stanza: control::Stanza<'_>| {
        let owned = |words: Vec<&str>| words.into_iter().map(str::to_owned).collect::<Vec<_>>();
        let enabled = stanza.get("Enabled").is_none_or(|word| word != "no" && word != "false");
        if !enabled || !stanza.words("Types").contains(&"deb") {
            return None;
        }
        Some(Source {
            url: (*stanza.words("URIs").iter().find(|uri| uri.starts_with("http"))?).to_owned(),
            suites: owned(stanza.words("Suites")),
            components: owned(stanza.words("Components")),
        })
    };
    control::stanzas(&text).filter_map(source).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apt(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    #[test]
    fn both_forms_of_sources_are_read() {
        let deb822 = "Types: deb\n# a comment\nURIs: http://mirror.example/debian\n\
            Suites: bookworm bookworm-updates\nComponents: main\n\n\
            Types: deb\nURIs: http://mirror.example/debian-security\nSuites: bookworm-security\n\
            Components: main\n\nTypes: deb\nEnabled: no\nURIs: http://off.example/debian\n\
            Suites: trixie\nComponents: main\n";
        let expected = Mirror {
            main: "http://mirror.example/debian".into(),
            security: Some("http://mirror.example/debian-security".into()),
        };
        let dir = apt(&[("sources.list.d/debian.sources", deb822)]);
        assert_eq!(host_mirror(dir.path()), Some(expected.clone()));
        let lines = "# deb http://no.example/debian trixie main\n\
            deb [arch=amd64] http://mirror.example/debian trixie main contrib\n\
            deb http://mirror.example/debian-security trixie-security main\n\
            deb https://other.example/apt trixie main\n";
        let dir = apt(&[("sources.list", lines)]);
        assert_eq!(host_mirror(dir.path()), Some(expected));
    }

    #[test]
    fn oddly_written_sources_are_read() {
        let deb822 = "Types: deb deb-src\nURIs: cdrom:[x]/ http://m.example/debian/\n\
            Suites: trixie\n# between the lines\n trixie-backports\nComponents: main\n";
        let lines = "deb https://other.example/tool/debian trixie main\n\
            deb\t[ arch=amd64 signed-by=/k.gpg ]\thttp://s.example/debian-security trixie-security main\n\
            deb-src http://src.example/debian trixie main\n";
        let dir = apt(&[("sources.list", lines), ("sources.list.d/d.sources", deb822)]);
        let expected = Mirror {
            main: "http://m.example/debian/".into(),
            security: Some("http://s.example/debian-security".into()),
        };
        assert_eq!(host_mirror(dir.path()), Some(expected));
    }

    #[test]
    fn a_host_without_a_security_source_has_debians_own() {
        let dir = apt(&[("sources.list", "deb http://m.example/debian trixie main\n")]);
        assert_eq!(host_mirror(dir.path()).unwrap().security.as_deref(), Some(DEFAULT_SECURITY));
    }

    #[test]
    fn other_hosts_and_ubuntu_have_none() {
        let lines = "deb http://archive.ubuntu.com/ubuntu noble main\n";
        assert_eq!(host_mirror(apt(&[("sources.list", lines)]).path()), None);
        assert_eq!(host_mirror(Path::new("/nowhere")), None);
    }

    #[test]
    fn the_proxy_is_apts() {
        let dir = apt(&[("apt.conf.d/01proxy", "Acquire::http::Proxy \"http://p:3142\";\n")]);
        assert_eq!(host_proxy(dir.path()), Some("http://p:3142".into()));
        let nested = "Acquire {\n  http {\n    Proxy \"http://q:3142\";\n  };\n};\n";
        let dir = apt(&[
            ("apt.conf.d/01proxy", "Acquire::http::Proxy \"http://p:1\";\n"),
            ("apt.conf", nested),
        ]);
        assert_eq!(host_proxy(dir.path()), Some("http://q:3142".into()));
        let dir = apt(&[
            ("apt.conf.d/01proxy", "Acquire::http::Proxy \"http://p:1\";\n"),
            ("apt.conf.d/02proxy", "Acquire::http::Proxy \"DIRECT\";\n"),
        ]);
        assert_eq!(host_proxy(dir.path()), None);
        assert_eq!(host_proxy(Path::new("/nowhere")), None);
    }

    #[test]
    fn a_named_mirror_has_its_security_archive_beside_it() {
        let mirror = Mirror::named("http://m/debian/");
        assert_eq!(mirror.security.as_deref(), Some("http://m/debian-security"));
        assert_eq!(Mirror::named("http://127.0.0.1:8000").security, None);
    }
}
