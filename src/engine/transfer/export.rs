use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use machine_driver::{Error, Progress, Result, State};

use super::{ACCESS, Access, Entry, IDENTITY, MANIFEST, Manifest, Part, VERSION};
use crate::engine::{Engine, Machine};

/// A piece of a file: so much of it is looked at at once, and left out if it is empty.
const PIECE: usize = 1 << 20;

/// zstd's default.
const LEVEL: i32 = 3;

/// Writes a machine into an archive. A whole one must be off.
pub async fn export(
    engine: &Engine,
    name: &str,
    part: Part,
    out: impl Write,
    progress: Arc<dyn Progress>,
) -> Result<()> {
    let _lock = engine.store.lock(name, &format!("export {name}"), Duration::from_secs(20))?;
    let machine = engine.load(name, Arc::clone(&progress))?;
    if let Some(unfinished) = &machine.unfinished {
        return Err(machine.incomplete(unfinished));
    }
    let manifest = match part {
        Part::Whole => whole(&machine).await?,
        Part::Access => access(&machine)?,
    };
    let packed = zstd::Encoder::new(out, LEVEL)?;
    let mut tar = tar::Builder::new(packed);
    let text = serde_json::to_vec_pretty(&manifest).expect("plain data is JSON");
    append(&mut tar, MANIFEST, &text)?;
    for Entry { name, size } in &manifest.files {
        let mut file = File::open(machine.context.machine_dir.join(name))?;
        pieces(&mut file, *size, |offset, piece, done| {
            progress.advance(&format!("Packing {name}"), done, Some(*size));
            match piece.iter().all(|byte| *byte == 0) {
                true => Ok(()),
                false => append(&mut tar, &format!("{name}/{offset}"), piece),
            }
        })?;
    }
    tar.into_inner()?.finish()?.flush()?;
    Ok(())
}

async fn whole(machine: &Machine<'_>) -> Result<Manifest> {
    let name = machine.name();
    let elsewhere = || format!("only the access to it: `machine export --access {name}`");
    if !machine.driver.capabilities().portable {
        let kind = machine.driver.kind();
        return Err(Error::unsupported(kind, "machines that move").hint(elsewhere()));
    }
    if machine.driver.state(&machine.context).await? != State::Stopped {
        return Err(Error::other(format!("machine `{name}` is not off"))
            .hint(format!("machine stop {name}"))
            .hint(elsewhere()));
    }
    let record = machine.driver.record();
    let files = machine.driver.portable_files();
    let files = ACCESS.iter().chain(&IDENTITY).map(|it| (*it).to_owned()).chain(files);
    manifest(machine, Some(record), None, files)
}

fn access(machine: &Machine<'_>) -> Result<Manifest> {
    let url = machine.docker_url()?;
    let endpoint = machine.endpoint();
    let port = url.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    let (Some(ssh), Some(engine_port), true) = (endpoint.ssh, port, url.starts_with("tcp://"))
    else {
        return Err(Error::unsupported(machine.driver.kind(), "access for others"));
    };
    let (host, ssh_port, ssh_user) = (ssh.host, ssh.port, ssh.user);
    let access = Access { host, ssh_port, ssh_user, engine_port };
    manifest(machine, None, Some(access), ACCESS.map(str::to_owned))
}

/// The manifest, with those of the files that there are.
fn manifest(
    machine: &Machine<'_>,
    record: Option<serde_json::Value>,
    access: Option<Access>,
    files: impl IntoIterator<Item = String>,
) -> Result<Manifest> {
    let mut entries = Vec::new();
    for name in files {
        match std::fs::metadata(machine.context.machine_dir.join(&name)) {
            Ok(metadata) => entries.push(Entry { name, size: metadata.len() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    let options = &machine.record.host_options;
    Ok(Manifest {
        version: VERSION,
        name: machine.name().to_owned(),
        driver: machine.record.driver_name.clone(),
        record,
        access,
        engine: options.engine_options.clone(),
        sans: options.auth_options.server_cert_sans.clone(),
        files: entries,
    })
}

/// Reads a file piece by piece: where each begins, its bytes, and where it ends.
fn pieces(
    file: &mut File,
    size: u64,
    mut each: impl FnMut(u64, &[u8], u64) -> Result<()>,
) -> Result<()> {
    let mut buffer = vec![0; PIECE];
    let mut offset = 0;
    while offset < size {
        let length = usize::try_from(size - offset).unwrap_or(PIECE).min(PIECE);
        file.read_exact(&mut buffer[..length])?;
        let end = offset + length as u64;
        each(offset, &buffer[..length], end)?;
        offset = end;
    }
    Ok(())
}

fn append(tar: &mut tar::Builder<impl Write>, name: &str, bytes: &[u8]) -> Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_mode(0o600);
    header.set_size(bytes.len() as u64);
    tar.append_data(&mut header, name, bytes)
        .map_err(|error| Error::from(error).context("the archive cannot be written"))
}
