//! The SDK's instruments behind one type each: what can be bound, and what is observed.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use opentelemetry::metrics::{
    AsyncInstrument, BoundCounter, BoundGauge, BoundHistogram, BoundUpDownCounter, Counter, Gauge,
    Histogram, Meter, UpDownCounter,
};
use opentelemetry::KeyValue;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{InstrumentKind, ManualReader, Pipeline, Temporality};

use super::canonical::Canonical;
use super::instrument::{InstrumentSpec, ValueType};

/// A bound SDK handle: one atomic update per value, no lookup.
#[derive(Clone)]
pub enum Handle {
    CounterDouble(BoundCounter<f64>),
    CounterInt(BoundCounter<u64>),
    UpDownDouble(BoundUpDownCounter<f64>),
    UpDownInt(BoundUpDownCounter<i64>),
    GaugeDouble(BoundGauge<f64>),
    GaugeInt(BoundGauge<i64>),
    HistogramDouble(BoundHistogram<f64>),
    HistogramInt(BoundHistogram<u64>),
}

impl Handle {
    pub fn record(&self, value: f64) {
        match self {
            Handle::CounterDouble(handle) => handle.add(value),
            Handle::CounterInt(handle) => handle.add(value as u64),
            Handle::UpDownDouble(handle) => handle.add(value),
            Handle::UpDownInt(handle) => handle.add(value as i64),
            Handle::GaugeDouble(handle) => handle.record(value),
            Handle::GaugeInt(handle) => handle.record(value as i64),
            Handle::HistogramDouble(handle) => handle.record(value),
            Handle::HistogramInt(handle) => handle.record(value as u64),
        }
    }
}

/// What an observable instrument reports at the next collection.
pub type Observations = Arc<Mutex<Vec<(Canonical, f64)>>>;

pub enum SdkInstrument {
    CounterDouble(Counter<f64>),
    CounterInt(Counter<u64>),
    UpDownDouble(UpDownCounter<f64>),
    UpDownInt(UpDownCounter<i64>),
    GaugeDouble(Gauge<f64>),
    GaugeInt(Gauge<i64>),
    HistogramDouble(Histogram<f64>),
    HistogramInt(Histogram<u64>),
    Observable(Observations),
}

impl SdkInstrument {
    pub fn new(meter: &Meter, spec: &InstrumentSpec, kind: InstrumentKind) -> Self {
        let name = spec.name.clone();
        let unit = spec.unit.clone();
        let double = spec.value_type == ValueType::Double;
        let observations = Observations::default();
        let source = observations.clone();
        match kind {
            InstrumentKind::Counter if double => {
                Self::CounterDouble(meter.f64_counter(name).with_unit(unit).build())
            }
            InstrumentKind::Counter => {
                Self::CounterInt(meter.u64_counter(name).with_unit(unit).build())
            }
            InstrumentKind::UpDownCounter if double => {
                Self::UpDownDouble(meter.f64_up_down_counter(name).with_unit(unit).build())
            }
            InstrumentKind::UpDownCounter => {
                Self::UpDownInt(meter.i64_up_down_counter(name).with_unit(unit).build())
            }
            InstrumentKind::Gauge if double => {
                Self::GaugeDouble(meter.f64_gauge(name).with_unit(unit).build())
            }
            InstrumentKind::Gauge => Self::GaugeInt(meter.i64_gauge(name).with_unit(unit).build()),
            InstrumentKind::Histogram if double => {
                Self::HistogramDouble(meter.f64_histogram(name).with_unit(unit).build())
            }
            InstrumentKind::Histogram => {
                Self::HistogramInt(meter.u64_histogram(name).with_unit(unit).build())
            }
            InstrumentKind::ObservableCounter if double => {
                meter
                    .f64_observable_counter(name)
                    .with_unit(unit)
                    .with_callback(move |observer| report(&source, observer, |value| value))
                    .build();
                Self::Observable(observations)
            }
            InstrumentKind::ObservableCounter => {
                meter
                    .u64_observable_counter(name)
                    .with_unit(unit)
                    .with_callback(move |observer| report(&source, observer, |value| value as u64))
                    .build();
                Self::Observable(observations)
            }
            InstrumentKind::ObservableUpDownCounter if double => {
                meter
                    .f64_observable_up_down_counter(name)
                    .with_unit(unit)
                    .with_callback(move |observer| report(&source, observer, |value| value))
                    .build();
                Self::Observable(observations)
            }
            InstrumentKind::ObservableUpDownCounter => {
                meter
                    .i64_observable_up_down_counter(name)
                    .with_unit(unit)
                    .with_callback(move |observer| report(&source, observer, |value| value as i64))
                    .build();
                Self::Observable(observations)
            }
            InstrumentKind::ObservableGauge if double => {
                meter
                    .f64_observable_gauge(name)
                    .with_unit(unit)
                    .with_callback(move |observer| report(&source, observer, |value| value))
                    .build();
                Self::Observable(observations)
            }
            InstrumentKind::ObservableGauge => {
                meter
                    .i64_observable_gauge(name)
                    .with_unit(unit)
                    .with_callback(move |observer| report(&source, observer, |value| value as i64))
                    .build();
                Self::Observable(observations)
            }
        }
    }

    /// Binds a series of a synchronous instrument.
    pub fn bind(&self, key: &[KeyValue]) -> Handle {
        match self {
            Self::CounterDouble(sdk) => Handle::CounterDouble(sdk.bind(key)),
            Self::CounterInt(sdk) => Handle::CounterInt(sdk.bind(key)),
            Self::UpDownDouble(sdk) => Handle::UpDownDouble(sdk.bind(key)),
            Self::UpDownInt(sdk) => Handle::UpDownInt(sdk.bind(key)),
            Self::GaugeDouble(sdk) => Handle::GaugeDouble(sdk.bind(key)),
            Self::GaugeInt(sdk) => Handle::GaugeInt(sdk.bind(key)),
            Self::HistogramDouble(sdk) => Handle::HistogramDouble(sdk.bind(key)),
            Self::HistogramInt(sdk) => Handle::HistogramInt(sdk.bind(key)),
            Self::Observable(_) => {
                unreachable!("observable instruments are observed, not bound")
            }
        }
    }
}

fn report<T>(source: &Observations, observer: &dyn AsyncInstrument<T>, number: impl Fn(f64) -> T) {
    for (attributes, value) in source.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        observer.observe(number(*value), attributes);
    }
}

/// A reader that both the SDK and the stream hold.
#[derive(Clone)]
pub struct SharedReader(Arc<ManualReader>);

impl SharedReader {
    pub fn new(temporality: Temporality) -> Self {
        Self(Arc::new(
            ManualReader::builder()
                .with_temporality(temporality)
                .build(),
        ))
    }
}

impl fmt::Debug for SharedReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl MetricReader for SharedReader {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, data: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(data)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.0.temporality(kind)
    }
}
