//! The scripted server, and a model connected to it.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use thymos_cognition::{AdapterKind, ModelSpec, RetryOptions, Services, connect};
use thymos_core::Timestamp;
use thymos_core::secret::Secret;
use thymos_ports::cognition::{
    Cognition, Context, ContextMessage, ModelFault, Purpose, Streamed, Turn,
};
use thymos_ports::{Clock, Entropy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub(crate) const KEY: &str = "sk-secret-0123456789abcdef";

/// What the server does with one connection, after it has read the request.
#[derive(Debug, Clone)]
pub(crate) enum Play {
    /// Writes these pieces one after another and closes.
    Pieces(Vec<Vec<u8>>),
    /// Writes these bytes, then holds the connection open until the client leaves.
    Hold(Vec<u8>),
}

pub(crate) struct Server {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<String>>>,
    left: Arc<Notify>,
}

impl Server {
    /// Plays one script a connection, the last one for ever.
    pub(crate) async fn start(plays: Vec<Play>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let heard = requests.clone();
        let left = Arc::new(Notify::new());
        let leaving = left.clone();
        tokio::spawn(async move {
            for number in 0.. {
                let Ok((stream, _)) = listener.accept().await else {
                    return;
                };
                let play = plays.get(number).or(plays.last()).cloned();
                tokio::spawn(serve(stream, play, heard.clone(), leaving.clone()));
            }
        });
        Self {
            url,
            requests,
            left,
        }
    }

    /// Whole requests so far, head and body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// Waits until a client has closed a connection that was held open.
    pub(crate) async fn left(&self) {
        self.left.notified().await;
    }

    pub(crate) fn bodies(&self) -> Vec<String> {
        let body = |request: &String| request.split_once("\r\n\r\n").unwrap().1.to_owned();
        self.requests().iter().map(body).collect()
    }
}

async fn serve(
    mut stream: TcpStream,
    play: Option<Play>,
    heard: Arc<Mutex<Vec<String>>>,
    left: Arc<Notify>,
) {
    let Some(request) = request(&mut stream).await else {
        return;
    };
    heard.lock().unwrap().push(request);
    match play {
        Some(Play::Pieces(pieces)) => {
            for piece in pieces {
                if stream.write_all(&piece).await.is_err() {
                    return;
                }
                stream.flush().await.ok();
                tokio::task::yield_now().await;
            }
            stream.shutdown().await.ok();
        }
        Some(Play::Hold(bytes)) => {
            stream.write_all(&bytes).await.ok();
            stream.flush().await.ok();
            // Ends when the client closes, which a cancelled request must do.
            let more = stream.read(&mut [0; 1]).await;
            if !matches!(more, Ok(1)) {
                left.notify_one();
            }
        }
        None => {}
    }
}

async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let read = stream
            .read(&mut chunk)
            .await
            .ok()
            .filter(|read| *read > 0)?;
        bytes.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let matches = name.eq_ignore_ascii_case("content-length");
            matches.then(|| value.trim().parse::<usize>().unwrap())
        });
        if body.len() >= length.unwrap_or(0) {
            return Some(text.into_owned());
        }
    }
}

/// A head and a body whose length is not told, so that closing ends it.
pub(crate) fn reply(status: &str, kind: &str, body: &str) -> Play {
    answer(status, &format!("content-type: {kind}\r\n"), body)
}

/// As [`reply`], with header lines of one's own.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Play {
    let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}\r\n");
    Play::Pieces(vec![head.into_bytes(), body.as_bytes().to_vec()])
}

/// A good head, and the body in chunked coding, each piece a chunk of its own.
pub(crate) fn chunked(pieces: &[&[u8]], ending: &[u8]) -> Play {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut written = vec![head.as_bytes().to_vec()];
    for piece in pieces {
        let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
        chunk.extend_from_slice(piece);
        chunk.extend_from_slice(b"\r\n");
        written.push(chunk);
    }
    written.push(ending.to_vec());
    Play::Pieces(written)
}

pub(crate) const WHOLE: &[u8] = b"0\r\n\r\n";
pub(crate) const CUT: &[u8] = b"";

pub(crate) fn stream(body: &str) -> Play {
    reply("200 OK", "text/event-stream", body)
}

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp(784_111_770_000)
    }
}

struct Even;

impl Entropy for Even {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

pub(crate) fn services() -> Services {
    Services {
        clock: Arc::new(Noon),
        entropy: Arc::new(Even),
    }
}

/// A spec whose own waits are over at once.
pub(crate) fn spec(kind: AdapterKind, url: &str) -> ModelSpec {
    let mut spec = ModelSpec::new("here", kind, url, "some-model");
    spec.key = Some(Secret::new(KEY.to_owned()));
    spec.retry = RetryOptions {
        backoff_ms: 1,
        ..RetryOptions::default()
    };
    spec
}

pub(crate) fn context() -> Context {
    Context {
        purpose: Purpose::Turn,
        turns: 0,
        system: "be brief".to_owned(),
        messages: vec![ContextMessage::Operator("go".to_owned())],
        tools: Vec::new(),
        output_tokens_max: 100,
    }
}

/// What came of a turn: the turn or fault, and everything that was streamed.
pub(crate) struct Heard {
    pub(crate) result: Result<Turn, ModelFault>,
    pub(crate) bits: Vec<String>,
}

pub(crate) async fn propose(spec: ModelSpec) -> Heard {
    let model = connect(spec, services()).unwrap();
    propose_with(&*model, &CancellationToken::new(), |_| {}).await
}

pub(crate) async fn propose_with(
    model: &dyn Cognition,
    cancel: &CancellationToken,
    mut seen: impl FnMut(&Streamed<'_>) + Send,
) -> Heard {
    let mut bits = Vec::new();
    let mut sink = |bit: Streamed<'_>| {
        seen(&bit);
        bits.push(match bit {
            Streamed::Text(text) => text.to_owned(),
            Streamed::Reasoning(text) => format!("({text})"),
            Streamed::Call(name) => format!("<{name}>"),
            Streamed::Restart { wait_ms, .. } => format!("restart {wait_ms}"),
        });
    };
    let result = model.propose(&context(), &mut sink, cancel).await;
    let printed = format!("{result:?} {bits:?}");
    assert!(!printed.contains(KEY), "{printed}");
    if let Err(fault) = &result {
        assert!(!fault.message.contains('\n') && !fault.message.ends_with('.'));
        assert!(!fault.message.contains("http://"), "{}", fault.message);
    }
    Heard { result, bits }
}

pub(crate) const KINDS: [AdapterKind; 2] = [AdapterKind::OpenAi, AdapterKind::Anthropic];

/// A whole good stream that says `Hello` and asks for one call.
pub(crate) fn good(kind: AdapterKind) -> String {
    let events: Vec<Value> = match kind {
        AdapterKind::Anthropic => vec![
            json!({"type": "message_start", "message": {"usage": {"input_tokens": 10, "output_tokens": 1}}}),
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo"}}),
            json!({"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "a", "name": "grep", "input": {}}}),
            json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "{\"x\":1}"}}),
            json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 5}}),
            json!({"type": "message_stop"}),
        ],
        _ => vec![
            json!({"choices": [{"index": 0, "delta": {"content": "Hel"}}]}),
            json!({"choices": [{"index": 0, "delta": {"content": "lo"}}]}),
            json!({"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "grep", "arguments": "{\"x\":1}"}}]}}]}),
            json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}),
            json!({"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5}}),
        ],
    };
    events
        .iter()
        .map(|event| format!("data: {event}\n\n"))
        .collect()
}
