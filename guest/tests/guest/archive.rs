//! The chain of trust, from the key to the package, and which package wins.

use machine_driver::Silent;
use machine_guest::apt::{self, Keyring};
use machine_guest::tree::Tree;

use crate::support::{Deb, Fault, Repository, Server, archive, fetch, files, refused};

const IN_RELEASE: &str = "/debian/dists/test/InRelease";

fn hello() -> (Server, Repository, tempfile::TempDir) {
    let server = Server::start();
    let repository = Repository::new("/debian", vec![Deb::new("hello", "1.0-1")]);
    repository.publish(&server);
    (server, repository, tempfile::tempdir().unwrap())
}

#[tokio::test]
async fn a_good_repository_works_and_its_packages_are_cached() {
    let (server, repository, cache) = hello();
    let archive = archive([repository.repo(&server)]);
    let package = fetch(&archive, cache.path(), "hello").await.unwrap();
    assert_eq!((package.name.as_str(), package.version.as_str()), ("hello", "1.0-1"));
    let mut tree = Tree::default();
    apt::unpack(&package, &mut tree, |_| true).unwrap();
    let program = tree.get("usr/bin/hello").unwrap();
    assert_eq!(program.mode, 0o4755);
    assert_eq!(tree.file("usr/bin/hello").unwrap()[..], repository.debs[0].content);

    // The second time only the signed index is fetched.
    assert_eq!(fetch(&archive, cache.path(), "hello").await.unwrap(), package);
    let asked = |part| server.requests(part).len();
    assert_eq!((asked("InRelease"), asked("by-hash"), asked("pool")), (2, 1, 1));
    assert_eq!(files(cache.path()).len(), 2);
}

#[tokio::test]
async fn a_key_that_did_not_sign_is_no_use() {
    let (server, repository, cache) = hello();
    let mut repo = repository.repo(&server);
    let other = Repository::new("/debian", Vec::new());
    repo.keys = Keyring::parse("other.asc", other.public_key().as_bytes()).unwrap();
    let wrong = archive([repo.clone()]);
    let says = [IN_RELEASE, "is not signed by a key of `other.asc`"];
    refused(fetch(&wrong, cache.path(), "hello").await, &says);
    repo.keys = Keyring::debian().unwrap();
    let says = [IN_RELEASE, "is not signed by Debian's archive keys"];
    refused(fetch(&archive([repo.clone()]), cache.path(), "hello").await, &says);
    assert!(files(cache.path()).is_empty());

    // One of several keys in a file is enough.
    let both = other.public_key() + &repository.public_key();
    repo.keys = Keyring::parse("both.asc", both.as_bytes()).unwrap();
    fetch(&archive([repo]), cache.path(), "hello").await.unwrap();
}

#[tokio::test]
async fn a_changed_index_of_indices_is_refused() {
    let (server, repository, cache) = hello();
    let archive = archive([repository.repo(&server)]);
    let signed = |text: &str| {
        server.put(IN_RELEASE, text.as_bytes().to_vec());
    };
    let mut good = String::new();
    server.change(IN_RELEASE, |bytes| good = String::from_utf8(bytes.clone()).unwrap());
    signed(&good.replace("Origin: Test", "Origin: Tent"));
    refused(fetch(&archive, cache.path(), "hello").await, &[IN_RELEASE, "is not signed by"]);
    // Without its signature, or with something put before what is signed.
    signed("Suite: test\n");
    refused(fetch(&archive, cache.path(), "hello").await, &[IN_RELEASE, "begins with `Suite"]);
    signed(&format!("Suite: evil\n\n{good}"));
    refused(fetch(&archive, cache.path(), "hello").await, &[IN_RELEASE, "begins with `Suite"]);
    signed(&good[..good.len() - 100]);
    refused(fetch(&archive, cache.path(), "hello").await, &[IN_RELEASE]);
    // Nor with something put behind it.
    signed(&format!("{good}\nSuite: evil\n"));
    refused(fetch(&archive, cache.path(), "hello").await, &[IN_RELEASE]);
    assert!(files(cache.path()).is_empty());
    signed(&good);
    fetch(&archive, cache.path(), "hello").await.unwrap();
}

#[tokio::test]
async fn an_old_index_and_another_suites_are_refused() {
    let (server, mut repository, cache) = hello();
    let mut repo = repository.repo(&server);
    repository.valid = Some(time::Duration::hours(-1));
    repository.publish(&server);
    let says = [IN_RELEASE, "is out of date"];
    refused(fetch(&archive([repo.clone()]), cache.path(), "hello").await, &says);
    repository.valid = Some(time::Duration::hours(1));
    repository.publish(&server);
    fetch(&archive([repo.clone()]), cache.path(), "hello").await.unwrap();

    // The index of `test` under the name of `prod`.
    let mut index = Vec::new();
    server.change(IN_RELEASE, |bytes| index.clone_from(bytes));
    server.put("/debian/dists/prod/InRelease", index);
    repo.suite = "prod".into();
    let says = ["/dists/prod/InRelease", "is not the index of `prod`", "`test`"];
    refused(fetch(&archive([repo]), cache.path(), "hello").await, &says);
}

#[tokio::test]
async fn an_index_or_a_package_with_another_hash_is_refused() {
    let (server, repository, cache) = hello();
    let archive = archive([repository.repo(&server)]);
    server.change("by-hash", |bytes| bytes[20] ^= 1);
    let says = ["by-hash/SHA256/", "is not what the signed index says", "instead of"];
    refused(fetch(&archive, cache.path(), "hello").await, &says);
    assert!(files(cache.path()).is_empty());

    repository.publish(&server);
    let changes: [fn(&mut Vec<u8>); 3] =
        [|bytes| bytes[200] ^= 1, |bytes| bytes.push(0), |bytes| bytes.truncate(1000)];
    for change in changes {
        repository.publish(&server);
        server.change("/pool/", change);
        let says = ["/pool/hello_1.0-1_amd64.deb", "is not what the signed index says"];
        refused(fetch(&archive, cache.path(), "hello").await, &says);
        let left = files(cache.path());
        assert!(left.len() == 1 && left[0].starts_with("Packages_"), "{left:?}");
    }
    repository.publish(&server);
    fetch(&archive, cache.path(), "hello").await.unwrap();
}

#[tokio::test]
async fn a_changed_file_in_the_cache_is_named() {
    let (server, repository, cache) = hello();
    let archive = archive([repository.repo(&server)]);
    let good = fetch(&archive, cache.path(), "hello").await.unwrap();
    for name in files(cache.path()) {
        let path = cache.path().join(&name);
        let content = std::fs::read(&path).unwrap();
        let mut changed = content.clone();
        changed[30] ^= 1;
        std::fs::write(&path, changed).unwrap();
        let says = [name.as_str(), "was changed since it was downloaded"];
        refused(fetch(&archive, cache.path(), "hello").await, &says);
        std::fs::write(&path, content).unwrap();
    }
    assert_eq!(fetch(&archive, cache.path(), "hello").await.unwrap(), good);
}

#[tokio::test]
async fn an_index_that_is_not_there_by_its_hash_is_taken_by_its_name() {
    let (server, mut repository, cache) = hello();
    let archive = archive([repository.repo(&server)]);
    server.remove("by-hash");
    fetch(&archive, cache.path(), "hello").await.unwrap();
    let other = tempfile::tempdir().unwrap();
    server.remove("Packages.gz");
    refused(fetch(&archive, other.path(), "hello").await, &["Packages.gz", "404"]);
    assert!(files(other.path()).is_empty());
    // A repository that does not have them at all is not asked for them.
    repository.by_hash = false;
    repository.publish(&server);
    let before = server.requests("by-hash").len();
    fetch(&archive, other.path(), "hello").await.unwrap();
    assert_eq!(server.requests("by-hash").len(), before);
}

#[tokio::test]
async fn only_an_optional_suite_may_be_missing() {
    let (server, repository, cache) = hello();
    let mut updates = repository.repo(&server);
    updates.suite = "test-updates".into();
    let says = ["/dists/test-updates/InRelease", "404"];
    let both = archive([repository.repo(&server), updates.clone()]);
    refused(fetch(&both, cache.path(), "hello").await, &says);
    updates.optional = true;
    let both = archive([repository.repo(&server), updates]);
    fetch(&both, cache.path(), "hello").await.unwrap();
    // Missing is one thing, broken another.
    server.fault("test-updates", Some(Fault::Page));
    refused(fetch(&both, cache.path(), "hello").await, &["test-updates", "is not a signed index"]);
}

/// `--repo`: a further repository with a key of its own.
#[tokio::test]
async fn the_newest_version_wins_wherever_it_is() {
    let server = Server::start();
    let debian = Repository::new(
        "/debian",
        vec![Deb::new("docker.io", "26.1.5+dfsg1-9"), Deb::new("runc", "1.1.15-1")],
    );
    let further = Repository::new(
        "/further",
        vec![Deb::new("docker.io", "28.2.2-1"), Deb::new("runc", "1.1.9-1")],
    );
    debian.publish(&server);
    further.publish(&server);
    let cache = tempfile::tempdir().unwrap();
    let alone = archive([debian.repo(&server)]);
    let both = archive([debian.repo(&server), further.repo(&server)]);
    let version = async |archive, name| fetch(archive, cache.path(), name).await.unwrap().version;
    assert_eq!(version(&alone, "docker.io").await, "26.1.5+dfsg1-9");
    assert_eq!(version(&both, "docker.io").await, "28.2.2-1");
    assert_eq!(version(&both, "runc").await, "1.1.15-1");
    let newer = fetch(&both, cache.path(), "docker.io").await.unwrap();
    assert_eq!(newer.sha256, further.debs[0].sha256());

    // Debian's key does not open the further repository, nor the other way round.
    let mut wrong = further.repo(&server);
    wrong.keys = debian.repo(&server).keys;
    let wrong = archive([debian.repo(&server), wrong]);
    refused(fetch(&wrong, cache.path(), "docker.io").await, &["/further/dists/test/InRelease"]);
}

#[tokio::test]
async fn a_name_that_is_a_path_is_no_package() {
    let server = Server::start();
    let debs = vec![Deb::new("../../evil", "1"), Deb::new(".hidden", "1"), Deb::new("good", "1")];
    let repository = Repository::new("/debian", debs);
    repository.publish(&server);
    let cache = tempfile::tempdir().unwrap();
    let archive = archive([repository.repo(&server)]);
    let index = apt::index(&archive, cache.path(), &Silent).await.unwrap();
    assert_eq!(index.into_keys().collect::<Vec<_>>(), ["good"]);
}
