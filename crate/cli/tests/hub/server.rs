//! A hub as huggingface.co is one: it tells a revision's commit and files, gives small files itself,
//! and redirects to where large ones are.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard},
    thread,
};

use serde_json::json;
use sha1::{Digest, Sha1};
use sha2::Sha256;

pub(crate) const ID: &str = "tiny/t5";
pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A server on a port of its own, until it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

/// What it has, how it behaves, and what it was asked.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) requests: Vec<Request>,
    /// Ends the next answers that have a large file's content after as many bytes.
    pub(crate) cuts: Vec<usize>,
    /// Gives whole files only.
    pub(crate) whole: bool,
    /// Sends other bytes than it says, of this file.
    pub(crate) spoiled: Option<String>,
    /// Answers everything with this status and `X-Error-Code`.
    pub(crate) refusal: Option<(u16, &'static str)>,
    /// Where large files are, if not here.
    pub(crate) storage: Option<String>,
    stopped: bool,
}

/// What it was asked.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::<Mutex<State>>::default();
        let shared = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.lock().unwrap().stopped {
                    break;
                }
                // A client that goes away is none of the server's concern.
                let _ = stream.and_then(|stream| serve(stream, &shared));
            }
        });
        Server { address, state }
    }

    pub(crate) fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn put(&self, name: &str, bytes: Vec<u8>) {
        self.state().files.insert(name.to_owned(), bytes);
    }

    /// What it was asked since the last time.
    pub(crate) fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.state().requests)
    }

    /// Nobody listens at its address any more.
    pub(crate) fn stop(&self) {
        self.state().stopped = true;
        let _ = TcpStream::connect(self.address);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The tag of a file: git's hash of a small one, the SHA-256 of what is kept elsewhere.
pub(crate) fn tag(name: &str, bytes: &[u8]) -> String {
    if is_large(name) {
        return sha256(bytes);
    }
    let head = format!("blob {}\0", bytes.len());
    hex(&Sha1::new_with_prefix(head).chain_update(bytes).finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_large(name: &str) -> bool {
    name.ends_with(".safetensors")
}

fn serve(stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let mut next = || lines.next().unwrap_or_else(|| Ok(String::new()));
    let first = next()?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = BTreeMap::new();
    loop {
        let line = next()?;
        let Some((name, value)) = line.split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let request = Request { method, path, headers };
    let mut state = state.lock().unwrap();
    state.requests.push(request.clone());
    let (head, body) = state.answer(&request);
    let body = if request.method == "HEAD" { &[][..] } else { &body };
    let mut stream = stream;
    stream.write_all(format!("HTTP/1.1 {head}Connection: close\r\n\r\n").as_bytes())?;
    stream.write_all(body)
}

impl State {
    /// The status with the headers, and the body.
    fn answer(&mut self, request: &Request) -> (String, Vec<u8>) {
        if let Some((status, code)) = self.refusal {
            let head = format!("{status} No\r\nX-Error-Code: {code}\r\nContent-Length: 0\r\n");
            return (head, Vec::new());
        }
        let path = request.path.as_str();
        if path.starts_with(&format!("/api/models/{ID}/revision/")) {
            let files: Vec<_> = self.files.keys().map(|name| json!({"rfilename": name})).collect();
            let body = json!({"id": ID, "sha": COMMIT, "siblings": files}).to_string();
            return (format!("200 OK\r\nContent-Length: {}\r\n", body.len()), body.into());
        }
        if let Some(name) = path.strip_prefix(&format!("/{ID}/resolve/{COMMIT}/"))
            && let Some(bytes) = self.files.get(name)
        {
            let (tag, size) = (tag(name, bytes), bytes.len());
            let head = format!("X-Repo-Commit: {COMMIT}\r\n");
            if !is_large(name) {
                let head = format!("200 OK\r\n{head}ETag: \"{tag}\"\r\nContent-Length: {size}\r\n");
                return (head, self.sent(name));
            }
            let body = b"Found. Redirecting".to_vec();
            let storage = self.storage.as_deref().unwrap_or("");
            let head = format!(
                "302 Found\r\n{head}X-Linked-Etag: \"{tag}\"\r\nX-Linked-Size: {size}\r\n\
                 Location: {storage}/storage/{name}?signature=a%2Fb\r\nContent-Length: {}\r\n",
                body.len()
            );
            return (head, body);
        }
        let name = path.strip_prefix("/storage/").and_then(|path| path.split('?').next());
        match name.filter(|name| self.files.contains_key(*name)) {
            Some(name) => self.stored(name, request),
            None => ("404 Not Found\r\nContent-Length: 0\r\n".to_owned(), Vec::new()),
        }
    }

    /// A file as it is sent.
    fn sent(&self, name: &str) -> Vec<u8> {
        let mut bytes = self.files[name].clone();
        if self.spoiled.as_deref() == Some(name) {
            *bytes.last_mut().unwrap() ^= 1;
        }
        bytes
    }

    fn stored(&mut self, name: &str, request: &Request) -> (String, Vec<u8>) {
        let bytes = self.sent(name);
        let from = request.headers.get("range").filter(|_| !self.whole).map(|range| {
            let from = range.strip_prefix("bytes=").and_then(|range| range.strip_suffix('-'));
            from.unwrap().parse::<usize>().unwrap()
        });
        let mut body = bytes[from.unwrap_or(0)..].to_vec();
        let mut head = match from {
            None => "200 OK\r\n".to_owned(),
            Some(from) => format!(
                "206 Partial Content\r\nContent-Range: bytes {from}-{}/{}\r\n",
                bytes.len() - 1,
                bytes.len()
            ),
        };
        head += &format!("Accept-Ranges: bytes\r\nContent-Length: {}\r\n", body.len());
        if !self.cuts.is_empty() {
            body.truncate(self.cuts.remove(0));
        }
        (head, body)
    }
}
