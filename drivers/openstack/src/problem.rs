//! What the services say when something goes wrong, each in its own form.

use machine_driver::rest::{Answer, Complaint, is_about_tls, problem};
use machine_driver::{Error, ErrorKind};
use serde_json::Value;

/// The code of everything that a quota forbids, whatever the status: Nova says 403, Neutron 409
/// and Cinder 413.
pub(crate) const OVER_QUOTA: &str = "OverQuota";

/// Keystone's `{"error": {…}}`, Nova's and Cinder's `{"badRequest": {…}}`, Neutron's
/// `{"NeutronError": {…}}`, and Glance's and the proxies' pages.
pub(crate) fn complaint(answer: &Answer) -> Complaint {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let first = body.as_object().and_then(|body| body.iter().find(|(_, it)| !it.is_null()));
    let (code, message) = match first {
        Some((key, Value::String(message))) => (key.clone(), message.clone()),
        Some((key, inner)) => {
            let text = |key: &str| inner[key].as_str().unwrap_or_default().to_owned();
            let code = [text("type"), text("title")].into_iter().find(|it| !it.is_empty());
            (code.unwrap_or_else(|| key.clone()), text("message"))
        }
        None => (String::new(), plain(&answer.text())),
    };
    let code = match is_quota(answer.status.as_u16(), &code, &message) {
        true => OVER_QUOTA.to_owned(),
        false => code,
    };
    let request_id = answer.header("x-openstack-request-id").to_owned();
    Complaint { code, message, request_id: Some(request_id) }
}

fn is_quota(status: u16, code: &str, message: &str) -> bool {
    let message = message.to_lowercase();
    let is_told = message.contains("quota") || message.contains("limitexceeded");
    code == OVER_QUOTA
        || ([403, 409, 413].contains(&status) && is_told)
        || (status == 403 && message.starts_with("maximum number of"))
}

/// A page without its tags, in one line. Its title and its heading only repeat the status.
fn plain(page: &str) -> String {
    let page = ["</head>", "</h1>"]
        .iter()
        .fold(page, |page, end| page.split_once(end).map_or(page, |(_, rest)| rest));
    let mut text = String::new();
    let mut inside = false;
    for letter in page.chars() {
        match letter {
            '<' => inside = true,
            '>' => {
                inside = false;
                text.push(' ');
            }
            letter if !inside => text.push(letter),
            _ => {}
        }
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(200).collect()
}

/// Tells a used-up quota from a missing right, and adds what helps.
pub(crate) fn explain(error: Error) -> Error {
    if is_over_quota(&error) {
        return Error::other("a quota of the project is used up")
            .caused_by(error)
            .hint("see what there is: openstack quota show --usage")
            .hint("`machine gc -d openstack` removes what was left behind");
    }
    if is_about_tls(&error) {
        return error
            .hint("if the cloud has an authority of its own: export OS_CACERT=/path/to/ca.pem")
            .hint("if it asks for a certificate: export OS_CERT=... OS_KEY=...");
    }
    if problem(&error).is_some_and(|it| it.status == 409 && it.message.ends_with("is locked")) {
        return error.hint("its owner or an administrator unlocks it: openstack server unlock");
    }
    if error.kind() != ErrorKind::Denied || !error.hints().is_empty() {
        return error;
    }
    match problem(&error).map(|it| it.status) {
        Some(401) => error
            .hint("check user, password, domain and project: openstack token issue")
            // A service says no more of what a credential's access rules leave out.
            .hint(
                "an application credential may have expired, or its access rules leave this out: \
                 `machine driver show openstack`",
            ),
        Some(403) => {
            error.hint("`machine driver show openstack` lists what a user must be allowed")
        }
        _ => error,
    }
}

pub(crate) fn is_over_quota(error: &Error) -> bool {
    problem(error).is_some_and(|it| it.code == OVER_QUOTA)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(status: u16, body: &str) -> Complaint {
        complaint(&Answer {
            status: reqwest::StatusCode::from_u16(status).unwrap(),
            headers: reqwest::header::HeaderMap::new(),
            body: body.into(),
            call: String::new(),
        })
    }

    #[test]
    fn every_service_has_its_own_form() {
        let cases = [
            (
                401,
                r#"{"error":{"code":401,"message":"no","title":"Unauthorized"}}"#,
                "Unauthorized",
                "no",
            ),
            (400, r#"{"badRequest":{"code":400,"message":"no"}}"#, "badRequest", "no"),
            (
                404,
                r#"{"NeutronError":{"type":"PortNotFound","message":"no","detail":""}}"#,
                "PortNotFound",
                "no",
            ),
            (
                404,
                // Glance 25.
                "<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  \
                 <h1>404 Not Found</h1>\n  No image found with ID x<br /><br />\n\n\n\n </body>\n</html>",
                "",
                "No image found with ID x",
            ),
        ];
        for (status, body, code, message) in cases {
            let told = told(status, body);
            assert_eq!((told.code.as_str(), told.message.as_str()), (code, message), "{body}");
        }
    }

    #[test]
    fn a_quota_is_no_missing_right() {
        let cases = [
            (
                403,
                r#"{"forbidden":{"code":403,"message":"Quota exceeded for instances: Requested 1"}}"#,
                true,
            ),
            (403, r#"{"forbidden":{"code":403,"message":"Policy doesn't allow it"}}"#, false),
            (409, r#"{"NeutronError":{"type":"OverQuota","message":"x","detail":""}}"#, true),
            (409, r#"{"conflictingRequest":{"code":409,"message":"is locked"}}"#, false),
            (
                413,
                r#"{"overLimit":{"code":413,"message":"VolumeLimitExceeded: Maximum 10"}}"#,
                true,
            ),
            (
                413,
                r#"{"overLimit":{"code":413,"message":"This request was rate-limited."}}"#,
                false,
            ),
        ];
        for (status, body, quota) in cases {
            assert_eq!(told(status, body).code == OVER_QUOTA, quota, "{body}");
        }
    }
}
