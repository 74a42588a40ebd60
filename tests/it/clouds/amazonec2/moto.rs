use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::super::server::{Call, Fake, Reply, Server};
use super::model::Model;
use crate::lab::Lab;

type Fields = Vec<(String, String)>;

/// moto's server, and what watches over the calls to it.
pub(super) struct Moto {
    child: Child,
    port: u16,
    model: Model,
    /// What Amazon's model has against the calls so far.
    pub(super) faults: Vec<String>,
    /// The launches so far by their client tokens, for which moto does not care: what was sent, and
    /// what came of it.
    launches: BTreeMap<String, (Fields, Reply)>,
    /// The key pairs and groups that moto said it has made and not said it has deleted: its own
    /// list has all that there ever were.
    held: BTreeSet<String>,
    /// All calls so far.
    pub(super) forms: Vec<Fields>,
    /// Access key and secret of somebody who may do everything with EC2.
    pub(super) key: (String, String),
    /// The same for a session, with its token.
    pub(super) session: (String, String, String),
    /// What all calls so far were signed with.
    pub(super) signatures: Vec<String>,
    /// The public address of all instances, instead of those that moto makes up.
    pub(super) address: String,
    _lab: Lab,
}

impl Moto {
    /// `None`, with a word on stderr, where it or the model is not there.
    pub(super) fn start() -> Option<Self> {
        let model = Model::load()?;
        let Some(program) = std::env::var_os("MACHINE_TEST_MOTO").map(PathBuf::from) else {
            crate::lab::skip("there is no moto: `scripts/test` installs it");
            return None;
        };
        let lab = Lab::new();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .env("MOTO_ENABLE_KEYPAIR_VALIDATION", "true")
            .env("MOTO_ENABLE_AMI_VALIDATION", "true")
            .env("MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION", "true")
            // After these everybody has to sign.
            .env("INITIAL_NO_AUTH_ACTION_COUNT", "6")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(lab.path().join("moto.log")).unwrap())
            .spawn()
            .unwrap();
        let (key, session) = Default::default();
        let mut moto = Self {
            child,
            port,
            model,
            faults: Vec::new(),
            launches: BTreeMap::new(),
            held: BTreeSet::new(),
            forms: Vec::new(),
            key,
            session,
            signatures: Vec::new(),
            address: "127.0.0.1".to_owned(),
            _lab: lab,
        };
        let end = Instant::now() + Duration::from_secs(120);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < end, "moto did not start");
            std::thread::sleep(Duration::from_millis(200));
        }
        moto.key = moto.make_user();
        moto.session = moto.make_session();
        Some(moto)
    }

    pub(super) fn serve() -> Option<Server<Self>> {
        Self::start().map(Server::start)
    }

    /// Somebody who may do everything with EC2, by access key and secret.
    fn make_user(&self) -> (String, String) {
        let version = "&Version=2010-05-08&UserName=m";
        self.ask("iam", &format!("Action=CreateUser{version}"));
        let key = self.ask("iam", &format!("Action=CreateAccessKey{version}"));
        self.ask("iam", &format!("Action=PutUserPolicy{version}&PolicyName=p&{EVERYTHING}"));
        key_of(&key)
    }

    /// A session of a role that may do the same: its access key, secret and token.
    fn make_session(&self) -> (String, String, String) {
        let version = "&Version=2010-05-08&RoleName=r";
        self.ask("iam", &format!("Action=CreateRole{version}&AssumeRolePolicyDocument=%7B%7D"));
        self.ask("iam", &format!("Action=PutRolePolicy{version}&PolicyName=p&{EVERYTHING}"));
        let session = self.ask(
            "sts",
            "Action=AssumeRole&Version=2011-06-15&RoleSessionName=s&\
             RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr",
        );
        let (key, secret) = key_of(&session);
        (key, secret, between(&session, "<SessionToken>", "<").unwrap().to_owned())
    }

    /// Before everybody has to sign.
    fn ask(&self, service: &str, body: &str) -> String {
        let head = format!(
            "POST / HTTP/1.1\r\nhost: {service}.amazonaws.com\r\nauthorization: AWS4-HMAC-SHA256 \
             Credential=x/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=x\
             \r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{body}",
            body.len()
        );
        let reply = self.exchange(head.as_bytes());
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        String::from_utf8(reply.body).unwrap()
    }

    fn exchange(&self, request: &[u8]) -> Reply {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let status = head.split_whitespace().nth(1).unwrap().parse().unwrap();
        let headers = vec![("content-type".to_owned(), "text/xml".to_owned())];
        Reply { status, headers, body: answer[end + 4..].to_vec() }
    }

    /// The instances that are not terminated.
    pub(super) fn instances(&self) -> Vec<String> {
        let head =
            "GET /moto-api/data.json HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        let data: Value = serde_json::from_slice(&self.exchange(head.as_bytes()).body).unwrap();
        let all = data["ec2"]["Instance"].as_array().cloned().unwrap_or_default();
        let is_there = |it: &&Value| it["state"] != "terminated";
        all.iter().filter(is_there).map(|it| format!("instance {}", it["id"])).collect()
    }

    fn note(&mut self, fields: &Fields, body: &str) {
        let field = |name: &str| {
            fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
        };
        let group = || between(body, "<groupId>", "<").unwrap_or_default().to_owned();
        match field("Action") {
            "ImportKeyPair" => self.held.insert(field("KeyName").to_owned()),
            "DeleteKeyPair" => self.held.remove(field("KeyName")),
            "CreateSecurityGroup" => self.held.insert(group()),
            "DeleteSecurityGroup" => self.held.remove(field("GroupId")),
            _ => false,
        };
    }
}

impl Fake for Moto {
    fn end(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }

    fn answer(&mut self, call: &Call) -> Reply {
        let fields: Fields =
            reqwest::Url::parse(&format!("http://x/?{}", String::from_utf8_lossy(&call.body)))
                .unwrap()
                .query_pairs()
                .into_owned()
                .collect();
        self.faults.extend(self.model.faults(&fields));
        self.forms.push(fields.clone());
        self.signatures.extend(call.headers.get("authorization").cloned());
        let token = fields.iter().find(|(key, _)| key == "ClientToken").map(|(_, it)| it.clone());
        if let Some((sent, reply)) = token.as_ref().and_then(|token| self.launches.get(token)) {
            return if *sent == fields { reply.clone() } else { mismatch() };
        }
        let mut head = format!("{} {} HTTP/1.1\r\n", call.method, call.path);
        for (name, value) in &call.headers {
            head += &format!("{name}: {value}\r\n");
        }
        let mut reply =
            self.exchange(&[head.as_bytes(), b"connection: close\r\n\r\n", &call.body].concat());
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        if reply.status == 200 {
            self.note(&fields, &text);
        }
        reply.body = with_address(&text, &self.address).into_bytes();
        if let Some(token) = token.filter(|_| reply.status == 200) {
            self.launches.insert(token, (fields, reply.clone()));
        }
        reply
    }

    fn ids(&self) -> Vec<String> {
        let instances = self.instances();
        let instances = instances.iter().filter_map(|it| it.strip_prefix("instance \""));
        let instances = instances.map(|it| it.trim_end_matches('"').to_owned());
        let keys = self.held.iter().filter(|it| !it.starts_with("sg-")).cloned();
        instances.chain(keys).collect()
    }

    fn name(call: &Call) -> String {
        let body = String::from_utf8_lossy(&call.body);
        body.split('&').next().unwrap_or_default().trim_start_matches("Action=").to_owned()
    }

    fn only_looks(call: &Call) -> bool {
        Self::name(call).starts_with("Describe")
    }

    fn left(&self) -> Vec<String> {
        self.instances().into_iter().chain(self.held.iter().cloned()).collect()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        self.end();
    }
}

/// As Amazon's own (recorded in libcloud's `run_instances_idem_mismatch.xml`).
fn mismatch() -> Reply {
    let body = "<Response><Errors><Error><Code>IdempotentParameterMismatch</Code><Message>Arguments on \
                this idempotent request are inconsistent</Message></Error></Errors>\
                <RequestID>5dabd361</RequestID></Response>";
    Reply { status: 400, headers: Vec::new(), body: body.into() }
}

/// That EC2 is for whoever it belongs to.
const EVERYTHING: &str = "PolicyDocument=%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22\
    Effect%22%3A%22Allow%22%2C%22Action%22%3A%22ec2%3A%2A%22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D";

fn key_of(answer: &str) -> (String, String) {
    let of = |name: &str| between(answer, &format!("<{name}>"), "<").unwrap().to_owned();
    (of("AccessKeyId"), of("SecretAccessKey"))
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.split_once(before)?.1.split_once(after).map(|(found, _)| found)
}

/// Puts the address in the place of all public ones.
fn with_address(text: &str, address: &str) -> String {
    let mut parts = text.split("<ipAddress>");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let rest = part.split_once('<').map_or("", |(_, rest)| rest);
        format!("{text}<ipAddress>{address}<{rest}")
    })
}
