//! What exports and collections say about themselves.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_sdk::metrics::{InstrumentKind, Temporality};
use tokio::runtime::Handle;

use super::PushTask;
use crate::config::{OtlpConfig, OtlpProtocol, ReaderConfig};
use crate::engine::{PipelineId, SelfMetric};
use crate::export::otlp::fake_collector::{FakeCollector, Reply};
use crate::export::otlp::OtlpExporter;
use crate::export::reader::Reader;
use crate::export::testing::{block_on, otlp_config, Record, TestSource};
use crate::log::Logger;

const NEVER: Duration = Duration::from_secs(3600);

const SHORT: Duration = Duration::from_millis(400);

/// Exports a counter's one point so many times.
async fn export(config: &OtlpConfig, exports: usize) -> Vec<Record> {
    let source = TestSource::new(*config.reader.temporality.get(InstrumentKind::Counter));
    let counter = source.meter().u64_counter("requests").build();
    let records = source.records();
    let push = PushTask::spawn(
        &Handle::current(),
        OtlpExporter::new(config, &Handle::current()).unwrap(),
        Reader::periodic(Arc::new(source), PipelineId(0), 1),
        NEVER,
        config.timeout,
        Logger::default(),
    );
    for _ in 0..exports {
        counter.add(1, &[]);
        // Whether it failed is in the records.
        let _ = push.flush().await;
    }
    let records = std::mem::take(&mut *records.lock().unwrap());
    records
}

/// What is recorded of one metric, with the attributes that tell exports apart.
fn of<'a>(recorded: &'a [Record], metric: SelfMetric, identity: &str) -> Vec<(f64, &'a str)> {
    recorded
        .iter()
        .filter(|record| record.metric == metric)
        .map(|record| {
            let rest = record.attributes.strip_prefix(identity);
            (record.value, rest.expect(&record.attributes).trim_start())
        })
        .collect()
}

fn identity(component: &str, collector: &FakeCollector) -> String {
    format!(
        "otel.component.name={component}/0 otel.component.type={component} \
         server.address=127.0.0.1 server.port={}",
        collector.address.port()
    )
}

type Answer = fn() -> Reply;

/// How one export ends that is answered so.
fn ending(protocol: OtlpProtocol, answer: Answer) -> String {
    block_on(async {
        let (collector, component) = match protocol {
            OtlpProtocol::Grpc => (
                FakeCollector::grpc(move |_, _| answer()).await,
                "otlp_grpc_metric_exporter",
            ),
            _ => (
                FakeCollector::http(move |_, _| answer()).await,
                "otlp_http_json_metric_exporter",
            ),
        };
        let url = match protocol {
            OtlpProtocol::Grpc => collector.origin(),
            _ => collector.url(),
        };
        let mut config = otlp_config(&url, protocol);
        config.timeout = SHORT;
        let recorded = export(&config, 1).await;
        let identity = identity(component, &collector);
        let operations = of(&recorded, SelfMetric::ExportDuration, &identity);
        assert_eq!(operations.len(), 1, "one observation per operation");
        let (seconds, ending) = operations[0];
        assert!((0.0..30.0).contains(&seconds), "{seconds}");
        ending.to_owned()
    })
}

fn json(body: &'static str) -> Reply {
    Reply::http(200, &[("content-type", "application/json")], body)
}

#[test]
fn an_http_export_says_how_it_ended() {
    let cases: [(Answer, &str); 7] = [
        (|| Reply::status(200), "http.response.status_code=200"),
        (
            || Reply::http(503, &[("retry-after", "9")], ""),
            "error.type=503 http.response.status_code=503",
        ),
        (
            || Reply::status(401),
            "error.type=401 http.response.status_code=401",
        ),
        (
            || json(r#"{"partialSuccess":{"rejectedDataPoints":"1","errorMessage":"old"}}"#),
            "error.type=rejected http.response.status_code=200",
        ),
        (
            || json(r#"{"partialSuccess":{"errorMessage":"a warning"}}"#),
            "http.response.status_code=200",
        ),
        (
            || Reply::http(200, &[("content-type", "text/html")], "<html>"),
            "error.type=_OTHER http.response.status_code=200",
        ),
        (|| Reply::Silence, "error.type=timeout"),
    ];
    for (answer, expected) in cases {
        assert_eq!(ending(OtlpProtocol::HttpJson, answer), expected);
    }
}

#[test]
fn a_grpc_export_says_how_it_ended() {
    let cases: [(Answer, &str); 5] = [
        (
            || Reply::grpc(None, &[("grpc-status", "0")]),
            "rpc.status_code=OK",
        ),
        (
            || Reply::grpc(None, &[("grpc-status", "16")]),
            "error.type=UNAUTHENTICATED rpc.status_code=UNAUTHENTICATED",
        ),
        // What a proxy says over HTTP stands for a gRPC status.
        (
            || Reply::status(404),
            "error.type=UNIMPLEMENTED rpc.status_code=UNIMPLEMENTED",
        ),
        (|| Reply::grpc(None, &[]), "error.type=_OTHER"),
        (|| Reply::Silence, "error.type=timeout"),
    ];
    for (answer, expected) in cases {
        assert_eq!(ending(OtlpProtocol::Grpc, answer), expected);
    }
}

#[test]
fn an_export_to_nobody_says_that_the_connection_was_refused() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    for protocol in [OtlpProtocol::Grpc, OtlpProtocol::HttpProtobuf] {
        let mut config = otlp_config(&format!("http://{address}"), protocol);
        config.timeout = SHORT;
        let recorded = block_on(export(&config, 1));
        let operations = of(&recorded, SelfMetric::ExportDuration, "");
        let (_, ending) = operations[0];
        assert!(
            ending.ends_with("error.type=connection_refused"),
            "{ending}"
        );
    }
}

#[test]
fn attempts_and_the_pauses_between_them_are_one_operation() {
    block_on(async {
        let collector = FakeCollector::http(Reply::retry_once_after_a_second).await;
        let config = otlp_config(&collector.url(), OtlpProtocol::HttpProtobuf);
        let recorded = export(&config, 1).await;
        let identity = identity("otlp_http_metric_exporter", &collector);
        let operations = of(&recorded, SelfMetric::ExportDuration, &identity);
        let [(seconds, "http.response.status_code=200")] = operations[..] else {
            panic!("{operations:?}");
        };
        assert!(seconds >= 1.0, "{seconds}");
    });
}

#[test]
fn delta_data_is_in_flight_until_it_was_delivered() {
    block_on(async {
        let collector = FakeCollector::http(|number, _| match number {
            0 => Reply::Silence,
            _ => Reply::status(200),
        })
        .await;
        let mut config = otlp_config(&collector.url(), OtlpProtocol::HttpProtobuf);
        config.reader = ReaderConfig::new(Temporality::Delta);
        config.timeout = SHORT;
        let recorded = export(&config, 2).await;
        let identity = identity("otlp_http_metric_exporter", &collector);
        let changes = of(&recorded, SelfMetric::InflightPoints, &identity);
        assert_eq!(changes, [(1.0, ""), (1.0, ""), (-1.0, ""), (-1.0, "")]);
        let exported = of(&recorded, SelfMetric::ExportedPoints, &identity);
        assert_eq!(exported, [(1.0, ""), (1.0, "")]);
    });
}

#[test]
fn every_collection_is_timed_under_its_readers_name() {
    block_on(async {
        let collector = FakeCollector::http(|_, _| Reply::status(200)).await;
        let config = otlp_config(&collector.url(), OtlpProtocol::HttpProtobuf);
        let recorded = export(&config, 3).await;
        let reader = "otel.component.name=periodic_metric_reader/1 \
                      otel.component.type=periodic_metric_reader";
        let collections = of(&recorded, SelfMetric::CollectionDuration, reader);
        assert_eq!(collections.len(), 3);
        assert!(collections.iter().all(|(_, error)| error.is_empty()));
    });
}
