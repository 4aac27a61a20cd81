//! From a collection to bytes.

mod common;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use common::{totals, Fixture};
use criterion::{criterion_group, criterion_main, Criterion};
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt;
use nativestage_metrics::config::{
    Compression, ListenSettings, OtlpConfig, OtlpProtocol, PrometheusConfig, ReaderConfig,
    TlsConfig, TranslationStrategy, DEFAULT_REQUEST_SIZE, DEFAULT_RESPONSE_SIZE,
};
use nativestage_metrics::engine::collection::Collection;
use nativestage_metrics::engine::{Collect, PipelineId};
use nativestage_metrics::error::Result;
use nativestage_metrics::export::otlp::OtlpExporter;
use nativestage_metrics::export::prometheus::Exposition;
use nativestage_metrics::export::push::PushExporter;
use nativestage_metrics::log::Logger;
use opentelemetry_sdk::metrics::Temporality;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

const POINTS: usize = 10_000;

fn points() -> (Fixture, Arc<Collection>) {
    let fixture = Fixture::new();
    fixture.counters(10, 1000);
    let collection = fixture.collect();
    assert_eq!(totals(&collection), (POINTS, POINTS as f64));
    (fixture, collection)
}

fn otlp(c: &mut Criterion) {
    let (_fixture, collection) = points();
    let runtime = Runtime::new().unwrap();
    let config = OtlpConfig {
        endpoint: "http://127.0.0.1:4318/v1/metrics".to_owned(),
        protocol: OtlpProtocol::HttpProtobuf,
        headers: Default::default(),
        interval: Duration::from_secs(60),
        timeout: Duration::from_secs(10),
        compression: Compression::None,
        max_batch_size: None,
        max_concurrent_exports: 1,
        max_request_size: DEFAULT_REQUEST_SIZE,
        max_response_size: DEFAULT_RESPONSE_SIZE,
        reader: ReaderConfig::new(Temporality::Cumulative),
        tls: TlsConfig::default(),
    };
    let exporter = OtlpExporter::new(&config, runtime.handle()).unwrap();
    c.bench_function("encode 10 000 points as OTLP protobuf", |b| {
        b.iter(|| {
            let batches = exporter.prepare(&collection);
            let encoded: u64 = batches.iter().map(|batch| batch.points).sum();
            assert_eq!(encoded, POINTS as u64);
            black_box(batches)
        });
    });
}

/// Answers every collection with one that was made before.
struct Collected(Arc<Collection>);

impl Collect for Collected {
    fn collect(&self, _: PipelineId, _: Duration) -> oneshot::Receiver<Result<Arc<Collection>>> {
        let (reply, answer) = oneshot::channel();
        let _ = reply.send(Ok(self.0.clone()));
        answer
    }
}

fn prometheus(c: &mut Criterion) {
    let (fixture, collection) = points();
    let runtime = Runtime::new().unwrap();
    let config = PrometheusConfig {
        listen: None,
        settings: ListenSettings::default(),
        path: "/metrics".to_owned(),
        on_backend: false,
        token: None,
        translation_strategy: TranslationStrategy::UnderscoreEscapingWithSuffixes,
        content: Default::default(),
        collect_timeout: Duration::from_secs(2),
        reader: ReaderConfig::new(Temporality::Cumulative),
    };
    let source = Arc::new(Collected(collection));
    let headers = HeaderMap::new();
    // Each scrape has an exposition of its own: one makes a flood wait.
    let scrape = || {
        let source = source.clone();
        let exposition = Exposition::new(source, fixture.pipeline, &config, Logger::default());
        runtime.block_on(async {
            let response = exposition.respond_here(&Method::GET, &headers).await;
            assert_eq!(response.status(), StatusCode::OK);
            response.into_body().collect().await.unwrap().to_bytes()
        })
    };

    let page = scrape();
    let text = std::str::from_utf8(&page).unwrap();
    let lines = text.lines().filter(|line| line.starts_with("requests_c"));
    assert_eq!(lines.count(), POINTS);

    c.bench_function("write 10 000 points as a Prometheus page", |b| {
        b.iter(|| {
            let again = scrape();
            assert_eq!(again.len(), page.len());
            black_box(again)
        });
    });
}

criterion_group!(benches, otlp, prometheus);
criterion_main!(benches);
