use std::fs;
use std::path::Path;

use super::control;

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
    Some(Mirror {
        main: main.first()?.url.clone(),
        security: Some(
            security.first().map_or_else(|| DEFAULT_SECURITY.to_owned(), |it| it.url.clone()),
        ),
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
    let setting = |line: &str| {
        let value = line.trim().strip_prefix("Acquire::http::Proxy")?.trim();
        let value = value.trim_end_matches(';').trim().trim_matches('"');
        (value.starts_with("http://") || value.starts_with("https://")).then(|| value.to_owned())
    };
    files
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .fold(None, |found, text| text.lines().filter_map(setting).next_back().or(found))
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

    fn is_security(&self) -> bool {
        self.suites.iter().all(|suite| suite.contains("-security") || suite.contains("/updates"))
    }
}

fn one_line_sources(path: &Path) -> Vec<Source> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let source = |line: &str| {
        let line = line.split('#').next()?.trim().strip_prefix("deb ")?.trim();
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
            url: stanza.words("URIs").first()?.to_string(),
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
    fn other_hosts_and_ubuntu_have_none() {
        let lines = "deb http://archive.ubuntu.com/ubuntu noble main\n";
        assert_eq!(host_mirror(apt(&[("sources.list", lines)]).path()), None);
        assert_eq!(host_mirror(Path::new("/nowhere")), None);
    }

    #[test]
    fn the_proxy_is_apts() {
        let dir = apt(&[("apt.conf.d/01proxy", "Acquire::http::Proxy \"http://p:3142\";\n")]);
        assert_eq!(host_proxy(dir.path()), Some("http://p:3142".into()));
    }

    #[test]
    fn a_named_mirror_has_its_security_archive_beside_it() {
        let mirror = Mirror::named("http://m/debian/");
        assert_eq!(mirror.security.as_deref(), Some("http://m/debian-security"));
        assert_eq!(Mirror::named("http://127.0.0.1:8000").security, None);
    }
}
