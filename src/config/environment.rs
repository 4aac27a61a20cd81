//! The `OTEL_*` variables that we honour (OpenTelemetry specification, "Environment variable
//! specification"). Node hands the variables over: a worker thread has its own `process.env`.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use opentelemetry::Value;

use super::endpoint::{endpoint_url, Signal};
use super::values::{invalid, Count};
use super::{OtlpProtocol, Secret};
use crate::error::Result;

const OTLP_HTTP_DEFAULT: &str = "http://127.0.0.1:4318";
const OTLP_GRPC_DEFAULT: &str = "http://127.0.0.1:4317";

/// A snapshot of the process environment. Empty values count as unset, as the specification says.
#[derive(Clone, Debug, Default)]
pub struct Environment(BTreeMap<String, String>);

/// What `OTEL_METRICS_EXPORTER` names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ExporterNames {
    pub otlp: bool,
    pub prometheus: bool,
    pub console: bool,
}

impl Environment {
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(
            variables
                .into_iter()
                .filter(|(_, value)| !value.trim().is_empty())
                .collect(),
        )
    }

    pub(super) fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|value| value.trim().to_owned())
    }

    /// The metrics variable if it is set, else the general one.
    pub(super) fn otlp(&self, suffix: &str) -> String {
        let signal = format!("OTEL_EXPORTER_OTLP_METRICS_{suffix}");
        if self.0.contains_key(&signal) {
            signal
        } else {
            format!("OTEL_EXPORTER_OTLP_{suffix}")
        }
    }

    pub(super) fn parse<T: FromStr>(&self, name: &str, expected: &str) -> Result<Option<T>> {
        match self.get(name) {
            None => Ok(None),
            Some(text) => text
                .parse()
                .map(Some)
                .map_err(|_| invalid(name, format!("found {text:?}, expected {expected}"))),
        }
    }

    /// An unknown value is reported and ignored: the specification forbids failing on it.
    pub(super) fn choice<T: Copy>(
        &self,
        name: &str,
        allowed: &[(&str, T)],
        warnings: &mut Vec<String>,
    ) -> Option<T> {
        let text = self.get(name)?;
        let found = allowed
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(&text));
        if found.is_none() {
            let words: Vec<_> = allowed.iter().map(|(word, _)| *word).collect();
            warnings.push(format!(
                "{name}: found {text:?}, expected one of {}; ignored",
                words.join(", ")
            ));
        }
        found.map(|(_, value)| *value)
    }

    pub(super) fn milliseconds(&self, name: &str, warnings: &mut Vec<String>) -> Option<Duration> {
        let text = self.get(name)?;
        match text.parse::<u64>() {
            Ok(milliseconds) if milliseconds > 0 => Some(Duration::from_millis(milliseconds)),
            _ => {
                warnings.push(format!(
                    "{name}: found {text:?}, expected a whole number of milliseconds above 0; ignored"
                ));
                None
            }
        }
    }

    /// The general limit of attributes. Metrics are exempt from its default, which is none; what a
    /// program sets holds for them too. What is larger than our largest limit is as good as that.
    pub(super) fn value_length(&self, warnings: &mut Vec<String>) -> Option<usize> {
        let name = "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT";
        let text = self.get(name)?;
        match text.parse::<usize>() {
            Ok(limit) if limit > 0 => Some(limit.min(Count::MAX)),
            _ => {
                warnings.push(format!(
                    "{name}: found {text:?}, expected a whole number of characters above 0; ignored"
                ));
                None
            }
        }
    }

    pub(super) fn disabled(&self, warnings: &mut Vec<String>) -> bool {
        self.choice(
            "OTEL_SDK_DISABLED",
            &[("true", true), ("false", false)],
            warnings,
        )
        .unwrap_or(false)
    }

    /// `None` when `OTEL_METRICS_EXPORTER` is not set.
    pub(super) fn exporters(&self, warnings: &mut Vec<String>) -> Option<ExporterNames> {
        let list = self.get("OTEL_METRICS_EXPORTER")?;
        let mut names = ExporterNames::default();
        for name in list.split(',').map(str::trim) {
            match name {
                "otlp" => names.otlp = true,
                "prometheus" => names.prometheus = true,
                "console" | "logging" => names.console = true,
                "none" | "" => {}
                other => warnings.push(format!(
                    "OTEL_METRICS_EXPORTER: found {other:?}, expected otlp, prometheus, console or none; ignored"
                )),
            }
        }
        Some(names)
    }

    pub(super) fn names_an_otlp_endpoint(&self) -> bool {
        self.0.contains_key(&self.otlp("ENDPOINT"))
    }

    pub(super) fn otlp_endpoint(&self, protocol: OtlpProtocol) -> Result<String> {
        let signal = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
        let general = "OTEL_EXPORTER_OTLP_ENDPOINT";
        if let Some(url) = self.get(signal) {
            endpoint_url(&url, protocol, Signal::Verbatim, signal)
        } else if let Some(url) = self.get(general) {
            endpoint_url(&url, protocol, Signal::Append, general)
        } else {
            let default = match protocol {
                OtlpProtocol::Grpc => OTLP_GRPC_DEFAULT,
                OtlpProtocol::HttpProtobuf | OtlpProtocol::HttpJson => OTLP_HTTP_DEFAULT,
            };
            endpoint_url(default, protocol, Signal::Append, general)
        }
    }

    /// General headers, then the metrics ones over them.
    pub(super) fn otlp_headers(&self, warnings: &mut Vec<String>) -> BTreeMap<String, Secret> {
        let mut headers = BTreeMap::new();
        for name in [
            "OTEL_EXPORTER_OTLP_HEADERS",
            "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
        ] {
            for (key, value) in self.pairs(name, warnings) {
                if http::HeaderName::try_from(key.as_str()).is_ok() {
                    headers.insert(key.to_ascii_lowercase(), Secret::new(value));
                } else {
                    // Not repeated: of `authorization: Bearer dG9rZW4=` all but the end is the key.
                    warnings.push(format!(
                        "{name}: found an entry whose key is no HTTP header name; ignored"
                    ));
                }
            }
        }
        headers
    }

    pub(super) fn resource_attributes(
        &self,
        warnings: &mut Vec<String>,
    ) -> BTreeMap<String, Value> {
        self.pairs("OTEL_RESOURCE_ATTRIBUTES", warnings)
            .into_iter()
            .map(|(key, value)| (key, value.into()))
            .collect()
    }

    /// `key=value` pairs in W3C Baggage form, percent-decoded.
    fn pairs(&self, name: &str, warnings: &mut Vec<String>) -> Vec<(String, String)> {
        let Some(text) = self.get(name) else {
            return Vec::new();
        };
        let mut pairs = Vec::new();
        for pair in text
            .split(',')
            .map(str::trim)
            .filter(|pair| !pair.is_empty())
        {
            match pair.split_once('=') {
                Some((key, value)) if !key.trim().is_empty() => {
                    pairs.push((key.trim().to_owned(), percent_decode(value.trim())));
                }
                _ => warnings.push(format!(
                    "{name}: found an entry that is not key=value; ignored"
                )),
            }
        }
        pairs
    }
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = (*first == b'%')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match hex {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}
