//! An HTTP server for the fakes of clouds, which can be told to let one call go wrong.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

/// One call as a fake sees it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    /// By lower-case name.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

/// An answer of a fake.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// How a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The vendor fails, and has done nothing.
    Error,
    /// The vendor asks for patience, and has done nothing.
    Busy,
    /// The connection breaks before the vendor has done anything.
    BrokenBefore,
    /// It has been done, and the connection breaks before the answer.
    BrokenAfter,
    /// It has been done, and the answer never comes.
    Late,
    /// It has been done, and the caller is killed before it learns of it.
    Kill,
    /// It has been done, and the caller is asked to stop before it learns of it.
    Interrupt,
}

impl Fault {
    pub(crate) const ALL: [Self; 7] = [
        Self::Error,
        Self::Busy,
        Self::BrokenBefore,
        Self::BrokenAfter,
        Self::Late,
        Self::Kill,
        Self::Interrupt,
    ];
}

/// What plays a vendor.
pub(crate) trait Fake: Send + 'static {
    fn answer(&mut self, call: &Call) -> Reply;
    /// What exists and would cost money or be in the way, for people. Empty when nothing has leaked.
    fn left(&self) -> Vec<String>;

    /// The ids of what one machine alone has.
    fn ids(&self) -> Vec<String>;

    /// What a call is called in the log.
    fn name(call: &Call) -> String {
        format!("{} {}", call.method, call.path)
    }

    /// Whether a call only looks, so that it may be made again and again.
    fn only_looks(call: &Call) -> bool {
        call.method == "GET"
    }

    /// Ends what the fake has started outside this process.
    fn end(&mut self) {}
}

/// A fake behind its server.
pub(crate) struct Server<F: Fake> {
    address: SocketAddr,
    state: Arc<State<F>>,
}

struct State<F> {
    fake: Mutex<F>,
    log: Mutex<Log>,
    /// Told of each new victim.
    victim: Condvar,
}

#[derive(Default)]
struct Log {
    calls: Vec<String>,
    fault: Option<(usize, Fault)>,
    victim: Option<u32>,
    limit: Option<usize>,
    recent: Vec<Instant>,
    refused: usize,
    /// What was asked for last and done, unless that was only looking.
    done: Option<Call>,
    needless: usize,
}

impl<F: Fake> Drop for Server<F> {
    fn drop(&mut self) {
        // The threads that listen go on, and hold the fake. After a failure it may be poisoned.
        self.state.fake.lock().unwrap_or_else(std::sync::PoisonError::into_inner).end();
    }
}

impl<F: Fake> Server<F> {
    /// On loopback.
    pub(crate) fn start(fake: F) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), fake)
    }

    /// On loopback of a network namespace.
    pub(crate) fn start_in(namespace: &str, fake: F) -> Self {
        let namespace = Path::new("/var/run/netns").join(namespace);
        Self::on(crate::lab::listen_in(&namespace), fake)
    }

    fn on(listener: TcpListener, fake: F) -> Self {
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            fake: Mutex::new(fake),
            log: Mutex::default(),
            victim: Condvar::new(),
        });
        let server = Self { address, state: Arc::clone(&state) };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let state = Arc::clone(&state);
                // A client that hangs up in the middle is no failure of the server.
                std::thread::spawn(move || serve(&stream.unwrap(), &state).ok());
            }
        });
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn fake<T>(&self, look: impl FnOnce(&mut F) -> T) -> T {
        look(&mut self.state.fake.lock().unwrap())
    }

    pub(crate) fn left(&self) -> Vec<String> {
        self.fake(|fake| fake.left())
    }

    /// The calls since the last time this was asked for, as `POST /path`.
    pub(crate) fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state.log.lock().unwrap().calls)
    }

    /// Lets the call of that number, counted from now and from 0, go wrong.
    pub(crate) fn fail_at(&self, number: usize, fault: Fault) {
        let mut log = self.state.log.lock().unwrap();
        log.calls.clear();
        log.victim = None;
        log.fault = Some((number, fault));
    }

    /// Whether the fault that was ordered has not come about.
    pub(crate) fn is_waiting(&self) -> bool {
        self.state.log.lock().unwrap().fault.is_some()
    }

    pub(crate) fn forget_fault(&self) {
        self.state.log.lock().unwrap().fault = None;
    }

    /// The process that calls from now on, and that [`Fault::Kill`] kills.
    pub(crate) fn caller(&self, id: u32) {
        let mut log = self.state.log.lock().unwrap();
        log.victim = Some(id);
        log.done = None;
        self.state.victim.notify_all();
    }

    /// How many calls a process made twice in a row though the first had been answered.
    pub(crate) fn needless(&self) -> usize {
        self.state.log.lock().unwrap().needless
    }

    /// Refuses more than so many calls in any second.
    pub(crate) fn limit(&self, a_second: usize) {
        self.state.log.lock().unwrap().limit = Some(a_second);
    }

    /// How many calls were refused for their number.
    pub(crate) fn refused(&self) -> usize {
        self.state.log.lock().unwrap().refused
    }
}

fn serve<F: Fake>(stream: &TcpStream, state: &State<F>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some(call) = read(&mut reader)? {
        let fault = {
            let mut log = state.log.lock().unwrap();
            if log.is_too_many() {
                drop(log);
                write(stream, &Reply::error(429, "too many calls").header("retry-after", "1"))?;
                continue;
            }
            log.note(F::name(&call))
        };
        match fault {
            Some(Fault::Error) => write(stream, &Reply::error(500, "ordered by the test"))?,
            Some(Fault::Busy) => {
                let reply = Reply::error(429, "ordered by the test").header("retry-after", "0");
                write(stream, &reply)?;
            }
            Some(Fault::BrokenBefore) => return Ok(()),
            Some(Fault::BrokenAfter) => {
                state.fake.lock().unwrap().answer(&call);
                return Ok(());
            }
            Some(Fault::Late) => {
                state.fake.lock().unwrap().answer(&call);
                // Until the caller hangs up.
                return std::io::copy(&mut reader, &mut std::io::sink()).map(drop);
            }
            Some(Fault::Kill) => {
                state.fake.lock().unwrap().answer(&call);
                signal_victim(state, "KILL");
                return Ok(());
            }
            Some(Fault::Interrupt) => {
                let reply = state.fake.lock().unwrap().answer(&call);
                signal_victim(state, "INT");
                // It is to be heard before the answer.
                std::thread::sleep(Duration::from_millis(500));
                write(stream, &reply)?;
            }
            None => {
                let reply = state.fake.lock().unwrap().answer(&call);
                let is_done = reply.status < 300 || reply.status == 404;
                let counts = is_done && !F::only_looks(&call);
                state.log.lock().unwrap().answered(call, counts);
                write(stream, &reply)?;
            }
        }
    }
    Ok(())
}

impl Log {
    fn is_too_many(&mut self) -> bool {
        let Some(limit) = self.limit else { return false };
        let now = Instant::now();
        self.recent.retain(|at| now.duration_since(*at) < Duration::from_secs(1));
        if self.recent.len() >= limit {
            self.refused += 1;
            return true;
        }
        self.recent.push(now);
        false
    }

    fn answered(&mut self, call: Call, counts: bool) {
        if counts && self.done.as_ref().is_some_and(|done| done.asks_the_same(&call)) {
            self.needless += 1;
        }
        self.done = Some(call).filter(|_| counts);
    }

    fn note(&mut self, call: String) -> Option<Fault> {
        let number = self.calls.len();
        self.calls.push(call);
        self.fault.take_if(|(at, _)| *at == number).map(|(_, fault)| fault)
    }
}

fn signal_victim<F>(state: &State<F>, signal: &str) {
    let log = state.log.lock().unwrap();
    // The caller may call before the test has said who it is.
    let log = state.victim.wait_while(log, |log| log.victim.is_none()).unwrap();
    let id = log.victim.unwrap().to_string();
    std::process::Command::new("kill").args(["-s", signal, &id]).status().unwrap();
}

fn read(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<Call>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let method = words.next().unwrap_or_default().to_owned();
    let target = words.next().unwrap_or_default().to_owned();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let body = match headers.get("content-length") {
        Some(length) => {
            let mut body = vec![0; length.parse().unwrap_or(0)];
            reader.read_exact(&mut body)?;
            body
        }
        None if headers.contains_key("transfer-encoding") => chunks(reader)?,
        None => Vec::new(),
    };
    let query = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (unescaped(name), unescaped(value))
    });
    Ok(Some(Call { method, path: unescaped(path), query: query.collect(), headers, body }))
}

fn chunks(reader: &mut BufReader<TcpStream>) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let length = usize::from_str_radix(line.trim(), 16).unwrap_or(0);
        let mut chunk = vec![0; length + 2];
        reader.read_exact(&mut chunk)?;
        if length == 0 {
            return Ok(body);
        }
        body.extend(&chunk[..length]);
    }
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|it| std::str::from_utf8(it).ok());
        match (byte, hex.and_then(|it| u8::from_str_radix(it, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = after;
            }
            (byte, _) => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn write(mut stream: &TcpStream, reply: &Reply) -> std::io::Result<()> {
    let mut head =
        format!("HTTP/1.1 {} x\r\ncontent-length: {}\r\n", reply.status, reply.body.len());
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    let whole = [head.as_bytes(), b"\r\n", &reply.body].concat();
    stream.write_all(&whole)
}

impl Call {
    /// Signatures and dates apart.
    fn asks_the_same(&self, other: &Self) -> bool {
        let what = |call: &Self| (call.method.clone(), call.path.clone(), call.query.clone());
        what(self) == what(other) && self.body == other.body
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The parts of the path.
    pub(crate) fn parts(&self) -> Vec<&str> {
        self.path.split('/').filter(|part| !part.is_empty()).collect()
    }
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { status, headers, body: body.to_string().into_bytes() }
    }

    /// Without a body, which 204 must not have.
    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// In DigitalOcean's form, which says something in all the others too.
    pub(crate) fn error(status: u16, message: &str) -> Self {
        let body = serde_json::json!({ "id": "error", "message": message, "request_id": "r-1" });
        Self::json(status, &body)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}
