//! The driver `amazonec2` against moto, an EC2 by others, with its checks of signatures, images,
//! types and keys; and every call against Amazon's own model of the interface.

mod life;
mod model;
mod moto;
mod whole;

use super::faults::Subject;
use super::server::Server;
use moto::Moto;

fn subject(server: &Server<Moto>) -> Subject<'_, Moto> {
    let (key, secret) = server.fake(|moto| moto.key.clone());
    let variables = [
        ("AWS_ACCESS_KEY_ID", key),
        ("AWS_SECRET_ACCESS_KEY", secret),
        ("AWS_ENDPOINT", server.url()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ];
    Subject {
        driver: "amazonec2",
        server,
        variables: variables.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        flags: vec!["--amazonec2-ssh-port".to_owned(), "9".to_owned()],
    }
}
