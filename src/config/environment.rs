//! The `OTEL_*` variables that we honour (OpenTelemetry specification, "Environment variable
//! specification"). Node hands the variables over: a worker thread has its own `process.env`.
//!
//! A value that cannot be used counts as unset, with a warning that names the variable: the
//! specification demands that of numbers, words and switches. Where metrics have a variable of their
//! own, the general one decides then. Only endpoints and files are errors, when none that is set can
//! be used: nobody wants data sent elsewhere, or trust given to others.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use opentelemetry::Value;

use super::declarative::ConfigFile;
use super::endpoint::{endpoint_url, Signal};
use super::page::host_address;
use super::percent;
use super::resource::Detector;
use super::values::{header_value, Count, LONGEST_MILLISECONDS};
use super::{ExemplarFilter, LogLevel, OtlpProtocol, Secret, NO_LIMIT};
use crate::error::Result;

const OTLP_HTTP_DEFAULT: &str = "http://127.0.0.1:4318";
const OTLP_GRPC_DEFAULT: &str = "http://127.0.0.1:4317";

const EXPORTERS: &str = "otlp, prometheus, console or none";

/// A snapshot of the process environment. Empty values count as unset, as the specification says.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    default_service_name: Option<String>,
    file: Option<ConfigFile>,
}

/// What `OTEL_METRICS_EXPORTER` names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ExporterNames {
    pub otlp: bool,
    pub prometheus: bool,
    pub console: bool,
}

impl Environment {
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            variables: variables
                .into_iter()
                .map(|(name, value)| (name, value.trim().to_owned()))
                .filter(|(_, value)| !value.is_empty())
                .collect(),
            default_service_name: None,
            file: None,
        }
    }

    /// The file that `OTEL_CONFIG_FILE` names.
    pub fn with_file(mut self, file: Option<ConfigFile>) -> Self {
        self.file = file;
        self
    }

    pub(super) fn file(&self) -> Option<&ConfigFile> {
        self.file.as_ref()
    }

    /// What counts beside a file: no variable of OpenTelemetry's, but what its `service` detector reads.
    pub(super) fn beside_file(&self, has_service: bool) -> Self {
        let is_kept = |name: &str| match name {
            "OTEL_SERVICE_NAME" => has_service,
            name => !name.starts_with("OTEL_"),
        };
        let mut beside = self.clone();
        beside.variables.retain(|name, _| is_kept(name));
        beside
    }

    /// What `service.name` is where neither options nor variables say it.
    pub fn with_default_service_name(mut self, name: Option<String>) -> Self {
        self.default_service_name = name;
        self
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// Those of the variables that are set.
    pub(super) fn all<'a>(
        &'a self,
        names: &'a [impl AsRef<str>],
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        names.iter().filter_map(|name| {
            let name = name.as_ref();
            Some((name, self.get(name)?))
        })
    }

    /// The first of the variables whose value can be used.
    fn first<T>(
        &self,
        names: &[impl AsRef<str>],
        expected: &str,
        warnings: &mut Vec<String>,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        self.all(names).find_map(|(name, text)| {
            let value = read(text);
            if value.is_none() {
                warnings.push(format!(
                    "{name}: found {text:?}, expected {expected}; ignored"
                ));
            }
            value
        })
    }

    pub(super) fn choice<T: Copy>(
        &self,
        names: &[impl AsRef<str>],
        allowed: &[(&str, T)],
        warnings: &mut Vec<String>,
    ) -> Option<T> {
        let words: Vec<_> = allowed.iter().map(|(word, _)| *word).collect();
        let expected = format!("one of {}", words.join(", "));
        self.first(names, &expected, warnings, |text| {
            let found = allowed
                .iter()
                .find(|(word, _)| word.eq_ignore_ascii_case(text));
            found.map(|(_, value)| *value)
        })
    }

    /// The specification's "Duration". One of 0 would export without a pause.
    pub(super) fn duration(&self, name: &str, warnings: &mut Vec<String>) -> Option<Duration> {
        let expected = format!("a whole number of milliseconds from 1 to {LONGEST_MILLISECONDS}");
        self.first(&[name], &expected, warnings, |text| {
            milliseconds(text).filter(|duration| !duration.is_zero())
        })
    }

    /// The specification's "Timeout": 0 is no limit.
    pub(super) fn timeout(
        &self,
        names: &[impl AsRef<str>],
        warnings: &mut Vec<String>,
    ) -> Option<Duration> {
        let expected = format!(
            "a whole number of milliseconds up to {LONGEST_MILLISECONDS}, or 0 for no limit"
        );
        let found = self.first(names, &expected, warnings, milliseconds)?;
        Some(if found.is_zero() { NO_LIMIT } else { found })
    }

    pub(super) fn prometheus_host(&self, warnings: &mut Vec<String>) -> Option<IpAddr> {
        let expected = "an IP address such as 127.0.0.1, 0.0.0.0 or ::, or localhost";
        let name = "OTEL_EXPORTER_PROMETHEUS_HOST";
        self.first(&[name], expected, warnings, host_address)
    }

    pub(super) fn prometheus_port(&self, warnings: &mut Vec<String>) -> Option<u16> {
        let name = "OTEL_EXPORTER_PROMETHEUS_PORT";
        self.first(&[name], "a port from 0 to 65535", warnings, |text| {
            whole_number(text)?.try_into().ok()
        })
    }

    /// The general limit of attributes. Metrics are exempt from its default, which is none; what a
    /// program sets holds for them too. What is larger than our largest limit is as good as that.
    pub(super) fn value_length(&self, warnings: &mut Vec<String>) -> Option<usize> {
        self.first(
            &["OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"],
            "a whole number of characters above 0",
            warnings,
            |text| {
                let limit = usize::try_from(whole_number(text)?).unwrap_or(usize::MAX);
                (limit > 0).then(|| limit.min(Count::MAX))
            },
        )
    }

    pub(super) fn exemplars(&self, warnings: &mut Vec<String>) -> Option<ExemplarFilter> {
        let words = ExemplarFilter::ALL.map(|filter| (filter.as_str(), filter));
        self.choice(&["OTEL_METRICS_EXEMPLAR_FILTER"], &words, warnings)
    }

    /// `fatal` and `none` are the same: nothing of ours is worse than an error. The specification leaves
    /// the words open; the others are those of `DiagLogLevel` of OpenTelemetry's JavaScript API.
    pub(super) fn log_level(&self, warnings: &mut Vec<String>) -> Option<LogLevel> {
        let words = [
            ("none", LogLevel::None),
            ("fatal", LogLevel::None),
            ("error", LogLevel::Error),
            ("warn", LogLevel::Warn),
            ("info", LogLevel::Info),
            ("debug", LogLevel::Debug),
            ("verbose", LogLevel::Debug),
            ("trace", LogLevel::Debug),
            ("all", LogLevel::Debug),
        ];
        self.choice(&["OTEL_LOG_LEVEL"], &words, warnings)
    }

    pub(super) fn disabled(&self, warnings: &mut Vec<String>) -> bool {
        let words = [("true", true), ("false", false)];
        self.choice(&["OTEL_SDK_DISABLED"], &words, warnings)
            .unwrap_or(false)
    }

    /// `None` when `OTEL_METRICS_EXPORTER` is not set, or names nothing that there is.
    pub(super) fn exporters(&self, warnings: &mut Vec<String>) -> Option<ExporterNames> {
        let name = "OTEL_METRICS_EXPORTER";
        let text = self.get(name)?;
        let mut names = ExporterNames::default();
        let mut is_known = false;
        let mut is_none = false;
        for word in list(text) {
            match word.to_ascii_lowercase().as_str() {
                "otlp" => names.otlp = true,
                "prometheus" => names.prometheus = true,
                "console" | "logging" => names.console = true,
                "none" => is_none = true,
                _ => {
                    warnings.push(format!(
                        "{name}: found {word:?}, expected {EXPORTERS}; ignored"
                    ));
                    continue;
                }
            }
            is_known = true;
        }
        if is_none && names != ExporterNames::default() {
            warnings.push(format!(
                "{name}: found none beside exporters in {text:?}, expected it alone; ignored"
            ));
        }
        if list(text).next().is_none() {
            warnings.push(format!(
                "{name}: found {text:?}, expected {EXPORTERS}; ignored"
            ));
        }
        is_known.then_some(names)
    }

    pub(super) fn names_an_otlp_endpoint(&self) -> bool {
        self.all(&otlp_names("ENDPOINT")).next().is_some()
    }

    pub(super) fn otlp_endpoint(
        &self,
        protocol: OtlpProtocol,
        warnings: &mut Vec<String>,
    ) -> Result<String> {
        let names = otlp_names("ENDPOINT");
        let urls = self.all(&names).map(|(name, url)| {
            let signal = match name == names[0] {
                true => Signal::Verbatim,
                false => Signal::Append,
            };
            endpoint_url(url, protocol, signal, name)
        });
        if let Some(url) = usable(urls, warnings)? {
            return Ok(url);
        }
        let default = match protocol {
            OtlpProtocol::Grpc => OTLP_GRPC_DEFAULT,
            OtlpProtocol::HttpProtobuf | OtlpProtocol::HttpJson => OTLP_HTTP_DEFAULT,
        };
        endpoint_url(default, protocol, Signal::Append, "the default endpoint")
    }

    /// General headers, then the metrics ones over them.
    pub(super) fn otlp_headers(&self, warnings: &mut Vec<String>) -> BTreeMap<String, Secret> {
        let [own, general] = otlp_names("HEADERS");
        let mut headers = BTreeMap::new();
        for name in [general, own] {
            for entry in list(self.get(&name).unwrap_or_default()) {
                match header(entry) {
                    Ok((key, value)) => {
                        headers.insert(key, value);
                    }
                    // Not repeated: of `authorization: Bearer dG9rZW4=` all but the end is the key.
                    Err(reason) => warnings.push(format!("{name}: found {reason}; ignored")),
                }
            }
        }
        headers
    }

    /// Resource SDK specification, "Specifying resource information via an environment variable":
    /// one wrong entry discards them all.
    pub(super) fn resource_attributes(
        &self,
        warnings: &mut Vec<String>,
    ) -> BTreeMap<String, Value> {
        let name = "OTEL_RESOURCE_ATTRIBUTES";
        attribute_list(self.get(name).unwrap_or_default()).unwrap_or_else(|entry| {
            warnings.push(format!(
                "{name}: found {entry:?}, expected key=value with only percent-escapes \
                 such as %20 and %25 after a percent sign; the whole variable is ignored"
            ));
            BTreeMap::new()
        })
    }

    pub(super) fn service_name(&self) -> Option<&str> {
        self.get("OTEL_SERVICE_NAME")
    }

    /// The detectors that OpenTelemetry's JavaScript SDK knows by this variable; without it, none.
    pub(super) fn detectors(&self, warnings: &mut Vec<String>) -> Vec<Detector> {
        let name = "OTEL_NODE_RESOURCE_DETECTORS";
        let mut detectors = Vec::new();
        for word in list(self.get(name).unwrap_or_default()) {
            let known = Detector::WORDS
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(word));
            match known {
                Some((_, named)) => detectors.extend_from_slice(named),
                None => {
                    let words = Detector::WORDS.map(|(word, _)| word).join(", ");
                    warnings.push(format!(
                        "{name}: found {word:?}, expected a list of {words}; ignored"
                    ));
                }
            }
        }
        detectors
    }

    pub(super) fn default_service_name(&self) -> &str {
        self.default_service_name
            .as_deref()
            .unwrap_or("unknown_service:node")
    }
}

/// The variable for metrics alone, and the one for all signals.
pub(super) fn otlp_names(suffix: &str) -> [String; 2] {
    ["METRICS_", ""].map(|signal| format!("OTEL_EXPORTER_OTLP_{signal}{suffix}"))
}

/// The first that can be used. What is wrong before it is a warning, and an error where nothing
/// follows.
pub(super) fn usable<T>(
    readings: impl Iterator<Item = Result<T>>,
    warnings: &mut Vec<String>,
) -> Result<Option<T>> {
    let mut wrong = Vec::new();
    for reading in readings {
        match reading {
            Ok(value) => {
                let wrong = wrong.iter().map(|error| format!("{error}; ignored"));
                warnings.extend(wrong);
                return Ok(Some(value));
            }
            Err(error) => wrong.push(error),
        }
    }
    wrong.into_iter().next().map_or(Ok(None), Err)
}

/// `key=value,…`; the entry that is none fails.
pub(super) fn attribute_list(text: &str) -> std::result::Result<BTreeMap<String, Value>, &str> {
    let entries = list(text);
    entries
        .map(|entry| {
            let (key, value) = pair(entry).ok_or(entry)?;
            Ok((key, value.into()))
        })
        .collect()
}

/// `name=value,…`; what is wrong with the entry that is none fails.
pub(super) fn header_list(
    text: &str,
) -> std::result::Result<BTreeMap<String, Secret>, &'static str> {
    list(text).map(header).collect()
}

fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

/// Digits alone; `str::parse` takes a sign.
fn whole_number(text: &str) -> Option<u64> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
}

fn milliseconds(text: &str) -> Option<Duration> {
    whole_number(text)
        .filter(|milliseconds| *milliseconds <= LONGEST_MILLISECONDS)
        .map(Duration::from_millis)
}

/// `key=value` in W3C Baggage form, without properties; both are percent-decoded.
fn pair(entry: &str) -> Option<(String, String)> {
    let (key, value) = entry.split_once('=')?;
    let key = percent::decode(key.trim())?;
    let value = percent::decode(value.trim())?;
    (!key.is_empty()).then_some((key, value))
}

fn header(entry: &str) -> std::result::Result<(String, Secret), &'static str> {
    let (key, value) = entry
        .split_once('=')
        .ok_or("an entry that is not key=value")?;
    let key = http::HeaderName::try_from(key.trim())
        .map_err(|_| "an entry whose key is no HTTP header name")?;
    let value = percent::decode(value.trim())
        .ok_or("an entry whose value has a percent sign that begins no escape; write %25 for it")?;
    let value = header_value(&Secret::new(value))
        .ok_or("an entry whose value has control or non-ASCII characters")?;
    Ok((key.as_str().to_owned(), value))
}
