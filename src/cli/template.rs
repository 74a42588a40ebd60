use std::process::{ExitCode, Stdio};

use machine_driver::{Result, Template};

use super::driver_flags::Given;
use super::error::CliError;
use super::session::Session;
use super::{console, create, listing, system};
use crate::engine::{
    Like, build_template, lacks_template, list_templates, remove_template, trim_templates,
    verify_template,
};
use crate::output::{table, text};

/// Build, list, check and remove templates: machines prepared in advance
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make the template for machines with these options, or like one that exists
    Build(BuildArgs),
    /// List the templates
    Ls {
        /// table, json, yaml, or a Go template
        #[arg(long, short)]
        format: Option<String>,
    },
    /// Remove templates; machines made from them keep working
    Rm {
        /// Templates, by their ID
        #[arg(required_unless_present = "all")]
        ids: Vec<String>,
        /// Remove all of them
        #[arg(long, conflicts_with = "ids")]
        all: bool,
    },
    /// Check the templates' files against their hashes
    Verify { ids: Vec<String> },
}

#[derive(Debug, clap::Args)]
pub(super) struct BuildArgs {
    /// Driver of the machines. [env: `MACHINE_DRIVER`] [default: qemu]
    #[arg(long, short, value_name = "DRIVER", conflicts_with = "like")]
    driver: Option<String>,
    /// A machine whose options the template is for
    #[arg(long, value_name = "NAME")]
    like: Option<String>,
    /// How many templates to keep: those not used for the longest time are removed
    #[arg(long, value_name = "N", default_value_t = 4)]
    keep: usize,
    /// Give way to everything else that this computer does
    #[arg(long, hide = true)]
    background: bool,
}

pub(super) async fn run(
    command: Command,
    given: Given,
    session: &Session,
) -> Result<ExitCode, CliError> {
    match command {
        Command::Build(args) => build(args, given, session).await?,
        Command::Ls { format } => list(&list_templates(&session.engine)?, format.as_deref())?,
        Command::Rm { mut ids, all } => {
            if all {
                ids = list_templates(&session.engine)?.into_iter().map(|(_, it)| it.id).collect();
            }
            for id in ids {
                remove_template(&session.engine, &id)?;
            }
        }
        Command::Verify { mut ids } => {
            if ids.is_empty() {
                ids = list_templates(&session.engine)?.into_iter().map(|(_, it)| it.id).collect();
            }
            for id in ids {
                verify_template(&session.engine, &id).await?;
                console::println(&format!("{id}: good"))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn build(args: BuildArgs, given: Given, session: &Session) -> Result<(), CliError> {
    if args.background {
        // It is a courtesy: without it the work is done all the same.
        system::give_way().ok();
    }
    let like = match args.like {
        Some(name) => {
            super::target::check(session, &name)?;
            Like::Machine(name)
        }
        None => {
            Like::Options { driver: given.driver, values: given.values, engine: Box::default() }
        }
    };
    let show = create::progress();
    let built = build_template(&session.engine, &like, show.for_machine("template")).await;
    show.finish();
    let built = built?;
    trim_templates(&session.engine, args.keep.max(1))?;
    Ok(console::println(&built.id)?)
}

/// After a `create` that had to boot: a process of its own makes the template for the next one. What
/// goes wrong with it is no failure of the `create`.
pub(super) async fn build_in_background(name: &str, session: &Session) {
    let lacks = async {
        let machine = session.engine.load(name, super::session::silent())?;
        lacks_template(&session.engine, &machine).await
    };
    let lacks: Result<bool> = lacks.await;
    match lacks {
        Ok(true) => {
            if let Err(error) = spawn(name, session) {
                tracing::debug!(%error, "no template is made");
            }
        }
        Ok(false) => {}
        Err(error) => tracing::debug!(%error, "no template is made"),
    }
}

fn spawn(name: &str, session: &Session) -> std::io::Result<()> {
    let cache = session.engine.images.cache();
    machine_driver::file::create_dir(cache)?;
    let log = std::fs::File::create(cache.join("template.log"))?;
    let mut command = std::process::Command::new(std::env::current_exe()?);
    command
        .arg("--storage-path")
        .arg(session.engine.store.base())
        .args(["template", "build", "--background", "--like", name])
        .env("MACHINE_CACHE_PATH", cache)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    system::apart(&mut command);
    command.spawn().map(drop)
}

fn list(templates: &[(String, Template)], format: Option<&str>) -> Result<(), CliError> {
    let data = templates.iter().map(data).collect();
    listing::print(format, &data, || table(templates))
}

fn table(templates: &[(String, Template)]) -> String {
    let header = ["ID", "DRIVER", "IMAGE", "FITS", "CREATED", "USED", "SIZE"].map(str::to_owned);
    let mut rows = vec![header.to_vec()];
    let ago = |time: std::time::SystemTime| {
        format!("{} ago", text::human_duration(time.elapsed().unwrap_or_default()))
    };
    for (driver, template) in templates {
        rows.push(vec![
            template.id.clone(),
            driver.clone(),
            template.image.clone(),
            template.fits.clone(),
            ago(template.created),
            ago(template.used),
            format!("{} MB", template.size / 1_000_000),
        ]);
    }
    table::render(&rows)
}

fn data((driver, template): &(String, Template)) -> serde_json::Value {
    serde_json::json!({
        "id": template.id,
        "driver": driver,
        "image": template.image,
        "fits": template.fits,
        "created": listing::seconds(template.created),
        "used": listing::seconds(template.used),
        "size": template.size,
    })
}
