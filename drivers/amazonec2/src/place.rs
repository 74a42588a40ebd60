use std::time::{Duration, SystemTime};

use machine_driver::rest::{Answer, Api, Complaint, Pace, Rate, Shared, problem};
use machine_driver::{Context, Error, ErrorKind, Result, cloud};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::login::Login;
use crate::params::Params;
use crate::record::Record;
use crate::xml;

/// An account in a region.
pub(crate) struct Place {
    api: Api,
    pub(crate) shared: Shared,
    /// Tells accounts and regions apart, for locks.
    pub(crate) name: String,
    /// Whether failed calls are made again: docker-machine's `--amazonec2-retries`.
    repeats: bool,
}

/// Amazon gives out 20 describing calls a second and 5 changing ones, with room for 50 of these at
/// once ("Request throttling for the Amazon EC2 API", November 2026); we stay between, and below the
/// ten that other clouds which speak EC2's language may have.
const RATE: Rate = Rate { per_second: 8.0, burst: 2 };

const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

/// How old a list may be that is only waited on.
pub(crate) const POLL: Duration = Duration::from_secs(2);

/// How long a catalogue answers for.
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// Beside the lists, each page says where the next one is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    #[serde(default)]
    next_token: String,
}

/// The two forms of errors: EC2's own, and that of Amazon's other services.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Refusal {
    #[serde(default)]
    errors: Refusals,
    error: Option<Words>,
    #[serde(rename = "RequestID", alias = "RequestId", default)]
    request_id: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Refusals {
    error: Option<Words>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Words {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

impl Place {
    pub(crate) async fn open(cx: &Context, record: &Record) -> Result<Self> {
        let login = Login::new(cx, record).await?;
        // A role has a new key each hour, which costs no more than a lookup.
        let name =
            format!("{} {} {}", record.url(), record.signing_region(), login.access_key().await?);
        let pace = Pace::of(cx, &name, RATE);
        let api = Api::new("Amazon EC2", &record.url(), login, complaint, pace)?;
        let shared = Shared::new(&cx.cache_dir, &name);
        Ok(Self { api, shared, name, repeats: record.retry_count > 0 })
    }

    /// Makes a call that is harmless when it is made twice, which all of ours are: they describe,
    /// they name what they change, they carry a client token, or EC2 refuses a second one.
    pub(crate) async fn call(&self, action: &str, params: Params) -> Result<Answer> {
        let request = self.api.post("/").body(FORM, params.body(action));
        let request = if self.repeats { request.repeatable() } else { request };
        request.send().await.map_err(|error| told(action, error))
    }

    pub(crate) async fn fetch<T: DeserializeOwned>(
        &self,
        action: &str,
        params: Params,
    ) -> Result<T> {
        xml::read(&self.call(action, params).await?.body)
    }

    /// The answers of all pages of a list.
    pub(crate) async fn pages<T: DeserializeOwned>(
        &self,
        action: &str,
        params: Params,
    ) -> Result<Vec<T>> {
        let mut all = Vec::new();
        let mut token = String::new();
        loop {
            let answer = self.call(action, params.clone().set("NextToken", &token)).await?;
            all.push(xml::read(&answer.body)?);
            let page: Page = xml::read(&answer.body)?;
            if page.next_token.is_empty() || page.next_token == token {
                return Ok(all);
            }
            token = page.next_token;
        }
    }

    /// Something that hardly ever changes.
    pub(crate) async fn catalogue<T, F>(&self, key: &str, fetch: impl FnOnce() -> F) -> Result<T>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = Result<T>>,
    {
        self.shared.get(key, HOUR, SystemTime::UNIX_EPOCH, fetch).await
    }
}

/// EC2's word for what went wrong, for example `InvalidGroup.Duplicate`; empty if it said none.
pub(crate) fn code(error: &Error) -> &str {
    problem(error).map_or("", |problem| problem.code.as_str())
}

fn complaint(answer: &Answer) -> Complaint {
    let Ok(refusal) = xml::read::<Refusal>(&answer.body) else { return Complaint::default() };
    let words = refusal.errors.error.or(refusal.error);
    let (code, message) = words.map_or_else(Default::default, |words| (words.code, words.message));
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    Complaint { code, message, request_id: Some(refusal.request_id) }
}

/// Says which call it was, and of which kind its failure: EC2 answers nearly all with 400.
fn told(action: &str, error: Error) -> Error {
    let code = code(&error).to_owned();
    let kind = match code.as_str() {
        it if it.ends_with(".NotFound") || it.ends_with(".NotFound.Id") => ErrorKind::NotFound,
        it if it.ends_with(".Duplicate") => ErrorKind::Conflict,
        "DependencyViolation" | "IncorrectInstanceState" | "IdempotentParameterMismatch" => {
            ErrorKind::Conflict
        }
        "AuthFailure"
        | "UnauthorizedOperation"
        | "InvalidClientTokenId"
        | "ExpiredToken"
        | "RequestExpired"
        | "SignatureDoesNotMatch"
        | "MissingAuthenticationToken"
        | "OptInRequired"
        | "Blocked"
        | "UnrecognizedClientException"
        | "AccessDenied" => ErrorKind::Denied,
        _ => error.kind(),
    };
    let message = format!("Amazon EC2 did not carry out `{action}`");
    let told = Error::new(kind, message);
    let told = error.hints().iter().fold(told, Error::hint);
    let told = match code.as_str() {
        "ExpiredToken" | "RequestExpired" => {
            told.hint("the session has ended, or this computer's clock is wrong")
        }
        "UnauthorizedOperation" | "AccessDenied" => {
            told.hint("`machine driver show amazonec2` lists what must be allowed")
        }
        "AuthFailure" | "InvalidClientTokenId" | "SignatureDoesNotMatch" => {
            told.hint("aws sts get-caller-identity")
        }
        "OptInRequired" => told.hint("enable the region for the account first"),
        "InstanceLimitExceeded" | "VcpuLimitExceeded" | "MaxSpotInstanceCountExceeded" => told
            .hint("ask for more: https://console.aws.amazon.com/servicequotas")
            .hint("`machine gc` removes what was left behind"),
        "InsufficientInstanceCapacity" => {
            told.hint("try another zone or type: --amazonec2-zone b, --amazonec2-instance-type")
        }
        "SpotMaxPriceTooLow" => told.hint("offer more: --amazonec2-spot-price"),
        _ => told,
    };
    told.caused_by(error)
}

/// The regions of November 2026, for "did you mean". A region that is not among them may be new.
const REGIONS: [&str; 38] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
];

pub(crate) fn is_known_region(region: &str) -> bool {
    REGIONS.contains(&region)
}

/// Whether it could be one: `eu-central-1`.
pub(crate) fn could_be_region(region: &str) -> bool {
    let parts: Vec<&str> = region.split('-').collect();
    let word = |part: &&str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_lowercase());
    match parts.as_slice() {
        [words @ .., number] => {
            words.len() >= 2 && words.iter().all(word) && number.parse::<u8>().is_ok()
        }
        [] => false,
    }
}

pub(crate) fn unknown_region(region: &str) -> Error {
    cloud::unknown("amazonec2-region", "region", region, REGIONS)
        .context("Invalid region specified")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> Answer {
        Answer {
            status: 400.try_into().unwrap(),
            headers: reqwest::header::HeaderMap::default(),
            body: body.into(),
            call: String::new(),
        }
    }

    #[test]
    fn both_forms_of_errors_are_read() {
        let told = complaint(&answer(
            "<?xml version=\"1.0\"?><Response><Errors><Error><Code>InvalidKeyPair.NotFound</Code>\
             <Message>The key pair\n 'x' does not exist</Message></Error></Errors>\
             <RequestID>31b97300</RequestID></Response>",
        ));
        assert_eq!(told.code, "InvalidKeyPair.NotFound");
        assert_eq!(told.message, "The key pair 'x' does not exist");
        assert_eq!(told.request_id.as_deref(), Some("31b97300"));
        let told = complaint(&answer(
            "<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>no</Message>\
             </Error><RequestId>r1</RequestId></ErrorResponse>",
        ));
        assert_eq!((told.code.as_str(), told.request_id.as_deref()), ("ExpiredToken", Some("r1")));
        assert_eq!(complaint(&answer("<html>")).code, "");
    }

    #[test]
    fn recorded_refusals() {
        for (name, code) in [
            ("run_instances_idem_mismatch.xml", "IdempotentParameterMismatch"),
            ("describe_key_pairs_doesnt_exist.xml", "InvalidKeyPair.NotFound"),
        ] {
            let Some(body) = crate::recorded::answer(name) else { return };
            let told = complaint(&answer(&String::from_utf8(body).unwrap()));
            assert_eq!(told.code, code);
            assert!(told.request_id.is_some_and(|id| id.len() == 36));
        }
    }

    #[test]
    fn regions_that_could_be() {
        for region in REGIONS.iter().chain(&["eu-isoe-west-1", "xx-new-9"]) {
            assert!(could_be_region(region), "{region}");
        }
        for wrong in ["", "us", "us-east", "us-east-1a", "us east 1", "-east-1"] {
            assert!(!could_be_region(wrong), "{wrong}");
        }
        assert!(unknown_region("eu-centrl-1").one_line().starts_with("Invalid region specified"));
    }
}
