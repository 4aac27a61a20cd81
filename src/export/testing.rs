//! Collections from the real SDK, for the tests of the exporters.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{Aggregation, Instrument, SdkMeterProvider, Stream, Temporality};
use opentelemetry_sdk::Resource;
use tokio::sync::oneshot;

use crate::config::{
    Compression, OtlpConfig, OtlpProtocol, ReaderConfig, TlsConfig, DEFAULT_REQUEST_SIZE,
    DEFAULT_RESPONSE_SIZE,
};
use crate::engine::collection::{Collection, Metric, Source};
use crate::engine::points::Exemplar;
use crate::engine::{Collect, PipelineId, SelfMetric};
use crate::error::Result;
use crate::export::sdk_data::{empty, metric_of, SharedReader};
use crate::log::Logger;

/// Runs a future to its end, with everything that tokio has.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    runtime().block_on(future)
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// A configuration as the defaults have it, with little time.
pub fn otlp_config(endpoint: &str, protocol: OtlpProtocol) -> OtlpConfig {
    OtlpConfig {
        endpoint: endpoint.to_owned(),
        protocol,
        headers: Default::default(),
        interval: Duration::from_secs(60),
        timeout: Duration::from_secs(5),
        compression: Compression::None,
        max_batch_size: None,
        max_concurrent_exports: 1,
        max_request_size: DEFAULT_REQUEST_SIZE,
        max_response_size: DEFAULT_RESPONSE_SIZE,
        reader: ReaderConfig::new(Temporality::Cumulative),
        tls: TlsConfig::default(),
    }
}

/// The messages of a logger, as `level: text`, without those for debugging.
pub fn messages(log: &Logger) -> Vec<String> {
    log.drain()
        .into_iter()
        .filter(|(level, _)| *level != crate::log::Level::Debug)
        .map(|(level, text)| format!("{}: {text}", level.as_str()))
        .collect()
}

/// What an exporter recorded about itself.
pub struct Record {
    pub metric: SelfMetric,
    pub value: f64,
    /// `key=value`, separated by spaces.
    pub attributes: String,
}

/// What was recorded, while the source is with its exporter.
pub type Records = Arc<Mutex<Vec<Record>>>;

/// A source of collections. Every metric has an SDK pipeline of its own, as [`metric_of`] wants it.
pub struct TestSource {
    temporality: Temporality,
    resource: Resource,
    records: Records,
    exemplars: Vec<Exemplar>,
    metrics: Mutex<Vec<(Arc<InstrumentationScope>, SdkMeterProvider, SharedReader)>>,
}

impl TestSource {
    pub fn new(temporality: Temporality) -> Self {
        Self {
            temporality,
            resource: Resource::builder_empty()
                .with_schema_url(
                    [
                        KeyValue::new("service.name", "backstage"),
                        KeyValue::new("replica", 3),
                    ],
                    "https://opentelemetry.io/schemas/1.40.0",
                )
                .build(),
            records: Records::default(),
            exemplars: Vec::new(),
            metrics: Mutex::default(),
        }
    }

    /// The first point of every metric has these.
    pub fn with_exemplars(mut self, exemplars: Vec<Exemplar>) -> Self {
        self.exemplars = exemplars;
        self
    }

    pub fn records(&self) -> Records {
        self.records.clone()
    }

    /// A meter of the scope `test`, for one instrument.
    pub fn meter(&self) -> Meter {
        self.meter_of(InstrumentationScope::builder("test").build(), None)
    }

    /// A meter whose histograms are exponential, for one instrument.
    pub fn exponential_meter(&self) -> Meter {
        self.meter_of(
            InstrumentationScope::builder("test").build(),
            Some(Aggregation::Base2ExponentialHistogram {
                max_size: 160,
                max_scale: 20,
                record_min_max: true,
            }),
        )
    }

    pub fn meter_of(&self, scope: InstrumentationScope, aggregation: Option<Aggregation>) -> Meter {
        let reader = SharedReader::new(self.temporality);
        let provider = SdkMeterProvider::builder()
            .with_resource(self.resource.clone())
            .with_reader(reader.clone())
            .with_view(move |_: &Instrument| {
                let aggregation = aggregation.clone()?;
                Stream::builder().with_aggregation(aggregation).build().ok()
            })
            .build();
        let meter = provider.meter_with_scope(scope.clone());
        self.metrics
            .lock()
            .unwrap()
            .push((Arc::new(scope), provider, reader));
        meter
    }

    pub fn collection(&self) -> Collection {
        self.collection_of(&self.data())
    }

    /// The collection, and one in which every metric stands among some that turn out to have no
    /// points.
    pub fn collection_and_among_empty(&self) -> (Collection, Collection) {
        let data = self.data();
        let elsewhere = Arc::new(InstrumentationScope::builder("elsewhere").build());
        let among = self.metrics_of(&data).into_iter().flat_map(|metric| {
            let empty = |scope: &Arc<InstrumentationScope>| empty(scope.clone(), metric.kind);
            let (other, same) = (empty(&elsewhere), empty(&metric.scope));
            [other, same, metric]
        });
        let among = Collection::new(Arc::new(self.resource.clone()), among.collect());
        (self.collection_of(&data), among)
    }

    /// The collection, and what opentelemetry-proto makes of the same SDK data.
    pub fn collection_and_reference(&self) -> (Collection, ExportMetricsServiceRequest) {
        let data = self.data();
        let mut reference = ExportMetricsServiceRequest::default();
        for data in &data {
            append(&mut reference, ExportMetricsServiceRequest::from(data));
        }
        (self.collection_of(&data), reference)
    }

    /// The collection, and the data that it was made of, for somebody else to encode.
    pub fn collection_and_data(&self) -> (Collection, Vec<ResourceMetrics>) {
        let data = self.data();
        (self.collection_of(&data), data)
    }

    fn data(&self) -> Vec<ResourceMetrics> {
        let collect = |reader: &SharedReader| {
            let mut data = ResourceMetrics::default();
            reader.collect(&mut data).unwrap();
            data
        };
        let metrics = self.metrics.lock().unwrap();
        metrics.iter().map(|(.., reader)| collect(reader)).collect()
    }

    fn collection_of(&self, data: &[ResourceMetrics]) -> Collection {
        Collection::new(Arc::new(self.resource.clone()), self.metrics_of(data))
    }

    fn exemplify(&self, mut metric: Metric) -> Metric {
        metric.source = match metric.source {
            Source::Read(snapshot) if !self.exemplars.is_empty() => Source::Read(Arc::new(
                snapshot
                    .unshared()
                    .with_exemplars(0, self.exemplars.clone()),
            )),
            source => source,
        };
        metric
    }

    fn metrics_of(&self, data: &[ResourceMetrics]) -> Vec<Metric> {
        let metrics = self.metrics.lock().unwrap();
        metrics
            .iter()
            .zip(data)
            .filter_map(|((scope, ..), data)| metric_of(scope.clone(), data))
            .map(|metric| self.exemplify(metric))
            .collect()
    }
}

/// Puts the metrics of one pipeline behind those of the others.
fn append(all: &mut ExportMetricsServiceRequest, one: ExportMetricsServiceRequest) {
    for resource in one.resource_metrics {
        if resource.scope_metrics.is_empty() {
            continue;
        }
        let Some(known) = all.resource_metrics.first_mut() else {
            all.resource_metrics.push(resource);
            continue;
        };
        for scope in resource.scope_metrics {
            match known.scope_metrics.last_mut() {
                Some(last) if last.scope == scope.scope => last.metrics.extend(scope.metrics),
                _ => known.scope_metrics.push(scope),
            }
        }
    }
}

impl Collect for TestSource {
    fn collect(&self, _: PipelineId, _: Duration) -> oneshot::Receiver<Result<Arc<Collection>>> {
        let (answer, receiver) = oneshot::channel();
        let _ = answer.send(Ok(Arc::new(self.collection())));
        receiver
    }

    fn record(&self, metric: SelfMetric, value: f64, attributes: Vec<KeyValue>) {
        let pairs = attributes
            .iter()
            .map(|kv| format!("{}={}", kv.key, kv.value));
        self.records.lock().unwrap().push(Record {
            metric,
            value,
            attributes: pairs.collect::<Vec<_>>().join(" "),
        });
    }
}
