//! The model of the schema, as far as metrics go: its keys, types and words.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error as _, IgnoredAny, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

use crate::config::meters::MeterConfiguratorOptions;
use crate::config::options::{HistogramAggregation, TranslationStrategy};
use crate::config::otlp::CompressionName;
use crate::config::reader::{DefaultAggregations, InstrumentType, KindOptions, TemporalityName};
use crate::config::resource::DeclaredResource;
use crate::config::values::{Count, Port};
use crate::config::views::{AggregationOptions, IncludeExcludeOptions, ViewOptions};
use crate::config::{ExemplarFilter, LogLevel, Secret};

#[derive(Debug, Deserialize)]
pub(super) struct Model {
    pub file_format: Json,
    pub disabled: Option<bool>,
    pub log_level: Option<Severity>,
    pub attribute_limits: Option<AttributeLimits>,
    pub meter_provider: Option<MeterProvider>,
    pub resource: Option<DeclaredResource>,
}

/// Its keys; all others are of other signals, of later versions or anybody's.
pub(super) const KEYS: [&str; 6] = [
    "file_format",
    "disabled",
    "log_level",
    "attribute_limits",
    "meter_provider",
    "resource",
];

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a map of settings")]
pub(super) struct AttributeLimits {
    pub attribute_value_length_limit: Option<Whole>,
    pub attribute_value_depth_limit: Option<Whole>,
    pub attribute_count_limit: Option<Whole>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a map of settings")]
pub(super) struct MeterProvider {
    pub readers: Vec<Reader>,
    pub views: Option<Vec<ViewOptions>>,
    pub exemplar_filter: Option<ExemplarFilter>,
    #[serde(rename = "meter_configurator/development")]
    pub meter_configurator: Option<MeterConfiguratorOptions>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reader {
    Periodic(Periodic),
    Pull(Pull),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a map of settings")]
pub(super) struct Periodic {
    pub interval: Option<Whole>,
    pub timeout: Option<Whole>,
    #[serde(rename = "max_export_batch_size/development")]
    pub batch_size: Option<Count>,
    pub exporter: PushExporter,
    pub producers: Option<Vec<BTreeMap<String, Json>>>,
    pub cardinality_limits: Option<KindOptions<Count>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a map of settings")]
pub(super) struct Pull {
    pub exporter: PullExporter,
    pub producers: Option<Vec<BTreeMap<String, Json>>>,
    pub cardinality_limits: Option<KindOptions<Count>>,
}

#[derive(Debug, Deserialize)]
pub(super) enum PushExporter {
    #[serde(rename = "otlp_http")]
    OtlpHttp(Option<Otlp>),
    #[serde(rename = "otlp_grpc")]
    OtlpGrpc(Option<Otlp>),
    #[serde(rename = "otlp_file/development", deserialize_with = "anything")]
    OtlpFile(()),
    #[serde(rename = "console")]
    Console(Option<Console>),
}

#[derive(Debug, Deserialize)]
pub(super) enum PullExporter {
    #[serde(rename = "prometheus/development")]
    Prometheus(Option<Prometheus>),
}

fn anything<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<(), D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| ())
}

/// Over HTTP and gRPC; what only one of them has is refused in the other.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a map of settings")]
pub(super) struct Otlp {
    pub endpoint: Option<String>,
    pub tls: Option<Tls>,
    #[serde(deserialize_with = "headers")]
    pub headers: Option<Vec<Header>>,
    pub headers_list: Option<Secret>,
    pub compression: Option<CompressionName>,
    pub max_request_size: Option<Whole>,
    pub max_response_size: Option<Whole>,
    pub timeout: Option<Whole>,
    pub encoding: Option<Encoding>,
    pub temporality_preference: Option<Temporality>,
    pub default_histogram_aggregation: Option<Histogram>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a map of settings")]
pub(super) struct Tls {
    pub ca_file: Option<std::path::PathBuf>,
    pub cert_file: Option<std::path::PathBuf>,
    pub key_file: Option<std::path::PathBuf>,
    pub insecure: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a map of name and value")]
pub(super) struct Header {
    pub name: String,
    pub value: Option<Secret>,
}

/// What is wrong is not repeated: it holds secrets too.
fn headers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<Vec<Header>>, D::Error> {
    let headers = Json::deserialize(deserializer)?;
    serde_json::from_value(headers).map_err(|_| {
        D::Error::custom(
            "found something else, expected a list of maps of name and value, two texts",
        )
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Encoding {
    Protobuf,
    Json,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Temporality {
    Cumulative,
    Delta,
    LowMemory,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Histogram {
    ExplicitBucketHistogram,
    Base2ExponentialBucketHistogram,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a map of settings")]
pub(super) struct Console {
    pub temporality_preference: Option<Temporality>,
    pub default_histogram_aggregation: Option<Histogram>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a map of settings")]
pub(super) struct Prometheus {
    pub host: Option<String>,
    pub port: Option<Port>,
    pub scope_info_enabled: Option<bool>,
    #[serde(rename = "target_info_enabled/development")]
    pub target_info_enabled: Option<bool>,
    pub resource_constant_labels: Option<IncludeExcludeOptions>,
    pub translation_strategy: Option<Strategy>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) enum Strategy {
    #[serde(rename = "underscore_escaping_with_suffixes")]
    UnderscoreEscapingWithSuffixes,
    #[serde(rename = "underscore_escaping_without_suffixes/development")]
    UnderscoreEscapingWithoutSuffixes,
    #[serde(rename = "no_utf8_escaping_with_suffixes/development")]
    NoUtf8EscapingWithSuffixes,
    #[serde(rename = "no_translation/development")]
    NoTranslation,
}

impl From<Temporality> for TemporalityName {
    fn from(temporality: Temporality) -> Self {
        match temporality {
            Temporality::Cumulative => Self::Cumulative,
            Temporality::Delta => Self::Delta,
            Temporality::LowMemory => Self::LowMemory,
        }
    }
}

impl From<Histogram> for HistogramAggregation {
    fn from(histogram: Histogram) -> Self {
        match histogram {
            Histogram::ExplicitBucketHistogram => Self::Explicit,
            Histogram::Base2ExponentialBucketHistogram => Self::Exponential,
        }
    }
}

impl From<Strategy> for TranslationStrategy {
    fn from(strategy: Strategy) -> Self {
        match strategy {
            Strategy::UnderscoreEscapingWithSuffixes => Self::UnderscoreEscapingWithSuffixes,
            Strategy::UnderscoreEscapingWithoutSuffixes => Self::UnderscoreEscapingWithoutSuffixes,
            Strategy::NoUtf8EscapingWithSuffixes => Self::NoUTF8EscapingWithSuffixes,
            Strategy::NoTranslation => Self::NoTranslation,
        }
    }
}

/// `trace` to `fatal4`, by the level of ours that it means.
#[derive(Clone, Copy, Debug)]
pub(super) struct Severity(pub LogLevel);

impl<'de> Deserialize<'de> for Severity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct SeverityVisitor;
        impl Visitor<'_> for SeverityVisitor {
            type Value = Severity;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("trace, debug, info, warn, error or fatal, alone or with 2, 3 or 4")
            }

            fn visit_str<E: serde::de::Error>(
                self,
                text: &str,
            ) -> std::result::Result<Severity, E> {
                let word = text.strip_suffix(['2', '3', '4']).unwrap_or(text);
                Ok(Severity(match word {
                    "trace" | "debug" => LogLevel::Debug,
                    "info" => LogLevel::Info,
                    "warn" => LogLevel::Warn,
                    "error" => LogLevel::Error,
                    // Nothing of ours is worse than an error.
                    "fatal" => LogLevel::None,
                    _ => return Err(E::invalid_value(Unexpected::Str(text), &self)),
                }))
            }
        }
        deserializer.deserialize_any(SeverityVisitor)
    }
}

/// A whole number, not in quotes: the schema has types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whole(pub u64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct WholeVisitor;
        impl Visitor<'_> for WholeVisitor {
            type Value = Whole;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a whole number from 0, without quotes")
            }

            fn visit_u64<E>(self, value: u64) -> std::result::Result<Whole, E> {
                Ok(Whole(value))
            }
        }
        deserializer.deserialize_any(WholeVisitor)
    }
}

impl Histogram {
    /// As the default aggregation of histograms.
    pub fn for_histograms(self) -> DefaultAggregations {
        let aggregation = match self {
            Self::ExplicitBucketHistogram => AggregationOptions::ExplicitBucketHistogram(None),
            Self::Base2ExponentialBucketHistogram => {
                AggregationOptions::Base2ExponentialBucketHistogram(None)
            }
        };
        [(InstrumentType::Histogram, aggregation)].into()
    }
}
