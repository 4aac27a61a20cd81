//! Views: which instruments become which streams. The keys are those of OpenTelemetry's declarative
//! configuration (`meter_provider.views`).

use std::sync::Arc;

use opentelemetry_sdk::metrics::{Aggregation, InstrumentKind};
use serde::Deserialize;

use super::reader::{InstrumentType, EXPONENTIAL_MAX_SCALE, EXPONENTIAL_MAX_SIZE};
use super::values::{invalid, nothing, settings, Count, Flag};
use crate::error::Result;

/// Exemplars of one series.
const MOST_EXEMPLARS: usize = 1000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a map of selector and stream")]
pub struct ViewOptions {
    #[serde(default, deserialize_with = "settings")]
    selector: SelectorOptions,
    #[serde(default, deserialize_with = "settings")]
    stream: StreamOptions,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a map of settings")]
struct SelectorOptions {
    instrument_name: Option<String>,
    instrument_type: Option<InstrumentType>,
    unit: Option<String>,
    meter_name: Option<String>,
    meter_version: Option<String>,
    meter_schema_url: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a map of settings")]
struct StreamOptions {
    name: Option<String>,
    description: Option<String>,
    aggregation: Option<AggregationOptions>,
    aggregation_cardinality_limit: Option<Count>,
    exemplar_reservoir: Option<ReservoirOptions>,
    attribute_keys: Option<IncludeExcludeOptions>,
}

/// One key of the declarative configuration's `aggregation`; its value may be empty.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AggregationOptions {
    #[serde(deserialize_with = "nothing")]
    Default(()),
    #[serde(deserialize_with = "nothing")]
    Drop(()),
    #[serde(deserialize_with = "nothing")]
    Sum(()),
    #[serde(deserialize_with = "nothing")]
    LastValue(()),
    ExplicitBucketHistogram(Option<ExplicitOptions>),
    Base2ExponentialBucketHistogram(Option<ExponentialOptions>),
}

/// Not of the declarative configuration, which leaves the reservoir to code; the names are the Metrics
/// SDK specification's.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ReservoirOptions {
    #[serde(deserialize_with = "nothing")]
    AlignedHistogramBucket(()),
    SimpleFixedSize(Option<FixedSizeOptions>),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a map of settings")]
struct FixedSizeOptions {
    size: Option<Count>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a map of settings")]
pub struct ExplicitOptions {
    boundaries: Option<Vec<f64>>,
    record_min_max: Option<Flag>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a map of settings")]
pub struct ExponentialOptions {
    max_scale: Option<i8>,
    max_size: Option<u32>,
    record_min_max: Option<Flag>,
}

/// Patterns of keys, with `*` and `?` (`IncludeExclude` of the declarative configuration).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a map of settings")]
pub struct IncludeExcludeOptions {
    included: Option<Vec<String>>,
    excluded: Option<Vec<String>>,
}

impl IncludeExcludeOptions {
    pub fn new(included: Option<Vec<String>>, excluded: Option<Vec<String>>) -> Self {
        Self { included, excluded }
    }
}

/// How several views that match one instrument combine (Metrics SDK specification, "View matching
/// mode", in development).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ViewMatching {
    /// Each a stream of its own.
    #[default]
    Independent,
    /// One stream for each name that they give, or one in all: what later ones say takes the place of
    /// what earlier ones did, and attributes are those that all keep.
    Composable,
}

/// A checked view.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    pub selector: InstrumentSelector,
    pub stream: StreamSpec,
}

/// Every criterion that is set must match. Patterns of names know `*` (any text) and `?` (one character);
/// the others must be the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InstrumentSelector {
    pub name: Option<String>,
    pub kind: Option<InstrumentKind>,
    pub unit: Option<String>,
    pub meter_name: Option<String>,
    pub meter_version: Option<String>,
    pub meter_schema_url: Option<String>,
}

/// What a stream changes against the instrument's default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamSpec {
    pub name: Option<String>,
    pub description: Option<String>,
    pub aggregation: Option<ViewAggregation>,
    pub cardinality_limit: Option<usize>,
    pub attributes: AttributeFilter,
    pub exemplars: Option<ReservoirSpec>,
}

/// Where a stream keeps its exemplars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReservoirSpec {
    AlignedHistogramBucket,
    /// Without a size, as many as the aggregation has by default.
    SimpleFixedSize(Option<usize>),
    /// What a function of the program's makes.
    Function(FunctionReservoir),
}

/// Where a function that makes reservoirs is: the environment that runs it, and which one of its it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FunctionReservoir {
    pub facade: u32,
    pub number: u32,
}

/// A function that makes the reservoirs of a view, which stands at `index`.
#[derive(Debug)]
pub struct ViewReservoir {
    pub index: usize,
    pub function: FunctionReservoir,
}

/// An aggregation; [`ViewAggregation::Explicit`] without boundaries means the default ones. An
/// instrument's advice is for the default aggregation (Metrics SDK specification, "Instrument advisory
/// parameter: ExplicitBucketBoundaries").
#[derive(Clone, Debug, PartialEq)]
pub enum ViewAggregation {
    Default,
    Drop,
    Explicit {
        boundaries: Option<Vec<f64>>,
        record_min_max: bool,
    },
    Sdk(Aggregation),
}

/// Names that are kept: those that match a pattern of each of the lists in `included`, and none of
/// `excluded`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IncludeExclude {
    included: Vec<Vec<String>>,
    excluded: Vec<String>,
}

impl From<IncludeExcludeOptions> for IncludeExclude {
    fn from(options: IncludeExcludeOptions) -> Self {
        Self {
            included: options.included.into_iter().collect(),
            excluded: options.excluded.unwrap_or_default(),
        }
    }
}

impl IncludeExclude {
    pub fn keeps_all(&self) -> bool {
        self.included.is_empty() && self.excluded.is_empty()
    }

    pub fn keeps(&self, name: &str) -> bool {
        let listed = |patterns: &[String]| patterns.iter().any(|pattern| wildcard(pattern, name));
        self.included.iter().all(|list| listed(list)) && !listed(&self.excluded)
    }
}

/// Which attribute keys a stream keeps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AttributeFilter {
    patterns: IncludeExclude,
    /// Keys, not patterns: what an instrument's advice names.
    advised: Option<Arc<[String]>>,
}

impl From<IncludeExcludeOptions> for AttributeFilter {
    fn from(keys: IncludeExcludeOptions) -> Self {
        Self {
            patterns: keys.into(),
            advised: None,
        }
    }
}

impl AttributeFilter {
    /// Keeps these keys alone.
    pub fn advised(keys: Arc<[String]>) -> Self {
        Self {
            advised: Some(keys),
            ..Self::default()
        }
    }

    /// Keeps what both keep.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        let patterns = &mut self.patterns;
        patterns
            .included
            .extend(other.patterns.included.iter().cloned());
        patterns
            .excluded
            .extend(other.patterns.excluded.iter().cloned());
        self
    }

    pub fn keeps_all(&self) -> bool {
        self.patterns.keeps_all() && self.advised.is_none()
    }

    /// Whether a key is kept and is named as it is, not by a pattern.
    pub fn names(&self, key: &str) -> bool {
        let included = self.patterns.included.iter().flatten();
        self.keeps(key) && included.into_iter().any(|named| named == key)
    }

    pub fn keeps(&self, key: &str) -> bool {
        if let Some(keys) = &self.advised {
            return keys.iter().any(|kept| kept == key);
        }
        self.patterns.keeps(key)
    }
}

impl InstrumentSelector {
    /// Instrument names compare without regard to case (Metrics API, "Instrument name syntax").
    pub fn matches(
        &self,
        kind: InstrumentKind,
        name: &str,
        unit: &str,
        scope: &opentelemetry::InstrumentationScope,
    ) -> bool {
        let equal = |wanted: &Option<String>, found: Option<&str>| {
            wanted
                .as_deref()
                .is_none_or(|wanted| wanted == found.unwrap_or(""))
        };
        self.kind.is_none_or(|wanted| wanted == kind)
            && self.name.as_deref().is_none_or(|pattern| {
                wildcard(&pattern.to_ascii_lowercase(), &name.to_ascii_lowercase())
            })
            && self.unit.as_deref().is_none_or(|wanted| wanted == unit)
            && equal(&self.meter_name, Some(scope.name()))
            && equal(&self.meter_version, scope.version())
            && equal(&self.meter_schema_url, scope.schema_url())
    }
}

impl View {
    /// Refuses a view without a criterion, as code is to (Metrics SDK specification, "Instrument
    /// selection criteria").
    pub(super) fn with_criterion(self, path: &str) -> Result<Self> {
        if self.selector != InstrumentSelector::default() {
            return Ok(self);
        }
        Err(invalid(
            &format!("{path}.selector"),
            "found nothing, expected at least one of instrument_name, instrument_type, unit, \
             meter_name, meter_version, meter_schema_url; instrument_name: '*' is for all instruments",
        ))
    }
}

impl ViewOptions {
    /// A selector without a criterion is for all instruments, as that of a file is.
    pub(super) fn resolve(self, path: &str) -> Result<View> {
        let selector = InstrumentSelector {
            name: self.selector.instrument_name,
            kind: self.selector.instrument_type.map(Into::into),
            unit: self.selector.unit,
            meter_name: self.selector.meter_name,
            meter_version: self.selector.meter_version,
            meter_schema_url: self.selector.meter_schema_url,
        };
        if self.stream.name.as_deref() == Some("") {
            return Err(invalid(
                &format!("{path}.stream.name"),
                "found an empty text, expected the name of a metric",
            ));
        }
        let renames_many = self.stream.name.is_some()
            && selector
                .name
                .as_deref()
                .is_none_or(|name| name.contains(['*', '?']));
        if renames_many {
            return Err(invalid(
                &format!("{path}.stream.name"),
                "a stream name needs a selector with an instrument_name without wildcards: \
                 several instruments would get one name",
            ));
        }
        let aggregation = self
            .stream
            .aggregation
            .map(|aggregation| aggregation.resolve(&format!("{path}.stream.aggregation")))
            .transpose()?;
        let reservoir = self
            .stream
            .exemplar_reservoir
            .map(|reservoir| reservoir.resolve(&format!("{path}.stream.exemplar_reservoir")))
            .transpose()?;
        Ok(View {
            selector,
            stream: StreamSpec {
                name: self.stream.name,
                description: self.stream.description,
                aggregation,
                cardinality_limit: self
                    .stream
                    .aggregation_cardinality_limit
                    .map(|limit| limit.0),
                attributes: self.stream.attribute_keys.unwrap_or_default().into(),
                exemplars: reservoir,
            },
        })
    }
}

impl ReservoirOptions {
    fn resolve(self, path: &str) -> Result<ReservoirSpec> {
        let size = match self {
            Self::AlignedHistogramBucket(()) => return Ok(ReservoirSpec::AlignedHistogramBucket),
            Self::SimpleFixedSize(options) => options.unwrap_or_default().size,
        };
        match size {
            Some(Count(size)) if size > MOST_EXEMPLARS => Err(invalid(
                &format!("{path}.simple_fixed_size.size"),
                format!("found {size}, expected a whole number from 1 to {MOST_EXEMPLARS}"),
            )),
            size => Ok(ReservoirSpec::SimpleFixedSize(size.map(|size| size.0))),
        }
    }
}

impl AggregationOptions {
    pub(super) fn resolve(&self, path: &str) -> Result<ViewAggregation> {
        Ok(match self {
            Self::Default(()) => ViewAggregation::Default,
            Self::Drop(()) => ViewAggregation::Drop,
            Self::Sum(()) => ViewAggregation::Sdk(Aggregation::Sum),
            Self::LastValue(()) => ViewAggregation::Sdk(Aggregation::LastValue),
            Self::ExplicitBucketHistogram(options) => {
                let boundaries = options
                    .as_ref()
                    .and_then(|options| options.boundaries.clone());
                if let Some(boundaries) = &boundaries {
                    check_boundaries(boundaries).map_err(|reason| {
                        invalid(
                            &format!("{path}.explicit_bucket_histogram.boundaries"),
                            reason,
                        )
                    })?;
                }
                let record_min_max = options.as_ref().and_then(|options| options.record_min_max);
                ViewAggregation::Explicit {
                    boundaries,
                    record_min_max: record_min_max.is_none_or(|flag| flag.0),
                }
            }
            Self::Base2ExponentialBucketHistogram(options) => {
                let options = options.as_ref();
                let at = |key| format!("{path}.base2_exponential_bucket_histogram.{key}");
                let max_scale = options.and_then(|options| options.max_scale);
                let max_scale = max_scale.unwrap_or(EXPONENTIAL_MAX_SCALE);
                if !(-10..=20).contains(&max_scale) {
                    return Err(invalid(
                        &at("max_scale"),
                        format!("found {max_scale}, expected a whole number from -10 to 20"),
                    ));
                }
                let max_size = options.and_then(|options| options.max_size);
                let max_size = max_size.unwrap_or(EXPONENTIAL_MAX_SIZE);
                if !(2..=16384).contains(&max_size) {
                    return Err(invalid(
                        &at("max_size"),
                        format!("found {max_size}, expected a whole number from 2 to 16384"),
                    ));
                }
                let record_min_max = options.and_then(|options| options.record_min_max);
                ViewAggregation::Sdk(Aggregation::Base2ExponentialHistogram {
                    max_size,
                    max_scale,
                    record_min_max: record_min_max.is_none_or(|flag| flag.0),
                })
            }
        })
    }
}

impl ViewAggregation {
    /// Whether instruments of the kind can have it.
    pub fn fits(&self, kind: InstrumentKind) -> bool {
        match self {
            Self::Default | Self::Drop | Self::Sdk(Aggregation::Sum) => true,
            // An observation is a total or a state: reading it again adds no value to a distribution.
            Self::Explicit { .. } | Self::Sdk(Aggregation::Base2ExponentialHistogram { .. }) => {
                !is_observable(kind)
            }
            Self::Sdk(_) => is_gauge(kind),
        }
    }

    /// As the configuration names it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Drop => "drop",
            Self::Explicit { .. } => "explicit_bucket_histogram",
            Self::Sdk(Aggregation::Sum) => "sum",
            Self::Sdk(Aggregation::Base2ExponentialHistogram { .. }) => {
                "base2_exponential_bucket_histogram"
            }
            Self::Sdk(_) => "last_value",
        }
    }

    /// Those that instruments of the kind can have.
    pub fn fitting(kind: InstrumentKind) -> &'static str {
        match (is_observable(kind), is_gauge(kind)) {
            (true, true) => "default, drop, sum or last_value",
            (true, false) => "default, drop or sum",
            (false, true) => "default, drop, sum, last_value or a histogram",
            (false, false) => "default, drop, sum or a histogram",
        }
    }
}

fn is_observable(kind: InstrumentKind) -> bool {
    matches!(
        kind,
        InstrumentKind::ObservableCounter
            | InstrumentKind::ObservableUpDownCounter
            | InstrumentKind::ObservableGauge
    )
}

pub(crate) fn is_gauge(kind: InstrumentKind) -> bool {
    matches!(
        kind,
        InstrumentKind::Gauge | InstrumentKind::ObservableGauge
    )
}

/// Boundaries must be finite and strictly ascending.
pub fn check_boundaries(boundaries: &[f64]) -> std::result::Result<(), String> {
    if let Some(bad) = boundaries.iter().find(|bound| !bound.is_finite()) {
        return Err(format!("found {bad}, expected finite numbers"));
    }
    match boundaries.windows(2).find(|pair| pair[0] >= pair[1]) {
        Some(pair) => Err(format!(
            "found {} before {}, expected numbers in strictly ascending order",
            pair[0], pair[1]
        )),
        None => Ok(()),
    }
}

/// Matches `text` against a pattern with `*` and `?`, in linear space and without backtracking
/// beyond the last `*`.
pub(super) fn wildcard(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == '?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((star_p, star_t)) => {
                    p = star_p + 1;
                    t = star_t + 1;
                    star = Some((star_p, star_t + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}
