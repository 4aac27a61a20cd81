//! A collector for tests: answers on 127.0.0.1 with whatever the test says, over HTTP/1.1 or, for
//! gRPC, HTTP/2, in the clear or with TLS.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use prost::Message;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::answer::{Any, ProtoDuration, RetryInfo, RpcStatus};

/// One request as it came.
pub struct Received {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Received {
    /// The message, out of whatever encoding and compression the headers name.
    pub fn message(&self) -> ExportMetricsServiceRequest {
        match self.headers["content-type"].to_str().unwrap() {
            "application/grpc" => {
                let length = u32::from_be_bytes(self.body[1..5].try_into().unwrap());
                assert_eq!(length as usize, self.body.len() - 5);
                assert_eq!(
                    self.body[0] == 1,
                    self.headers.contains_key("grpc-encoding")
                );
                let message = self.plain("grpc-encoding", &self.body[5..]);
                ExportMetricsServiceRequest::decode(message.as_slice()).unwrap()
            }
            "application/x-protobuf" => {
                let message = self.plain("content-encoding", &self.body);
                ExportMetricsServiceRequest::decode(message.as_slice()).unwrap()
            }
            "application/json" => {
                serde_json::from_slice(&self.plain("content-encoding", &self.body)).unwrap()
            }
            other => panic!("{other}"),
        }
    }

    fn plain(&self, header: &str, body: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        if self.headers.contains_key(header) {
            assert_eq!(self.headers[header], "gzip");
            flate2::read::GzDecoder::new(body)
                .read_to_end(&mut plain)
                .unwrap();
        } else {
            plain.extend_from_slice(body);
        }
        plain
    }
}

/// A `grpc-status-details-bin` with a `RetryInfo` of this pause.
pub fn retry_info(seconds: i64, nanos: i32) -> String {
    let info = RetryInfo {
        retry_delay: Some(ProtoDuration { seconds, nanos }),
    };
    let status = RpcStatus {
        code: 8,
        message: b"busy".to_vec(),
        details: vec![Any {
            type_url: "type.googleapis.com/google.rpc.RetryInfo".into(),
            value: info.encode_to_vec(),
        }],
    };
    STANDARD.encode(status.encode_to_vec())
}

/// What to do about a request.
pub enum Reply {
    Answer(Response<Frames>),
    /// Read the request, then say nothing, ever.
    Silence,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self::http(status, &[], Bytes::new())
    }

    pub fn http(status: u16, headers: &[(&'static str, &str)], body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let frames = if body.is_empty() {
            VecDeque::new()
        } else {
            VecDeque::from([Ok(Frame::data(body))])
        };
        Self::frames(status, headers, frames)
    }

    /// Asks the first request to come again in a second, and takes the others.
    pub fn retry_once_after_a_second(number: usize, _: &Received) -> Self {
        match number {
            0 => Self::http(429, &[("retry-after", "1")], ""),
            _ => Self::status(200),
        }
    }

    /// A body that breaks off after its first bytes.
    pub fn broken(status: u16, headers: &[(&'static str, &str)], body: &'static [u8]) -> Self {
        let broken = io::Error::other("broken on purpose");
        let frames = VecDeque::from([Ok(Frame::data(Bytes::from_static(body))), Err(broken)]);
        Self::frames(status, headers, frames)
    }

    /// A gRPC answer: a message, when there is one, and the trailers.
    pub fn grpc(message: Option<Vec<u8>>, trailers: &[(&'static str, &str)]) -> Self {
        let mut frames = VecDeque::new();
        if let Some(message) = message {
            frames.push_back(Ok(Frame::data(super::grpc::frame(&message, false))));
        }
        let mut map = HeaderMap::new();
        for (name, value) in trailers {
            map.insert(*name, value.parse().unwrap());
        }
        frames.push_back(Ok(Frame::trailers(map)));
        Self::frames(200, &[("content-type", "application/grpc")], frames)
    }

    fn frames(
        status: u16,
        headers: &[(&'static str, &str)],
        frames: VecDeque<io::Result<Frame<Bytes>>>,
    ) -> Self {
        let mut response = Response::new(Frames {
            frames,
            waited: false,
        });
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        for (name, value) in headers {
            response.headers_mut().insert(*name, value.parse().unwrap());
        }
        Self::Answer(response)
    }
}

/// A body of prepared frames.
pub struct Frames {
    frames: VecDeque<io::Result<Frame<Bytes>>>,
    /// hyper sends what it has only while the body makes it wait.
    waited: bool,
}

impl Body for Frames {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let (Some(Err(_)), false) = (self.frames.front(), self.waited) {
            self.waited = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.frames.pop_front())
    }
}

/// Decides on a reply; the number counts requests from 0.
type Handler = dyn Fn(usize, &Received) -> Reply + Send + Sync;

/// A running collector; it ends with the runtime it was started on.
pub struct FakeCollector {
    pub address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl FakeCollector {
    pub async fn http(handler: impl Fn(usize, &Received) -> Reply + Send + Sync + 'static) -> Self {
        Self::start(Arc::new(handler), false, None, "127.0.0.1:0").await
    }

    pub async fn grpc(handler: impl Fn(usize, &Received) -> Reply + Send + Sync + 'static) -> Self {
        Self::start(Arc::new(handler), true, None, "127.0.0.1:0").await
    }

    pub async fn tls(
        http2: bool,
        acceptor: TlsAcceptor,
        handler: impl Fn(usize, &Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start(Arc::new(handler), http2, Some(acceptor), "127.0.0.1:0").await
    }

    async fn start(
        handler: Arc<Handler>,
        http2: bool,
        tls: Option<TlsAcceptor>,
        address: &str,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let collector = Self {
            address: listener.local_addr().unwrap(),
            received: Arc::default(),
        };
        let received = collector.received.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let connection = Connection {
                    handler: handler.clone(),
                    received: received.clone(),
                };
                tokio::spawn(accept(stream, tls.clone(), http2, connection));
            }
        });
        collector
    }

    /// `http://address/path`, as configured for HTTP.
    pub fn url(&self) -> String {
        format!("http://{}/v1/metrics", self.address)
    }

    /// `http://address`, as configured for gRPC.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Takes what was received so far.
    pub fn received(&self) -> Vec<Received> {
        std::mem::take(&mut self.received.lock().unwrap())
    }
}

#[derive(Clone)]
struct Connection {
    handler: Arc<Handler>,
    received: Arc<Mutex<Vec<Received>>>,
}

async fn accept(stream: TcpStream, tls: Option<TlsAcceptor>, http2: bool, to: Connection) {
    match tls {
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(stream, http2, to).await;
            }
        }
        None => serve(stream, http2, to).await,
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    http2: bool,
    to: Connection,
) {
    let io = TokioIo::new(stream);
    let service = service_fn(move |request| handle(request, to.clone()));
    // How a connection ends is for the client to notice.
    let _ = if http2 {
        hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .serve_connection(io, service)
            .await
    } else {
        hyper::server::conn::http1::Builder::new()
            .serve_connection(io, service)
            .await
    };
}

async fn handle(
    request: Request<Incoming>,
    to: Connection,
) -> Result<Response<Frames>, Infallible> {
    let (head, body) = request.into_parts();
    let received = Received {
        path: head.uri.path().to_owned(),
        headers: head.headers,
        body: body.collect().await.unwrap_or_default().to_bytes(),
    };
    let reply = {
        let mut all = to.received.lock().unwrap();
        let reply = (to.handler)(all.len(), &received);
        all.push(received);
        reply
    };
    match reply {
        Reply::Answer(response) => Ok(response),
        Reply::Silence => std::future::pending().await,
    }
}
