//! The driver `openstack` against an OpenStack of our own, written from the published interfaces.

mod fake;
mod life;
#[cfg(target_os = "linux")]
mod real;
mod recorded;
mod tls;
#[cfg(target_os = "linux")]
mod whole;

use super::faults::Subject;
use super::server::Server;
use fake::OpenStack;

const PASSWORD: &str = "s3cret-pass";

fn subject(server: &Server<OpenStack>) -> Subject<'_, OpenStack> {
    subject_at(server, &server.url())
}

/// Behind another address than its own.
fn subject_at<'a>(server: &'a Server<OpenStack>, url: &str) -> Subject<'a, OpenStack> {
    let url = url.to_owned();
    server.fake(|fake| fake.url.clone_from(&url));
    let variables = [
        ("OS_AUTH_URL", url.as_str()),
        ("OS_USERNAME", "lab"),
        ("OS_PASSWORD", PASSWORD),
        ("OS_PROJECT_NAME", "lab"),
        ("OS_FLAVOR_NAME", "m1.small"),
        ("OS_IMAGE_NAME", "debian-13"),
        ("OS_FLOATINGIP_POOL", "public"),
        ("OS_SSH_PORT", "9"),
    ];
    Subject {
        driver: "openstack",
        server,
        variables: variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        flags: Vec::new(),
    }
}
