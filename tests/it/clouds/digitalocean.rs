//! The driver `digitalocean` against a DigitalOcean of our own, which the vendor's description of
//! its interface watches over where that can be had.

mod fake;
mod life;
mod prism;
mod whole;

use super::faults::Subject;
use super::server::Server;
use fake::DigitalOcean;

const TOKEN: &str = "dop_v1_test";

fn subject(server: &Server<DigitalOcean>) -> Subject<'_, DigitalOcean> {
    subject_at(server, &server.url())
}

fn subject_at<'a>(server: &'a Server<DigitalOcean>, url: &str) -> Subject<'a, DigitalOcean> {
    Subject {
        driver: "digitalocean",
        server,
        variables: vec![
            ("DIGITALOCEAN_ACCESS_TOKEN".to_owned(), TOKEN.to_owned()),
            ("DIGITALOCEAN_API_URL".to_owned(), url.to_owned()),
        ],
        flags: vec!["--digitalocean-ssh-port".to_owned(), "9".to_owned()],
    }
}
