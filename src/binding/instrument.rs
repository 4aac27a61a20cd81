//! Instruments across the boundary.

use std::sync::Arc;

use napi_derive::napi;
use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::metrics::{Aggregation, InstrumentKind};
use serde::Deserialize;
use serde_json::{json, Value as Json};

use crate::config::check_boundaries;
use crate::engine::clock;
use crate::engine::instrument::{InstrumentId, InstrumentSpec, ValueType};
use crate::engine::plan::{Shape, StreamPlan};
use crate::engine::Engine;
use crate::error::{Code, Error, Result};
use crate::services::Named;

/// What the facade asks for, as JSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstrumentRequest {
    kind: Kind,
    pub name: String,
    #[serde(default)]
    unit: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    int: bool,
    #[serde(default)]
    boundaries: Option<Vec<Json>>,
    #[serde(default)]
    attributes: Option<Vec<Json>>,
    #[serde(default)]
    site: String,
}

/// The facade's names of the seven kinds.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Kind {
    Counter,
    UpDownCounter,
    Histogram,
    Gauge,
    ObservableCounter,
    ObservableUpDownCounter,
    ObservableGauge,
}

impl From<Kind> for InstrumentKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Counter => InstrumentKind::Counter,
            Kind::UpDownCounter => InstrumentKind::UpDownCounter,
            Kind::Histogram => InstrumentKind::Histogram,
            Kind::Gauge => InstrumentKind::Gauge,
            Kind::ObservableCounter => InstrumentKind::ObservableCounter,
            Kind::ObservableUpDownCounter => InstrumentKind::ObservableUpDownCounter,
            Kind::ObservableGauge => InstrumentKind::ObservableGauge,
        }
    }
}

/// What the facade needs to record into an instrument.
#[napi(object)]
pub struct NativeInstrument {
    pub id: u32,
    /// The full name, as exported before views.
    pub name: String,
    /// 0: sum cells, 1: gauge cells, 2: blocks, 3: nothing wants it.
    pub storage: u32,
    /// Sets the attribute trie may have.
    pub sets: u32,
    /// Some stream drops attributes: ask `keeps` for every new key.
    pub filtered: bool,
    /// Characters of an attribute's value.
    pub value_length: u32,
    pub reserved: Vec<NativeReserved>,
    pub samples: bool,
}

/// A stream whose reservoirs a function of the program's makes.
#[napi(object)]
pub struct NativeReserved {
    /// What its environment knows it by, among those of the instrument.
    pub stream: u32,
    /// Whose function it is, and which one.
    pub facade: u32,
    pub number: u32,
    /// The readers that collect it, as bits.
    pub readers: u32,
    /// Series that it may have.
    pub series: u32,
    /// Whether it drops attributes: `reservationKeeps` says which.
    pub filtered: bool,
    pub name: String,
    /// As JSON, as a view has it.
    pub aggregation: String,
}

/// An instrument's shape after configuration.
#[napi(object)]
pub struct NativeShape {
    pub id: u32,
    pub storage: u32,
    pub sets: u32,
    pub filtered: bool,
    pub value_length: u32,
    /// Streams with reservoirs of the program's.
    pub reserved: Vec<NativeReserved>,
    /// Whether the engine chooses exemplars for another stream.
    pub samples: bool,
}

impl NativeReserved {
    fn new(plan: &StreamPlan) -> Option<Self> {
        let function = plan.function_reservoir()?;
        Some(Self {
            stream: plan.reserved_as(),
            facade: function.facade,
            number: function.number,
            readers: plan.pipelines,
            series: u32::try_from(plan.cardinality_limit).unwrap_or(u32::MAX),
            filtered: !plan.attributes.keeps_all(),
            name: plan.name.clone(),
            aggregation: aggregation(&plan.aggregation).to_string(),
        })
    }
}

/// As a view has it.
fn aggregation(aggregation: &Aggregation) -> Json {
    match aggregation {
        Aggregation::ExplicitBucketHistogram {
            boundaries,
            record_min_max,
        } => json!({
            "explicit_bucket_histogram": {
                "boundaries": boundaries,
                "record_min_max": record_min_max,
            },
        }),
        Aggregation::Base2ExponentialHistogram {
            max_size,
            max_scale,
            record_min_max,
        } => json!({
            "base2_exponential_bucket_histogram": {
                "max_size": max_size,
                "max_scale": max_scale,
                "record_min_max": record_min_max,
            },
        }),
        Aggregation::LastValue => json!({"last_value": null}),
        _ => json!({"sum": null}),
    }
}

impl NativeShape {
    pub fn new(id: InstrumentId, shape: &Shape) -> Self {
        Self {
            id,
            storage: shape.storage.code(),
            sets: u32::try_from(shape.sets).unwrap_or(u32::MAX),
            filtered: shape.filtered,
            value_length: u32::try_from(shape.value_length).unwrap_or(u32::MAX),
            reserved: shape
                .reserved
                .iter()
                .filter_map(NativeReserved::new)
                .collect(),
            samples: shape.samples,
        }
    }
}

impl InstrumentRequest {
    pub fn parse(json: &str) -> Result<Self> {
        serde_json::from_str(json).map_err(|error| {
            Error::new(
                Code::InvalidInstrument,
                format!("invalid instrument options: {error}"),
            )
        })
    }

    pub fn kind(&self) -> InstrumentKind {
        self.kind.into()
    }

    /// Registers under a name that has been checked.
    pub fn register(
        self,
        engine: &Engine,
        scope: Arc<InstrumentationScope>,
        named: Named,
    ) -> NativeInstrument {
        let name = named.name;
        let boundaries = self.boundaries.and_then(|boundaries| {
            read_boundaries(&boundaries)
                .inspect_err(|reason| {
                    engine.log().warn(format!(
                        "metric {name:?}: advice.explicitBucketBoundaries: {reason}; the default \
                         boundaries are used"
                    ));
                })
                .ok()
        });
        let attributes = self.attributes.and_then(|attributes| {
            read_keys(&attributes)
                .inspect_err(|reason| {
                    engine.log().warn(format!(
                        "metric {name:?}: advice.attributes: {reason}; all attributes are kept"
                    ));
                })
                .ok()
        });
        let spec = InstrumentSpec {
            scope,
            kind: self.kind.into(),
            name: self.name,
            // Any text (Metrics SDK specification, "Instrument unit").
            unit: self.unit,
            description: Arc::from(self.description),
            value_type: if self.int {
                ValueType::Int
            } else {
                ValueType::Double
            },
            boundaries,
            attributes,
            created: clock::now(),
            site: self.site,
            legacy: None,
        };
        let (id, shape) = engine.register(match named.rename {
            Some(rename) => rename.apply(spec, name.clone()),
            None => InstrumentSpec {
                name: name.clone(),
                ..spec
            },
        });
        let shape = NativeShape::new(id, &shape);
        NativeInstrument {
            id,
            name,
            storage: shape.storage,
            sets: shape.sets,
            filtered: shape.filtered,
            value_length: shape.value_length,
            reserved: shape.reserved,
            samples: shape.samples,
        }
    }
}

/// Advice that is not valid is ignored, the instrument is not (Metrics API, "Instrument advisory
/// parameters"): so anything may stand in it.
fn read_boundaries(boundaries: &[Json]) -> std::result::Result<Vec<f64>, String> {
    let numbers = boundaries
        .iter()
        .map(|bound| {
            bound
                .as_f64()
                .ok_or_else(|| format!("found {bound}, expected finite numbers"))
        })
        .collect::<std::result::Result<Vec<_>, _>>()?;
    check_boundaries(&numbers).map(|()| numbers)
}

fn read_keys(keys: &[Json]) -> std::result::Result<Arc<[String]>, String> {
    keys.iter()
        .map(|key| {
            let text = key.as_str().filter(|key| !key.is_empty());
            // What is no text comes as `{found: text}`.
            let found = key.get("found").and_then(Json::as_str);
            let found = found.map_or_else(|| key.to_string(), str::to_owned);
            text.map(str::to_owned)
                .ok_or_else(|| format!("found {found}, expected attribute keys"))
        })
        .collect()
}
