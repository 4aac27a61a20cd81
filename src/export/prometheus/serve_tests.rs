//! The server as a client on the other end of a socket sees it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderMap, Method, StatusCode};
use opentelemetry::KeyValue;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::fixture::Fixture;
use super::{bind, Exposition, Limits, Server};
use crate::config::{PrometheusConfig, Secret, TranslationStrategy};
use crate::engine::collection::Collection;
use crate::engine::{Collect, PipelineId};
use crate::error::{Code, Error, Result};
use crate::log::Logger;

enum Source {
    Collection(Arc<Collection>),
    ShutDown,
    Gone,
}

struct Fake {
    source: Source,
    timeout_millis: AtomicUsize,
}

impl Collect for Fake {
    fn collect(
        &self,
        _: PipelineId,
        timeout: Duration,
    ) -> oneshot::Receiver<Result<Arc<Collection>>> {
        self.timeout_millis
            .store(timeout.as_millis() as usize, Ordering::SeqCst);
        let (sender, receiver) = oneshot::channel();
        let _ = match &self.source {
            Source::Collection(collection) => sender.send(Ok(collection.clone())),
            Source::ShutDown => sender.send(Err(Error::new(Code::ShutDown, "It is off"))),
            Source::Gone => Ok(()),
        };
        receiver
    }
}

fn small() -> Source {
    let fixture = Fixture::default().metric("s", "", |meter| {
        meter.u64_counter("n").build().add(1, &[]);
    });
    Source::Collection(Arc::new(fixture.collection()))
}

/// About 4 MB of text.
fn large() -> Source {
    let fixture = Fixture::default().metric("s", "", |meter| {
        let counter = meter.u64_counter("n").build();
        for index in 0..1900 {
            counter.add(
                1,
                &[KeyValue::new("k", format!("{index}{}", "x".repeat(2000)))],
            );
        }
    });
    Source::Collection(Arc::new(fixture.collection()))
}

struct Setup {
    runtime: Runtime,
    server: Server,
    source: Arc<Fake>,
}

fn exposition(source: Source, token: Option<&str>) -> (Arc<Fake>, Arc<Exposition>) {
    let source = Arc::new(Fake {
        source,
        timeout_millis: AtomicUsize::new(0),
    });
    let config = PrometheusConfig {
        listen: None,
        path: "/metrics".to_owned(),
        on_backend: false,
        token: token.map(Secret::new),
        translation_strategy: TranslationStrategy::default(),
        collect_timeout: Duration::from_secs(5),
    };
    let exposition = Exposition::new(source.clone(), PipelineId(0), &config, Logger::default());
    (source, Arc::new(exposition))
}

fn start(source: Source, token: Option<&str>, limits: Limits) -> Setup {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (source, exposition) = exposition(source, token);
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = runtime
        .block_on(Server::start(address, exposition, limits))
        .unwrap();
    Setup {
        runtime,
        server,
        source,
    }
}

impl Setup {
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.server.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        stream
    }

    /// Head and body (chunks not undone) of one answer.
    fn ask(&self, line: &str, headers: &str) -> (String, Vec<u8>) {
        let mut stream = self.connect();
        let request = format!("{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
        let body = answer.split_off(end);
        (String::from_utf8(answer).unwrap().to_lowercase(), body)
    }

    fn status(&self, line: &str, headers: &str) -> u16 {
        let (head, _) = self.ask(line, headers);
        head.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

#[test]
fn get_and_head_are_answered_on_one_path_only() {
    let setup = start(small(), None, Limits::default());
    let (head, body) = setup.ask("GET /metrics", "");
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head
        .contains("content-type: text/plain; version=0.0.4; charset=utf-8; escaping=underscores"));
    assert!(String::from_utf8(body)
        .unwrap()
        .contains("n_total{otel_scope_name=\"s\"} 1"));

    let (head, body) = setup.ask("HEAD /metrics", "accept: application/openmetrics-text\r\n");
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head.contains("content-type: application/openmetrics-text"));
    assert!(!head.contains("content-length: 0"), "{head}");
    assert!(body.is_empty());

    assert_eq!(setup.status("GET /metrics?name=x", ""), 200);
    assert_eq!(setup.status("GET /", ""), 404);
    let (head, _) = setup.ask("POST /metrics", "content-length: 0\r\n");
    assert!(
        head.starts_with("http/1.1 405") && head.contains("allow: get, head"),
        "{head}"
    );
}

#[test]
fn a_token_is_asked_for_and_compared() {
    let setup = start(small(), Some("s3cret"), Limits::default());
    let (head, body) = setup.ask("GET /metrics", "");
    assert!(head.starts_with("http/1.1 401") && head.contains("www-authenticate: bearer"));
    assert!(!String::from_utf8(body).unwrap().contains("n_total"));
    for (header, status) in [
        ("authorization: Bearer s3cret\r\n", 200),
        ("authorization: bearer s3cret\r\n", 200),
        ("authorization: Bearer s3cre\r\n", 401),
        ("authorization: Bearer s3crets\r\n", 401),
        ("authorization: Basic s3cret\r\n", 401),
        ("authorization: s3cret\r\n", 401),
        ("authorization:\r\n", 401),
    ] {
        assert_eq!(setup.status("GET /metrics", header), status, "{header}");
    }
}

#[test]
fn gzip_is_streamed_when_asked_for() {
    let setup = start(large(), None, Limits::default());
    let (head, body) = setup.ask("GET /metrics", "accept-encoding: gzip\r\n");
    assert!(head.contains("content-encoding: gzip"), "{head}");
    assert!(body.len() < 1_000_000);
    let (_, plain) = setup.ask("GET /metrics", "");
    assert!(plain.len() > 3_500_000);
    assert!(plain.ends_with(b"\r\n0\r\n\r\n"));
}

#[test]
fn an_engine_that_has_shut_down_is_said_so() {
    for source in [Source::ShutDown, Source::Gone] {
        let setup = start(source, None, Limits::default());
        let (head, body) = setup.ask("GET /metrics", "");
        assert!(head.starts_with("http/1.1 503"), "{head}");
        assert!(!body.is_empty());
    }
}

#[test]
fn a_client_in_a_hurry_shortens_the_collection() {
    let setup = start(small(), None, Limits::default());
    let asked = |header: &str| {
        setup.ask("GET /metrics", header);
        setup.source.timeout_millis.load(Ordering::SeqCst)
    };
    assert_eq!(asked(""), 5000);
    assert_eq!(asked("x-prometheus-scrape-timeout-seconds: 2.5\r\n"), 2000);
    assert_eq!(asked("x-prometheus-scrape-timeout-seconds: 60\r\n"), 5000);
    for nonsense in ["-1", "NaN", "0", "1e400", "soon"] {
        let header = format!("x-prometheus-scrape-timeout-seconds: {nonsense}\r\n");
        assert_eq!(asked(&header), 5000, "{nonsense}");
    }
}

#[test]
fn a_client_that_never_finishes_its_request_is_cut_off() {
    let limits = Limits {
        head: Duration::from_millis(200),
        ..Limits::default()
    };
    let setup = start(small(), None, limits);
    for sent in ["", "GET /metr", "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n"] {
        let mut stream = setup.connect();
        stream.write_all(sent.as_bytes()).unwrap();
        let begun = Instant::now();
        stream.read_to_end(&mut Vec::new()).unwrap();
        assert!(begun.elapsed() < Duration::from_secs(5), "{sent:?}");
    }
}

#[test]
fn a_client_that_does_not_read_is_cut_off_and_frees_its_slot() {
    let limits = Limits {
        connections: 1,
        stall: Duration::from_millis(300),
        ..Limits::default()
    };
    let setup = start(large(), None, limits);
    let mut lazy = setup.connect();
    for _ in 0..3 {
        lazy.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n")
            .unwrap();
    }
    assert_eq!(setup.status("GET /metrics", ""), 200);
    let mut rest = Vec::new();
    let ended = lazy.read_to_end(&mut rest);
    assert!(ended.is_err() || !rest.ends_with(b"\r\n0\r\n\r\n"));
}

#[test]
fn connections_beyond_the_limit_wait_for_a_slot() {
    let limits = Limits {
        connections: 1,
        head: Duration::from_millis(400),
        ..Limits::default()
    };
    let setup = start(small(), None, limits);
    let _idle = setup.connect();
    std::thread::sleep(Duration::from_millis(100));
    let begun = Instant::now();
    assert_eq!(setup.status("GET /metrics", ""), 200);
    assert!(begun.elapsed() >= Duration::from_millis(200));
}

#[test]
fn connections_that_ask_nothing_make_room_when_all_are_taken() {
    let limits = Limits {
        connections: 4,
        crowded_head: Duration::from_millis(300),
        ..Limits::default()
    };
    let setup = start(small(), None, limits);
    let begun = Instant::now();
    let silent: Vec<_> = [
        "",
        "GET /metr",
        "GET /metrics HTTP/1.1\r\nx: ",
        // One that has had an answer.
        "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n",
    ]
    .map(|sent| {
        let mut stream = setup.connect();
        stream.write_all(sent.as_bytes()).unwrap();
        stream
    })
    .into();
    assert_eq!(setup.status("GET /metrics", ""), 200);
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_millis(200), "{waited:?}");
    assert!(waited < Duration::from_secs(5), "{waited:?}");
    drop(silent);
}

#[test]
fn an_answer_under_way_is_finished_also_when_all_connections_are_taken() {
    let limits = Limits {
        connections: 1,
        crowded_head: Duration::from_millis(50),
        ..Limits::default()
    };
    let setup = start(large(), None, limits);
    let mut slow = setup.connect();
    slow.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    let address = setup.server.address;
    let other = std::thread::spawn(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    std::thread::sleep(Duration::from_millis(300));
    let mut page = Vec::new();
    slow.read_to_end(&mut page).unwrap();
    assert!(page.ends_with(b"\r\n0\r\n\r\n"));
    assert!(other.join().unwrap().starts_with("HTTP/1.1 404"));
}

#[test]
fn oversized_headers_are_refused() {
    let setup = start(small(), None, Limits::default());
    let header = format!("x: {}\r\n", "y".repeat(20_000));
    assert_eq!(setup.status("GET /metrics", &header), 431);
}

#[test]
fn a_port_in_use_is_an_error_that_says_what_to_change() {
    let setup = start(small(), None, Limits::default());
    let address = setup.server.address;
    let error = setup.runtime.block_on(bind(address)).unwrap_err();
    assert_eq!(error.code(), Code::Export);
    for part in [
        &address.to_string(),
        "in use",
        "backend.metrics.exporters.prometheus.port",
    ] {
        assert!(error.message().contains(part), "{error}");
    }
}

#[test]
fn stopping_finishes_the_answer_under_way_and_closes_the_port() {
    let setup = start(large(), None, Limits::default());
    let mut reader = setup.connect();
    reader
        .write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    let mut first = [0; 1000];
    reader.read_exact(&mut first).unwrap();
    let _idle = setup.connect();
    let address = setup.server.address;
    let stopped = setup.runtime.spawn(setup.server.stop());
    std::thread::sleep(Duration::from_millis(100));
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).unwrap();
    assert!(rest.ends_with(b"\r\n0\r\n\r\n"));
    setup.runtime.block_on(stopped).unwrap();
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn stopping_waits_for_no_connection_without_an_answer_under_way() {
    let setup = start(small(), None, Limits::default());
    let strangers = [
        "",
        "GET /metr",
        "GET /metrics HTTP/1.1\r\nhost: x\r\nx: ",
        // Ones that have had an answer, and one of them begins again.
        "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\nGET /m",
    ]
    .map(|sent| {
        let mut stream = setup.connect();
        stream.write_all(sent.as_bytes()).unwrap();
        stream
    });
    std::thread::sleep(Duration::from_millis(200));
    let begun = Instant::now();
    setup.runtime.block_on(setup.server.stop());
    assert!(begun.elapsed() < Duration::from_millis(500));
    drop(strangers);
}

#[test]
fn stopping_waits_a_limited_time_for_a_client_that_reads_slowly() {
    let limits = Limits {
        drain: Duration::from_millis(300),
        ..Limits::default()
    };
    let setup = start(large(), None, limits);
    let mut slow = setup.connect();
    // More than the kernel takes off the server's hands.
    for _ in 0..5 {
        slow.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n")
            .unwrap();
    }
    slow.read_exact(&mut [0; 1000]).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    let begun = Instant::now();
    setup.runtime.block_on(setup.server.stop());
    assert!(begun.elapsed() >= limits.drain, "{:?}", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn the_page_can_be_had_in_memory() {
    let (_, exposition) = exposition(small(), None);
    let mut headers = HeaderMap::new();
    headers.insert("accept", "application/openmetrics-text".parse().unwrap());
    let rendered = exposition.render(&Method::GET, &headers).await;
    assert_eq!(rendered.status, StatusCode::OK);
    assert!(rendered.body.ends_with(b"# EOF\n"));
    assert!(rendered.headers["content-type"]
        .to_str()
        .unwrap()
        .starts_with("application/openmetrics"));
    let refused = exposition.render(&Method::PUT, &headers).await;
    assert_eq!(refused.status, StatusCode::METHOD_NOT_ALLOWED);
}
