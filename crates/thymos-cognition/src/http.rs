//! One attempt at one turn over HTTP: send, judge the answer's head, read its stream.
//!
//! Follows no redirect, since that would hand the key to another host; retries nothing.

use std::future::Future;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, Proxy, Response};
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, RootCertStore};
use thymos_ports::Clock;
use thymos_ports::cognition::ModelFaultKind;

use crate::endpoint::{ConnectError, Endpoint};
use crate::fault::{Broken, Refusal, Retry, Said, cut, plain, silent};
use crate::limits::{
    CONNECT_MS_MAX, ERROR_BYTES_MAX, EVENT_BYTES_MAX, STREAM_BYTES_MAX, TAIL_MS_MAX,
};
use crate::retry::retry_after_ms;
use crate::spec::ModelSpec;
use crate::sse::{EventTooLong, SseDecoder, SseEvent};
use crate::wire::{self, Finished, Flow, Names, Reader, Sink};

/// A client for one provider entry, and what it needs to judge answers.
pub(crate) struct Line {
    pub(crate) client: Client,
    pub(crate) endpoint: Endpoint,
    pub(crate) names: Names,
    pub(crate) silence_ms: u64,
}

/// Builds the client. Certificates are read only when the address asks for TLS.
pub(crate) fn line(spec: &ModelSpec) -> Result<Line, ConnectError> {
    let endpoint = Endpoint::new(spec)?;
    let mut builder = Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(Duration::from_millis(CONNECT_MS_MAX));
    if let Some(proxy) = spec.proxy.as_ref().filter(|_| !endpoint.is_loopback()) {
        let proxy = Proxy::all(proxy.expose("to connect through it").as_str());
        builder = builder.proxy(proxy.map_err(|_| ConnectError::Proxy {
            provider: spec.provider.clone(),
        })?);
    }
    builder = if endpoint.propose.scheme() == "https" {
        // An error means that a provider is installed already, which is all that is wanted.
        ring::default_provider().install_default().ok();
        builder
    } else {
        builder.tls_backend_preconfigured(no_tls()?)
    };
    let client = builder.build().map_err(|e| ConnectError::Tls {
        why: plain(&root_cause(&e)),
    })?;
    Ok(Line {
        client,
        endpoint,
        names: Names {
            provider: spec.provider.clone(),
            model: spec.model.clone(),
        },
        silence_ms: spec.request_timeout_ms.max(1),
    })
}

/// Trusts nobody: an address without TLS is never redirected to one with it.
fn no_tls() -> Result<ClientConfig, ConnectError> {
    let provider: CryptoProvider = ring::default_provider();
    let config = ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .map_err(|e| ConnectError::Tls { why: e.to_string() })?;
    Ok(config
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}

/// One attempt, and how far it came.
pub(crate) struct Attempt<'a> {
    pub(crate) line: &'a Line,
    pub(crate) clock: &'a dyn Clock,
    /// Whether the provider began to answer, so that it may have charged for it.
    pub(crate) began: bool,
}

impl Attempt<'_> {
    /// Sends the body and reads the whole stream through `reader`.
    pub(crate) async fn run(
        &mut self,
        body: &[u8],
        reader: &mut dyn Reader,
        sink: Sink<'_>,
    ) -> Result<(), Broken> {
        let mut response = self.send(body).await?;
        let status = response.status().as_u16();
        if !(200..300).contains(&status) {
            let retry_after_ms = retry_after_ms(response.headers(), self.clock.now());
            let said = Said::of_body(&self.error_body(&mut response).await);
            return Err(self.refused(Some(status), said, retry_after_ms));
        }
        let kind = content_type(&response);
        if kind.contains("json") && !kind.contains("stream") && !kind.contains("jsonl") {
            return Err(self.unstreamed(&mut response).await);
        }
        if kind.contains("html") {
            let what = format!("`{}` instead of a stream", plain(&kind));
            return Err(self.line.names.malformed(&what));
        }
        self.began = true;
        self.stream(&mut response, reader, sink).await
    }

    async fn send(&self, body: &[u8]) -> Result<Response, Broken> {
        let line = self.line;
        let request = line
            .client
            .post(line.endpoint.propose.clone())
            .headers(line.endpoint.headers.clone())
            .body(body.to_vec());
        match self.in_time(request.send()).await? {
            Ok(response) => Ok(response),
            Err(error) => Err(line.unsent(&error)),
        }
    }

    async fn stream(
        &self,
        response: &mut Response,
        reader: &mut dyn Reader,
        sink: Sink<'_>,
    ) -> Result<(), Broken> {
        let names = &self.line.names;
        let too_long = |_: EventTooLong| names.malformed("an event without end");
        let mut decoder = SseDecoder::new(EVENT_BYTES_MAX);
        let mut events = Vec::new();
        let (mut flow, mut bytes, mut told) = (Flow::More, 0_usize, 0_usize);
        loop {
            let Some(chunk) = self.chunk(response, flow).await? else {
                break;
            };
            bytes = bytes.saturating_add(chunk.len());
            if bytes > STREAM_BYTES_MAX {
                return Err(names.malformed("a stream without end"));
            }
            decoder.push(&chunk, &mut events).map_err(too_long)?;
            told += events.len();
            for event in events.drain(..) {
                flow = self.event(&event, reader, sink)?;
                if flow == Flow::Finished {
                    return Ok(());
                }
            }
        }
        decoder.finish(&mut events).map_err(too_long)?;
        told += events.len();
        for event in &events {
            match self.event(event, reader, sink) {
                Ok(Flow::Finished) => return Ok(()),
                Ok(last) => flow = last,
                // Half an event after the stop reason: late usage is lost, the turn is not.
                Err(_) if flow == Flow::Tail => return Ok(()),
                Err(broken) => return Err(broken),
            }
        }
        if told == 0 && bytes > 0 {
            return Err(names.malformed("bytes that are no stream of events"));
        }
        Ok(())
    }

    fn event(
        &self,
        event: &SseEvent,
        reader: &mut dyn Reader,
        sink: Sink<'_>,
    ) -> Result<Flow, Broken> {
        if event.data.trim() == "[DONE]" {
            return Ok(Flow::Finished);
        }
        let Some(value) = wire::parse(event, &self.line.names)? else {
            return Ok(Flow::More);
        };
        reader.event(&value, sink).map_err(|broken| Broken {
            message: self.line.endpoint.scrub(&broken.message),
            ..broken
        })
    }

    /// The next bytes; none at the end. After the stop reason a silence or a break is an end too.
    async fn chunk(
        &self,
        response: &mut Response,
        flow: Flow,
    ) -> Result<Option<impl AsRef<[u8]> + std::ops::Deref<Target = [u8]> + use<>>, Broken> {
        if flow == Flow::Tail {
            let wait = Duration::from_millis(TAIL_MS_MAX.min(self.line.silence_ms));
            let tail = tokio::time::timeout(wait, response.chunk()).await;
            return Ok(tail.ok().and_then(Result::ok).flatten());
        }
        match self.in_time(response.chunk()).await? {
            Ok(chunk) => Ok(chunk),
            Err(_) => Err(cut(&self.line.names.provider)),
        }
    }

    async fn in_time<F: Future>(&self, work: F) -> Result<F::Output, Broken> {
        let silence = Duration::from_millis(self.line.silence_ms);
        match tokio::time::timeout(silence, work).await {
            Ok(output) => Ok(output),
            Err(_) => Err(silent(&self.line.names.provider, self.line.silence_ms)),
        }
    }

    /// As much of an error's body as is worth reading; a broken one is no further error.
    async fn error_body(&self, response: &mut Response) -> String {
        let mut body = Vec::new();
        while let Ok(Ok(Some(chunk))) = self.in_time(response.chunk()).await {
            let room = ERROR_BYTES_MAX - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if body.len() >= ERROR_BYTES_MAX {
                break;
            }
        }
        String::from_utf8_lossy(&body).into_owned()
    }

    /// A success that is plain JSON: an error in disguise, or a server that cannot stream.
    async fn unstreamed(&self, response: &mut Response) -> Broken {
        let body = self.error_body(response).await;
        let value = serde_json::from_str(&body).unwrap_or_default();
        match Said::of(&value) {
            Some(said) => self.refused(None, said, None),
            None => self.line.names.malformed("JSON instead of a stream"),
        }
    }

    fn refused(&self, status: Option<u16>, said: Said, retry_after_ms: Option<u64>) -> Broken {
        let refusal = Refusal {
            provider: &self.line.names.provider,
            model: &self.line.names.model,
            status,
            said: Said {
                words: self.line.endpoint.scrub(&said.words),
                ..said
            },
            retry_after_ms,
        };
        refusal.classify()
    }
}

impl Line {
    /// The request did not go out whole, or nothing came back. The library's own text is not
    /// used: it holds the URL, and an URL may hold a token.
    pub(crate) fn unsent(&self, error: &reqwest::Error) -> Broken {
        let provider = &self.names.provider;
        let host = self.endpoint.host();
        let cause = root_cause(error);
        if !error.is_connect() {
            // Sent, at least in part, and the connection ended before a status line.
            return cut(provider);
        }
        let certificate = cause.to_lowercase().contains("certificate");
        let (what, hint) = if certificate {
            (
                "its certificate is not trusted",
                "check `base_url`, and this machine's clock and certificates",
            )
        } else if error.is_timeout() {
            ("it does not answer", "check the network and `base_url`")
        } else if cause.contains("lookup") || cause.contains("resolve") {
            (
                "nobody knows that name",
                "check the network and the host in `base_url`",
            )
        } else if self.endpoint.is_loopback() {
            (
                "nothing listens there",
                "start the local server, or check the port in `base_url`",
            )
        } else {
            (
                "no connection",
                "check the network, the proxy and `base_url`",
            )
        };
        let broken = Broken::new(
            ModelFaultKind::NoRoute,
            format!("`{provider}` cannot be reached at `{host}`: {what}"),
            hint,
        );
        if certificate {
            broken.with_retry(Retry::Never)
        } else {
            broken
        }
    }
}

/// The turn of a stream that was read to its end.
pub(crate) fn conclude(line: &Line, reader: Box<dyn Reader>) -> Result<Finished, Broken> {
    reader.finish().map_err(|broken| Broken {
        message: line.endpoint.scrub(&broken.message),
        ..broken
    })
}

fn content_type(response: &Response) -> String {
    let value = response.headers().get(CONTENT_TYPE);
    let text = value.and_then(|value| value.to_str().ok());
    text.unwrap_or_default().to_ascii_lowercase()
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
