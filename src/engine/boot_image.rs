//! Which image a machine was made to boot: `image.json` in its directory, since docker-machine's
//! record has no key for it.

use std::path::Path;

use machine_driver::{Image, Result, file};
use serde::{Deserialize, Serialize};

use super::{Engine, Machine};
use crate::iso::Choice;

const NAME: &str = "image.json";

#[derive(Serialize, Deserialize)]
struct BootImage {
    /// [`Choice`] in its own words.
    choice: String,
    version: String,
}

/// The choice is made once: a `create` that carries on under another name of the program, or with
/// other settings, makes the same machine.
pub(super) fn choice(engine: &Engine, machine: &Machine<'_>) -> Choice {
    let named = machine.driver.image_source();
    match recorded(machine) {
        Some(choice) => choice,
        None if named.is_none() && is_docker_machines(machine) => Choice::Boot2docker,
        None => engine.images.choose(named, machine.kind.boots_boot2docker()),
    }
}

/// Whether the machine boots one of our own images. Before there was `image.json`, whatever the
/// user had not named was.
pub(super) fn is_own(machine: &Machine<'_>) -> bool {
    match recorded(machine) {
        Some(choice) => choice == Choice::Own,
        None => machine.driver.image_source().is_none() && !is_docker_machines(machine),
    }
}

/// Whether docker-machine made it, with the image that its driver boots: we write down what we give.
fn is_docker_machines(machine: &Machine<'_>) -> bool {
    machine.kind.boots_boot2docker() && !machine.record.unfinished
}

pub(super) fn record(machine_dir: &Path, choice: &Choice, image: &Image) -> Result<()> {
    let image = BootImage { choice: choice.to_string(), version: image.version.clone() };
    let text = serde_json::to_vec(&image).expect("plain data is JSON");
    Ok(file::write_atomic(&machine_dir.join(NAME), &text, 0o600)?)
}

/// A copy boots what the original boots.
pub(super) fn copy_record(from: &Path, to: &Path) -> Result<()> {
    match std::fs::read(from.join(NAME)) {
        Ok(text) => Ok(file::write_atomic(&to.join(NAME), &text, 0o600)?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn recorded(machine: &Machine<'_>) -> Option<Choice> {
    let text = std::fs::read(machine.context.machine_dir.join(NAME)).ok()?;
    let image: BootImage = serde_json::from_slice(&text).ok()?;
    Some(Choice::read(&image.choice))
}
