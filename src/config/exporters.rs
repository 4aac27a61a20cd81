//! The sections of the page and the console, and what the sections of all exporters share.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::Deserialize;

use super::environment::Environment;
use super::filter::MetricFilterOptions;
use super::options::TranslationStrategy;
use super::page::{host_address, page_path, page_token};
use super::reader::{
    some_settings, DefaultAggregations, KindOptions, ReaderDefaults, ReaderOptions,
    TemporalityOptions,
};
use super::values::{invalid, Count, Flag, HumanDuration, Port};
use super::views::IncludeExcludeOptions;
use super::{ConsoleConfig, ListenSettings, PageContent, PrometheusConfig, Secret, ENVIRONMENT};
use crate::error::Result;

const DEFAULT_PROMETHEUS_HOST: Ipv4Addr = Ipv4Addr::LOCALHOST;
const DEFAULT_PROMETHEUS_PORT: u16 = 9464;
const DEFAULT_COLLECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Of the console (Metrics exporters specification, "Standard output").
const CONSOLE_INTERVAL: Duration = Duration::from_secs(10);

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct PrometheusOptions {
    pub host: Option<String>,
    pub port: Option<Port>,
    pub path: Option<String>,
    pub server: Option<Flag>,
    pub on_backend: Option<Flag>,
    pub token: Option<Secret>,
    pub unauthenticated: Option<Flag>,
    pub translation_strategy: Option<TranslationStrategy>,
    pub scope_info_enabled: Option<Flag>,
    pub target_info_enabled: Option<Flag>,
    pub resource_constant_labels: Option<IncludeExcludeOptions>,
    pub collect_timeout: Option<HumanDuration>,
    #[serde(deserialize_with = "some_settings")]
    pub default_aggregation: Option<DefaultAggregations>,
    #[serde(deserialize_with = "some_settings")]
    pub cardinality_limits: Option<KindOptions<Count>>,
    #[serde(deserialize_with = "some_settings")]
    pub metric_filter: Option<MetricFilterOptions>,
    #[serde(skip)]
    pub(super) origin: ExporterOrigin,
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
    #[serde(deserialize_with = "some_settings")]
    pub metric_filter: Option<MetricFilterOptions>,
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
    pub fn section<'s>(&'s self, path: &'s str) -> &'s str {
        match self {
            Self::Options => path,
            Self::File(place) => place,
        }
    }

    pub fn at(&self, path: &str, key: &str) -> String {
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
    pub(super) fn resolve(
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
        self.check_exposure(
            path,
            server.then_some(ip),
            on_backend,
            environment,
            warnings,
        )?;
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
                metric_filter: self.metric_filter.as_ref(),
            }
            .resolve(self.origin.section(path), defaults)?,
        })
    }

    /// A page that others than this machine can read has a token, or is open on purpose. A variable and a
    /// file cannot say either, so they are believed.
    fn check_exposure(
        &self,
        path: &str,
        ip: Option<IpAddr>,
        on_backend: bool,
        environment: &Environment,
        warnings: &mut Vec<String>,
    ) -> Result<()> {
        let at = |key: &str| self.origin.at(path, key);
        let is_open = self.unauthenticated.is_some_and(|flag| flag.0);
        if self.token.is_some() {
            return match is_open {
                true => Err(invalid(
                    &at("unauthenticated"),
                    "found true beside a token, expected one of the two",
                )),
                false => Ok(()),
            };
        }
        let open_ip = ip.filter(|ip| !ip.to_canonical().is_loopback());
        if is_open || (open_ip.is_none() && !on_backend) {
            return Ok(());
        }
        // Neither a variable nor a file has these settings.
        let section = match path.strip_prefix(ENVIRONMENT) {
            Some(section) => section.trim_start_matches('.'),
            None => path,
        };
        let advice = format!(
            "set {section}.token, where a variable that is not set counts as none, or \
             {section}.unauthenticated: true where nobody but the scraper reaches it"
        );
        if on_backend {
            let found =
                "found true without a token: everyone who reaches the backend could read the \
                         metrics";
            return Err(invalid(&at("onBackend"), format!("{found}; {advice}")));
        }
        let everyone = "everyone who reaches this machine";
        let is_options = matches!(self.origin, ExporterOrigin::Options);
        match (&self.host, open_ip) {
            (Some(host), _) if is_options => Err(invalid(
                &at("host"),
                format!(
                    "found {host:?} without a token: {everyone} could read the metrics; {advice}"
                ),
            )),
            (_, Some(ip)) => {
                let setting = self.setting(path, "host", self.host.is_some(), environment);
                warnings.push(format!(
                    "{setting}: the metrics page on {ip} is open: {everyone} can read it. {advice}"
                ));
                Ok(())
            }
            (_, None) => Ok(()),
        }
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

impl ConsoleOptions {
    pub(super) fn resolve(
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
                metric_filter: self.metric_filter.as_ref(),
            }
            .resolve(&format!("{path}.exporters.console"), defaults)?,
        })
    }
}

/// The time between two exports.
pub(super) fn interval(
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
