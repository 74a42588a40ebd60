//! The remark that the docker client and a machine's Engine cannot talk to each other.

use super::console;
use super::session::Session;
use crate::engine::Misfit;

/// Says it on stderr, with the way out, if it was found out when the Engine last came up.
pub(super) fn warn(name: &str, session: &Session) {
    if let Some(misfit) = crate::engine::misfit(&session.engine, name) {
        console::eprint(&text(&misfit, name, session.environment.program_name()));
    }
}

fn text(misfit: &Misfit, name: &str, program: &str) -> String {
    let (oldest, newest) = misfit.speaks;
    let (engine, client) = (&misfit.engine, misfit.client_version());
    let path = misfit.client_path().display();
    let (demand, way_out) = match misfit.is_old_engine() {
        true => (
            format!("{} or later", misfit.wants.0),
            format!(
                "a machine with a current Engine is made by `MACHINE_DEFAULT_IMAGE=own {program} \
                 create NAME`"
            ),
        ),
        false => (
            format!("{} at most", misfit.wants.1),
            "install a current docker client: https://docs.docker.com/engine/install/".to_owned(),
        ),
    };
    format!(
        "warning: docker {client} ({path}) cannot talk to the Docker Engine {engine} of `{name}`: \
         that speaks API {oldest} to {newest}, and this needs {demand}\n\
         hint: {way_out}\n\
         hint: `{program} ssh {name} docker ps` uses the client in the machine\n"
    )
}
