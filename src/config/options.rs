//! The options as a user writes them: `backend.metrics` of app-config, or `configure(options)`.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::slice;
use std::time::Duration;

use opentelemetry::{Key, KeyValue, Value};
use opentelemetry_sdk::metrics::Temporality;
use serde::Deserialize;

use super::endpoint::{endpoint_url, Signal};
use super::environment::{otlp_names, usable, Environment};
use super::page::{host_address, page_path, page_token};
use super::reader::{
    some_settings, DefaultAggregations, InstrumentType, KindOptions, ReaderDefaults, ReaderOptions,
    TemporalityOptions,
};
use super::values::{
    header_value, headers, invalid, settings, Concurrency, Count, Flag, HumanDuration, Port,
    ResourceValue, Several, Size, Switch,
};
use super::views::{IncludeExclude, IncludeExcludeOptions, ViewOptions};
use super::{
    Compression, Config, ConsoleConfig, ListenSettings, NamingConfig, OtlpConfig, OtlpProtocol,
    PrometheusConfig, Secret, TlsConfig, DEFAULT_CARDINALITY_LIMIT, DEFAULT_REQUEST_SIZE,
    DEFAULT_RESPONSE_SIZE, DEFAULT_VALUE_LENGTH, ENVIRONMENT,
};
use crate::error::Result;

const DEFAULT_PROMETHEUS_HOST: Ipv4Addr = Ipv4Addr::LOCALHOST;
const DEFAULT_PROMETHEUS_PORT: u16 = 9464;
const DEFAULT_INTERVAL: Duration = Duration::from_secs(60);

/// Of the console (Metrics exporters specification, "Standard output").
const CONSOLE_INTERVAL: Duration = Duration::from_secs(10);
const DEFAULT_OTLP_TIMEOUT: Duration = Duration::from_secs(10);
/// Each has its own streams where it wants other data, and a stream's pipelines are the bits of a number.
const MOST_OTLP_EXPORTERS: usize = 16;
const DEFAULT_COLLECT_TIMEOUT: Duration = Duration::from_secs(2);
const DEFAULT_EXIT_TIMEOUT: Duration = Duration::from_secs(5);

/// `backend.metrics`, as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Options {
    pub service_name: Option<String>,
    pub service_version: Option<String>,
    pub resource: BTreeMap<String, ResourceValue>,
    #[serde(deserialize_with = "settings")]
    pub naming: NamingOptions,
    #[serde(deserialize_with = "settings")]
    pub exporters: ExportersOptions,
    pub views: Vec<ViewOptions>,
    pub cardinality_limit: Option<Count>,
    pub attribute_value_length_limit: Option<Count>,
    pub histogram: Option<HistogramAggregation>,
    pub exemplars: Option<ExemplarFilter>,
    pub exit_timeout: Option<HumanDuration>,
    pub plugin: BTreeMap<String, PluginOptions>,
    #[serde(deserialize_with = "settings")]
    pub producers: ProducersOptions,
    #[serde(deserialize_with = "settings")]
    pub core: CoreOptions,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NamingMode {
    /// Names are prefixed and checked.
    #[default]
    Enforce,
    /// Names are exported as the author wrote them.
    Passthrough,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HistogramAggregation {
    #[default]
    Explicit,
    Exponential,
}

/// Which values may become exemplars (Metrics SDK specification, "ExemplarFilter").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExemplarFilter {
    /// Those that are recorded within a sampled span.
    #[default]
    TraceBased,
    AlwaysOn,
    AlwaysOff,
}

impl ExemplarFilter {
    pub(super) const ALL: [Self; 3] = [Self::TraceBased, Self::AlwaysOn, Self::AlwaysOff];

    /// As it is written in options and variables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TraceBased => "trace_based",
            Self::AlwaysOn => "always_on",
            Self::AlwaysOff => "always_off",
        }
    }
}

/// How OpenTelemetry names become Prometheus names (OpenTelemetry–Prometheus compatibility
/// specification, "Translation strategy").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum TranslationStrategy {
    #[default]
    UnderscoreEscapingWithSuffixes,
    UnderscoreEscapingWithoutSuffixes,
    NoUTF8EscapingWithSuffixes,
    NoTranslation,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct NamingOptions {
    pub mode: NamingMode,
    pub legacy_names: Option<Flag>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct ExportersOptions {
    pub prometheus: Option<Switch<PrometheusOptions>>,
    pub otlp: Option<Several<OtlpOptions>>,
    pub console: Option<Switch<ConsoleOptions>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct PrometheusOptions {
    pub host: Option<String>,
    pub port: Option<Port>,
    pub path: Option<String>,
    pub server: Option<Flag>,
    pub on_backend: Option<Flag>,
    pub token: Option<Secret>,
    pub translation_strategy: Option<TranslationStrategy>,
    pub collect_timeout: Option<HumanDuration>,
    #[serde(deserialize_with = "some_settings")]
    pub default_aggregation: Option<DefaultAggregations>,
    #[serde(deserialize_with = "some_settings")]
    pub cardinality_limits: Option<KindOptions<Count>>,
}

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
    #[serde(deserialize_with = "settings")]
    pub tls: TlsOptions,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct TlsOptions {
    pub ca_file: Option<PathBuf>,
    pub cert_file: Option<PathBuf>,
    pub key_file: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct ConsoleOptions {
    pub interval: Option<HumanDuration>,
    pub temporality: Option<TemporalityOptions>,
    #[serde(deserialize_with = "some_settings")]
    pub default_aggregation: Option<DefaultAggregations>,
    #[serde(deserialize_with = "some_settings")]
    pub cardinality_limits: Option<KindOptions<Count>>,
}

/// What a plugin's section may hold; the services read it, see `ts/backstage`.
#[derive(Debug, Default, Deserialize)]
#[serde(
    deny_unknown_fields,
    rename_all = "camelCase",
    default,
    expecting = "a map of settings"
)]
pub struct PluginOptions {
    #[serde(deserialize_with = "settings")]
    pub meter: MeterOptions,
    pub disabled: Flag,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct MeterOptions {
    pub name: Option<String>,
    pub version: Option<String>,
    pub schema_url: Option<String>,
}

/// Switches for what is aggregated elsewhere; the facade reads them.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct ProducersOptions {
    pub prometheus: Option<Switch<IncludeExcludeOptions>>,
}

/// Switches for the metrics of Backstage's core services; the facade reads them.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct CoreOptions {
    pub http: Option<Flag>,
    pub database: Option<Flag>,
    pub cache: Option<Flag>,
    pub scheduler: Option<Flag>,
    pub events: Option<Flag>,
    pub runtime: Option<Flag>,
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

impl Options {
    /// # Errors
    /// [`Code::InvalidConfig`](crate::error::Code::InvalidConfig) naming the path, what was found
    /// and what is allowed.
    pub fn parse(json: &str, path: &str) -> Result<Self> {
        // By way of a `Value`: an enum that finds a number in text only says "expected value".
        let value: serde_json::Value = serde_json::from_str(json)
            .map_err(|error| invalid(path, format!("found no JSON: {error}")))?;
        let mut track = serde_path_to_error::Track::new();
        let tracked = serde_path_to_error::Deserializer::new(value, &mut track);
        settings(tracked).map_err(|error| {
            let error = serde_path_to_error::Error::new(track.path(), error);
            let inner = error.path().to_string();
            let at = if inner == "." {
                path.to_owned()
            } else {
                format!("{path}.{inner}")
            };
            let reason = error.into_inner().to_string();
            // What serde says of types that only Rust has.
            let reason = reason.replace("expected f64", "expected a number").replace(
                "invalid type: unit variant, expected newtype variant",
                "found a string, expected a map with this key, such as { drop: {} }",
            );
            invalid(&at, reason)
        })
    }

    pub(super) fn resolve(self, path: &str, environment: &Environment) -> Result<Config> {
        let mut warnings = Vec::new();
        let exporters = environment.exporters(&mut warnings);
        let cardinality_limit = self
            .cardinality_limit
            .map_or(DEFAULT_CARDINALITY_LIMIT, |limit| limit.0);
        let defaults = ReaderDefaults {
            preference: Temporality::Cumulative,
            histogram: self.histogram.unwrap_or_default(),
            cardinality_limit,
        };
        let prometheus = match (&self.exporters.prometheus, &exporters) {
            (Some(Switch::Off), _) => None,
            (Some(Switch::On(options)), _) => {
                Some(options.resolve(path, defaults, environment, &mut warnings)?)
            }
            (None, Some(names)) if !names.prometheus => None,
            (None, _) => Some(PrometheusOptions::default().resolve(
                path,
                defaults,
                environment,
                &mut warnings,
            )?),
        };
        let unnamed = OtlpOptions::default();
        let (otlp, listed) = match (&self.exporters.otlp, &exporters) {
            (Some(Several::Off), _) => (&[][..], false),
            (Some(Several::On(options)), _) => (slice::from_ref(options), false),
            (Some(Several::Listed(list)), _) => (&list[..], true),
            (None, Some(names)) if !names.otlp => (&[][..], false),
            (None, None) if !environment.names_an_otlp_endpoint() => (&[][..], false),
            (None, _) => (slice::from_ref(&unnamed), false),
        };
        let at = format!("{path}.exporters.otlp");
        if listed && !(1..=MOST_OTLP_EXPORTERS).contains(&otlp.len()) {
            return Err(invalid(
                &at,
                format!(
                    "found {} exporters, expected 1 to {MOST_OTLP_EXPORTERS}, or false for none",
                    otlp.len()
                ),
            ));
        }
        let places: Vec<String> = match listed {
            true => (0..otlp.len())
                .map(|at_index| format!("{at}[{at_index}]"))
                .collect(),
            false => vec![at],
        };
        let mut exporters_of_otlp: Vec<OtlpConfig> = Vec::new();
        for (options, place) in otlp.iter().zip(&places) {
            let mut own = Vec::new();
            let resolved =
                options.resolve(place, self.histogram, defaults, environment, &mut own)?;
            exporters_of_otlp.push(resolved);
            // Another may have read the same variable.
            own.retain(|warning| !warnings.contains(warning));
            warnings.extend(own);
        }
        let otlp = apart(otlp, exporters_of_otlp, &places)?;
        let console = match (&self.exporters.console, &exporters) {
            (Some(Switch::Off), _) => None,
            (Some(Switch::On(options)), _) => {
                Some(options.resolve(path, defaults, environment, &mut warnings)?)
            }
            (None, Some(names)) if names.console => Some(ConsoleOptions::default().resolve(
                path,
                defaults,
                environment,
                &mut warnings,
            )?),
            (None, _) => None,
        };
        let views = self
            .views
            .into_iter()
            .enumerate()
            .map(|(index, view)| view.resolve(&format!("{path}.views[{index}]")))
            .collect::<Result<_>>()?;
        let naming = NamingConfig {
            service_name: self.service_name.clone(),
            mode: self.naming.mode,
            legacy_names: self.naming.legacy_names.is_none_or(|flag| flag.0),
        };
        Ok(Config {
            naming,
            disabled: environment.disabled(&mut warnings),
            resource: resource(
                self.service_name,
                self.service_version,
                self.resource,
                environment,
                &mut warnings,
            ),
            prometheus,
            otlp,
            console,
            memory: None,
            views,
            reader: ReaderOptions::default().resolve(path, defaults)?,
            value_length: self
                .attribute_value_length_limit
                .map(|limit| limit.0)
                .or_else(|| environment.value_length(&mut warnings))
                .unwrap_or(DEFAULT_VALUE_LENGTH),
            exemplars: self
                .exemplars
                .or_else(|| environment.exemplars(&mut warnings))
                .unwrap_or_default(),
            produced: match self.producers.prometheus {
                Some(Switch::On(names)) => names.into(),
                // Whether there are any is the facade's to say.
                Some(Switch::Off) | None => IncludeExclude::default(),
            },
            exit_timeout: self
                .exit_timeout
                .map_or(DEFAULT_EXIT_TIMEOUT, |timeout| timeout.0),
            warnings,
        })
    }
}

impl PrometheusOptions {
    fn resolve(
        &self,
        path: &str,
        defaults: ReaderDefaults,
        environment: &Environment,
        warnings: &mut Vec<String>,
    ) -> Result<PrometheusConfig> {
        let at = |key: &str| format!("{path}.exporters.prometheus.{key}");
        let ip = match &self.host {
            Some(host) => host_address(host).ok_or_else(|| {
                invalid(
                    &at("host"),
                    format!("found {host:?}, expected an IP address such as 127.0.0.1, 0.0.0.0 or ::, or localhost"),
                )
            })?,
            None => environment
                .prometheus_host(warnings)
                .unwrap_or(DEFAULT_PROMETHEUS_HOST.into()),
        };
        let port = match self.port {
            Some(Port(port)) => port,
            None => environment
                .prometheus_port(warnings)
                .unwrap_or(DEFAULT_PROMETHEUS_PORT),
        };
        let on_backend = self.on_backend.is_some_and(|flag| flag.0);
        let page = self.path.as_deref().unwrap_or("/metrics");
        let page = page_path(page, on_backend, &at("path"))?;
        let token = self.token.as_ref();
        let token = token.map(|token| page_token(token, &at("token")));
        let server = self.server.is_none_or(|flag| flag.0);
        Ok(PrometheusConfig {
            listen: server.then_some(SocketAddr::new(ip, port)),
            settings: ListenSettings {
                host: setting(path, "host", self.host.is_some(), environment),
                port: setting(path, "port", self.port.is_some(), environment),
            },
            path: page,
            on_backend,
            token: token.transpose()?,
            translation_strategy: self.translation_strategy.unwrap_or_default(),
            collect_timeout: self
                .collect_timeout
                .map_or(DEFAULT_COLLECT_TIMEOUT, |timeout| timeout.0),
            reader: ReaderOptions {
                // Prometheus has no other.
                temporality: None,
                default_aggregation: self.default_aggregation.as_ref(),
                cardinality_limits: self.cardinality_limits.as_ref(),
            }
            .resolve(&format!("{path}.exporters.prometheus"), defaults)?,
        })
    }
}

/// What decides where the page is, by the name that an operator finds it under.
fn setting(path: &str, key: &str, given: bool, environment: &Environment) -> String {
    let variable = format!("OTEL_EXPORTER_PROMETHEUS_{}", key.to_ascii_uppercase());
    if path == ENVIRONMENT || (!given && environment.get(&variable).is_some()) {
        variable
    } else {
        format!("{path}.exporters.prometheus.{key}")
    }
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
        let at = |key: &str| format!("{path}.{key}");
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
                endpoint_url(endpoint, protocol, Signal::AppendOnce, &at("endpoint"))?
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
                .unwrap_or(DEFAULT_OTLP_TIMEOUT),
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
            }
            .resolve(
                path,
                ReaderDefaults {
                    preference: preference.unwrap_or(defaults.preference),
                    histogram,
                    ..defaults
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

impl ConsoleOptions {
    fn resolve(
        &self,
        path: &str,
        defaults: ReaderDefaults,
        environment: &Environment,
        warnings: &mut Vec<String>,
    ) -> Result<ConsoleConfig> {
        Ok(ConsoleConfig {
            interval: interval(self.interval, CONSOLE_INTERVAL, environment, warnings),
            reader: ReaderOptions {
                temporality: self.temporality.as_ref(),
                default_aggregation: self.default_aggregation.as_ref(),
                cardinality_limits: self.cardinality_limits.as_ref(),
            }
            .resolve(&format!("{path}.exporters.console"), defaults)?,
        })
    }
}

fn interval(
    option: Option<HumanDuration>,
    default: Duration,
    environment: &Environment,
    warnings: &mut Vec<String>,
) -> Duration {
    option
        .map(|interval| interval.0)
        .or_else(|| environment.duration("OTEL_METRIC_EXPORT_INTERVAL", warnings))
        .unwrap_or(default)
}

fn resource(
    service_name: Option<String>,
    service_version: Option<String>,
    attributes: BTreeMap<String, ResourceValue>,
    environment: &Environment,
    warnings: &mut Vec<String>,
) -> Vec<KeyValue> {
    let mut resource: BTreeMap<String, Value> = [
        (
            "service.name",
            environment.default_service_name().to_owned(),
        ),
        // Keeps replicas apart (semantic conventions, "service.instance.id").
        ("service.instance.id", uuid::Uuid::new_v4().to_string()),
        ("telemetry.sdk.language", "nodejs".to_owned()),
        ("telemetry.sdk.name", "nativestage".to_owned()),
        (
            "telemetry.sdk.version",
            env!("CARGO_PKG_VERSION").to_owned(),
        ),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), Value::from(value)))
    .collect();
    resource.extend(environment.resource_attributes(warnings));
    if let Some(name) = environment.get("OTEL_SERVICE_NAME") {
        resource.insert("service.name".to_owned(), name.to_owned().into());
    }
    if let Some(name) = service_name {
        resource.insert("service.name".to_owned(), name.into());
    }
    if let Some(version) = service_version {
        resource.insert("service.version".to_owned(), version.into());
    }
    resource.extend(attributes.into_iter().map(|(key, value)| (key, value.0)));
    resource
        .into_iter()
        .map(|(key, value)| KeyValue::new(Key::from(key), value))
        .collect()
}
