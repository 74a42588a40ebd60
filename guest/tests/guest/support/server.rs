use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A mirror in this process. It knows ranges, and fails as it is told to.
pub(crate) struct Server {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, Vec<u8>>,
    faults: BTreeMap<String, Fault>,
    requests: Vec<Request>,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// As it stood in the request: with the host for a proxy.
    pub(crate) target: String,
    /// The first byte that was asked for.
    pub(crate) from: usize,
}

/// How the answer to requests for one file goes wrong.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    Status(u16),
    /// A page, as a captive portal sends it for everything.
    Page,
    /// The connection ends after so many bytes of the body.
    Cut(usize),
    /// The body ends after so many bytes, and its length was not announced.
    CutSilently(usize),
    /// Always everything, whatever range was asked for.
    NoRanges,
}

const PAGE: &[u8] = b"<html><body>Please log in.</body></html>";

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
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

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn put(&self, path: &str, content: Vec<u8>) {
        self.state.lock().unwrap().files.insert(path.to_owned(), content);
    }

    pub(crate) fn remove(&self, part: &str) {
        self.state.lock().unwrap().files.retain(|path, _| !path.contains(part));
    }

    /// Changes the one file whose path contains `part`.
    pub(crate) fn change(&self, part: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state.lock().unwrap();
        let mut found: Vec<_> =
            state.files.iter_mut().filter(|(path, _)| path.contains(part)).collect();
        assert_eq!(found.len(), 1, "{part}");
        change(found[0].1);
    }

    /// Sets or takes away the fault of all files whose path contains `part`.
    pub(crate) fn fault(&self, part: &str, fault: Option<Fault>) {
        let mut state = self.state.lock().unwrap();
        state.faults.remove(part);
        state.faults.extend(fault.map(|fault| (part.to_owned(), fault)));
    }

    /// The requests so far for files whose path contains `part`.
    pub(crate) fn requests(&self, part: &str) -> Vec<Request> {
        let state = self.state.lock().unwrap();
        state.requests.iter().filter(|request| request.target.contains(part)).cloned().collect()
    }
}

fn answer(stream: &TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let target = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut from = 0;
    for line in lines {
        let line = line?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(range) = line.strip_prefix("range: bytes=") {
            from = range.trim_end_matches('-').parse().unwrap();
        }
    }
    // A proxy is asked for `http://host/path`.
    let path = match target.strip_prefix("http://") {
        Some(rest) => &rest[rest.find('/').unwrap()..],
        None => &target,
    };
    let (file, fault) = {
        let mut state = state.lock().unwrap();
        state.requests.push(Request { target: target.clone(), from });
        let fault = state.faults.iter().find(|(part, _)| path.contains(part.as_str()));
        (state.files.get(path).cloned(), fault.map(|(_, fault)| fault.clone()))
    };
    let mut out = stream;
    let (status, body) = match (&fault, &file) {
        (Some(Fault::Status(status)), _) => (*status, PAGE),
        (Some(Fault::Page), _) => (200, PAGE),
        (_, None) => (404, PAGE),
        (Some(Fault::NoRanges), Some(file)) => (200, &file[..]),
        (_, Some(file)) if from > 0 && from >= file.len() => (416, &b""[..]),
        (_, Some(file)) if from > 0 => (206, &file[from..]),
        (_, Some(file)) => (200, &file[..]),
    };
    let length = match fault {
        Some(Fault::CutSilently(_)) => String::new(),
        _ => format!("Content-Length: {}\r\n", body.len()),
    };
    let range = match (status, &file) {
        (206, Some(file)) => {
            format!("Content-Range: bytes {from}-{}/{}\r\n", file.len() - 1, file.len())
        }
        _ => String::new(),
    };
    write!(out, "HTTP/1.1 {status} Status\r\n{length}{range}Connection: close\r\n\r\n")?;
    let sent = match fault {
        Some(Fault::Cut(after) | Fault::CutSilently(after)) => &body[..after.min(body.len())],
        _ => body,
    };
    out.write_all(sent)?;
    out.flush()
}
