use std::io::Write;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::Temporality;
use prost::Message;
use tokio::runtime::Handle;

use crate::config::DEFAULT_RESPONSE_SIZE;
use crate::config::{Compression, OtlpConfig, OtlpProtocol, Secret};
use crate::export::otlp::answer::{ExportResponse, PartialSuccess};
use crate::export::otlp::fake_collector::{retry_info, FakeCollector, Reply};
use crate::export::otlp::grpc::frame;
use crate::export::otlp::OtlpExporter;
use crate::export::push::{Outcome, PushExporter};
use crate::export::testing::{block_on, otlp_config, TestSource};

async fn send(config: &OtlpConfig) -> Outcome {
    let source = TestSource::new(Temporality::Cumulative);
    let counter = source.meter().u64_counter("requests").build();
    counter.add(2, &[KeyValue::new("method", "GET")]);
    let exporter = OtlpExporter::new(config, &Handle::current()).unwrap();
    let batches = exporter.prepare(&source.collection());
    assert_eq!(batches.len(), 1);
    exporter.send(&batches[0]).await.outcome
}

fn outcome_of(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Outcome {
    block_on(async {
        let collector = FakeCollector::grpc(move |_, _| reply()).await;
        send(&otlp_config(&collector.origin(), OtlpProtocol::Grpc)).await
    })
}

fn trailers(trailers: &'static [(&'static str, &'static str)]) -> Outcome {
    outcome_of(move || Reply::grpc(None, trailers))
}

#[test]
fn a_call_arrives_as_configured() {
    for compression in [Compression::None, Compression::Gzip] {
        block_on(async {
            let collector =
                FakeCollector::grpc(|_, _| Reply::grpc(Some(Vec::new()), &[("grpc-status", "0")]))
                    .await;
            let mut config = otlp_config(&collector.origin(), OtlpProtocol::Grpc);
            config.compression = compression;
            config.headers.insert("X-Key".into(), Secret::new("k3y"));
            assert_eq!(send(&config).await, Outcome::Ok);

            let received = collector.received().pop().unwrap();
            assert_eq!(
                received.path,
                "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
            );
            assert_eq!(received.headers["x-key"], "k3y");
            assert_eq!(received.headers["te"], "trailers");
            let agent = received.headers["user-agent"].to_str().unwrap();
            assert!(agent.starts_with("nativestage-metrics/"), "{agent}");
            assert!(agent.contains(" OTel-OTLP-Exporter-JavaScript/"), "{agent}");
            let message = received.message();
            let metric = &message.resource_metrics[0].scope_metrics[0].metrics[0];
            assert_eq!(metric.name, "requests");
        });
    }
}

#[test]
fn one_channel_serves_many_calls_and_connects_again() {
    block_on(async {
        let collector =
            FakeCollector::grpc(|_, _| Reply::grpc(None, &[("grpc-status", "0")])).await;
        let config = otlp_config(&collector.origin(), OtlpProtocol::Grpc);
        let source = TestSource::new(Temporality::Cumulative);
        source.meter().u64_counter("c").build().add(1, &[]);
        let exporter = OtlpExporter::new(&config, &Handle::current()).unwrap();
        let batch = exporter.prepare(&source.collection()).pop().unwrap();
        for _ in 0..3 {
            assert_eq!(exporter.send(&batch).await.outcome, Outcome::Ok);
        }
        assert_eq!(collector.received().len(), 3);
    });
}

#[test]
fn the_codes_that_may_pass_are_tried_again_and_no_others() {
    let retryable = [1, 4, 10, 11, 14, 15];
    for code in 1..=16 {
        let text = code.to_string();
        let outcome = outcome_of(move || Reply::grpc(None, &[("grpc-status", text.as_str())]));
        let again = matches!(outcome, Outcome::Retryable { after: None, .. });
        assert_eq!(again, retryable.contains(&code), "{code}: {outcome:?}");
    }
}

#[test]
fn an_exhausted_collector_is_tried_again_only_when_it_says_when() {
    for details in [
        retry_info(1, 500_000_000),
        retry_info(1, 500_000_000).trim_end_matches('=').to_owned(),
    ] {
        let outcome = outcome_of(move || {
            Reply::grpc(
                None,
                &[
                    ("grpc-status", "8"),
                    ("grpc-message", "too%20busy"),
                    ("grpc-status-details-bin", details.as_str()),
                ],
            )
        });
        assert_eq!(
            outcome,
            Outcome::Retryable {
                after: Some(Duration::from_millis(1500)),
                reason: "answered RESOURCE_EXHAUSTED: too busy".into(),
            }
        );
    }
    let outcome = trailers(&[("grpc-status", "8"), ("grpc-message", "message too large")]);
    let Outcome::Permanent { reason } = outcome else {
        panic!("{outcome:?}");
    };
    assert!(reason.contains("message too large"), "{reason}");
    assert!(reason.contains("max_recv_msg_size_mib"), "{reason}");
}

#[test]
fn details_that_are_not_base64_do_no_harm() {
    let outcome = trailers(&[("grpc-status", "14"), ("grpc-status-details-bin", "!!!")]);
    assert!(matches!(outcome, Outcome::Retryable { after: None, .. }));
}

#[test]
fn a_status_in_place_of_the_headers_is_read() {
    let outcome = outcome_of(|| {
        Reply::http(
            200,
            &[
                ("content-type", "application/grpc"),
                ("grpc-status", "3"),
                ("grpc-message", "no such tenant"),
            ],
            "",
        )
    });
    assert_eq!(
        outcome,
        Outcome::Permanent {
            reason: "answered INVALID_ARGUMENT: no such tenant".into()
        }
    );
}

#[test]
fn a_proxys_answer_is_mapped_as_grpc_says() {
    let outcome = outcome_of(|| Reply::status(503));
    assert!(matches!(outcome, Outcome::Retryable { .. }), "{outcome:?}");
    let outcome = outcome_of(|| Reply::status(401));
    assert!(matches!(outcome, Outcome::Permanent { .. }), "{outcome:?}");
    let outcome = outcome_of(|| Reply::status(404));
    assert_eq!(
        outcome,
        Outcome::Permanent {
            reason: "answered HTTP 404 Not Found in place of a gRPC status (does this port speak \
                     OTLP over gRPC?)"
                .into()
        }
    );
}

#[test]
fn an_answer_without_a_status_is_no_success() {
    let outcome = outcome_of(|| Reply::http(200, &[("content-type", "application/grpc")], ""));
    assert!(matches!(outcome, Outcome::Retryable { .. }), "{outcome:?}");
}

#[test]
fn a_partial_success_is_reported() {
    let message = ExportResponse {
        partial_success: Some(PartialSuccess {
            rejected_data_points: 1,
            error_message: b"too old".to_vec(),
        }),
    }
    .encode_to_vec();
    let outcome = outcome_of(move || Reply::grpc(Some(message.clone()), &[("grpc-status", "0")]));
    assert_eq!(
        outcome,
        Outcome::PartialSuccess {
            rejected: 1,
            message: "too old".into()
        }
    );
}

/// A partial success whose message is this long.
fn partial_success_of(bytes: usize) -> Vec<u8> {
    let message = |said: usize| {
        ExportResponse {
            partial_success: Some(PartialSuccess {
                rejected_data_points: 1,
                error_message: vec![b'x'; said],
            }),
        }
        .encode_to_vec()
    };
    let overhead = message(bytes).len() - bytes;
    message(bytes - overhead)
}

/// The message as a server sends it that compresses without being asked.
fn compressed(message: &[u8]) -> Reply {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(message).unwrap();
    let framed = frame(&encoder.finish().unwrap(), true);
    Reply::http(
        200,
        &[
            ("content-type", "application/grpc"),
            ("grpc-encoding", "gzip"),
            ("grpc-status", "0"),
        ],
        framed,
    )
}

#[test]
fn a_partial_success_is_read_up_to_the_limit_compressed_or_not() {
    for bytes in [100, 70_000, DEFAULT_RESPONSE_SIZE] {
        let message = partial_success_of(bytes);
        assert_eq!(message.len(), bytes);
        let packed = message.clone();
        let outcomes = [
            outcome_of(move || Reply::grpc(Some(message.clone()), &[("grpc-status", "0")])),
            outcome_of(move || compressed(&packed)),
        ];
        for outcome in outcomes {
            assert!(
                matches!(outcome, Outcome::PartialSuccess { rejected: 1, .. }),
                "{bytes}: {outcome:?}"
            );
        }
    }
}

#[test]
fn an_answer_over_the_limit_is_an_error_for_good() {
    let message = partial_success_of(DEFAULT_RESPONSE_SIZE + 1);
    let outcomes = [
        outcome_of(move || Reply::grpc(Some(message.clone()), &[("grpc-status", "0")])),
        outcome_of(|| compressed(&vec![0; 50 * DEFAULT_RESPONSE_SIZE])),
    ];
    for outcome in outcomes {
        let Outcome::Permanent { reason } = outcome else {
            panic!("{outcome:?}");
        };
        assert!(reason.contains("4 MiB"), "{reason}");
    }
}

#[test]
fn a_connection_that_breaks_off_is_tried_again() {
    let outcome =
        outcome_of(|| Reply::broken(200, &[("content-type", "application/grpc")], b"\0\0\0"));
    assert!(matches!(outcome, Outcome::Retryable { .. }), "{outcome:?}");
}

#[test]
fn a_port_where_nobody_listens_is_connection_refused() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let config = otlp_config(&format!("http://127.0.0.1:{port}"), OtlpProtocol::Grpc);
    assert_eq!(
        block_on(send(&config)),
        Outcome::Retryable {
            after: None,
            reason: "connection refused".into()
        }
    );
}

#[test]
fn an_http_port_spoken_to_over_grpc_is_retryable_and_no_success() {
    block_on(async {
        let collector = FakeCollector::http(|_, _| Reply::status(200)).await;
        let outcome = send(&otlp_config(&collector.origin(), OtlpProtocol::Grpc)).await;
        assert!(matches!(outcome, Outcome::Retryable { .. }), "{outcome:?}");
    });
}
