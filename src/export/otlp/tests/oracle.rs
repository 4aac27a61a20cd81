//! `opentelemetry-otlp` as an oracle: the same data, sent by it and by us to the same receiver.
//! Named differences are with the cases.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_otlp::{
    ExporterBuildError, MetricExporter, Protocol, RetryPolicy, WithExportConfig, WithHttpConfig,
    WithTonicConfig,
};
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::Temporality;
use tokio::runtime::Handle;

use crate::config::{Compression, OtlpConfig, OtlpProtocol, Secret};
use crate::engine::collection::Collection;
use crate::export::otlp::fake_collector::{FakeCollector, Received, Reply};
use crate::export::otlp::OtlpExporter;
use crate::export::push::{Outcome, PushExporter};
use crate::export::testing::{block_on, otlp_config, TestSource};

const PROTOCOLS: [OtlpProtocol; 3] = [
    OtlpProtocol::Grpc,
    OtlpProtocol::HttpProtobuf,
    OtlpProtocol::HttpJson,
];

/// One metric of each kind, one at a time: the oracle takes one pipeline's data.
fn sources() -> Vec<TestSource> {
    let source = || TestSource::new(Temporality::Cumulative);
    let set = [
        KeyValue::new("method", "GET"),
        KeyValue::new("ok", true),
        KeyValue::new("n", 7),
        KeyValue::new("share", 0.5),
    ];
    let mut all = Vec::new();
    let mut add = |exponential: bool, record: &dyn Fn(&opentelemetry::metrics::Meter)| {
        let source = source();
        record(&match exponential {
            true => source.exponential_meter(),
            false => source.meter(),
        });
        all.push(source);
    };
    add(false, &|meter| {
        let counter = meter
            .u64_counter("c")
            .with_unit("{r}")
            .with_description("C");
        counter.build().add(3, &set);
    });
    add(false, &|meter| {
        meter.f64_up_down_counter("u").build().add(-1.5, &set)
    });
    add(false, &|meter| {
        meter.i64_gauge("g").build().record(-7, &set)
    });
    for exponential in [false, true] {
        add(exponential, &|meter| {
            let histogram = meter.f64_histogram("h").build();
            for value in [0.0, 0.5, 7.0, 1e6] {
                histogram.record(value, &set);
            }
            histogram.record(1.0, &[]);
        });
    }
    all
}

fn config(
    collector: &FakeCollector,
    protocol: OtlpProtocol,
    compression: Compression,
) -> OtlpConfig {
    let url = match protocol {
        OtlpProtocol::Grpc => collector.origin(),
        _ => collector.url(),
    };
    let mut config = otlp_config(&url, protocol);
    config.compression = compression;
    config.headers.insert("x-key".into(), Secret::new("k3y"));
    config
}

/// The oracle with the same configuration.
fn oracle(config: &OtlpConfig, retries: RetryPolicy) -> Result<MetricExporter, ExporterBuildError> {
    // Its HTTP client wants one of the process; where there is one already, that is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let gzip = config.compression == Compression::Gzip;
    let key = HashMap::from([("x-key".to_owned(), "k3y".to_owned())]);
    if config.protocol == OtlpProtocol::Grpc {
        let mut metadata = tonic::metadata::MetadataMap::new();
        metadata.insert("x-key", "k3y".parse().unwrap());
        let mut builder = MetricExporter::builder()
            .with_tonic()
            .with_endpoint(&config.endpoint)
            .with_timeout(config.timeout)
            .with_retry_policy(retries)
            .with_metadata(metadata);
        if gzip {
            builder = builder.with_compression(opentelemetry_otlp::Compression::Gzip);
        }
        return builder.build();
    }
    let mut builder = MetricExporter::builder()
        .with_http()
        .with_endpoint(&config.endpoint)
        .with_timeout(config.timeout)
        .with_retry_policy(retries)
        .with_headers(key)
        .with_protocol(match config.protocol {
            OtlpProtocol::HttpJson => Protocol::HttpJson,
            _ => Protocol::HttpBinary,
        });
    if gzip {
        builder = builder.with_compression(opentelemetry_otlp::Compression::Gzip);
    }
    builder.build()
}

async fn send(config: &OtlpConfig, collection: &Collection) -> Outcome {
    let exporter = OtlpExporter::new(config, &Handle::current()).unwrap();
    let batches = exporter.prepare(collection);
    assert_eq!(batches.len(), 1);
    exporter.send(&batches[0]).await.outcome
}

async fn send_theirs(config: &OtlpConfig, data: &ResourceMetrics, retries: RetryPolicy) -> bool {
    let exporter = oracle(config, retries).unwrap();
    exporter.export(data).await.is_ok()
}

#[test]
fn the_same_request_is_sent() {
    for protocol in PROTOCOLS {
        for compression in [Compression::None, Compression::Gzip] {
            for source in sources() {
                block_on(async {
                    let ok = move |_: usize, _: &Received| match protocol {
                        OtlpProtocol::Grpc => {
                            Reply::grpc(Some(Vec::new()), &[("grpc-status", "0")])
                        }
                        _ => Reply::status(200),
                    };
                    let collector = match protocol {
                        OtlpProtocol::Grpc => FakeCollector::grpc(ok).await,
                        _ => FakeCollector::http(ok).await,
                    };
                    let config = config(&collector, protocol, compression);
                    let (collection, data) = source.collection_and_data();
                    assert_eq!(send(&config, &collection).await, Outcome::Ok);
                    assert!(send_theirs(&config, &data[0], RetryPolicy::disabled()).await);
                    let received = collector.received();
                    let [ours, theirs] = &received[..] else {
                        panic!("{} requests", received.len());
                    };
                    assert_eq!(ours.path, theirs.path);
                    for header in [
                        "content-type",
                        "x-key",
                        "te",
                        "content-encoding",
                        "grpc-encoding",
                    ] {
                        assert_eq!(
                            ours.headers.get(header),
                            theirs.headers.get(header),
                            "{header}, {protocol:?}, {compression:?}"
                        );
                    }
                    // Beyond those everybody says who they are, and how their transport works.
                    let own: HashSet<&str> = [
                        "user-agent",
                        "accept",
                        "host",
                        "content-length",
                        "grpc-accept-encoding",
                        "grpc-timeout",
                        "accept-encoding",
                    ]
                    .into();
                    for (name, _) in ours.headers.iter().chain(&theirs.headers) {
                        let both =
                            ours.headers.contains_key(name) && theirs.headers.contains_key(name);
                        assert!(both || own.contains(name.as_str()), "{name}");
                    }
                    // Bytes differ: here the length of a message takes up to five of them, so that it can be
                    // written before its end is known, and JSON has other members first.
                    assert_eq!(ours.message(), theirs.message(), "{protocol:?}");
                });
            }
        }
    }
}

/// A policy that asks again at once, once.
fn once_more() -> RetryPolicy {
    RetryPolicy::recommended()
        .with_max_retries(1)
        .with_initial_delay(Duration::from_millis(1))
        .with_max_delay(Duration::from_millis(1))
        .with_max_jitter(Duration::ZERO)
}

/// What we and the oracle do about an answer: whether it was taken, and whether it is tried again.
async fn both(
    protocol: OtlpProtocol,
    reply: impl Fn() -> Reply + Send + Sync + 'static,
) -> [(bool, bool); 2] {
    let collector = match protocol {
        OtlpProtocol::Grpc => FakeCollector::grpc(move |_, _| reply()).await,
        _ => FakeCollector::http(move |_, _| reply()).await,
    };
    let config = config(&collector, protocol, Compression::None);
    let source = sources().swap_remove(0);
    let (collection, data) = source.collection_and_data();
    let ours = match send(&config, &collection).await {
        Outcome::Ok => (true, false),
        Outcome::Retryable { .. } => (false, true),
        _ => (false, false),
    };
    collector.received();
    let taken = send_theirs(&config, &data[0], once_more()).await;
    [ours, (taken, collector.received().len() > 1)]
}

#[test]
fn the_same_is_done_about_every_http_status() {
    for status in (200..=206)
        .chain(400..=418)
        .chain([421, 425, 426, 429, 431])
        .chain(500..=511)
    {
        let [ours, theirs] = block_on(both(OtlpProtocol::HttpProtobuf, move || {
            Reply::status(status)
        }));
        assert_eq!(ours, theirs, "{status}");
    }
}

#[test]
fn the_same_is_done_about_every_grpc_status() {
    for status in 0..=16 {
        let [ours, theirs] = block_on(both(OtlpProtocol::Grpc, move || {
            let status = status.to_string();
            Reply::grpc((status == "0").then(Vec::new), &[("grpc-status", &status)])
        }));
        assert_eq!(ours, theirs, "{status}");
    }
}
