//! Configuration: what may be said (`options`), what the environment adds (`environment`), and the
//! typed truth that the rest of the crate reads.
//!
//! Precedence: explicit options or app-config, then the file that `OTEL_CONFIG_FILE` names or else the
//! other `OTEL_*`, then defaults. Nothing here starts anything; every value that leaves this module
//! has been checked.

mod declarative;
#[cfg(test)]
mod declarative_tests;
mod endpoint;
mod environment;
#[cfg(test)]
mod environment_tests;
mod exporters;
mod filter;
mod meters;
mod options;
mod otlp;
mod own;
mod page;
mod percent;
mod reader;
#[cfg(test)]
mod reader_tests;
mod resource;
#[cfg(test)]
mod resource_tests;
mod running;
mod streams;
#[cfg(test)]
mod tests;
mod values;
mod views;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use declarative::ConfigFile;
pub use environment::Environment;
pub use filter::{AttributeRule, ExporterFilter, FunctionFilter, MetricFilter};
pub use meters::{MeterConfigurator, MeterDecision};
pub use options::{
    ExemplarFilter, HistogramAggregation, NamingMode, Options, PluginOptions, TranslationStrategy,
};
pub use own::{Encoding, OwnExporterConfig, OwnReaderConfig};
pub(crate) use percent::asks_for;
pub use reader::{ByKind, ReaderConfig, ReaderLayer};
pub use resource::{Detector, LateLayer, ResourceConfig, ResourceLayer};
pub use streams::{StreamConfig, StreamUpdate};
pub(crate) use views::is_gauge;
pub use views::{
    check_boundaries, AttributeFilter, FunctionReservoir, IncludeExclude, InstrumentSelector,
    ReservoirSpec, StreamSpec, View, ViewAggregation, ViewMatching, ViewReservoir,
};

use running::Origin;

use crate::error::Result;
use crate::services::naming::Naming;

/// The root namespace of metric names.
pub const DEFAULT_SERVICE_NAME: &str = "backstage";

/// The path of a configuration that has no options: only variables can change it.
pub const ENVIRONMENT: &str = "environment";

/// Attribute sets per stream before further ones are folded into the overflow series
/// (Metrics SDK specification, "Cardinality limits").
pub const DEFAULT_CARDINALITY_LIMIT: usize = 2000;

/// A time-out that is none. The specification ("Timeout") lets "a very long time" stand for it.
pub const NO_LIMIT: Duration = Duration::from_millis(i32::MAX as u64);

/// How long console collections wait for the event loops; they have no time-out of their own.
pub const CONSOLE_TIMEOUT: Duration = Duration::from_secs(5);

/// Characters of an attribute's value before the rest is cut off (common specification, "Attribute
/// limits"; it has no default for metrics). As many as Mimir takes; VictoriaMetrics takes 4 096. With it
/// 2 000 series of a histogram with 15 buckets are a page of 80 MB, and not one as large as a request
/// can make them.
pub const DEFAULT_VALUE_LENGTH: usize = 2048;

/// Where an OTLP request is cut and another begun, in bytes before compression. gRPC servers refuse
/// messages above 4 MiB unless told otherwise.
pub const DEFAULT_REQUEST_SIZE: usize = 3 * 1024 * 1024;

/// Bytes that are read of an answer (OTLP specification, "OTLP/gRPC Response" and "OTLP/HTTP
/// Response").
pub const DEFAULT_RESPONSE_SIZE: usize = 4 * 1024 * 1024;

/// What either may be set to.
pub const SMALLEST_SIZE: usize = 64 * 1024;
pub const LARGEST_SIZE: usize = 64 * 1024 * 1024;

/// Everything a provider needs to run its pipelines.
#[derive(Clone, Debug)]
pub struct Config {
    pub naming: NamingConfig,
    /// `OTEL_SDK_DISABLED`, or `disabled` in a file: nothing is collected or exported.
    pub disabled: bool,
    /// What is below is not logged; `None` leaves that to the logger.
    pub log_level: Option<LogLevel>,
    pub resource: ResourceConfig,
    pub prometheus: Option<PrometheusConfig>,
    pub otlp: Vec<OtlpConfig>,
    pub console: Option<ConsoleConfig>,
    pub streams: StreamConfig,
    /// What holds for readers that say nothing else.
    pub reader: ReaderConfig,
    /// Characters of an attribute's value.
    pub value_length: usize,
    pub exemplars: ExemplarFilter,
    /// Which metrics of Prometheus clients are exported too, by their names there.
    pub produced: IncludeExclude,
    /// How long `process.exit()` may wait for the last export.
    pub exit_timeout: Duration,
    /// Things worth telling the operator that are not errors.
    pub warnings: Vec<String>,
    /// Things that are as they should be, and may surprise.
    pub notes: Vec<String>,
    /// What it was made of.
    origin: Origin,
}

/// The least level that is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
    None,
}

impl LogLevel {
    /// As JavaScript knows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::None => "none",
        }
    }
}

/// How metrics are named that are not named by a service.
#[derive(Clone, Debug)]
pub struct NamingConfig {
    pub service_name: Option<String>,
    pub mode: NamingMode,
    /// Whether what was renamed is exported under its old name too.
    pub legacy_names: bool,
}

impl NamingConfig {
    /// The rules, where there are any.
    pub fn renames(&self) -> Option<Naming> {
        let service_name = self.service_name.as_deref().unwrap_or(DEFAULT_SERVICE_NAME);
        Naming::new(service_name, self.mode)
            .ok()
            .filter(|naming| naming.mode() == NamingMode::Enforce)
    }
}

/// The scrape endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct PrometheusConfig {
    /// `None`: no server of our own, the page is only mounted on the backend's port.
    pub listen: Option<SocketAddr>,
    /// What to change where it cannot listen.
    pub settings: ListenSettings,
    /// Starts with `/`; in the spelling that [`asks_for`] compares with.
    pub path: String,
    /// The page is also served by the backend's own router.
    pub on_backend: bool,
    pub token: Option<Secret>,
    pub translation_strategy: TranslationStrategy,
    pub content: PageContent,
    /// How long a scrape waits for the event loop to run observable callbacks.
    pub collect_timeout: Duration,
    pub reader: ReaderConfig,
}

/// The page's metrics and labels beside those of instruments (Prometheus exporter specification,
/// "Configuration").
#[derive(Clone, Debug, PartialEq)]
pub struct PageContent {
    /// Labels of scopes.
    pub scope_info: bool,
    /// The metric `target_info`.
    pub target_info: bool,
    /// The attributes of the resource that are labels of every series; `None` for none.
    pub resource_labels: Option<AttributeFilter>,
}

impl Default for PageContent {
    fn default() -> Self {
        Self {
            scope_info: true,
            target_info: true,
            resource_labels: None,
        }
    }
}

impl PageContent {
    /// Whether an attribute of the resource is a label of every series.
    pub fn is_label(&self, key: &str) -> bool {
        let filter = self.resource_labels.as_ref();
        filter.is_some_and(|filter| filter.keeps(key))
    }
}

/// The options or variables, by their full names, that decide where a server listens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListenSettings {
    pub host: String,
    pub port: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtlpProtocol {
    Grpc,
    HttpProtobuf,
    HttpJson,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
}

/// OTLP push.
#[derive(Clone, Debug, PartialEq)]
pub struct OtlpConfig {
    /// The full URL requests go to: for HTTP including `/v1/metrics`.
    pub endpoint: String,
    pub protocol: OtlpProtocol,
    pub headers: BTreeMap<String, Secret>,
    pub interval: Duration,
    /// Bounds one export: every attempt and the pauses between them. [`NO_LIMIT`] for none.
    pub timeout: Duration,
    pub compression: Compression,
    /// Data points of a request; `None` where bytes alone decide.
    pub max_batch_size: Option<u64>,
    /// Requests that may be under way at once.
    pub max_concurrent_exports: usize,
    /// Bytes of a request, before compression, above which another is begun.
    pub max_request_size: usize,
    /// Bytes that are read of an answer.
    pub max_response_size: usize,
    pub reader: ReaderConfig,
    pub tls: TlsConfig,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct TlsConfig {
    /// PEM files.
    pub ca_file: Option<PathBuf>,
    pub cert_file: Option<PathBuf>,
    pub key_file: Option<PathBuf>,
    /// `NODE_EXTRA_CA_CERTS`: trusted beside the system's authorities where there is no `ca_file`.
    pub extra_ca_file: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ConsoleConfig {
    pub interval: Duration,
    pub reader: ReaderConfig,
}

/// A value that must never be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself; only for the place that sends or compares it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<secret>")
    }
}

impl Config {
    /// Whether anything reads exemplars; the console does not.
    pub fn reads_exemplars(&self) -> bool {
        !self.disabled && (self.prometheus.is_some() || !self.otlp.is_empty())
    }

    /// Reads the options (JSON), fills in from the environment and the defaults.
    ///
    /// `path` is where the options stand in the caller's configuration, for messages:
    /// `backend.metrics` in a Backstage app, `options` in a program that passes them,
    /// [`ENVIRONMENT`] where there are none.
    ///
    /// # Errors
    /// [`Code::InvalidConfig`](crate::error::Code::InvalidConfig) naming the path, what was found
    /// and what is allowed.
    pub fn parse(json: &str, path: &str, environment: &Environment) -> Result<Self> {
        Ok(Self {
            origin: Origin::new(json, environment),
            ..Options::parse(json, path)?.resolve(path, environment)?
        })
    }

    /// Has functions of the program's filter for exporters.
    pub fn filter_by(&mut self, filters: &[ExporterFilter]) {
        for filter in filters {
            let reader = match filter.exporter.as_str() {
                "prometheus" => self.prometheus.as_mut().map(|page| &mut page.reader),
                "console" => self.console.as_mut().map(|console| &mut console.reader),
                _ => (self.otlp.get_mut(filter.index)).map(|otlp| &mut otlp.reader),
            };
            if let Some(reader) = reader {
                reader.filter = Some(MetricFilter::Function(filter.function));
            }
        }
    }

    /// The same without exporters.
    ///
    /// # Errors
    /// As [`Config::parse`].
    pub fn without_exporters(json: &str) -> Result<Self> {
        let config = Self::parse(json, "options", &Environment::default())?;
        Ok(Self {
            prometheus: None,
            otlp: Vec::new(),
            console: None,
            ..config
        })
    }
}
