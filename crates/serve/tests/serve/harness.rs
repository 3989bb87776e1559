//! A server to ask, and a client that speaks just enough HTTP/1.1 to be exact about bytes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use modelwright_serve::{LogRequests, ModelSource, Server, Settings, Stop};
use serde_json::Value;

/// Where the models of past formats lie, with rows and their predictions.
pub(crate) fn artifacts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/artifact")
}

/// The models by name.
pub(crate) fn names() -> Vec<String> {
    let entries = std::fs::read_dir(artifacts()).unwrap();
    let mut names: Vec<String> = entries
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter_map(|n| n.strip_suffix(".mw").map(str::to_owned))
        .collect();
    names.sort();
    assert!(names.len() > 5);
    names
}

/// The path of a file beside a model.
pub(crate) fn beside(name: &str, what: &str) -> PathBuf {
    artifacts().join(format!("{name}.{what}"))
}

/// A folder of its own, removed at the end.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("modelwright-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Settings for a test: a free port, no log.
pub(crate) fn settings(models: &[&Path]) -> Settings {
    let source = |path: &&Path| ModelSource { name: None, path: (*path).to_owned() };
    Settings {
        port: 0,
        models: models.iter().map(source).collect(),
        log: LogRequests::None,
        watch: None,
        threads: 2,
        ..Settings::default()
    }
}

/// A running server, ended with the test.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    pub(crate) fn start(settings: Settings) -> Self {
        let server = Server::open(settings).unwrap();
        let (address, stop) = (server.address().unwrap(), server.stop());
        let thread = Some(std::thread::spawn(move || server.run().unwrap()));
        Self { address, stop, thread }
    }

    pub(crate) fn client(&self) -> Client {
        Client::to(self.address)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.now();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether the body came to its end.
    pub(crate) is_whole: bool,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    /// The JSON of an answer that must be 200.
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()
    }
}

/// One connection; a clone is the same one.
pub(crate) struct Client {
    reader: BufReader<TcpStream>,
}

impl Clone for Client {
    fn clone(&self) -> Self {
        Self { reader: BufReader::new(self.reader.get_ref().try_clone().unwrap()) }
    }
}

impl Client {
    pub(crate) fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { reader: BufReader::new(stream) }
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[], b"").unwrap()
    }

    pub(crate) fn post(&mut self, path: &str, body: impl AsRef<[u8]>) -> Answer {
        self.send("POST", path, &[], body.as_ref()).unwrap()
    }

    pub(crate) fn post_as(
        &mut self,
        path: &str,
        content_type: &str,
        body: impl AsRef<[u8]>,
    ) -> Answer {
        self.send("POST", path, &[("content-type", content_type)], body.as_ref()).unwrap()
    }

    /// Sends a request and reads the answer.
    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> std::io::Result<Answer> {
        let mut head = vec![format!("{method} {path} HTTP/1.1"), "host: test".to_owned()];
        head.extend(headers.iter().map(|(name, value)| format!("{name}: {value}")));
        head.push(format!("content-length: {}\r\n\r\n", body.len()));
        let head = head.join("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(body);
        self.reader.get_mut().write_all(&bytes)?;
        self.read(method == "HEAD")
    }

    /// Sends bytes that may be no HTTP at all.
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) -> std::io::Result<Answer> {
        self.reader.get_mut().write_all(bytes)?;
        self.read(false)
    }

    /// Sends bytes and waits for nothing.
    pub(crate) fn send_only(&mut self, bytes: &[u8]) {
        self.reader.get_mut().write_all(bytes).unwrap();
    }

    /// Sends bytes, says that there are no more, and reads whatever comes.
    pub(crate) fn end_after(&mut self, bytes: &[u8]) {
        // The server may have closed its end already.
        let _ = self.reader.get_mut().write_all(bytes);
        let _ = self.reader.get_mut().shutdown(std::net::Shutdown::Write);
        let mut rest = Vec::new();
        if self.reader.read_to_end(&mut rest).is_ok() {
            assert!(!rest.starts_with(b"HTTP/1.1 5"), "{}", String::from_utf8_lossy(&rest));
        }
    }

    fn read(&mut self, is_head: bool) -> std::io::Result<Answer> {
        let mut line = String::new();
        if self.reader.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let status = line.split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let mut answer = Answer { status, headers, body: Vec::new(), is_whole: true };
        if answer.header("transfer-encoding") == Some("chunked") && !is_head {
            answer.is_whole = self.read_chunks(&mut answer.body).is_ok();
            return Ok(answer);
        }
        let length = answer.header("content-length").and_then(|v| v.parse().ok()).unwrap_or(0);
        answer.body = vec![0; if is_head { 0 } else { length }];
        self.reader.read_exact(&mut answer.body)?;
        Ok(answer)
    }

    fn read_chunks(&mut self, body: &mut Vec<u8>) -> std::io::Result<()> {
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line)?;
            let n = usize::from_str_radix(line.trim_end(), 16)
                .map_err(|_| std::io::Error::from(std::io::ErrorKind::UnexpectedEof))?;
            let start = body.len();
            body.resize(start + n, 0);
            let mut end = [0; 2];
            self.reader.read_exact(&mut body[start..])?;
            self.reader.read_exact(&mut end)?;
            if n == 0 {
                return Ok(());
            }
        }
    }

    /// Sends the head of a request whose body comes in chunks.
    pub(crate) fn begin_chunks(&mut self, path: &str, headers: &[(&str, &str)]) {
        let mut head = vec![format!("POST {path} HTTP/1.1"), "host: test".to_owned()];
        head.extend(headers.iter().map(|(name, value)| format!("{name}: {value}")));
        head.push("transfer-encoding: chunked\r\n\r\n".to_owned());
        self.send_only(head.join("\r\n").as_bytes());
    }

    /// Sends a chunk of such a body; an empty one ends it.
    pub(crate) fn send_chunk(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend_from_slice(bytes);
        chunk.extend_from_slice(b"\r\n");
        self.reader.get_mut().write_all(&chunk)
    }

    /// Reads the first line of an answer.
    pub(crate) fn answer_line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        line
    }

    /// Reads the answer to it.
    pub(crate) fn answer(&mut self) -> Answer {
        self.read(false).unwrap()
    }
}

/// A file of rows or predictions: names, and texts.
pub(crate) fn read_csv(path: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|line| {
        let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '"' if quoted && chars.peek() == Some(&'"') => {
                    chars.next();
                    cell.push('"');
                }
                '"' => quoted = !quoted,
                ',' if !quoted => cells.push(std::mem::take(&mut cell)),
                c => cell.push(c),
            }
        }
        cells.push(cell);
        cells
    });
    let names = lines.next().unwrap();
    (names, lines.collect())
}

/// Values of a row as JSON: numbers where they look like it, null where there is nothing.
pub(crate) fn value(text: &str) -> Value {
    match text {
        "" => Value::Null,
        text => match text.parse::<f64>() {
            Ok(_) => serde_json::from_str(text).unwrap(),
            Err(_) => text.into(),
        },
    }
}

/// The rows of a model as objects.
pub(crate) fn objects(name: &str) -> Vec<Value> {
    let (names, rows) = read_csv(&beside(name, "rows.csv"));
    let object =
        |row: &Vec<String>| names.iter().cloned().zip(row.iter().map(|text| value(text))).collect();
    rows.iter().map(object).collect()
}
