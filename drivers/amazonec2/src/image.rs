//! Images by family, looked up at run time: tables of ids are dead within two years.

use machine_driver::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use crate::params::Params;
use crate::place::Place;
use crate::record::Record;
use crate::xml::Set;

/// What the driver reads of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Image {
    #[serde(rename = "imageId")]
    pub(crate) id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    pub(crate) architecture: String,
    #[serde(default)]
    creation_date: String,
    #[serde(default)]
    root_device_name: String,
    #[serde(default, rename = "blockDeviceMapping")]
    pub(crate) devices: Set<Device>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Device {
    #[serde(default, rename = "deviceName")]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) ebs: Option<Ebs>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ebs {
    #[serde(default)]
    pub(crate) volume_size: i64,
}

#[derive(Deserialize)]
struct Images {
    #[serde(default, rename = "imagesSet")]
    images: Set<Image>,
}

/// Who makes the images of a family, and what they are called.
struct Family {
    owner: &'static str,
    /// With `ARCH` for `amd64` or `arm64`. The first pattern that has an image counts.
    names: Vec<String>,
}

/// The image if the user names none. When it has gone, the newest long-term Ubuntu stands in.
const DEFAULT: &str = "ubuntu-24.04";

/// Canonical's account ("Find Ubuntu images on AWS", documentation.ubuntu.com/aws) and Debian's
/// (wiki.debian.org/Cloud/AmazonEC2Image).
const CANONICAL: &str = "099720109477";
const DEBIAN: &str = "136693071363";

impl Family {
    fn of(word: &str) -> Option<Self> {
        let ubuntu = |pattern: &str| format!("ubuntu/images/{pattern}-ARCH-server-*");
        match word.split_once('-')? {
            ("ubuntu", version) => Some(Self {
                owner: CANONICAL,
                names: vec![ubuntu(&format!("hvm-ssd*/ubuntu-*-{version}"))],
            }),
            ("debian", version) => {
                Some(Self { owner: DEBIAN, names: vec![format!("debian-{version}-ARCH-2*")] })
            }
            _ => None,
        }
        .filter(|_| word.rsplit('-').next().is_some_and(is_version))
    }

    fn standard() -> Self {
        let mut family = Self::of(DEFAULT).expect("the default is a family");
        family.names.push("ubuntu/images/hvm-ssd*/ubuntu-*-ARCH-server-*".to_owned());
        family
    }
}

fn is_version(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit() || it == b'.')
}

/// What is launched.
pub(crate) enum Chosen {
    Image(Image),
    /// A parameter of the account's, which EC2 looks up itself.
    Parameter(String),
}

impl Chosen {
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Image(image) => &image.id,
            Self::Parameter(name) => name,
        }
    }

    /// docker-machine's is `/dev/sda1`.
    pub(crate) fn root_device<'a>(&'a self, record: &'a Record) -> &'a str {
        match (record.device_name.as_str(), self) {
            ("", Self::Image(image)) if !image.root_device_name.is_empty() => {
                &image.root_device_name
            }
            ("", _) => "/dev/sda1",
            (name, _) => name,
        }
    }
}

/// The image that the record asks for; `architecture` is that of the instance type.
pub(crate) async fn chosen(place: &Place, record: &Record, architecture: &str) -> Result<Chosen> {
    let word = record.ami.as_str();
    if word.starts_with("resolve:ssm:") {
        return Ok(Chosen::Parameter(word.to_owned()));
    }
    let family = match word {
        "" => Family::standard(),
        word if word.starts_with("ami-") => return by_id(place, record).await.map(Chosen::Image),
        word => Family::of(word).ok_or_else(|| {
            Error::new(ErrorKind::Flags, format!("`{word}` is no image"))
                .hint("for example: --amazonec2-ami ami-0123456789abcdef0")
                .hint("or the newest of a family: --amazonec2-ami ubuntu-24.04, debian-13")
        })?,
    };
    for name in &family.names {
        let arch = if architecture == "arm64" { "arm64" } else { "amd64" };
        let name = name.replace("ARCH", arch);
        let images = images_named(place, family.owner, &name, architecture).await?;
        if let Some(newest) = newest(images) {
            return Ok(Chosen::Image(newest));
        }
    }
    let family = if word.is_empty() { DEFAULT } else { word };
    let region = record.signing_region();
    Err(Error::new(ErrorKind::Flags, format!("region {region} has no image of {family}"))
        .caused_by(format!("for the architecture {architecture}"))
        .hint("name an image: --amazonec2-ami ami-..."))
}

async fn by_id(place: &Place, record: &Record) -> Result<Image> {
    let id = &record.ami;
    let fetch = async || {
        let params = Params::new().list("ImageId", [id]);
        let found: Images = place.fetch("DescribeImages", params).await?;
        Ok(found.images.items)
    };
    let found: Result<Vec<Image>> = place.catalogue(&format!("image-{id}"), fetch).await;
    let missing = || {
        let region = record.signing_region();
        Error::new(ErrorKind::Flags, format!("AMI {id} not found on region {region}"))
            .hint("images are of one region: leave --amazonec2-ami out for the newest Ubuntu")
    };
    match found {
        Ok(images) => images.into_iter().next().ok_or_else(missing),
        Err(error) if crate::place::code(&error).starts_with("InvalidAMIID") => {
            Err(missing().caused_by(error))
        }
        Err(error) => Err(error),
    }
}

async fn images_named(
    place: &Place,
    owner: &str,
    name: &str,
    architecture: &str,
) -> Result<Vec<Image>> {
    let key = &machine_driver::file::sha256_hex(name.as_bytes())[..16];
    let fetch = async || {
        let params = Params::new()
            .list("Owner", [owner])
            .filter("name", [name])
            .filter("architecture", [architecture])
            .filter("state", ["available"]);
        let found: Images = place.fetch("DescribeImages", params).await?;
        Ok(found.images.items)
    };
    place.catalogue(&format!("images-{key}"), fetch).await
}

/// The highest version, and of that the last that was made. Ubuntu's releases between those that
/// are supported for long do not count.
fn newest(images: Vec<Image>) -> Option<Image> {
    let version = |image: &Image| -> Option<(u32, u32)> {
        let word = image.name.split(['/', '-']).find(|word| {
            word.split_once('.').is_some_and(|(a, b)| is_version(a) && is_version(b))
        })?;
        let (year, month) = word.split_once('.')?;
        Some((year.parse().ok()?, month.parse().ok()?))
    };
    let long_term = |image: &Image| {
        !image.name.starts_with("ubuntu/")
            || version(image).is_some_and(|(year, month)| year % 2 == 0 && month == 4)
    };
    images
        .into_iter()
        .filter(|image| long_term(image) && !image.name.contains("-minimal-"))
        .max_by_key(|image| (version(image), image.creation_date.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(name: &str, date: &str) -> Image {
        Image {
            id: format!("ami-{date}"),
            name: name.into(),
            architecture: "x86_64".into(),
            creation_date: date.into(),
            root_device_name: String::new(),
            devices: Set::default(),
        }
    }

    #[test]
    fn the_newest_long_term_release() {
        let images = vec![
            image(
                "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20260101",
                "2026-01-01",
            ),
            image(
                "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20260201",
                "2026-02-01",
            ),
            image("ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-20260301", "2026-03-01"),
            image(
                "ubuntu/images/hvm-ssd-gp3/ubuntu-plucky-25.04-amd64-server-20260401",
                "2026-04-01",
            ),
        ];
        assert_eq!(newest(images).unwrap().id, "ami-2026-02-01");
        let images = vec![
            image("debian-13-amd64-20260101-1", "1"),
            image("debian-13-amd64-20260201-1", "2"),
        ];
        assert_eq!(newest(images).unwrap().id, "ami-2");
    }

    #[test]
    fn a_recorded_list() {
        let Some(list) = crate::recorded::answer("describe_images.xml") else { return };
        let list: Images = crate::xml::read(&list).unwrap();
        let first = &list.images.items[0];
        assert_eq!((first.id.as_str(), list.images.items.len()), ("ami-57ba933a", 3));
        let chosen = Chosen::Image(first.clone());
        assert_eq!(chosen.root_device(&Record::default()), "/dev/sda1");
        let sizes: Vec<_> =
            first.devices.items.iter().map(|it| it.ebs.as_ref().map(|it| it.volume_size)).collect();
        assert_eq!(sizes, [Some(10), None]);
    }

    #[test]
    fn families() {
        let names = |word| Family::of(word).map(|it| it.names[0].clone());
        assert_eq!(
            names("ubuntu-26.04").as_deref(),
            Some("ubuntu/images/hvm-ssd*/ubuntu-*-26.04-ARCH-server-*")
        );
        assert_eq!(names("debian-13").as_deref(), Some("debian-13-ARCH-2*"));
        assert_eq!((names("fedora-44"), names("ubuntu-"), names("ubuntu-*")), (None, None, None));
    }
}
