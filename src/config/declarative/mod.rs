//! OpenTelemetry's declarative configuration, `OTEL_CONFIG_FILE`: its model (schema 1.x of
//! opentelemetry-configuration), as far as metrics go.
//!
//! JavaScript reads the file, YAML and substitution; here is what it says. It takes the place of the
//! `OTEL_*` variables: options go before it, one by one, and an exporter or the views as a whole.

mod model;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value as Json;

use super::environment::header_list;
use super::exporters::{ConsoleOptions, ExporterOrigin, PrometheusOptions};
use super::meters::MeterConfiguratorOptions;
use super::options::read;
use super::otlp::{OtlpOptions, ProtocolName, TlsOptions, MOST_OTLP_EXPORTERS};
use super::reader::{TemporalityName, TemporalityOptions};
use super::resource::DeclaredResource;
use super::values::{invalid, Count, Flag, HumanDuration, Size, Switch, LONGEST_MILLISECONDS};
use super::views::View;
use super::{ExemplarFilter, LogLevel, LARGEST_SIZE, NO_LIMIT, SMALLEST_SIZE};
use crate::error::Result;
use model::{
    AttributeLimits, Encoding, Header, Histogram, MeterProvider, Model, Otlp, Periodic, Pull,
    PullExporter, PushExporter, Reader, Severity, Temporality, Whole, KEYS,
};

/// The version of the schema that this reads; what later ones add is not known.
const MINOR: u64 = 2;

const DEFAULT_INTERVAL: u64 = 60_000;
const DEFAULT_READER_TIMEOUT: u64 = 30_000;
const DEFAULT_EXPORTER_TIMEOUT: u64 = 10_000;

/// A file as it was read.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    /// Its path, for messages.
    pub name: String,
    /// Its content as JSON.
    pub content: String,
}

/// What a file says, checked.
#[derive(Debug)]
pub(super) struct Declared {
    /// Where it stands, for messages.
    pub place: String,
    pub disabled: bool,
    pub log_level: Option<LogLevel>,
    pub value_length: Option<Count>,
    pub resource: DeclaredResource,
    pub exemplars: Option<ExemplarFilter>,
    pub views: Vec<View>,
    pub meters: Option<MeterConfiguratorOptions>,
    pub prometheus: Option<Switch<PrometheusOptions>>,
    pub otlp: Vec<OtlpOptions>,
    pub console: Option<Switch<ConsoleOptions>>,
    /// What is not supported, each once.
    pub warnings: Vec<String>,
    /// What is not for metrics.
    pub notes: Vec<String>,
}

impl Declared {
    /// # Errors
    /// [`Code::InvalidConfig`](crate::error::Code::InvalidConfig) naming the file, the path in it,
    /// what was found and what is allowed.
    pub fn parse(file: &ConfigFile) -> Result<Self> {
        let name = &file.name;
        let at = |path: &str| match path {
            "" => name.clone(),
            path => format!("{name}: {path}"),
        };
        let json: Json = serde_json::from_str(&file.content)
            .map_err(|error| invalid(name, format!("found no JSON: {error}")))?;
        if json.is_object() && json.get("file_format").is_none() {
            return Err(invalid(
                &at("file_format"),
                "found nothing, expected the version of the format, such as \"1.0\"",
            ));
        }
        let keys = json.as_object().into_iter().flat_map(|map| map.keys());
        let others: Vec<_> = keys
            .filter(|key| !KEYS.contains(&key.as_str()))
            .cloned()
            .collect();
        let model: Model = read(json, at)?;
        let mut declared = Self {
            place: name.clone(),
            disabled: model.disabled.unwrap_or_default(),
            log_level: model.log_level.map(|Severity(level)| level),
            value_length: None,
            resource: model.resource.unwrap_or_default(),
            exemplars: None,
            views: Vec::new(),
            meters: None,
            prometheus: None,
            otlp: Vec::new(),
            console: None,
            warnings: Vec::new(),
            notes: Vec::new(),
        };
        declared.check_format(&model.file_format)?;
        declared.limit(model.attribute_limits.unwrap_or_default())?;
        for key in &others {
            declared.notes.push(format!(
                "{}: is not for metrics; ignored by this package",
                at(key)
            ));
        }
        match model.meter_provider {
            Some(provider) => declared.provide(provider)?,
            None => declared.notes.push(format!(
                "{}: found nothing, so no exporter is configured there",
                at("meter_provider")
            )),
        }
        Ok(declared)
    }

    fn at(&self, path: &str) -> String {
        format!("{}: {path}", self.place)
    }

    /// Everything that the schema has and this package not is said here.
    fn unsupported(&mut self, path: &str, reason: &str) {
        let at = self.at(path);
        self.warnings
            .push(format!("{at}: is not supported: {reason}; ignored"));
    }

    /// The versions that the schema's versioning policy lets us read.
    fn check_format(&mut self, format: &Json) -> Result<()> {
        let text = match format {
            Json::String(text) => text.clone(),
            // `1.0` without quotes is a number, and `1`.
            Json::Number(number) if number.is_u64() => format!("{number}.0"),
            other => other.to_string(),
        };
        let version = text.split('-').next().unwrap_or_default();
        let (major, minor) = version.split_once('.').unwrap_or((version, ""));
        match (major.parse::<u64>(), minor.parse::<u64>()) {
            (Ok(1), Ok(minor)) => {
                if minor > MINOR {
                    let at = self.at("file_format");
                    self.warnings.push(format!(
                        "{at}: found {text}, which is later than 1.{MINOR}: what it adds is not known"
                    ));
                }
                Ok(())
            }
            _ => Err(invalid(
                &self.at("file_format"),
                format!("found {format}, expected a version from \"1.0\" to before \"2.0\""),
            )),
        }
    }

    fn limit(&mut self, limits: AttributeLimits) -> Result<()> {
        let at = |key: &str| format!("attribute_limits.{key}");
        if let Some(Whole(length)) = limits.attribute_value_length_limit {
            if length == 0 {
                let reason = "values of 0 characters would all be one";
                self.unsupported(&at("attribute_value_length_limit"), reason);
            } else {
                let length = usize::try_from(length).unwrap_or(Count::MAX);
                self.value_length = Some(Count(length.min(Count::MAX)));
            }
        }
        let exempt = "metrics are exempt from it; see aggregation_cardinality_limit";
        if limits.attribute_count_limit.is_some() {
            self.unsupported(&at("attribute_count_limit"), exempt);
        }
        if limits.attribute_value_depth_limit.is_some() {
            let reason = "attributes of metrics are not nested";
            self.unsupported(&at("attribute_value_depth_limit"), reason);
        }
        Ok(())
    }

    fn provide(&mut self, provider: MeterProvider) -> Result<()> {
        if provider.readers.is_empty() {
            return Err(invalid(
                &self.at("meter_provider.readers"),
                "found an empty list, expected a reader",
            ));
        }
        self.exemplars = provider.exemplar_filter;
        for (index, view) in provider.views.into_iter().flatten().enumerate() {
            let at = self.at(&format!("meter_provider.views[{index}]"));
            self.views.push(view.resolve(&at)?);
        }
        self.meters = provider.meter_configurator;
        for (index, reader) in provider.readers.into_iter().enumerate() {
            let path = format!("meter_provider.readers[{index}]");
            match reader {
                Reader::Periodic(reader) => self.push(reader, &format!("{path}.periodic"))?,
                Reader::Pull(reader) => self.pull(reader, &format!("{path}.pull"))?,
            }
        }
        Ok(())
    }

    fn produce(
        &mut self,
        producers: Option<Vec<BTreeMap<String, Json>>>,
        path: &str,
    ) -> Result<()> {
        for (index, producer) in producers.into_iter().flatten().enumerate() {
            let path = format!("{path}.producers[{index}]");
            for name in producer.keys() {
                if name != "opencensus" {
                    return Err(invalid(
                        &self.at(&format!("{path}.{name}")),
                        "found a producer that is not known, expected opencensus",
                    ));
                }
                self.unsupported(&format!("{path}.{name}"), "OpenCensus has ended");
            }
        }
        Ok(())
    }

    fn push(&mut self, reader: Periodic, path: &str) -> Result<()> {
        let interval = self.interval(reader.interval, path)?;
        let patience = reader
            .timeout
            .map_or(DEFAULT_READER_TIMEOUT, |Whole(ms)| ms);
        self.produce(reader.producers, path)?;
        let of_reader = OtlpOptions {
            interval: Some(interval),
            max_export_batch_size: reader.batch_size,
            cardinality_limits: reader.cardinality_limits.clone(),
            ..OtlpOptions::default()
        };
        let batches = format!("{path}.max_export_batch_size/development");
        let path = format!("{path}.exporter");
        match reader.exporter {
            PushExporter::OtlpHttp(otlp) => {
                let path = format!("{path}.otlp_http");
                self.push_otlp(of_reader, otlp.unwrap_or_default(), false, patience, &path)
            }
            PushExporter::OtlpGrpc(otlp) => {
                let path = format!("{path}.otlp_grpc");
                self.push_otlp(of_reader, otlp.unwrap_or_default(), true, patience, &path)
            }
            PushExporter::OtlpFile(()) => {
                let path = format!("{path}.otlp_file/development");
                self.unsupported(&path, "there is no exporter to files");
                Ok(())
            }
            PushExporter::Console(console) => {
                let console = console.unwrap_or_default();
                let path = format!("{path}.console");
                if self.console.is_some() {
                    self.unsupported(&path, "there is one console; the first counts");
                    return Ok(());
                }
                if reader.batch_size.is_some() {
                    self.unsupported(&batches, "the console prints whole collections");
                }
                let histogram = console.default_histogram_aggregation;
                self.console = Some(Switch::On(ConsoleOptions {
                    interval: Some(interval),
                    temporality: temporality(console.temporality_preference),
                    default_aggregation: histogram.map(Histogram::for_histograms),
                    cardinality_limits: reader.cardinality_limits,
                    metric_filter: None,
                }));
                Ok(())
            }
        }
    }

    fn interval(&self, interval: Option<Whole>, path: &str) -> Result<HumanDuration> {
        let milliseconds = interval.map_or(DEFAULT_INTERVAL, |Whole(ms)| ms);
        if !(1..=LONGEST_MILLISECONDS).contains(&milliseconds) {
            return Err(invalid(
                &self.at(&format!("{path}.interval")),
                format!(
                    "found {milliseconds}, expected a whole number of milliseconds from 1 to \
                     {LONGEST_MILLISECONDS}"
                ),
            ));
        }
        Ok(HumanDuration(Duration::from_millis(milliseconds)))
    }

    fn push_otlp(
        &mut self,
        of_reader: OtlpOptions,
        otlp: Otlp,
        is_grpc: bool,
        patience: u64,
        path: &str,
    ) -> Result<()> {
        if self.otlp.len() == MOST_OTLP_EXPORTERS {
            let reason = format!("there are at most {MOST_OTLP_EXPORTERS} OTLP exporters");
            self.unsupported(path, &reason);
            return Ok(());
        }
        let at = |key: &str| format!("{path}.{key}");
        if is_grpc && otlp.encoding.is_some() {
            return Err(invalid(
                &self.at(&at("encoding")),
                "found an encoding, which gRPC has none of; expected no such key",
            ));
        }
        let tls = otlp.tls.unwrap_or_default();
        if !is_grpc && tls.insecure.is_some() {
            return Err(invalid(
                &self.at(&at("tls.insecure")),
                "found a key of gRPC's, expected ca_file, cert_file or key_file",
            ));
        }
        let max_request_size = self.size(otlp.max_request_size, &at("max_request_size"));
        let max_response_size = self.size(otlp.max_response_size, &at("max_response_size"));
        let mut headers = BTreeMap::new();
        if let Some(list) = otlp.headers_list {
            headers = header_list(list.expose()).map_err(|reason| {
                invalid(&self.at(&at("headers_list")), format!("found {reason}"))
            })?;
        }
        for Header { name, value } in otlp.headers.into_iter().flatten() {
            if let Some(value) = value {
                headers.insert(name.to_ascii_lowercase(), value);
            }
        }
        let own = otlp
            .timeout
            .map_or(DEFAULT_EXPORTER_TIMEOUT, |Whole(ms)| ms);
        // What ends first; 0 is no limit.
        let timeout = match (own, patience) {
            (0, other) | (other, 0) => other,
            (one, other) => one.min(other),
        };
        let timeout = match timeout {
            0 => NO_LIMIT,
            ms => Duration::from_millis(ms.min(LONGEST_MILLISECONDS)),
        };
        // A gRPC target may have no scheme; `insecure` says which is meant.
        let scheme = match tls.insecure {
            Some(true) => "http",
            _ => "https",
        };
        let endpoint = otlp.endpoint.map(|endpoint| match is_grpc {
            true if !endpoint.contains("://") => format!("{scheme}://{endpoint}"),
            _ => endpoint,
        });
        self.otlp.push(OtlpOptions {
            endpoint,
            protocol: Some(match (is_grpc, otlp.encoding) {
                (true, _) => ProtocolName::Grpc,
                (false, Some(Encoding::Json)) => ProtocolName::HttpJson,
                (false, _) => ProtocolName::HttpProtobuf,
            }),
            headers,
            timeout: Some(HumanDuration(timeout)),
            compression: otlp.compression,
            max_request_size,
            max_response_size,
            temporality: temporality(otlp.temporality_preference),
            histogram: otlp.default_histogram_aggregation.map(Into::into),
            tls: TlsOptions {
                ca_file: tls.ca_file,
                cert_file: tls.cert_file,
                key_file: tls.key_file,
            },
            origin: ExporterOrigin::File(self.at(path)),
            ..of_reader
        });
        Ok(())
    }

    /// A limit in bytes, where it is one that we can have.
    fn size(&mut self, size: Option<Whole>, path: &str) -> Option<Size> {
        let Whole(bytes) = size?;
        match usize::try_from(bytes) {
            Ok(bytes) if (SMALLEST_SIZE..=LARGEST_SIZE).contains(&bytes) => Some(Size(bytes)),
            _ => {
                let reason = format!(
                    "found {bytes}, and limits are from {SMALLEST_SIZE} to {LARGEST_SIZE} bytes"
                );
                self.unsupported(path, &reason);
                None
            }
        }
    }

    fn pull(&mut self, reader: Pull, path: &str) -> Result<()> {
        self.produce(reader.producers, path)?;
        let PullExporter::Prometheus(prometheus) = reader.exporter;
        let prometheus = prometheus.unwrap_or_default();
        let path = format!("{path}.exporter.prometheus/development");
        if self.prometheus.is_some() {
            self.unsupported(&path, "there is one page; the first counts");
            return Ok(());
        }
        self.prometheus = Some(Switch::On(PrometheusOptions {
            host: prometheus.host,
            port: prometheus.port,
            translation_strategy: prometheus.translation_strategy.map(Into::into),
            scope_info_enabled: prometheus.scope_info_enabled.map(Flag),
            target_info_enabled: prometheus.target_info_enabled.map(Flag),
            resource_constant_labels: prometheus.resource_constant_labels,
            cardinality_limits: reader.cardinality_limits,
            origin: ExporterOrigin::File(self.at(&path)),
            ..PrometheusOptions::default()
        }));
        Ok(())
    }
}

fn temporality(preference: Option<Temporality>) -> Option<TemporalityOptions> {
    preference.map(|preference| TemporalityName::from(preference).into())
}
