//! Readers and exporters that a program brings itself.

use std::time::Duration;

use serde::Deserialize;

use super::filter::MetricFilterOptions;
use super::options::parse;
use super::reader::{
    some_settings, DefaultAggregations, KindOptions, ReaderLayer, ReaderOptions, TemporalityOptions,
};
use super::values::{Count, HumanDuration};
use crate::error::Result;

/// Defaults of the specification ("Periodic exporting MetricReader").
const DEFAULT_INTERVAL: Duration = Duration::from_secs(60);
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// The encodings of OTLP that JavaScript gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    #[default]
    Json,
    Protobuf,
}

/// A reader that collects when it is asked to.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnReaderConfig {
    pub layer: ReaderLayer,
    pub encoding: Encoding,
}

/// An exporter with a periodic reader.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnExporterConfig {
    pub reader: OwnReaderConfig,
    /// What messages call it.
    pub name: Option<String>,
    pub interval: Duration,
    pub timeout: Duration,
    pub max_batch_size: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct OwnReaderOptions {
    temporality: Option<TemporalityOptions>,
    #[serde(deserialize_with = "some_settings")]
    default_aggregation: Option<DefaultAggregations>,
    #[serde(deserialize_with = "some_settings")]
    cardinality_limits: Option<KindOptions<Count>>,
    #[serde(deserialize_with = "some_settings")]
    metric_filter: Option<MetricFilterOptions>,
    encoding: Encoding,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct OwnExporterOptions {
    temporality: Option<TemporalityOptions>,
    #[serde(deserialize_with = "some_settings")]
    default_aggregation: Option<DefaultAggregations>,
    #[serde(deserialize_with = "some_settings")]
    cardinality_limits: Option<KindOptions<Count>>,
    #[serde(deserialize_with = "some_settings")]
    metric_filter: Option<MetricFilterOptions>,
    encoding: Encoding,
    name: Option<String>,
    interval: Option<HumanDuration>,
    timeout: Option<HumanDuration>,
    max_export_batch_size: Option<Count>,
}

impl OwnReaderConfig {
    /// Reads the options (JSON); `path` is where they stand, for messages.
    ///
    /// # Errors
    /// [`Code::InvalidConfig`](crate::error::Code::InvalidConfig) naming the path, what was found and
    /// what is allowed.
    pub fn parse(json: &str, path: &str) -> Result<Self> {
        parse::<OwnReaderOptions>(json, path)?.resolve(path)
    }
}

impl OwnReaderOptions {
    fn resolve(&self, path: &str) -> Result<OwnReaderConfig> {
        let options = ReaderOptions {
            temporality: self.temporality.as_ref(),
            default_aggregation: self.default_aggregation.as_ref(),
            cardinality_limits: self.cardinality_limits.as_ref(),
            metric_filter: self.metric_filter.as_ref(),
        };
        Ok(OwnReaderConfig {
            layer: options.layer(path)?,
            encoding: self.encoding,
        })
    }
}

impl OwnExporterConfig {
    /// Reads the options as [`OwnReaderConfig::parse`] does.
    ///
    /// # Errors
    /// As there.
    pub fn parse(json: &str, path: &str) -> Result<Self> {
        let options: OwnExporterOptions = parse(json, path)?;
        let reader = OwnReaderOptions {
            temporality: options.temporality,
            default_aggregation: options.default_aggregation,
            cardinality_limits: options.cardinality_limits,
            metric_filter: options.metric_filter,
            encoding: options.encoding,
        };
        Ok(Self {
            reader: reader.resolve(path)?,
            name: options.name,
            interval: options.interval.map_or(DEFAULT_INTERVAL, |given| given.0),
            timeout: options.timeout.map_or(DEFAULT_TIMEOUT, |given| given.0),
            max_batch_size: options.max_export_batch_size.map(|size| size.0 as u64),
        })
    }
}
