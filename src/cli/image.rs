use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, UNIX_EPOCH};

use super::error::CliError;
use super::session::Session;
use super::{console, create, listing};
use crate::iso::{Entry, Iso};
use crate::output::{table, text};

/// Build, fetch, list, check and remove guest images
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
    /// Fetch boot2docker, or another image with its contract, into the cache
    Pull {
        /// `latest`, a version such as 18.09.4, or the address of an ISO or of a page of releases
        source: String,
    },
    /// List the images in the cache; the last one is what `create` uses
    Ls {
        /// table, json, yaml, or a Go template
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
    /// Remove the images that `create` would not use by itself
    Prune,
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
        Command::Pull { source } => {
            let show = create::progress();
            let pulled = images.pull(&source, &*show.for_machine("image")).await;
            show.finish();
            console::println(&pulled?.version)?;
        }
        Command::Ls { format } => list(&images.isos()?, &images.entries()?, format.as_deref())?,
        Command::Rm { versions, packages } => {
            for version in versions {
                images.remove(&version)?;
            }
            if packages {
                images.remove_packages()?;
            }
        }
        Command::Prune => {
            let show = create::progress();
            let pruned = images.prune(&*show.for_machine("image")).await;
            show.finish();
            for version in pruned? {
                console::println(&version)?;
            }
        }
        Command::Verify { versions } => {
            let all = || -> Result<Vec<(String, String)>, CliError> {
                let isos = images.isos()?.into_iter().map(|iso| (iso.sha256, iso.version));
                let own = images.entries()?.into_iter().map(|entry| entry.manifest.version);
                Ok(isos.chain(own.map(|version| (version.clone(), version))).collect())
            };
            let named = match versions.is_empty() {
                true => all()?,
                false => versions.into_iter().map(|name| (name.clone(), name)).collect(),
            };
            for (name, version) in named {
                images.verify(&name)?;
                console::println(&format!("{version}: good"))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(isos: &[Iso], entries: &[Entry], format: Option<&str>) -> Result<(), CliError> {
    let manifests = entries.iter().map(|entry| serde_json::to_value(&entry.manifest));
    let data = isos.iter().map(serde_json::to_value).chain(manifests);
    let data = data.collect::<Result<_, _>>().map_err(|error| CliError::new(error.to_string()))?;
    listing::print(format, &data, || table(isos, entries))
}

fn table(isos: &[Iso], entries: &[Entry]) -> String {
    let header = ["VERSION", "DOCKER", "KERNEL", "BUILT", "SIZE", "DEFAULT"].map(str::to_owned);
    let mut rows = vec![header.to_vec()];
    for iso in isos {
        // boot2docker's version is its Engine's.
        let docker = iso.version.strip_prefix('v').unwrap_or("-");
        let fetched = UNIX_EPOCH + Duration::from_secs(iso.fetched);
        rows.push(vec![
            iso.version.clone(),
            docker.to_owned(),
            "-".to_owned(),
            format!("{} ago", text::human_duration(fetched.elapsed().unwrap_or_default())),
            format!("{} MB", iso.size / 1_000_000),
            String::new(),
        ]);
    }
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
    table::render(&rows)
}
