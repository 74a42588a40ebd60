use std::path::PathBuf;
use std::process::ExitCode;

use super::error::CliError;
use super::session::Session;
use super::{console, create};
use crate::iso::Entry;
use crate::output::table;
use crate::output::text;

/// Build, list, check and remove guest images
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Build an image from the packages that the mirror has now
    Build(BuildArgs),
    /// Take an image that was built elsewhere into the cache
    Import {
        /// The image's ISO, or its directory (`machine.iso`, `vmlinuz`, `initrd.img`,
        /// `manifest.json`)
        file: PathBuf,
    },
    /// List the images in the cache; the last one is what `create` uses
    Ls {
        /// table or json
        #[arg(long, short)]
        format: Option<String>,
    },
    /// Remove images from the cache; machines keep theirs
    Rm {
        #[arg(required_unless_present = "packages")]
        versions: Vec<String>,
        /// Remove the downloaded packages too
        #[arg(long)]
        packages: bool,
    },
    /// Check the images' files against their hashes
    Verify { versions: Vec<String> },
}

#[derive(Debug, clap::Args)]
pub(super) struct BuildArgs {
    /// Debian mirror to use instead of the host's own [env: `MACHINE_DEBIAN_MIRROR`]
    #[arg(long, value_name = "URL")]
    mirror: Option<String>,
    /// Further signed repository, as `URL SUITE COMPONENT… KEYFILE` (can be repeated)
    #[arg(long, value_name = "SPEC")]
    repo: Vec<String>,
}

pub(super) async fn run(command: Command, session: &Session) -> Result<ExitCode, CliError> {
    let images = &session.engine.images;
    match command {
        Command::Build(args) => {
            let show = create::progress();
            let images = images.clone().with(|settings| {
                settings.mirror = args.mirror.or(settings.mirror.take());
                settings.repos.extend(args.repo);
            });
            let built = images.build(show.for_machine("image")).await;
            show.finish();
            console::println(&built?.manifest.version)?;
        }
        Command::Import { file } => {
            let show = create::progress();
            let imported = images.import(&file, &*show.for_machine("image")).await;
            show.finish();
            console::println(&imported?.manifest.version)?;
        }
        Command::Ls { format } => list(&images.entries()?, format.as_deref())?,
        Command::Rm { versions, packages } => {
            for version in versions {
                images.remove(&version)?;
            }
            if packages {
                images.remove_packages()?;
            }
        }
        Command::Verify { versions } => {
            let versions = match versions.is_empty() {
                true => images.entries()?.into_iter().map(|entry| entry.manifest.version).collect(),
                false => versions,
            };
            for version in versions {
                images.verify(&version)?;
                console::println(&format!("{version}: good"))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(entries: &[Entry], format: Option<&str>) -> Result<(), CliError> {
    if format == Some("json") {
        let manifests: Vec<_> = entries.iter().map(|entry| &entry.manifest).collect();
        let text = serde_json::to_string_pretty(&manifests)
            .map_err(|error| CliError::new(error.to_string()))?;
        return Ok(console::println(&text)?);
    }
    let header = ["VERSION", "DOCKER", "KERNEL", "BUILT", "SIZE", "DEFAULT"].map(str::to_owned);
    let mut rows = vec![header.to_vec()];
    for (place, entry) in entries.iter().enumerate() {
        let age = entry.built.elapsed().unwrap_or_default();
        let default = if place + 1 == entries.len() { "*" } else { "" };
        rows.push(vec![
            entry.manifest.version.clone(),
            entry.manifest.docker.clone(),
            entry.manifest.kernel.clone(),
            format!("{} ago", text::human_duration(age)),
            format!("{} MB", entry.size() / 1_000_000),
            default.to_owned(),
        ]);
    }
    Ok(console::print(&table::render(&rows))?)
}
