use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::Temporality;
use prost::Message;
use tokio::io::AsyncReadExt;
use tokio::runtime::Handle;

use crate::config::DEFAULT_RESPONSE_SIZE;
use crate::config::{Compression, OtlpConfig, OtlpProtocol, Secret};
use crate::export::otlp::answer::{ExportResponse, PartialSuccess};
use crate::export::otlp::fake_collector::{FakeCollector, Reply};
use crate::export::otlp::OtlpExporter;
use crate::export::push::{Outcome, PushExporter, Status};
use crate::export::testing::{block_on, otlp_config, TestSource};

fn source() -> TestSource {
    let source = TestSource::new(Temporality::Cumulative);
    let counter = source.meter().u64_counter("requests").build();
    counter.add(2, &[KeyValue::new("method", "GET")]);
    source
}

/// One attempt with one collection.
async fn send(config: &OtlpConfig) -> Outcome {
    let exporter = OtlpExporter::new(config, &Handle::current()).unwrap();
    let batches = exporter.prepare(&source().collection());
    assert_eq!(batches.len(), 1);
    exporter.send(&batches[0]).await.outcome
}

/// What becomes of a request that is answered so.
fn outcome_of(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Outcome {
    block_on(async {
        let collector = FakeCollector::http(move |_, _| reply()).await;
        send(&otlp_config(&collector.url(), OtlpProtocol::HttpProtobuf)).await
    })
}

fn retryable(outcome: Outcome) -> (Option<Duration>, String) {
    match outcome {
        Outcome::Retryable { after, reason } => (after, reason),
        other => panic!("{other:?}"),
    }
}

fn permanent(outcome: Outcome) -> String {
    match outcome {
        Outcome::Permanent { reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_request_arrives_as_configured() {
    let cases = [
        (OtlpProtocol::HttpProtobuf, Compression::None),
        (OtlpProtocol::HttpProtobuf, Compression::Gzip),
        (OtlpProtocol::HttpJson, Compression::None),
        (OtlpProtocol::HttpJson, Compression::Gzip),
    ];
    for (protocol, compression) in cases {
        block_on(async {
            let collector = FakeCollector::http(|_, _| Reply::status(200)).await;
            let mut config = otlp_config(&collector.url(), protocol);
            config.compression = compression;
            config.headers.insert("X-Key".into(), Secret::new("k3y"));
            assert_eq!(send(&config).await, Outcome::Ok);

            let received = collector.received().pop().unwrap();
            assert_eq!(received.path, "/v1/metrics");
            assert_eq!(received.headers["x-key"], "k3y");
            assert_eq!(
                received.headers["user-agent"],
                concat!(
                    "nativestage-metrics/",
                    env!("CARGO_PKG_VERSION"),
                    " OTel-OTLP-Exporter-JavaScript/",
                    env!("CARGO_PKG_VERSION")
                )
            );
            assert_eq!(
                received.headers.contains_key("content-encoding"),
                compression == Compression::Gzip
            );
            assert_eq!(
                received.headers["content-type"] == "application/json",
                protocol == OtlpProtocol::HttpJson
            );
            let message = received.message();
            let metric = &message.resource_metrics[0].scope_metrics[0].metrics[0];
            assert_eq!(metric.name, "requests");
        });
    }
}

#[test]
fn a_connection_that_ends_before_an_answer_is_called_so() {
    block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            // All of it: closing with something unread would be a reset.
            let mut buffer = [0; 4096];
            let quiet = Duration::from_millis(300);
            while tokio::time::timeout(quiet, stream.read(&mut buffer))
                .await
                .is_ok()
            {}
        });
        let config = otlp_config(&url, OtlpProtocol::HttpProtobuf);
        let exporter = OtlpExporter::new(&config, &Handle::current()).unwrap();
        let batch = exporter.prepare(&source().collection()).pop().unwrap();
        let attempt = exporter.send(&batch).await;
        assert_eq!(attempt.status, Status::Missing("connection_closed"));
        retryable(attempt.outcome);
    });
}

#[test]
fn credentials_in_the_url_become_a_header() {
    block_on(async {
        let collector = FakeCollector::http(|_, _| Reply::status(200)).await;
        let url = format!("http://me:secret@{}/v1/metrics", collector.address);
        let config = otlp_config(&url, OtlpProtocol::HttpProtobuf);
        assert_eq!(send(&config).await, Outcome::Ok);
        let received = collector.received().pop().unwrap();
        assert_eq!(received.headers["authorization"], "Basic bWU6c2VjcmV0");
    });
}

#[test]
fn the_codes_that_ask_for_patience_are_tried_again_and_no_others() {
    for status in [429, 502, 503, 504] {
        let (after, reason) = retryable(outcome_of(move || Reply::status(status)));
        assert_eq!(after, None);
        assert!(reason.contains(&status.to_string()), "{reason}");
    }
    for status in [400, 401, 403, 404, 408, 413, 415, 500, 501] {
        let reason = permanent(outcome_of(move || Reply::status(status)));
        assert!(reason.contains(&status.to_string()), "{reason}");
    }
}

#[test]
fn a_collector_says_when_to_come_back_in_seconds_or_with_a_date() {
    let (after, _) = retryable(outcome_of(|| {
        Reply::http(429, &[("retry-after", "17")], "")
    }));
    assert_eq!(after, Some(Duration::from_secs(17)));

    let (after, _) = retryable(outcome_of(|| {
        let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
        Reply::http(503, &[("retry-after", &date)], "")
    }));
    let after = after.unwrap().as_secs();
    assert!((90..=100).contains(&after), "{after}");
}

#[test]
fn a_refusal_repeats_what_the_collector_said_but_no_header() {
    block_on(async {
        let collector = FakeCollector::http(|_, received| {
            let token = received.headers["authorization"].to_str().unwrap();
            let token = token.trim_start_matches("Bearer ");
            Reply::http(
                401,
                &[("content-type", "application/json; charset=utf-8")],
                format!("{{\"code\":16,\"message\":\"token {token} has expired\"}}"),
            )
        })
        .await;
        let mut config = otlp_config(&collector.url(), OtlpProtocol::HttpProtobuf);
        config
            .headers
            .insert("Authorization".into(), Secret::new("Bearer abc123xyz"));
        let reason = permanent(send(&config).await);
        assert_eq!(
            reason,
            "answered 401 Unauthorized: token <secret> has expired (check the exporter's headers)"
        );
    });
}

#[test]
fn a_redirect_is_an_error_that_says_where_to() {
    let elsewhere = Arc::new(Mutex::new(0));
    let reason = block_on({
        let elsewhere = elsewhere.clone();
        async move {
            let other = FakeCollector::http(move |_, _| {
                *elsewhere.lock().unwrap() += 1;
                Reply::status(200)
            })
            .await;
            let location = format!("http://me:pw@{}/x?token=1", other.address);
            let collector =
                FakeCollector::http(move |_, _| Reply::http(302, &[("location", &location)], ""))
                    .await;
            let config = otlp_config(&collector.url(), OtlpProtocol::HttpProtobuf);
            permanent(send(&config).await)
        }
    });
    assert!(reason.contains("302 Found"), "{reason}");
    assert!(reason.contains("http://127.0.0.1:"), "{reason}");
    assert!(
        !reason.contains("pw") && !reason.contains("token"),
        "{reason}"
    );
    assert_eq!(*elsewhere.lock().unwrap(), 0);
}

#[test]
fn a_partial_success_is_reported_in_both_encodings() {
    let expected = Outcome::PartialSuccess {
        rejected: 1,
        message: "too old".into(),
    };
    let body = ExportResponse {
        partial_success: Some(PartialSuccess {
            rejected_data_points: 1,
            error_message: b"too old".to_vec(),
        }),
    }
    .encode_to_vec();
    let outcome = outcome_of(move || {
        Reply::http(
            200,
            &[("content-type", "application/x-protobuf")],
            body.clone(),
        )
    });
    assert_eq!(outcome, expected);

    let outcome = outcome_of(|| {
        Reply::http(
            200,
            &[("content-type", "application/json")],
            r#"{"partialSuccess":{"rejectedDataPoints":"1","errorMessage":"too old"}}"#,
        )
    });
    assert_eq!(outcome, expected);
}

#[test]
fn what_was_accepted_stays_accepted_when_the_answer_breaks_off() {
    let truncated = outcome_of(|| {
        Reply::broken(
            200,
            &[
                ("content-type", "application/x-protobuf"),
                ("content-length", "1000"),
            ],
            b"\x0a\x05",
        )
    });
    assert_eq!(truncated, Outcome::Ok);
}

/// A partial success whose JSON is this long.
fn partial_success_of(bytes: usize) -> String {
    let json = |said: &str| {
        format!(r#"{{"partialSuccess":{{"errorMessage":"{said}","rejectedDataPoints":"1"}}}}"#)
    };
    let said = "x".repeat(bytes - json("").len());
    json(&said)
}

const JSON: (&str, &str) = ("content-type", "Application/JSON; charset=utf-8");

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_partial_success_is_read_up_to_the_limit_compressed_or_not() {
    for bytes in [100, 70_000, DEFAULT_RESPONSE_SIZE] {
        let plain = outcome_of(move || Reply::http(200, &[JSON], partial_success_of(bytes)));
        let compressed = outcome_of(move || {
            let body = gzip(partial_success_of(bytes).as_bytes());
            Reply::http(200, &[JSON, ("content-encoding", "gzip")], body)
        });
        for outcome in [plain, compressed] {
            let Outcome::PartialSuccess {
                rejected: 1,
                message,
            } = outcome
            else {
                panic!("{bytes}: {outcome:?}");
            };
            assert!(message.starts_with("xxx"), "{bytes}: {message}");
        }
    }
}

#[test]
fn an_answer_over_the_limit_is_an_error_for_good_whatever_its_status() {
    for status in [200, 202, 429, 503] {
        let plain = move || {
            Reply::http(
                status,
                &[JSON],
                partial_success_of(DEFAULT_RESPONSE_SIZE + 1),
            )
        };
        let bomb = move || {
            let body = gzip(&vec![b' '; 50 * DEFAULT_RESPONSE_SIZE]);
            assert!(body.len() < DEFAULT_RESPONSE_SIZE);
            Reply::http(status, &[JSON, ("content-encoding", "gzip")], body)
        };
        for outcome in [outcome_of(plain), outcome_of(bomb)] {
            let reason = permanent(outcome);
            assert!(reason.contains(&status.to_string()), "{reason}");
            assert!(reason.contains("4 MiB"), "{reason}");
        }
    }
}

#[test]
fn an_oversized_refusal_is_cut_to_an_excerpt() {
    let reason = permanent(outcome_of(|| {
        Reply::http(400, &[("content-type", "text/plain")], vec![b'x'; 10 << 20])
    }));
    assert!(reason.starts_with("answered 400 Bad Request: xxx"));
    assert!(reason.len() < 400, "{}", reason.len());
}

#[test]
fn a_web_page_is_not_taken_for_a_collector() {
    let reason = permanent(outcome_of(|| {
        Reply::http(
            200,
            &[("content-type", "text/html; charset=utf-8")],
            "\n<!doctype html><title>Grafana</title>",
        )
    }));
    assert!(reason.contains("HTML"), "{reason}");
}

#[test]
fn a_port_where_nobody_listens_is_connection_refused() {
    let port = free_port();
    let config = otlp_config(
        &format!("http://127.0.0.1:{port}/v1/metrics"),
        OtlpProtocol::HttpProtobuf,
    );
    let (after, reason) = retryable(block_on(send(&config)));
    assert_eq!((after, reason.as_str()), (None, "connection refused"));
}

#[test]
fn a_grpc_port_that_answers_after_the_request_is_explained_too() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1/metrics", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 64]).unwrap();
        // An empty SETTINGS frame, which every server of HTTP/2 begins with.
        stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).unwrap();
    });
    let config = otlp_config(&url, OtlpProtocol::HttpProtobuf);
    let (_, reason) = retryable(block_on(send(&config)));
    assert!(reason.contains("use protocol grpc"), "{reason}");
    server.join().unwrap();
}

#[test]
fn a_grpc_port_spoken_to_over_http_is_explained() {
    block_on(async {
        let collector =
            FakeCollector::grpc(|_, _| Reply::grpc(None, &[("grpc-status", "0")])).await;
        let config = otlp_config(&collector.url(), OtlpProtocol::HttpProtobuf);
        // The server speaks first. On a busy machine the connection may be closed over that before
        // the request is written, and hyper then cannot say why.
        for _ in 0..50 {
            let (_, reason) = retryable(send(&config).await);
            if reason.contains("use protocol grpc") {
                return;
            }
            assert_eq!(reason, "connection was not ready");
        }
        panic!("never explained");
    });
}

#[test]
fn the_wrong_protocols_port_is_pointed_out() {
    let config = otlp_config("http://127.0.0.1:4317/v1/metrics", OtlpProtocol::HttpJson);
    let target = crate::export::otlp::endpoint::Target::new(&config).unwrap();
    assert!(target.port_hint().contains("4318"));
    let config = otlp_config("http://127.0.0.1:4318", OtlpProtocol::Grpc);
    let target = crate::export::otlp::endpoint::Target::new(&config).unwrap();
    assert!(target.port_hint().contains("4317"));
}

#[test]
fn an_attempt_ends_when_it_is_dropped() {
    block_on(async {
        let collector = FakeCollector::http(|_, _| Reply::Silence).await;
        let config = otlp_config(&collector.url(), OtlpProtocol::HttpProtobuf);
        let start = Instant::now();
        let attempt = tokio::time::timeout(Duration::from_millis(200), send(&config)).await;
        assert!(attempt.is_err());
        assert!(start.elapsed() < Duration::from_secs(2));
    });
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
