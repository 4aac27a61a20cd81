//! The options as a user writes them: `backend.metrics` of app-config, or `configure(options)`.

use std::collections::BTreeMap;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::Temporality;
use serde::Deserialize;

use super::declarative::Declared;
use super::environment::Environment;
use super::exporters::{ConsoleOptions, PrometheusOptions};
use super::meters::MeterConfiguratorOptions;
use super::otlp::{self, OtlpOptions};
use super::reader::{some_settings, ReaderDefaults};
use super::resource::ResourceOptions;
use super::running::Origin;
use super::values::{
    invalid, settings, Count, Flag, HumanDuration, ResourceValue, Several, Switch,
};
use super::views::{IncludeExclude, IncludeExcludeOptions, ViewMatching, ViewOptions};
use super::{Config, NamingConfig, DEFAULT_VALUE_LENGTH};
use crate::error::Result;
use crate::services::default_meter_name;

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

/// Settings that are written as JSON; see [`Options::parse`].
pub(super) fn parse<T: for<'de> Deserialize<'de>>(json: &str, path: &str) -> Result<T> {
    // By way of a `Value`: an enum that finds a number in text only says "expected value".
    read(parse_json(json, path)?, |inner| match inner {
        "" => path.to_owned(),
        inner => format!("{path}.{inner}"),
    })
}

/// What JSON says, whatever that is.
pub(super) fn parse_json(json: &str, path: &str) -> Result<serde_json::Value> {
    serde_json::from_str(json).map_err(|error| invalid(path, format!("found no JSON: {error}")))
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
        let otlp = otlp::resolve(
            self.exporters.otlp.as_ref(),
            &format!("{path}.exporters.otlp"),
            exporters,
            self.histogram,
            defaults,
            environment,
            &mut warnings,
        )?;
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
            streams,
            reader: defaults.reader(),
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
            origin: Origin::default(),
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
