//! What a metric reader wants of each kind of instrument: temporality, default aggregation and
//! cardinality limit (Metrics SDK specification, "MetricReader"). The keys are those of OpenTelemetry's
//! declarative configuration (`cardinality_limits`).

use std::collections::BTreeMap;
use std::fmt;

use opentelemetry_sdk::metrics::{Aggregation, InstrumentKind, Temporality};
use serde::de::value::MapAccessDeserializer;
use serde::de::{IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::filter::{FunctionFilter, MetricFilter, MetricFilterOptions};
use super::options::HistogramAggregation;
use super::values::{invalid, Count};
use super::views::{AggregationOptions, ViewAggregation};
use crate::error::Result;

/// Defaults of the base-2 exponential aggregation (Metrics SDK specification, "Base2 exponential bucket
/// histogram aggregation").
pub const EXPONENTIAL_MAX_SIZE: u32 = 160;
pub const EXPONENTIAL_MAX_SCALE: i8 = 20;

/// The kinds as configuration names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstrumentType {
    Counter,
    Gauge,
    Histogram,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
}

impl InstrumentType {
    fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::ObservableCounter => "observable_counter",
            Self::ObservableGauge => "observable_gauge",
            Self::ObservableUpDownCounter => "observable_up_down_counter",
            Self::UpDownCounter => "up_down_counter",
        }
    }
}

impl From<InstrumentType> for InstrumentKind {
    fn from(kind: InstrumentType) -> Self {
        match kind {
            InstrumentType::Counter => Self::Counter,
            InstrumentType::Gauge => Self::Gauge,
            InstrumentType::Histogram => Self::Histogram,
            InstrumentType::ObservableCounter => Self::ObservableCounter,
            InstrumentType::ObservableGauge => Self::ObservableGauge,
            InstrumentType::ObservableUpDownCounter => Self::ObservableUpDownCounter,
            InstrumentType::UpDownCounter => Self::UpDownCounter,
        }
    }
}

/// A value for each kind of instrument.
#[derive(Clone, Debug, PartialEq)]
pub struct ByKind<T> {
    counter: T,
    gauge: T,
    histogram: T,
    observable_counter: T,
    observable_gauge: T,
    observable_up_down_counter: T,
    up_down_counter: T,
}

impl<T> ByKind<T> {
    pub fn new(value: impl Fn(InstrumentKind) -> T) -> Self {
        use InstrumentKind as Kind;
        Self {
            counter: value(Kind::Counter),
            gauge: value(Kind::Gauge),
            histogram: value(Kind::Histogram),
            observable_counter: value(Kind::ObservableCounter),
            observable_gauge: value(Kind::ObservableGauge),
            observable_up_down_counter: value(Kind::ObservableUpDownCounter),
            up_down_counter: value(Kind::UpDownCounter),
        }
    }

    pub fn get(&self, kind: InstrumentKind) -> &T {
        match kind {
            InstrumentKind::Counter => &self.counter,
            InstrumentKind::Gauge => &self.gauge,
            InstrumentKind::Histogram => &self.histogram,
            InstrumentKind::ObservableCounter => &self.observable_counter,
            InstrumentKind::ObservableGauge => &self.observable_gauge,
            InstrumentKind::ObservableUpDownCounter => &self.observable_up_down_counter,
            InstrumentKind::UpDownCounter => &self.up_down_counter,
        }
    }
}

/// What one exporter reads.
#[derive(Clone, Debug, PartialEq)]
pub struct ReaderConfig {
    /// Cumulative or delta; of gauges delta means that only what was recorded since the last collection
    /// is shown.
    pub temporality: ByKind<Temporality>,
    /// Explicit buckets without boundaries have those of the instrument's advice.
    pub aggregation: ByKind<ViewAggregation>,
    /// `None` where it is that of the whole service.
    pub cardinality_limit: ByKind<Option<usize>>,
    /// `None` keeps everything.
    pub filter: Option<MetricFilter>,
}

impl ReaderConfig {
    /// What the specification has for a preference.
    pub fn new(preference: Temporality) -> Self {
        Self {
            temporality: ByKind::new(|kind| preferred(preference, kind)),
            aggregation: ByKind::new(|_| ViewAggregation::Default),
            cardinality_limit: ByKind::new(|_| None),
            filter: None,
        }
    }

    /// Whether a metric of this name may be read.
    pub fn keeps_metric(&self, name: &str) -> bool {
        let filter = self.filter.as_ref();
        filter.is_none_or(|filter| filter.keeps_metric(name))
    }
}

/// The temporality a kind gets under a preference (OTLP metrics exporter specification,
/// "Additional configuration").
fn preferred(preference: Temporality, kind: InstrumentKind) -> Temporality {
    use InstrumentKind as Kind;
    match (preference, kind) {
        (_, Kind::UpDownCounter | Kind::ObservableUpDownCounter) => Temporality::Cumulative,
        (Temporality::Delta, _) => Temporality::Delta,
        (Temporality::LowMemory, Kind::Counter | Kind::Histogram) => Temporality::Delta,
        _ => Temporality::Cumulative,
    }
}

/// The aggregation that a word of `histogram` stands for.
fn histogram_aggregation(word: HistogramAggregation) -> ViewAggregation {
    match word {
        HistogramAggregation::Explicit => ViewAggregation::Default,
        HistogramAggregation::Exponential => {
            ViewAggregation::Sdk(Aggregation::Base2ExponentialHistogram {
                max_size: EXPONENTIAL_MAX_SIZE,
                max_scale: EXPONENTIAL_MAX_SCALE,
                record_min_max: true,
            })
        }
    }
}

/// A value for some kinds, and perhaps one for the others.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindOptions<T, D = T> {
    default: Option<D>,
    counter: Option<T>,
    gauge: Option<T>,
    histogram: Option<T>,
    observable_counter: Option<T>,
    observable_gauge: Option<T>,
    observable_up_down_counter: Option<T>,
    up_down_counter: Option<T>,
}

impl<T, D> Default for KindOptions<T, D> {
    fn default() -> Self {
        Self {
            default: None,
            counter: None,
            gauge: None,
            histogram: None,
            observable_counter: None,
            observable_gauge: None,
            observable_up_down_counter: None,
            up_down_counter: None,
        }
    }
}

impl<T: Copy, D: Copy> KindOptions<T, D> {
    fn get(&self, kind: InstrumentKind) -> Option<T> {
        match kind {
            InstrumentKind::Counter => self.counter,
            InstrumentKind::Gauge => self.gauge,
            InstrumentKind::Histogram => self.histogram,
            InstrumentKind::ObservableCounter => self.observable_counter,
            InstrumentKind::ObservableGauge => self.observable_gauge,
            InstrumentKind::ObservableUpDownCounter => self.observable_up_down_counter,
            InstrumentKind::UpDownCounter => self.up_down_counter,
        }
    }
}

/// A preference for all kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TemporalityName {
    Cumulative,
    Delta,
    LowMemory,
}

impl From<TemporalityName> for Temporality {
    fn from(name: TemporalityName) -> Self {
        match name {
            TemporalityName::Cumulative => Temporality::Cumulative,
            TemporalityName::Delta => Temporality::Delta,
            TemporalityName::LowMemory => Temporality::LowMemory,
        }
    }
}

/// The temporality of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KindTemporality {
    Cumulative,
    Delta,
}

impl From<KindTemporality> for Temporality {
    fn from(name: KindTemporality) -> Self {
        match name {
            KindTemporality::Cumulative => Temporality::Cumulative,
            KindTemporality::Delta => Temporality::Delta,
        }
    }
}

/// A word for all kinds, or a map by kind.
#[derive(Clone, Debug)]
pub struct TemporalityOptions(KindOptions<KindTemporality, TemporalityName>);

impl TemporalityOptions {
    /// Whether they say what holds for kinds that they do not name.
    pub fn has_default(&self) -> bool {
        self.0.default.is_some()
    }
}

impl From<TemporalityName> for TemporalityOptions {
    fn from(name: TemporalityName) -> Self {
        Self(KindOptions {
            default: Some(name),
            ..KindOptions::default()
        })
    }
}

impl<'de> Deserialize<'de> for TemporalityOptions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct TemporalityVisitor;
        impl<'de> Visitor<'de> for TemporalityVisitor {
            type Value = TemporalityOptions;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("cumulative, delta, lowmemory or a map by kind of instrument")
            }

            fn visit_str<E: serde::de::Error>(
                self,
                word: &str,
            ) -> std::result::Result<Self::Value, E> {
                TemporalityName::deserialize(word.into_deserializer()).map(Into::into)
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                map: A,
            ) -> std::result::Result<Self::Value, A::Error> {
                KindOptions::deserialize(MapAccessDeserializer::new(map)).map(TemporalityOptions)
            }
        }
        deserializer.deserialize_any(TemporalityVisitor)
    }
}

/// The default aggregation of some kinds, as views write aggregations.
pub type DefaultAggregations = BTreeMap<InstrumentType, AggregationOptions>;

/// What one exporter's section says about what it reads.
#[derive(Debug, Default)]
pub(super) struct ReaderOptions<'o> {
    pub temporality: Option<&'o TemporalityOptions>,
    pub default_aggregation: Option<&'o DefaultAggregations>,
    pub cardinality_limits: Option<&'o KindOptions<Count>>,
    pub metric_filter: Option<&'o MetricFilterOptions>,
}

/// What holds for all readers that say nothing else.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReaderDefaults {
    pub preference: Temporality,
    pub histogram: HistogramAggregation,
}

impl ReaderDefaults {
    pub fn reader(self) -> ReaderConfig {
        ReaderConfig {
            temporality: ByKind::new(|kind| preferred(self.preference, kind)),
            aggregation: ByKind::new(|kind| match kind {
                InstrumentKind::Histogram => histogram_aggregation(self.histogram),
                _ => ViewAggregation::Default,
            }),
            cardinality_limit: ByKind::new(|_| None),
            filter: None,
        }
    }
}

impl ReaderOptions<'_> {
    /// `path` is the exporter's section.
    pub fn resolve(&self, path: &str, defaults: ReaderDefaults) -> Result<ReaderConfig> {
        Ok(self.layer(path)?.over(&defaults.reader()))
    }

    /// Checks what is said.
    pub fn layer(&self, path: &str) -> Result<ReaderLayer> {
        let preference = self
            .temporality
            .and_then(|options| options.0.default)
            .map(Temporality::from);
        let temporality = ByKind::new(|kind| {
            let own = self.temporality.and_then(|options| options.0.get(kind));
            own.map(Temporality::from)
                .or_else(|| preference.map(|preference| preferred(preference, kind)))
        });
        let mut aggregations: BTreeMap<InstrumentType, ViewAggregation> = BTreeMap::new();
        for (kind, options) in self.default_aggregation.into_iter().flatten() {
            let at = format!("{path}.defaultAggregation.{}", kind.as_str());
            let aggregation = options.resolve(&at)?;
            if !aggregation.fits((*kind).into()) {
                return Err(invalid(
                    &at,
                    format!(
                        "found {}, expected {}",
                        aggregation.name(),
                        ViewAggregation::fitting((*kind).into())
                    ),
                ));
            }
            aggregations.insert(*kind, aggregation);
        }
        let aggregation = ByKind::new(|kind| {
            let mut named = aggregations.iter();
            let own = named.find(|(named, _)| InstrumentKind::from(**named) == kind);
            own.map(|(_, aggregation)| aggregation.clone())
        });
        let cardinality_limit = ByKind::new(|kind| {
            let limits = self.cardinality_limits;
            limits
                .and_then(|limits| limits.get(kind).or(limits.default))
                .map(|limit| limit.0)
        });
        let filter = self.metric_filter;
        let filter = filter.map(|filter| filter.resolve(&format!("{path}.metricFilter")));
        Ok(ReaderLayer {
            temporality,
            aggregation,
            cardinality_limit,
            filter: filter.transpose()?,
        })
    }
}

/// What one reader says. The rest is what holds for all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct ReaderLayer {
    temporality: ByKind<Option<Temporality>>,
    aggregation: ByKind<Option<ViewAggregation>>,
    cardinality_limit: ByKind<Option<usize>>,
    /// Nobody else's: readers have no filter in common.
    filter: Option<MetricFilter>,
}

impl ReaderLayer {
    /// A reader with a preference, and nothing else to say.
    pub fn preferring(preference: Temporality) -> Self {
        Self {
            temporality: ByKind::new(|kind| Some(preferred(preference, kind))),
            aggregation: ByKind::new(|_| None),
            cardinality_limit: ByKind::new(|_| None),
            filter: None,
        }
    }

    /// Has a function of the program's filter for the reader, if there is one.
    pub fn filter_by(&mut self, function: Option<FunctionFilter>) {
        if let Some(function) = function {
            self.filter = Some(MetricFilter::Function(function));
        }
    }

    pub fn over(&self, base: &ReaderConfig) -> ReaderConfig {
        ReaderConfig {
            temporality: ByKind::new(|kind| {
                let own = *self.temporality.get(kind);
                own.unwrap_or(*base.temporality.get(kind))
            }),
            aggregation: ByKind::new(|kind| {
                let own = self.aggregation.get(kind).as_ref();
                own.unwrap_or(base.aggregation.get(kind)).clone()
            }),
            cardinality_limit: ByKind::new(|kind| {
                let own = *self.cardinality_limit.get(kind);
                own.or(*base.cardinality_limit.get(kind))
            }),
            filter: self.filter.clone(),
        }
    }
}

/// A map of settings, where there is one.
pub(super) fn some_settings<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> std::result::Result<Option<T>, D::Error> {
    super::values::settings(deserializer).map(Some)
}
