//! The driver `hetzner` against a Hetzner Cloud of our own, which the vendor's description of its
//! interface watches over where that can be had.

mod fake;
mod life;
mod prism;

use super::faults::Subject;
use super::server::Server;
use fake::Hetzner;

const TOKEN: &str = "hcloud-test-token";

fn subject(server: &Server<Hetzner>) -> Subject<'_, Hetzner> {
    subject_at(server, &format!("{}/v1", server.url()))
}

fn subject_at<'a>(server: &'a Server<Hetzner>, url: &str) -> Subject<'a, Hetzner> {
    Subject {
        driver: "hetzner",
        server,
        variables: vec![
            ("HETZNER_API_TOKEN".to_owned(), TOKEN.to_owned()),
            ("HETZNER_API_URL".to_owned(), url.to_owned()),
        ],
        flags: vec!["--hetzner-ssh-port".to_owned(), "9".to_owned()],
    }
}
