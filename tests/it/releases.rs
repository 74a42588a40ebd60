//! A server that plays GitHub: the API of releases, and the files of releases. It fails as it is
//! told to.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) struct Releases {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    latest: String,
    isos: BTreeMap<String, Vec<u8>>,
    faults: Vec<(String, Fault)>,
    requests: Vec<Request>,
}

/// What was asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) target: String,
    /// The first byte that was asked for.
    pub(crate) from: usize,
    pub(crate) if_range: String,
    pub(crate) authorization: String,
    pub(crate) status: u16,
}

/// How the answer to requests whose target contains something goes wrong.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// The status, and further lines of the header.
    Status(u16, &'static str),
    /// The same, once.
    Once(u16, &'static str),
    /// The status, unless there is a token.
    WithoutToken(u16, &'static str),
    /// The same path on another server.
    Redirect(String),
    /// The connection ends after so many bytes of the body.
    Cut(usize),
    /// The length is not said.
    NoLength,
    /// In so many pieces, with pauses between.
    Slow(usize),
    /// Other bytes than the release says.
    Wrong,
}

/// The path of the repository.
const REPO: &str = "/boot2docker/boot2docker/releases";

impl Releases {
    /// A server without releases.
    pub(crate) fn start() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    /// The same where somebody listens already, perhaps in another network.
    pub(crate) fn on(listener: TcpListener) -> Self {
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let server = Self { address, state: Arc::clone(&state) };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let state = Arc::clone(&state);
                // A client that hangs up in the middle is no failure of the server.
                std::thread::spawn(move || answer(&stream.unwrap(), &state).ok());
            }
        });
        server
    }

    /// A server whose latest release is `tag`.
    pub(crate) fn with(tag: &str) -> Self {
        let server = Self::start();
        server.publish(tag, iso(tag));
        server
    }

    pub(crate) fn publish(&self, tag: &str, iso: Vec<u8>) {
        let mut state = self.state.lock().unwrap();
        tag.clone_into(&mut state.latest);
        state.isos.insert(tag.to_owned(), iso);
    }

    /// `HOST:PORT`.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// The API, as `MACHINE_BOOT2DOCKER_RELEASES` names it.
    pub(crate) fn api(&self) -> String {
        format!("http://{}/repos{REPO}", self.address)
    }

    pub(crate) fn iso_url(&self, tag: &str) -> String {
        format!("http://{}{REPO}/download/{tag}/boot2docker.iso", self.address)
    }

    pub(crate) fn fault(&self, part: &str, fault: Fault) {
        self.state.lock().unwrap().faults.push((part.to_owned(), fault));
    }

    pub(crate) fn mend(&self) {
        self.state.lock().unwrap().faults.clear();
    }

    /// The requests whose target contains `part`, so far.
    pub(crate) fn requests(&self, part: &str) -> Vec<Request> {
        let state = self.state.lock().unwrap();
        state.requests.iter().filter(|request| request.target.contains(part)).cloned().collect()
    }

    /// How many bytes were asked for from where, of ISOs.
    pub(crate) fn downloads(&self) -> Vec<usize> {
        self.requests(".iso").iter().map(|request| request.from).collect()
    }
}

/// 400 KB with nothing in them but a label.
pub(crate) fn iso(tag: &str) -> Vec<u8> {
    let blocks: u32 = 200;
    let mut bytes = vec![0; 2048 * 200];
    for (place, byte) in bytes.iter_mut().enumerate().skip(0x9000) {
        *byte = (place % 251).to_le_bytes()[0];
    }
    bytes[0x8000..0x8006].copy_from_slice(b"\x01CD001");
    bytes[0x8028..0x8048].copy_from_slice(format!("{:32}", format!("b2d-{tag}")).as_bytes());
    bytes[0x8050..0x8054].copy_from_slice(&blocks.to_le_bytes());
    bytes
}

fn answer(stream: &TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let target = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut request = Request { target, ..Request::default() };
    let mut if_none_match = String::new();
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "range" => {
                let from = value.trim_start_matches("bytes=").trim_end_matches('-');
                request.from = from.parse().unwrap();
            }
            "if-range" => value.clone_into(&mut request.if_range),
            "if-none-match" => value.clone_into(&mut if_none_match),
            "authorization" => value.clone_into(&mut request.authorization),
            _ => {}
        }
    }
    let (mut answer, fault) = {
        let mut state = state.lock().unwrap();
        let answer = Answer::to(&request, &if_none_match, &state);
        let place = state.faults.iter().position(|(part, _)| request.target.contains(part));
        let fault = place.map(|place| state.faults[place].1.clone());
        if let Some(Fault::Once(..)) = fault {
            state.faults.remove(place.unwrap());
        }
        (answer, fault)
    };
    let mut cut = usize::MAX;
    let mut pieces = 1;
    match fault {
        Some(Fault::WithoutToken(..)) if !request.authorization.is_empty() => {}
        Some(
            Fault::Status(status, header)
            | Fault::Once(status, header)
            | Fault::WithoutToken(status, header),
        ) => answer = Answer { status, header: header.to_owned(), ..Answer::default() },
        Some(Fault::Redirect(host)) => {
            let header = format!("Location: http://{host}{}\r\n", request.target);
            answer = Answer { status: 302, header, ..Answer::default() };
        }
        Some(Fault::Cut(after)) => cut = after,
        Some(Fault::NoLength) => answer.no_length = true,
        Some(Fault::Slow(number)) => pieces = number,
        Some(Fault::Wrong) => answer.body[100] ^= 1,
        None => {}
    }
    request.status = answer.status;
    state.lock().unwrap().requests.push(request);
    answer.send(stream, cut, pieces)
}

#[derive(Default)]
struct Answer {
    status: u16,
    header: String,
    body: Vec<u8>,
    no_length: bool,
}

impl Answer {
    fn to(request: &Request, if_none_match: &str, state: &State) -> Self {
        // A proxy is asked for `http://host/path`.
        let path = match request.target.strip_prefix("http://") {
            Some(rest) => &rest[rest.find('/').unwrap()..],
            None => &request.target,
        };
        let words: Vec<&str> = path.split('/').skip(1).collect();
        let tag = match words[..] {
            ["repos", _, _, "releases", "latest"] => &state.latest,
            ["repos", _, _, "releases", "tags", tag] | [_, _, "releases", "download", tag, _] => {
                tag
            }
            _ => "",
        };
        let Some(iso) = state.isos.get(tag) else {
            return Self { status: 404, ..Self::default() };
        };
        let hash = sha256(iso);
        let etag = format!("\"{}\"", &hash[..16]);
        let header = format!("ETag: {etag}\r\n");
        if words[0] == "repos" {
            if if_none_match == etag {
                return Self { status: 304, header, ..Self::default() };
            }
            // The form of boot2docker's notes.
            let body = format!(
                "- Docker {tag}\r\n\r\n$ sha256sum boot2docker.iso\r\n{hash}  boot2docker.iso\r\n"
            );
            let assets = serde_json::json!([{"name": "boot2docker.iso", "size": iso.len()}]);
            let body = serde_json::json!({"tag_name": tag, "body": body, "assets": assets});
            return Self { status: 200, header, body: body.to_string().into(), no_length: false };
        }
        let from = request.from;
        let same = request.if_range.is_empty() || request.if_range == etag;
        match from {
            from if from > 0 && same && from < iso.len() => {
                let header = format!(
                    "{header}Content-Range: bytes {from}-{}/{}\r\n",
                    iso.len() - 1,
                    iso.len()
                );
                Self { status: 206, header, body: iso[from..].to_vec(), no_length: false }
            }
            _ => Self { status: 200, header, body: iso.clone(), no_length: false },
        }
    }

    fn send(&self, mut out: &TcpStream, cut: usize, pieces: usize) -> std::io::Result<()> {
        let length = match self.no_length {
            true => String::new(),
            false => format!("Content-Length: {}\r\n", self.body.len()),
        };
        let Self { status, header, body, .. } = self;
        write!(out, "HTTP/1.1 {status} Status\r\n{length}{header}Connection: close\r\n\r\n")?;
        let body = &body[..cut.min(body.len())];
        for piece in body.chunks((body.len() / pieces).max(1)) {
            out.write_all(piece)?;
            out.flush()?;
            if pieces > 1 {
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        Ok(())
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    machine_driver::file::sha256_hex(bytes)
}
