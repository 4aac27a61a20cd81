//! The server as a client on the other end of a socket sees it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::{HeaderMap, Method, StatusCode};
use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::Temporality;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::activity::{Activity, Pace};
use super::crowd::Patience;
use super::fixture::Fixture;
use super::respond::{client_timeout, SCRAPE_TIMEOUT};
use super::{Exposition, HostedAnswer, Limits, Server};
use crate::config::{ListenSettings, PrometheusConfig, ReaderConfig, Secret, TranslationStrategy};
use crate::engine::collection::Collection;
use crate::engine::{Collect, PipelineId};
use crate::error::{Code, Error, Result};
use crate::log::Logger;

enum Source {
    Collection(Arc<Collection>),
    /// Event loops that never answer: only what is known can be had.
    Known(Arc<Collection>),
    ShutDown,
    Gone,
}

struct Fake {
    source: Source,
    /// How long each collection waits, in milliseconds.
    timeouts: Mutex<Vec<u128>>,
    unanswered: Mutex<Vec<oneshot::Sender<Result<Arc<Collection>>>>>,
}

impl Collect for Fake {
    fn collect(
        &self,
        _: PipelineId,
        timeout: Duration,
    ) -> oneshot::Receiver<Result<Arc<Collection>>> {
        self.timeouts.lock().unwrap().push(timeout.as_millis());
        let (sender, receiver) = oneshot::channel();
        let _ = match &self.source {
            Source::Known(_) if !timeout.is_zero() => {
                self.unanswered.lock().unwrap().push(sender);
                Ok(())
            }
            Source::Collection(collection) | Source::Known(collection) => {
                sender.send(Ok(collection.clone()))
            }
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
        timeouts: Mutex::default(),
        unanswered: Mutex::default(),
    });
    let config = PrometheusConfig {
        listen: None,
        settings: ListenSettings::default(),
        path: "/metrics".to_owned(),
        on_backend: false,
        token: token.map(Secret::new),
        translation_strategy: TranslationStrategy::default(),
        content: Default::default(),
        collect_timeout: Duration::from_secs(5),
        reader: ReaderConfig::new(Temporality::Cumulative),
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
fn a_client_in_a_hurry_gets_what_is_known_and_shortens_nobodys_collection() {
    let Source::Collection(known) = small() else {
        unreachable!();
    };
    let setup = start(Source::Known(known), None, Limits::default());
    let took = |seconds: &str| {
        let begun = Instant::now();
        let header = format!("x-prometheus-scrape-timeout-seconds: {seconds}\r\n");
        let (_, body) = setup.ask("GET /metrics", &header);
        assert!(String::from_utf8(body).unwrap().contains("n_total"));
        begun.elapsed().as_millis()
    };
    for (seconds, least) in [
        ("1", 800),
        // As little as that leaves event loops a quarter of a second.
        ("0.001", 250),
        ("1e-300", 250),
        ("1\r\nx-prometheus-scrape-timeout-seconds: 0.001", 800),
    ] {
        let took = took(seconds);
        assert!((least..least + 700).contains(&took), "{seconds}: {took} ms");
    }
    let timeouts = setup.source.timeouts.lock().unwrap();
    assert_eq!(*timeouts, [5000, 0].repeat(4));
}

#[test]
fn a_time_out_that_cannot_be_meant_is_none() {
    for nonsense in ["-1", "NaN", "0", "-0", "1e400", "-inf", "inf", "soon", ""] {
        let mut headers = HeaderMap::new();
        headers.insert(SCRAPE_TIMEOUT, nonsense.parse().unwrap());
        assert_eq!(client_timeout(&headers), None, "{nonsense}");
    }
}

#[test]
fn a_flood_shares_collections_that_begin_after_its_requests() {
    let setup = start(small(), None, Limits::default());
    let begun = Instant::now();
    let asking: Vec<_> = (0..8)
        .map(|_| {
            let mut stream = setup.connect();
            std::thread::spawn(move || {
                let request = b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n";
                for _ in 0..20 {
                    stream.write_all(request).unwrap();
                    read_chunked(&mut stream);
                }
            })
        })
        .collect();
    asking.into_iter().for_each(|asks| asks.join().unwrap());
    let collections = setup.source.timeouts.lock().unwrap().len();
    let most = 10 + begun.elapsed().as_millis() as usize / 250 + 1;
    assert!(
        collections <= most,
        "{collections} collections, {most} allowed"
    );
}

#[test]
fn heads_ask_no_event_loop() {
    let setup = start(small(), None, Limits::default());
    setup.ask("HEAD /metrics", "");
    assert_eq!(*setup.source.timeouts.lock().unwrap(), [0]);
}

fn read_chunked(stream: &mut TcpStream) {
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    while !answer.ends_with(b"\r\n0\r\n\r\n") {
        let read = stream.read(&mut piece).unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&piece[..read]);
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
        pace: Pace {
            stall: Duration::from_millis(300),
            ..Limits::default().pace
        },
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

fn patience(request: u64, reading: u64) -> Patience {
    Patience {
        request: Duration::from_millis(request),
        reading: Duration::from_millis(reading),
    }
}

#[test]
fn connections_that_ask_nothing_make_room_when_all_are_taken() {
    let limits = Limits {
        connections: 4,
        crowded: patience(300, 60_000),
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
        if sent.ends_with("\r\n\r\n") {
            read_chunked(&mut stream);
        }
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
        crowded: patience(50, 60_000),
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
async fn a_host_takes_the_page_piece_by_piece() {
    let (_, exposition) = exposition(large(), None);
    let mut headers = HeaderMap::new();
    headers.insert("accept", "application/openmetrics-text".parse().unwrap());
    let answer = exposition.host(&Method::GET, &headers).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.headers["content-type"]
        .to_str()
        .unwrap()
        .starts_with("application/openmetrics"));
    let mut page = Vec::new();
    while let Some(piece) = answer.next().await.unwrap() {
        assert!(piece.len() <= 64 * 1024, "{}", piece.len());
        page.extend_from_slice(&piece);
    }
    assert!(page.ends_with(b"# EOF\n"));
    assert!(!answer.is_cut().await);
    let refused = exposition.host(&Method::PUT, &headers).await;
    assert_eq!(refused.status, StatusCode::METHOD_NOT_ALLOWED);
}

/// As many answers as one page gives at a time, each with its first piece taken.
async fn host_all(exposition: &Arc<Exposition>) -> Vec<Arc<HostedAnswer>> {
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..Limits::default().connections {
        let exposition = exposition.clone();
        asking.spawn(async move {
            let answer = exposition.host(&Method::GET, &HeaderMap::new()).await;
            assert_eq!(answer.status, StatusCode::OK);
            answer.next().await.unwrap().unwrap();
            answer
        });
    }
    asking.join_all().await
}

#[tokio::test]
async fn a_host_that_wants_no_more_frees_the_place() {
    let (_, exposition) = exposition(large(), None);
    for answer in host_all(&exposition).await {
        answer.close();
        answer.next().await.unwrap_err();
        assert!(!answer.is_cut().await);
    }
    let mut seats = Vec::new();
    let begun = Instant::now();
    while seats.len() < Limits::default().connections {
        assert!(begun.elapsed() < Duration::from_secs(5), "{}", seats.len());
        seats.extend(exposition.hosted().try_enter(&Activity::new()));
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn hosted_clients_that_do_not_read_make_room_and_are_cut() {
    let (_, exposition) = exposition(large(), None);
    let slow = host_all(&exposition).await;
    let begun = Instant::now();
    let answer = exposition.host(&Method::GET, &HeaderMap::new()).await;
    assert_eq!(answer.status, StatusCode::OK);
    let waited = begun.elapsed();
    assert!(waited < Duration::from_secs(4), "{waited:?}");
    let mut cut = Vec::new();
    for answer in &slow {
        let ended = tokio::time::timeout(Duration::from_millis(1), answer.is_cut()).await;
        cut.extend(ended.is_ok_and(|cut| cut).then_some(answer));
    }
    assert_eq!(cut.len(), 1);
    cut[0].next().await.unwrap_err();
}
