//! Bad lines and bad mirrors: resumed where that helps, a clear error where it does not.

use std::net::TcpListener;

use crate::support::{Deb, Fault, Repository, Server, archive, fetch, files, refused};

const DEB: &str = "/debian/pool/hello_1.0-1_amd64.deb";

fn hello() -> (Server, Repository, tempfile::TempDir) {
    let server = Server::start();
    let repository = Repository::new("/debian", vec![Deb::new("hello", "1.0-1")]);
    repository.publish(&server);
    (server, repository, tempfile::tempdir().unwrap())
}

/// The files in the cache that are no whole index or package.
fn parts(cache: &tempfile::TempDir) -> Vec<String> {
    files(cache.path()).into_iter().filter(|name| name.contains(".part")).collect()
}

#[tokio::test]
async fn a_mirror_that_cannot_be_reached_is_named() {
    let (server, repository, cache) = hello();
    let mut repo = repository.repo(&server);
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    repo.url = format!("http://{address}/debian");
    let url = format!("{}/dists/test/InRelease", repo.url);
    refused(fetch(&archive([repo]), cache.path(), "hello").await, &["cannot fetch", &url]);
    assert!(files(cache.path()).is_empty());
}

#[tokio::test]
async fn a_mirror_that_answers_rubbish_is_named_with_the_file() {
    // The file, what is said of a page in its place, and how many good files stay in the cache.
    let steps = [
        ("/InRelease", "begins with `<html>", 0),
        ("/by-hash/", "is not what the signed index says: it has 40 bytes", 0),
        ("/pool/", "is not what the signed index says: it has 40 bytes", 1),
    ];
    for (part, page, good) in steps {
        let (server, repository, cache) = hello();
        let archive = archive([repository.repo(&server)]);
        server.fault(part, Some(Fault::Page));
        refused(fetch(&archive, cache.path(), "hello").await, &[part, page]);
        for status in [403, 404, 410] {
            server.fault(part, Some(Fault::Status(status)));
            server.fault("/Packages.gz", Some(Fault::Status(status)));
            // An index that is missing by its hash is asked for by its name.
            let named = if (part, status) == ("/by-hash/", 404) { "/Packages.gz" } else { part };
            let says = [named, &format!("answered {status}")];
            refused(fetch(&archive, cache.path(), "hello").await, &says);
        }
        assert_eq!(files(cache.path()).len(), good, "{part}");
        server.fault(part, None);
        fetch(&archive, cache.path(), "hello").await.unwrap();
    }
}

#[tokio::test]
async fn a_download_that_was_cut_off_goes_on_where_it_stopped() {
    for fault in [Fault::Cut, Fault::CutSilently] {
        let (server, repository, cache) = hello();
        let archive = archive([repository.repo(&server)]);
        let size = repository.debs[0].bytes().len();
        // Twenty thousand bytes at a time: three requests.
        server.fault("/pool/", Some(fault(20_000)));
        let package = fetch(&archive, cache.path(), "hello").await.unwrap();
        assert_eq!(std::fs::read(package.path).unwrap(), repository.debs[0].bytes());
        let from: Vec<_> = server.requests("/pool/").iter().map(|request| request.from).collect();
        assert_eq!(from, [0, 20_000, 40_000]);
        assert!(size > 40_000 && size < 60_000);
        assert!(parts(&cache).is_empty());
    }
}

#[tokio::test]
async fn the_next_build_goes_on_where_this_one_gave_up() {
    let (server, repository, cache) = hello();
    let archive = archive([repository.repo(&server)]);
    server.fault("/pool/", Some(Fault::Cut(5_000)));
    refused(fetch(&archive, cache.path(), "hello").await, &[DEB]);
    let left = parts(&cache);
    assert_eq!(left.len(), 1);
    let have = std::fs::read(cache.path().join(&left[0])).unwrap();
    assert!(have.len() >= 5_000 && repository.debs[0].bytes().starts_with(&have));
    server.fault("/pool/", None);
    let before = server.requests("/pool/").len();
    fetch(&archive, cache.path(), "hello").await.unwrap();
    let requests = server.requests("/pool/");
    assert_eq!(requests[before..].iter().map(|it| it.from).collect::<Vec<_>>(), [have.len()]);
    assert!(parts(&cache).is_empty());
}

#[tokio::test]
async fn what_an_earlier_build_left_may_be_wrong() {
    let (server, repository, cache) = hello();
    let archive = archive([repository.repo(&server)]);
    let deb = repository.debs[0].bytes();
    let part = cache.path().join(format!("hello_{}.deb.part", repository.debs[0].sha256()));
    // Other bytes, more bytes than there are, and as many.
    for wrong in [vec![b'x'; 1000], vec![b'x'; deb.len() + 1], vec![b'x'; deb.len()]] {
        std::fs::write(&part, wrong).unwrap();
        let package = fetch(&archive, cache.path(), "hello").await.unwrap();
        assert_eq!(std::fs::read(&package.path).unwrap(), deb);
        assert!(parts(&cache).is_empty());
        std::fs::remove_file(package.path).unwrap();
    }
    // A server that cannot start in the middle, and one whose file ends before.
    std::fs::write(&part, &deb[..1000]).unwrap();
    server.fault("/pool/", Some(Fault::NoRanges));
    let package = fetch(&archive, cache.path(), "hello").await.unwrap();
    assert_eq!(std::fs::read(&package.path).unwrap(), deb);
    std::fs::remove_file(package.path).unwrap();
    server.fault("/pool/", None);
    server.change("/pool/", |bytes| bytes.truncate(500));
    std::fs::write(&part, &deb[..1000]).unwrap();
    let says = [DEB, "it has 500 bytes instead of"];
    refused(fetch(&archive, cache.path(), "hello").await, &says);
    assert!(parts(&cache).is_empty());
}

#[tokio::test]
async fn a_server_that_is_busy_is_asked_again() {
    let (server, repository, cache) = hello();
    let archive = archive([repository.repo(&server)]);
    server.fault("/pool/", Some(Fault::Status(503)));
    refused(fetch(&archive, cache.path(), "hello").await, &[DEB, "answered 503"]);
    assert_eq!(server.requests("/pool/").len(), 4);
    assert!(parts(&cache).is_empty());
}

#[tokio::test]
async fn the_proxy_is_asked_for_everything() {
    let (server, repository, cache) = hello();
    let mut repo = repository.repo(&server);
    repo.url = "http://mirror.invalid/debian".into();
    let mut archive = archive([repo]);
    archive.proxy = Some(server.url());
    fetch(&archive, cache.path(), "hello").await.unwrap();
    let targets: Vec<_> = server.requests("").into_iter().map(|it| it.target).collect();
    assert_eq!(targets.len(), 3);
    assert!(
        targets.iter().all(|it| it.starts_with("http://mirror.invalid/debian/")),
        "{targets:?}"
    );
}
