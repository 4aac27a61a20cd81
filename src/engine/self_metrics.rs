//! What the engine says about itself: the "SDK metrics" of OpenTelemetry's semantic conventions and
//! one of our own. Exporters and the actor record them, once a collection or an export; no program's
//! record does. They are instruments like any other, so views and limits apply.

use std::sync::Arc;

use opentelemetry::{InstrumentationScope, KeyValue, Value};
use opentelemetry_sdk::metrics::InstrumentKind;

use super::clock;
use super::instrument::{InstrumentId, InstrumentSpec, ValueType};

/// The scope of these metrics.
pub const OWN_SCOPE: &str = "@nativestage/metrics";

/// One of the engine's own metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelfMetric {
    /// Collections that went on without an event loop.
    LateCollections,
    /// Questions that a metric filter had not answered when a collection went on without.
    Undecided,
    /// Data points that an exporter is done with; with `error.type`, they were not delivered.
    ExportedPoints,
    /// Data points that were collected for an exporter, which is not done with them.
    InflightPoints,
    /// Seconds from an export's first attempt to the end of its last.
    ExportDuration,
    /// Seconds that a reader's collection took, with the wait for the event loops.
    CollectionDuration,
}

impl SelfMetric {
    /// In the order of their numbers.
    pub const ALL: [Self; 6] = [
        Self::LateCollections,
        Self::Undecided,
        Self::ExportedPoints,
        Self::InflightPoints,
        Self::ExportDuration,
        Self::CollectionDuration,
    ];

    /// The engine registers them before anything else.
    pub fn id(self) -> InstrumentId {
        self as InstrumentId
    }

    pub fn spec(self, scope: &Arc<InstrumentationScope>) -> InstrumentSpec {
        use InstrumentKind::{Counter, Histogram, UpDownCounter};
        let (kind, name, unit, description) = match self {
            Self::LateCollections => (
                Counter,
                "nativestage.metrics.collections.late",
                "{collection}",
                "Collections that went on without an event loop that did not answer in time",
            ),
            Self::Undecided => (
                Counter,
                "nativestage.metrics.filters.undecided",
                "{series}",
                "Metrics and series that were left out of a collection because a metric filter of the \
                 program's had not decided about them in time",
            ),
            Self::ExportedPoints => (
                Counter,
                "otel.sdk.exporter.metric_data_point.exported",
                "{data_point}",
                "The number of metric data points for which the export has finished, either \
                 successful or failed.",
            ),
            Self::InflightPoints => (
                UpDownCounter,
                "otel.sdk.exporter.metric_data_point.inflight",
                "{data_point}",
                "The number of metric data points which were passed to the exporter, but that have \
                 not been exported yet (neither successful, nor failed).",
            ),
            Self::ExportDuration => (
                Histogram,
                "otel.sdk.exporter.operation.duration",
                "s",
                "The duration of exporting a batch of telemetry records.",
            ),
            Self::CollectionDuration => (
                Histogram,
                "otel.sdk.metric_reader.collection.duration",
                "s",
                "The duration of the collect operation of the metric reader.",
            ),
        };
        let measures = kind == Histogram;
        InstrumentSpec {
            scope: scope.clone(),
            kind,
            name: name.to_owned(),
            unit: unit.to_owned(),
            description: Arc::from(description),
            value_type: if measures {
                ValueType::Double
            } else {
                ValueType::Int
            },
            // A single bucket (semantic conventions, "SDK metrics", of both durations): count, sum and the
            // extremes. A view gives them others.
            boundaries: measures.then(Vec::new),
            attributes: None,
            created: clock::now(),
            site: "the engine".to_owned(),
            legacy: None,
        }
    }
}

/// A reader or an exporter, as the attributes of these metrics name it.
#[derive(Clone, Debug)]
pub struct Component(Vec<KeyValue>);

impl Component {
    /// `kind` is the `otel.component.type`; `number` tells those of one type apart, from 0.
    pub fn new(kind: &'static str, number: usize) -> Self {
        Self(vec![
            KeyValue::new("otel.component.name", format!("{kind}/{number}")),
            KeyValue::new("otel.component.type", kind),
        ])
    }

    /// The same with another number.
    #[must_use]
    pub fn numbered(mut self, number: usize) -> Self {
        self.0[0].value = format!("{}/{number}", self.0[1].value).into();
        self
    }

    /// The same, and where it sends to.
    #[must_use]
    pub fn sending_to(mut self, address: &str, port: Option<u16>) -> Self {
        self.0
            .push(KeyValue::new("server.address", address.to_owned()));
        let port = port.map(|port| KeyValue::new("server.port", i64::from(port)));
        self.0.extend(port);
        self
    }

    /// Its attributes and, unless there is none, the `error.type`.
    pub fn attributes(&self, error: Option<impl Into<Value>>) -> Vec<KeyValue> {
        let mut attributes = self.0.clone();
        attributes.extend(error.map(|error| KeyValue::new("error.type", error)));
        attributes
    }
}
