//! The options as a user writes them: `backend.metrics` of app-config, or `configure(options)`.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::slice;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::Temporality;
use serde::Deserialize;

use super::declarative::Declared;
use super::endpoint::{endpoint_url, Signal};
use super::environment::{otlp_names, usable, Environment};
use super::meters::MeterConfiguratorOptions;
use super::page::{host_address, page_path, page_token};
use super::reader::{
    some_settings, DefaultAggregations, InstrumentType, KindOptions, ReaderDefaults, ReaderOptions,
    TemporalityOptions,
};
use super::resource::ResourceOptions;
use super::values::{
    header_value, headers, invalid, settings, Concurrency, Count, Flag, HumanDuration, Port,
    ResourceValue, Several, Size, Switch,
};
use super::views::{IncludeExclude, IncludeExcludeOptions, ViewMatching, ViewOptions};
use super::{
    Compression, Config, ConsoleConfig, ListenSettings, NamingConfig, OtlpConfig, OtlpProtocol,
    PageContent, PrometheusConfig, Secret, TlsConfig, DEFAULT_REQUEST_SIZE, DEFAULT_RESPONSE_SIZE,
    DEFAULT_VALUE_LENGTH, ENVIRONMENT,
};
use crate::error::Result;
use crate::services::default_meter_name;

const DEFAULT_PROMETHEUS_HOST: Ipv4Addr = Ipv4Addr::LOCALHOST;
const DEFAULT_PROMETHEUS_PORT: u16 = 9464;
const DEFAULT_INTERVAL: Duration = Duration::from_secs(60);

/// Of the console (Metrics exporters specification, "Standard output").
const CONSOLE_INTERVAL: Duration = Duration::from_secs(10);
const DEFAULT_OTLP_TIMEOUT: Duration = Duration::from_secs(10);
/// Each has its own streams where it wants other data, and a stream's pipelines are the bits of a number.
pub(super) const MOST_OTLP_EXPORTERS: usize = 16;
const DEFAULT_COLLECT_TIMEOUT: Duration = Duration::from_secs(2);
const DEFAULT_EXIT_TIMEOUT: Duration = Duration::from_secs(5);

/// `backend.metrics`, as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Options {
    pub service_name: Option<String>,
    pub service_version: Option<String>,
    pub resource: ResourceOptions,
    #[serde(deserialize_with = "settings")]
    pub naming: NamingOptions,
    #[serde(deserialize_with = "settings")]
    pub exporters: ExportersOptions,
    pub views: Vec<ViewOptions>,
    pub view_matching_mode: ViewMatching,
    #[serde(deserialize_with = "some_settings")]
    pub meter_configurator: Option<MeterConfiguratorOptions>,
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
    pub scope_info_enabled: Option<Flag>,
    pub target_info_enabled: Option<Flag>,
    pub resource_constant_labels: Option<IncludeExcludeOptions>,
    pub collect_timeout: Option<HumanDuration>,
    #[serde(deserialize_with = "some_settings")]
    pub default_aggregation: Option<DefaultAggregations>,
    #[serde(deserialize_with = "some_settings")]
    pub cardinality_limits: Option<KindOptions<Count>>,
    #[serde(skip)]
    pub(super) origin: ExporterOrigin,
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
    pub attributes: BTreeMap<String, ResourceValue>,
}

impl MeterOptions {
    pub fn attributes(&self) -> Vec<KeyValue> {
        let attributes = self.attributes.iter();
        attributes
            .map(|(key, value)| KeyValue::new(key.clone(), value.0.clone()))
            .collect()
    }
}

impl PluginOptions {
    /// What the meter of the plugin with this id is called.
    pub fn meter_name(&self, id: &str) -> String {
        let name = self.meter.name.clone();
        name.unwrap_or_else(|| default_meter_name(id))
    }
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

/// Settings that are written as JSON; see [`Options::parse`].
pub(super) fn parse<T: for<'de> Deserialize<'de>>(json: &str, path: &str) -> Result<T> {
    // By way of a `Value`: an enum that finds a number in text only says "expected value".
    let value: serde_json::Value = serde_json::from_str(json)
        .map_err(|error| invalid(path, format!("found no JSON: {error}")))?;
    read(value, |inner| match inner {
        "" => path.to_owned(),
        inner => format!("{path}.{inner}"),
    })
}

impl Options {
    /// # Errors
    /// [`Code::InvalidConfig`](crate::error::Code::InvalidConfig) naming the path, what was found
    /// and what is allowed.
    pub fn parse(json: &str, path: &str) -> Result<Self> {
        parse(json, path)
    }

    /// Has the file say what the options leave open. An exporter that neither names is off.
    fn fill_in(&mut self, file: &mut Declared) {
        let exporters = &mut self.exporters;
        let declared = file.prometheus.take();
        exporters.prometheus = exporters
            .prometheus
            .take()
            .or(declared)
            .or(Some(Switch::Off));
        let declared = match std::mem::take(&mut file.otlp) {
            none if none.is_empty() => Several::Off,
            declared => Several::Listed(declared),
        };
        exporters.otlp = exporters.otlp.take().or(Some(declared));
        let declared = file.console.take();
        exporters.console = exporters.console.take().or(declared).or(Some(Switch::Off));
        self.exemplars = self.exemplars.or(file.exemplars);
        self.meter_configurator = self.meter_configurator.take().or(file.meters.take());
        self.attribute_value_length_limit = self.attribute_value_length_limit.or(file.value_length);
    }

    pub(super) fn resolve(mut self, path: &str, environment: &Environment) -> Result<Config> {
        let mut file = environment.file().map(Declared::parse).transpose()?;
        let beside;
        let environment = match &mut file {
            Some(file) => {
                self.fill_in(file);
                beside = environment.beside_file(file.resource.has_service_detector());
                &beside
            }
            None => environment,
        };
        let mut warnings = Vec::new();
        let exporters = environment.exporters(&mut warnings);
        let defaults = ReaderDefaults {
            preference: Temporality::Cumulative,
            histogram: self.histogram.unwrap_or_default(),
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
        let place = |(index, options): (usize, &OtlpOptions)| {
            let path = match listed {
                true => format!("{at}[{index}]"),
                false => at.clone(),
            };
            options.origin.section(&path).to_owned()
        };
        let places: Vec<String> = otlp.iter().enumerate().map(place).collect();
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
        let mut streams = self.take_streams(path)?;
        let mut notes = Vec::new();
        let mut disabled = environment.disabled(&mut warnings);
        let mut log_level = environment.log_level(&mut warnings);
        let mut declared_resource = None;
        if let Some(file) = file {
            warnings.extend(file.warnings);
            notes = file.notes;
            disabled = file.disabled;
            log_level = file.log_level;
            if streams.views.is_empty() {
                streams.views = file.views;
            }
            declared_resource = Some((file.resource, format!("{}: resource", file.place)));
        }
        let naming = NamingConfig {
            service_name: self.service_name.clone(),
            mode: self.naming.mode,
            legacy_names: self.naming.legacy_names.is_none_or(|flag| flag.0),
        };
        Ok(Config {
            naming,
            disabled,
            log_level,
            resource: self.resource.resolve(
                &format!("{path}.resource"),
                declared_resource,
                [
                    ("service.name", self.service_name),
                    ("service.version", self.service_version),
                ],
                environment,
                &mut warnings,
            )?,
            prometheus,
            otlp,
            console,
            memory: None,
            streams,
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
            notes,
        })
    }
}

/// Reads settings; `at` makes the full name of a path in them, which is empty for all of them.
///
/// # Errors
/// [`Code::InvalidConfig`](crate::error::Code::InvalidConfig) naming the path, what was found and what
/// is allowed.
pub(super) fn read<T: for<'de> Deserialize<'de>>(
    value: serde_json::Value,
    at: impl Fn(&str) -> String,
) -> Result<T> {
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(value, &mut track);
    settings(tracked).map_err(|error| {
        let error = serde_path_to_error::Error::new(track.path(), error);
        let inner = error.path().to_string();
        let at = at(if inner == "." { "" } else { &inner });
        let reason = error.into_inner().to_string();
        // What serde says of types that only Rust has.
        let reason = reason.replace("expected f64", "expected a number").replace(
            "invalid type: unit variant, expected newtype variant",
            "found a string, expected a map with this key, such as { drop: {} }",
        );
        invalid(&at, reason)
    })
}

/// Where the settings of an exporter stand.
#[derive(Clone, Debug, Default)]
pub(super) enum ExporterOrigin {
    #[default]
    Options,
    /// A place in a file, whose keys are in snake case.
    File(String),
}

impl ExporterOrigin {
    /// The section, which is at `path` where it is one of the options.
    fn section<'s>(&'s self, path: &'s str) -> &'s str {
        match self {
            Self::Options => path,
            Self::File(place) => place,
        }
    }

    fn at(&self, path: &str, key: &str) -> String {
        match self {
            Self::Options => format!("{path}.{key}"),
            Self::File(place) => {
                let mut snake = String::new();
                for c in key.chars() {
                    if c.is_ascii_uppercase() {
                        snake.push('_');
                    }
                    snake.push(c.to_ascii_lowercase());
                }
                format!("{place}.{snake}")
            }
        }
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
        let path = &format!("{path}.exporters.prometheus");
        let at = |key: &str| self.origin.at(path, key);
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
                host: self.setting(path, "host", self.host.is_some(), environment),
                port: self.setting(path, "port", self.port.is_some(), environment),
            },
            path: page,
            on_backend,
            token: token.transpose()?,
            translation_strategy: self.translation_strategy.unwrap_or_default(),
            content: PageContent {
                scope_info: self.scope_info_enabled.is_none_or(|flag| flag.0),
                target_info: self.target_info_enabled.is_none_or(|flag| flag.0),
                resource_labels: self.resource_constant_labels.clone().map(Into::into),
            },
            collect_timeout: self
                .collect_timeout
                .map_or(DEFAULT_COLLECT_TIMEOUT, |timeout| timeout.0),
            reader: ReaderOptions {
                // Prometheus has no other.
                temporality: None,
                default_aggregation: self.default_aggregation.as_ref(),
                cardinality_limits: self.cardinality_limits.as_ref(),
            }
            .resolve(self.origin.section(path), defaults)?,
        })
    }

    /// What decides where the page is, by the name that an operator finds it under.
    fn setting(&self, path: &str, key: &str, given: bool, environment: &Environment) -> String {
        let variable = format!("OTEL_EXPORTER_PROMETHEUS_{}", key.to_ascii_uppercase());
        let is_options = matches!(self.origin, ExporterOrigin::Options);
        let is_environment = path == format!("{ENVIRONMENT}.exporters.prometheus");
        if is_options && (is_environment || (!given && environment.get(&variable).is_some())) {
            variable
        } else {
            self.origin.at(path, key)
        }
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
