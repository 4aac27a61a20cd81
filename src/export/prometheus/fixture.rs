//! Collections for tests, made by the real SDK.

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{
    Aggregation, Instrument, InstrumentKind, SdkMeterProvider, Stream, Temporality,
};
use opentelemetry_sdk::Resource;

use super::names::Escaping;
use super::negotiate::{Format, Representation};
use super::notices::Notices;
use super::page::write_page;
use crate::config::{PageContent, TranslationStrategy};
use crate::engine::clock::Timestamp;
use crate::engine::collection::{Collection, Metric, Source};
use crate::engine::points::Exemplar;
use crate::export::sdk_data::{metric_of, SharedReader};
use crate::log::Logger;

/// When the series of a test began, unless it says otherwise.
pub const STARTED: Timestamp = Timestamp::from_nanos(1_500_000_000_250_000_000);

/// Gathers metrics; each is recorded by a provider of its own.
pub struct Fixture {
    resource: Vec<KeyValue>,
    metrics: Vec<Metric>,
    exponential: bool,
    delta: bool,
    start: Timestamp,
}

impl Default for Fixture {
    fn default() -> Self {
        Self {
            resource: Vec::new(),
            metrics: Vec::new(),
            exponential: false,
            delta: false,
            start: STARTED,
        }
    }
}

impl Fixture {
    pub fn resource(mut self, attributes: impl IntoIterator<Item = KeyValue>) -> Self {
        self.resource.extend(attributes);
        self
    }

    /// Histograms from here on are exponential, or no longer.
    pub fn exponential(mut self, exponential: bool) -> Self {
        self.exponential = exponential;
        self
    }

    /// Metrics from here on have delta temporality.
    pub fn delta(mut self) -> Self {
        self.delta = true;
        self
    }

    /// The series of metrics from here on began then.
    pub fn since(mut self, start: Timestamp) -> Self {
        self.start = start;
        self
    }

    /// A metric in the scope called `scope`.
    pub fn metric(self, scope: &str, description: &str, record: impl FnOnce(&Meter)) -> Self {
        let scope = InstrumentationScope::builder(scope.to_owned()).build();
        self.metric_in(scope, description, record)
    }

    pub fn metric_in(
        mut self,
        scope: InstrumentationScope,
        description: &str,
        record: impl FnOnce(&Meter),
    ) -> Self {
        let temporality = match self.delta {
            true => Temporality::Delta,
            false => Temporality::Cumulative,
        };
        let reader = SharedReader::new(temporality);
        let mut provider = SdkMeterProvider::builder().with_reader(reader.clone());
        if self.exponential {
            provider = provider.with_view(|instrument: &Instrument| {
                (instrument.kind() == InstrumentKind::Histogram).then(|| {
                    Stream::builder()
                        .with_aggregation(Aggregation::Base2ExponentialHistogram {
                            max_size: 160,
                            max_scale: 20,
                            record_min_max: true,
                        })
                        .build()
                        .expect("a valid stream")
                })
            });
        }
        let provider = provider.build();
        record(&provider.meter_with_scope(scope.clone()));
        let mut data = ResourceMetrics::default();
        reader.collect(&mut data).expect("a live provider");
        let metric = metric_of(Arc::new(scope), &data);
        self.metrics.extend(metric.map(|metric| Metric {
            description: description.into(),
            source: match metric.source {
                Source::Read(snapshot) => {
                    Source::Read(Arc::new(snapshot.unshared().started(self.start)))
                }
                source => source,
            },
            ..metric
        }));
        self
    }

    /// The first point of the last metric has these.
    pub fn exemplars(mut self, exemplars: Vec<Exemplar>) -> Self {
        let last = self.metrics.pop();
        self.metrics.extend(last.map(|metric| Metric {
            source: match metric.source {
                Source::Read(snapshot) => {
                    Source::Read(Arc::new(snapshot.unshared().with_exemplars(0, exemplars)))
                }
                source => source,
            },
            ..metric
        }));
        self
    }

    pub fn collection(self) -> Collection {
        let resource = Resource::builder_empty().with_attributes(self.resource);
        Collection::new(Arc::new(resource.build()), self.metrics)
    }
}

/// A fixture that begins with a counter.
pub fn counter(name: &'static str, value: u64, attributes: &[KeyValue]) -> Fixture {
    Fixture::default().counter("scope", name, value, attributes)
}

impl Fixture {
    pub fn counter(
        self,
        scope: &str,
        name: &'static str,
        value: u64,
        attributes: &[KeyValue],
    ) -> Self {
        self.metric(scope, "", |meter| {
            meter.u64_counter(name).build().add(value, attributes);
        })
    }

    pub fn gauge(self, name: &'static str, value: f64) -> Self {
        self.metric("scope", "", |meter| {
            meter.f64_gauge(name).build().record(value, &[]);
        })
    }

    /// The SDK drops what is not finite when it is recorded, but adds up beyond what is.
    pub fn infinite(self, name: &'static str) -> Self {
        let value = if name == "inf" { f64::MAX } else { f64::MIN };
        self.metric("scope", "", |meter| {
            let sum = meter.f64_up_down_counter(name).build();
            sum.add(value, &[]);
            sum.add(value, &[]);
        })
    }

    pub fn histogram(self, name: &'static str, values: &[f64]) -> Self {
        self.metric("scope", "", |meter| {
            let boundaries = vec![0.5, 1.0, 1e6];
            let histogram = meter
                .f64_histogram(name)
                .with_boundaries(boundaries)
                .build();
            values
                .iter()
                .for_each(|value| histogram.record(*value, &[]));
        })
    }
}

/// A page as text, under the default strategy and escaping.
pub fn text(collection: &Collection, format: Format) -> String {
    let (page, _) = page(
        collection,
        format,
        TranslationStrategy::default(),
        Escaping::default(),
    );
    String::from_utf8(page).expect("UTF-8")
}

/// A page, and the warnings it gave.
pub fn page(
    collection: &Collection,
    format: Format,
    strategy: TranslationStrategy,
    escaping: Escaping,
) -> (Vec<u8>, Vec<String>) {
    page_of(
        collection,
        format,
        strategy,
        escaping,
        &PageContent::default(),
    )
}

/// The same with other labels.
pub fn page_of(
    collection: &Collection,
    format: Format,
    strategy: TranslationStrategy,
    escaping: Escaping,
    content: &PageContent,
) -> (Vec<u8>, Vec<String>) {
    let logger = Logger::default();
    let notices = Notices::new(logger.clone());
    let representation = Representation {
        format,
        escaping,
        gzip: false,
    };
    let mut out = Vec::new();
    let mut sink = |bytes: Bytes| {
        out.extend_from_slice(&bytes);
        ControlFlow::Continue(())
    };
    let done = write_page(
        collection,
        representation,
        strategy,
        content,
        &notices,
        &mut sink,
    );
    assert!(done.is_continue());
    let warnings = logger.drain().into_iter().map(|(_, text)| text).collect();
    (out, warnings)
}
