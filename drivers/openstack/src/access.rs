use std::path::Path;

use machine_driver::http::Tls;
use machine_driver::{Context, Error, ErrorKind, Result, Secret};
use serde_json::{Value, json};

use crate::clouds::{self, Entry};
use crate::flags::{PASSWORD_VARIABLE, SECRET_VARIABLE, TOKEN_VARIABLE};
use crate::record::Record;

/// How to log in, and to what: the record, and for the rest the entry of `clouds.yaml` that it
/// names.
pub(crate) struct Access {
    /// Of Keystone's version 3, without a slash at the end.
    pub(crate) auth_url: String,
    /// The body of the log-in. It has a secret in it.
    pub(crate) request: Value,
    pub(crate) region: String,
    /// `public`, `internal` or `admin`.
    pub(crate) interface: String,
    pub(crate) tls: Tls,
    pub(crate) entry: Entry,
}

pub(crate) async fn access(cx: &Context, record: &Record) -> Result<Access> {
    let ours = &record.ours;
    let entry = match ours.cloud.as_str() {
        "" => Entry::default(),
        name => clouds::read(&cx.environment, name, &ours.clouds_file)?,
    };
    let auth_url = or(&record.auth_url, || entry.auth("auth_url"));
    if auth_url.is_empty() {
        return Err(Error::new(ErrorKind::Flags, "there is no address of Keystone")
            .hint("export OS_AUTH_URL=https://.../v3")
            .hint("or put `auth_url` into the entry of clouds.yaml"));
    }
    let version = or("", || entry.text("identity_api_version"));
    if version.starts_with('2') {
        return Err(version_2("identity_api_version: 2"));
    }
    let region = [&ours.region_in_use, &record.region].into_iter().find(|it| !it.is_empty());
    let interface =
        or(&record.endpoint_type, || or(&entry.text("interface"), || entry.text("endpoint_type")));
    Ok(Access {
        auth_url: version_3(&auth_url)?,
        request: request(cx, record, &entry).await?,
        region: region.cloned().unwrap_or_else(|| entry.region()),
        interface: match interface.trim_end_matches("URL") {
            "" => "public".to_owned(),
            interface => interface.to_owned(),
        },
        tls: tls(cx, record, &entry)?,
        entry,
    })
}

/// The address of version 3: what is given may have a version or none.
pub(crate) fn version_3(auth_url: &str) -> Result<String> {
    let url = auth_url.trim_end_matches('/');
    match url.rsplit('/').next().unwrap_or_default() {
        "v3" => Ok(url.to_owned()),
        "v2.0" | "v2" => Err(version_2(auth_url)),
        _ => Ok(format!("{}/v3", url.trim_end_matches("/auth/tokens").trim_end_matches("/v3"))),
    }
}

fn version_2(what: &str) -> Error {
    let error = Error::new(ErrorKind::Flags, "version 2 of Keystone is not supported")
        .caused_by(format!("`{what}` asks for it; OpenStack took it out in 2018"));
    match what.rsplit_once("/v2") {
        Some((before, _)) => error.hint(format!("export OS_AUTH_URL={before}/v3")),
        None => error.hint("version 3 needs no more than `auth_url`, a user and a project"),
    }
}

fn or(given: &str, otherwise: impl FnOnce() -> String) -> String {
    if given.is_empty() { otherwise() } else { given.to_owned() }
}

/// Methods of Keystone, besides `password`.
const CREDENTIAL: &str = "application_credential";
const TOKEN: &str = "token";

/// The body of `POST /v3/auth/tokens`.
async fn request(cx: &Context, record: &Record, entry: &Entry) -> Result<Value> {
    let rancher = &record.rancher;
    let credential_id =
        or(&rancher.application_credential_id, || entry.auth("application_credential_id"));
    let credential_name =
        or(&rancher.application_credential_name, || entry.auth("application_credential_name"));
    let kind = auth_type(cx, record, entry);
    let has_credential = !credential_id.is_empty() || !credential_name.is_empty();
    let has_token = !record.ours.token.is_empty() || !entry.auth("token").is_empty();
    let has_password = !record.password.is_empty() || !entry.auth("password").is_empty();
    let method = match kind.trim_start_matches("v3").replace('_', "").as_str() {
        "" => match (has_credential, has_token && !has_password) {
            (true, _) => CREDENTIAL,
            (false, true) => TOKEN,
            (false, false) => "password",
        },
        "applicationcredential" => CREDENTIAL,
        "token" => TOKEN,
        "password" => "password",
        _ => {
            let message = format!("the log-in of type `{kind}` is not supported");
            return Err(Error::new(ErrorKind::Flags, message)
                .hint("these are: v3password, v3token, v3applicationcredential"));
        }
    };
    let identity = match method {
        CREDENTIAL => {
            let what = "secret of the application credential";
            let secret = &rancher.application_credential_secret;
            let key = "application_credential_secret";
            let secret = secret_of(cx, secret, what, SECRET_VARIABLE, &entry.auth(key)).await?;
            match credential_id.as_str() {
                "" => json!({
                    "name": credential_name, "secret": secret, "user": user(record, entry)?,
                }),
                id => json!({ "id": id, "secret": secret }),
            }
        }
        TOKEN => {
            let token = &record.ours.token;
            let token = secret_of(cx, token, "token", TOKEN_VARIABLE, &entry.auth("token")).await?;
            json!({ "id": token })
        }
        _ => {
            let mut user = user(record, entry)?;
            let stored = entry.auth("password");
            let password = &record.password;
            user["password"] =
                secret_of(cx, password, "password", PASSWORD_VARIABLE, &stored).await?.into();
            json!({ "user": user })
        }
    };
    let mut auth = json!({ "identity": { "methods": [method], method: identity } });
    // An application credential is for one project, and no other can be asked for.
    if method != CREDENTIAL
        && let Some(project) = project(record, entry)
    {
        auth["scope"] = json!({ "project": project });
    }
    Ok(json!({ "auth": auth }))
}

/// The environment speaks where no entry of `clouds.yaml` is asked for.
fn auth_type(cx: &Context, record: &Record, entry: &Entry) -> String {
    match record.ours.cloud.as_str() {
        "" => cx.environment.var("OS_AUTH_TYPE").unwrap_or_default().to_owned(),
        _ => entry.text("auth_type"),
    }
}

/// The secret that the record refers to, or else the one of `clouds.yaml`.
async fn secret_of(
    cx: &Context,
    secret: &Secret,
    what: &str,
    variable: &str,
    of_entry: &str,
) -> Result<String> {
    if secret.is_empty() && !of_entry.is_empty() {
        return Ok(of_entry.to_owned());
    }
    secret.reveal(cx, &format!("OpenStack {what}"), variable).await
}

fn user(record: &Record, entry: &Entry) -> Result<Value> {
    let id = or(&record.rancher.user_id, || entry.auth("user_id"));
    if !id.is_empty() {
        return Ok(json!({ "id": id }));
    }
    let name = or(&record.username, || entry.auth("username"));
    if name.is_empty() {
        let message = "Username must be specified either using the environment variable \
                       OS_USERNAME or the CLI option --openstack-username";
        return Err(Error::new(ErrorKind::Flags, message)
            .hint("or name an entry of clouds.yaml: export OS_CLOUD=..."));
    }
    let rancher = &record.rancher;
    let own = [("id", &rancher.user_domain_id), ("name", &rancher.user_domain_name)];
    Ok(json!({ "name": name, "domain": domain(record, entry, own, "user") }))
}

/// The project to work in; `None` leaves it to Keystone, where users may have one by default.
fn project(record: &Record, entry: &Entry) -> Option<Value> {
    let of_entry = |new: &str, old: &str| or(&entry.auth(new), || entry.auth(old));
    let id = or(&record.tenant_id, || of_entry("project_id", "tenant_id"));
    if !id.is_empty() {
        return Some(json!({ "id": id }));
    }
    let name = or(&record.tenant_name, || of_entry("project_name", "tenant_name"));
    let rancher = &record.rancher;
    let own = [("id", &rancher.tenant_domain_id), ("name", &rancher.tenant_domain_name)];
    (!name.is_empty())
        .then(|| json!({ "name": name, "domain": domain(record, entry, own, "project") }))
}

/// A user's or a project's own domain, that of both, or the one that every Keystone begins with.
fn domain(record: &Record, entry: &Entry, own: [(&str, &String); 2], whose: &str) -> Value {
    let both = [("id", &record.domain_id), ("name", &record.domain_name)];
    if let Some((key, value)) = own.into_iter().chain(both).find(|(_, it)| !it.is_empty()) {
        return json!({ key: value });
    }
    let prefixes = [format!("{whose}_domain"), "domain".to_owned(), "default_domain".to_owned()];
    for prefix in prefixes {
        for key in ["id", "name"] {
            let value = entry.auth(&format!("{prefix}_{key}"));
            if !value.is_empty() {
                return json!({ key: value });
            }
        }
    }
    match entry.auth("default_domain") {
        none if none.is_empty() => json!({ "id": "default" }),
        id => json!({ "id": id }),
    }
}

fn tls(cx: &Context, record: &Record, entry: &Entry) -> Result<Tls> {
    let home = cx.environment.home.as_deref();
    let read = |path: String| match path.as_str() {
        "" => Ok(None),
        path => pem(&absolute(path, home)).map(Some),
    };
    let certificate = read(or(&record.ours.client_cert, || entry.text("cert")))?;
    let key = read(or(&record.ours.client_key, || entry.text("key")))?;
    Ok(Tls {
        insecure: record.insecure || entry.is_insecure(),
        authorities: read(or(&record.ca_cert, || entry.text("cacert")))?,
        identity: certificate.map(|it| [it, key.unwrap_or_default()].join(&b'\n')),
    })
}

fn absolute(path: &str, home: Option<&Path>) -> std::path::PathBuf {
    match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => path.into(),
    }
}

fn pem(path: &Path) -> Result<Vec<u8>> {
    let wrong = |what: &str| Error::new(ErrorKind::Flags, format!("`{}` {what}", path.display()));
    let content = std::fs::read(path).map_err(|error| wrong("cannot be read").caused_by(error))?;
    match content.windows(10).any(|it| it == b"-----BEGIN") {
        true => Ok(content),
        false => Err(wrong("is no PEM file")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_version_3() {
        for given in
            ["https://a:5000", "https://a:5000/", "https://a:5000/v3", "https://a:5000/v3/"]
        {
            assert_eq!(version_3(given).unwrap(), "https://a:5000/v3");
        }
        assert_eq!(version_3("https://a/identity").unwrap(), "https://a/identity/v3");
        let error = version_3("https://a:5000/v2.0/").unwrap_err();
        assert_eq!(error.hints(), ["export OS_AUTH_URL=https://a:5000/v3"]);
    }

    #[test]
    fn a_domain_is_the_nearest_that_is_named() {
        let none = String::new();
        let own = || [("id", &none), ("name", &none)];
        let mut record = Record::default();
        let entry = Entry::default();
        assert_eq!(domain(&record, &entry, own(), "user"), json!({ "id": "default" }));
        record.domain_name = "both".into();
        assert_eq!(domain(&record, &entry, own(), "user"), json!({ "name": "both" }));
        let name = "mine".to_owned();
        let own = [("id", &none), ("name", &name)];
        assert_eq!(domain(&record, &entry, own, "user"), json!({ "name": "mine" }));
    }
}
