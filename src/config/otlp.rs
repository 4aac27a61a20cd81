//! The sections of the OTLP exporters, of which there may be several.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::slice;
use std::time::Duration;

use opentelemetry_sdk::metrics::Temporality;
use serde::Deserialize;

use super::endpoint::{endpoint_url, Signal};
use super::environment::{otlp_names, usable, Environment, ExporterNames};
use super::exporters::{interval, ExporterOrigin};
use super::filter::MetricFilterOptions;
use super::options::HistogramAggregation;
use super::reader::{
    some_settings, DefaultAggregations, InstrumentType, KindOptions, ReaderDefaults, ReaderOptions,
    TemporalityOptions,
};
use super::values::{
    header_value, headers, invalid, settings, Concurrency, Count, HumanDuration, Several, Size,
};
use super::{
    Compression, OtlpConfig, OtlpProtocol, Secret, TlsConfig, DEFAULT_REQUEST_SIZE,
    DEFAULT_RESPONSE_SIZE,
};
use crate::error::Result;

const DEFAULT_INTERVAL: Duration = Duration::from_secs(60);
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// Each has its own streams where it wants other data, and a stream's pipelines are the bits of a number.
pub(super) const MOST_OTLP_EXPORTERS: usize = 16;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct OtlpOptions {
    pub endpoint: Option<String>,
    pub protocol: Option<ProtocolName>,
    #[serde(deserialize_with = "headers")]
    pub headers: BTreeMap<String, Secret>,
    pub interval: Option<HumanDuration>,
    pub timeout: Option<HumanDuration>,
    pub compression: Option<CompressionName>,
    pub max_export_batch_size: Option<Count>,
    pub max_concurrent_exports: Option<Concurrency>,
    pub max_request_size: Option<Size>,
    pub max_response_size: Option<Size>,
    pub temporality: Option<TemporalityOptions>,
    pub histogram: Option<HistogramAggregation>,
    #[serde(deserialize_with = "some_settings")]
    pub default_aggregation: Option<DefaultAggregations>,
    #[serde(deserialize_with = "some_settings")]
    pub cardinality_limits: Option<KindOptions<Count>>,
    #[serde(deserialize_with = "some_settings")]
    pub metric_filter: Option<MetricFilterOptions>,
    #[serde(deserialize_with = "settings")]
    pub tls: TlsOptions,
    #[serde(skip)]
    pub(super) origin: ExporterOrigin,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct TlsOptions {
    pub ca_file: Option<PathBuf>,
    pub cert_file: Option<PathBuf>,
    pub key_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum ProtocolName {
    #[serde(rename = "grpc")]
    Grpc,
    #[serde(rename = "http/protobuf")]
    HttpProtobuf,
    #[serde(rename = "http/json")]
    HttpJson,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CompressionName {
    None,
    Gzip,
}

/// The exporters that the options name, or else the environment; `path` is that of the section.
pub(super) fn resolve(
    options: Option<&Several<OtlpOptions>>,
    path: &str,
    exporters: Option<ExporterNames>,
    histogram: Option<HistogramAggregation>,
    defaults: ReaderDefaults,
    environment: &Environment,
    warnings: &mut Vec<String>,
) -> Result<Vec<OtlpConfig>> {
    let unnamed = OtlpOptions::default();
    let (all, listed) = match (options, &exporters) {
        (Some(Several::Off), _) => (&[][..], false),
        (Some(Several::On(options)), _) => (slice::from_ref(options), false),
        (Some(Several::Listed(list)), _) => (&list[..], true),
        (None, Some(names)) if !names.otlp => (&[][..], false),
        (None, None) if !environment.names_an_otlp_endpoint() => (&[][..], false),
        (None, _) => (slice::from_ref(&unnamed), false),
    };
    if listed && !(1..=MOST_OTLP_EXPORTERS).contains(&all.len()) {
        return Err(invalid(
            path,
            format!(
                "found {} exporters, expected 1 to {MOST_OTLP_EXPORTERS}, or false for none",
                all.len()
            ),
        ));
    }
    let place = |(index, options): (usize, &OtlpOptions)| {
        let path = match listed {
            true => format!("{path}[{index}]"),
            false => path.to_owned(),
        };
        options.origin.section(&path).to_owned()
    };
    let places: Vec<String> = all.iter().enumerate().map(place).collect();
    let mut configs = Vec::new();
    for (options, place) in all.iter().zip(&places) {
        let mut own = Vec::new();
        let resolved = options.resolve(place, histogram, defaults, environment, &mut own)?;
        configs.push(resolved);
        // Another may have read the same variable.
        own.retain(|warning| !warnings.contains(warning));
        warnings.extend(own);
    }
    apart(all, configs, &places)
}

impl OtlpOptions {
    /// `path` is that of the section.
    fn resolve(
        &self,
        path: &str,
        histogram: Option<HistogramAggregation>,
        defaults: ReaderDefaults,
        environment: &Environment,
        warnings: &mut Vec<String>,
    ) -> Result<OtlpConfig> {
        let at = |key: &str| self.origin.at(path, key);
        let protocol = match self.protocol {
            Some(name) => name,
            None => environment
                .choice(
                    &otlp_names("PROTOCOL"),
                    &[
                        ("grpc", ProtocolName::Grpc),
                        ("http/protobuf", ProtocolName::HttpProtobuf),
                        ("http/json", ProtocolName::HttpJson),
                    ],
                    warnings,
                )
                .unwrap_or(ProtocolName::HttpProtobuf),
        };
        let protocol = match protocol {
            ProtocolName::Grpc => OtlpProtocol::Grpc,
            ProtocolName::HttpProtobuf => OtlpProtocol::HttpProtobuf,
            ProtocolName::HttpJson => OtlpProtocol::HttpJson,
        };
        let endpoint = match &self.endpoint {
            Some(endpoint) => {
                // A file has the URL with the signal's path.
                let signal = match self.origin {
                    ExporterOrigin::Options => Signal::AppendOnce,
                    ExporterOrigin::File(_) => Signal::Verbatim,
                };
                endpoint_url(endpoint, protocol, signal, &at("endpoint"))?
            }
            None => environment.otlp_endpoint(protocol, warnings)?,
        };
        let mut headers = environment.otlp_headers(warnings);
        for (name, value) in &self.headers {
            if http::HeaderName::try_from(name.as_str()).is_err() {
                return Err(invalid(
                    &at("headers"),
                    format!("found the name {name:?}, expected an HTTP header name"),
                ));
            }
            let value = header_value(value).ok_or_else(|| {
                invalid(
                    &at(&format!("headers.{name}")),
                    "found a value with control or non-ASCII characters, expected an HTTP header \
                     value",
                )
            })?;
            headers.insert(name.to_ascii_lowercase(), value);
        }
        let compression = match self.compression {
            Some(CompressionName::Gzip) => Compression::Gzip,
            Some(CompressionName::None) => Compression::None,
            None => environment
                .choice(
                    &otlp_names("COMPRESSION"),
                    &[("gzip", Compression::Gzip), ("none", Compression::None)],
                    warnings,
                )
                .unwrap_or(Compression::None),
        };
        let named = self.temporality.as_ref();
        let preference = match named.is_some_and(TemporalityOptions::has_default) {
            true => None,
            false => environment.choice(
                &["OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"],
                &[
                    ("cumulative", Temporality::Cumulative),
                    ("delta", Temporality::Delta),
                    ("lowmemory", Temporality::LowMemory),
                ],
                warnings,
            ),
        };
        let aggregations = self.default_aggregation.as_ref();
        let twice =
            aggregations.is_some_and(|kinds| kinds.contains_key(&InstrumentType::Histogram));
        if self.histogram.is_some() && twice {
            return Err(invalid(
                &at("histogram"),
                "found beside defaultAggregation.histogram, expected one of the two",
            ));
        }
        let histogram = match self.histogram.or(histogram) {
            Some(histogram) => histogram,
            None => environment
                .choice(
                    &["OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"],
                    &[
                        ("explicit_bucket_histogram", HistogramAggregation::Explicit),
                        (
                            "base2_exponential_bucket_histogram",
                            HistogramAggregation::Exponential,
                        ),
                    ],
                    warnings,
                )
                .unwrap_or_default(),
        };
        let mut tls_file = |option: &Option<PathBuf>, key: &str, variable: &str| match option {
            Some(file) => readable(file, &at(key)).map(Some),
            None => {
                let names = otlp_names(variable);
                let given = environment.all(&names);
                let files = given.map(|(name, file)| readable(Path::new(file), name));
                usable(files, warnings)
            }
        };
        let tls = TlsConfig {
            ca_file: tls_file(&self.tls.ca_file, "tls.caFile", "CERTIFICATE")?,
            cert_file: tls_file(&self.tls.cert_file, "tls.certFile", "CLIENT_CERTIFICATE")?,
            key_file: tls_file(&self.tls.key_file, "tls.keyFile", "CLIENT_KEY")?,
            extra_ca_file: environment.get("NODE_EXTRA_CA_CERTS").map(PathBuf::from),
        };
        if tls.cert_file.is_some() != tls.key_file.is_some() {
            let variables = otlp_names("CLIENT_CERTIFICATE")
                .into_iter()
                .chain(otlp_names("CLIENT_KEY"));
            let place = match self.tls.cert_file.is_some() || self.tls.key_file.is_some() {
                true => at("tls"),
                false => variables
                    .filter(|name| environment.get(name).is_some())
                    .collect::<Vec<_>>()
                    .join(", "),
            };
            return Err(invalid(
                &place,
                "found one of certFile and keyFile, expected both or neither",
            ));
        }
        Ok(OtlpConfig {
            endpoint,
            protocol,
            headers,
            interval: interval(self.interval, DEFAULT_INTERVAL, environment, warnings),
            timeout: self
                .timeout
                .map(|timeout| timeout.0)
                .or_else(|| environment.timeout(&otlp_names("TIMEOUT"), warnings))
                .or_else(|| environment.timeout(&["OTEL_METRIC_EXPORT_TIMEOUT"], warnings))
                .unwrap_or(DEFAULT_TIMEOUT),
            compression,
            max_batch_size: self.max_export_batch_size.map(|count| count.0 as u64),
            max_concurrent_exports: self.max_concurrent_exports.map_or(1, |count| count.0),
            max_request_size: (self.max_request_size).map_or(DEFAULT_REQUEST_SIZE, |size| size.0),
            max_response_size: (self.max_response_size)
                .map_or(DEFAULT_RESPONSE_SIZE, |size| size.0),
            reader: ReaderOptions {
                temporality: self.temporality.as_ref(),
                default_aggregation: aggregations,
                cardinality_limits: self.cardinality_limits.as_ref(),
                metric_filter: self.metric_filter.as_ref(),
            }
            .resolve(
                self.origin.section(path),
                ReaderDefaults {
                    preference: preference.unwrap_or(defaults.preference),
                    histogram,
                },
            )?,
            tls,
        })
    }
}

/// Refuses exporters that leave their endpoint to the environment, or to the default, and get that of
/// another: everything would arrive twice at one place.
fn apart(
    options: &[OtlpOptions],
    configs: Vec<OtlpConfig>,
    places: &[String],
) -> Result<Vec<OtlpConfig>> {
    for (at, own) in options.iter().enumerate() {
        let same = (0..configs.len()).find(|&other| {
            other != at
                && configs[other].endpoint == configs[at].endpoint
                // Of two that say nothing the later one is to say something.
                && (options[other].endpoint.is_some() || other < at)
        });
        if let (None, Some(other)) = (&own.endpoint, same) {
            return Err(invalid(
                &format!("{}.endpoint", places[at]),
                format!(
                    "found none, and {} sends to the endpoint of the environment, or to the \
                     default, already; expected an endpoint of its own",
                    places[other]
                ),
            ));
        }
    }
    Ok(configs)
}

fn readable(file: &Path, place: &str) -> Result<PathBuf> {
    match std::fs::File::open(file) {
        Ok(_) => Ok(file.to_owned()),
        Err(error) => Err(invalid(
            place,
            format!("found {file:?}, expected a file that can be read: {error}"),
        )),
    }
}
