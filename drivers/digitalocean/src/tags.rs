//! DigitalOcean's tags are words, which exist for themselves: one that no droplet has any more stays.

use machine_driver::{Tags, tags};

/// The tag on everything of a store.
pub(crate) fn store_tag(store: &str) -> String {
    tags::word(tags::STORE, store)
}

/// The tag that puts a droplet behind the store's firewall.
pub(crate) fn guard_tag(store: &str) -> String {
    tags::word("machine-guard", store)
}

/// The tag that says when a droplet's time is up. It names the droplet, so that nobody loses theirs
/// when it is deleted.
pub(crate) fn expiry_tag(tags: &Tags) -> Option<String> {
    let key = format!("{}{}", expiry_prefix(&tags.store), tags.machine);
    tags.expires.map(|at| format!("{}:{at}", key.replace('.', "_")))
}

/// What all such tags of a store begin with.
fn expiry_prefix(store: &str) -> String {
    format!("{}-{store}-", tags::EXPIRES)
}

/// The machine and the time of such a tag.
pub(crate) fn read_expiry(tag: &str, store: &str) -> Option<(String, u64)> {
    let (machine, at) = tag.strip_prefix(&expiry_prefix(store))?.split_once(':')?;
    Some((machine.replace('_', "."), at.parse().ok()?))
}

/// Whose a tag of the account is, if it is the store's.
pub(crate) fn read(tag: &str, store: &str) -> Option<Tags> {
    let machine = match read_expiry(tag, store) {
        Some((machine, _)) => machine,
        None if [store_tag(store), guard_tag(store)].iter().any(|it| it == tag) => String::new(),
        None => return None,
    };
    Some(Tags { store: store.to_owned(), machine, created: 0, expires: None })
}
