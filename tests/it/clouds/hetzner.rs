//! The driver `hetzner` against a Hetzner Cloud of our own, whose answers have what the vendor's
//! description of its interface demands of them as far as the driver reads it.

mod fake;
mod life;

use super::faults::Subject;
use super::server::Server;
use fake::Hetzner;

const TOKEN: &str = "hcloud-test-token";

fn subject(server: &Server<Hetzner>) -> Subject<'_, Hetzner> {
    Subject {
        driver: "hetzner",
        server,
        variables: vec![
            ("HETZNER_API_TOKEN".to_owned(), TOKEN.to_owned()),
            ("HETZNER_API_URL".to_owned(), format!("{}/v1", server.url())),
        ],
        flags: vec!["--hetzner-ssh-port".to_owned(), "9".to_owned()],
    }
}
