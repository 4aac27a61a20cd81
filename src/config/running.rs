//! What of the exporters can change while they run: when they export, and what they read. Everything
//! else is settled when they start.

use std::fmt::{self, Debug, Formatter};

use serde_json::Value as Json;

use super::values::invalid;
use super::{Config, ConsoleConfig, Environment, OtlpConfig, PrometheusConfig};
use crate::error::Result;

/// What a configuration was made of.
#[derive(Clone, Default)]
pub struct Origin {
    options: Json,
    environment: Environment,
}

impl Debug for Origin {
    /// It has secrets.
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Origin").finish_non_exhaustive()
    }
}

impl Origin {
    /// `options` are JSON that could be read.
    pub(super) fn new(options: &str, environment: &Environment) -> Self {
        Self {
            options: serde_json::from_str(options).unwrap_or_default(),
            environment: environment.clone(),
        }
    }
}

impl Config {
    /// The same with another section `exporters`, of which `null` stands for none.
    ///
    /// # Errors
    /// [`Code::InvalidConfig`](crate::error::Code::InvalidConfig) when the section is not allowed, or says
    /// more than [`Running`] exporters can take on.
    pub fn with_exporters(&self, exporters: Json, path: &str) -> Result<Self> {
        let mut options = self.origin.options.clone();
        if let Some(options) = options.as_object_mut() {
            match exporters {
                Json::Null => options.remove("exporters"),
                exporters => options.insert("exporters".to_owned(), exporters),
            };
        }
        let new = Self::parse(&options.to_string(), path, &self.origin.environment)?;
        let settled = |exporter: &str| {
            invalid(
                &format!("{path}.exporters.{exporter}"),
                "found a change that an exporter cannot take on while it runs, expected one of \
                 interval, temporality, histogram, defaultAggregation, cardinalityLimits or \
                 metricFilter alone; start the program again for others",
            )
        };
        if !same(self.prometheus.as_ref(), new.prometheus.as_ref()) {
            return Err(settled("prometheus"));
        }
        if !same(self.console.as_ref(), new.console.as_ref()) {
            return Err(settled("console"));
        }
        if self.otlp.len() != new.otlp.len() {
            return Err(settled("otlp"));
        }
        for (at, (before, now)) in self.otlp.iter().zip(&new.otlp).enumerate() {
            if !same(Some(before), Some(now)) {
                return Err(settled(&match self.otlp.len() {
                    1 => "otlp".to_owned(),
                    _ => format!("otlp[{at}]"),
                }));
            }
        }
        Ok(Self {
            prometheus: new.prometheus,
            otlp: new.otlp,
            console: new.console,
            origin: new.origin,
            ..self.clone()
        })
    }
}

/// An exporter's configuration, some of which can change while it runs.
trait Running: Clone + PartialEq {
    /// With what can change as `other` has it.
    fn changed_as(self, other: &Self) -> Self;
}

impl Running for PrometheusConfig {
    fn changed_as(self, other: &Self) -> Self {
        Self {
            reader: other.reader.clone(),
            ..self
        }
    }
}

impl Running for OtlpConfig {
    fn changed_as(self, other: &Self) -> Self {
        Self {
            interval: other.interval,
            reader: other.reader.clone(),
            ..self
        }
    }
}

impl Running for ConsoleConfig {
    fn changed_as(self, other: &Self) -> Self {
        Self {
            interval: other.interval,
            reader: other.reader.clone(),
        }
    }
}

/// Whether one can become the other while it runs.
fn same<T: Running>(before: Option<&T>, now: Option<&T>) -> bool {
    match (before, now) {
        (Some(before), Some(now)) => before.clone().changed_as(now) == *now,
        (before, now) => before.is_none() && now.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn config(options: &Json) -> Config {
        Config::parse(&options.to_string(), "options", &Environment::default()).unwrap()
    }

    #[test]
    fn exporters_that_run_take_on_when_they_export_and_what_they_read() {
        let otlp = |more: Json| {
            let mut otlp = json!({"endpoint": "http://c:1", "headers": {"a": "secret"}});
            let more = more.as_object().unwrap().clone();
            otlp.as_object_mut().unwrap().extend(more);
            json!({"otlp": [otlp, {"endpoint": "http://d:1"}], "prometheus": {"port": 1}})
        };
        let before = config(&json!({"serviceName": "s", "exporters": otlp(json!({}))}));
        let changes = json!({"interval": 5000, "temporality": "delta", "metricFilter": {}});
        let now = before.with_exporters(otlp(changes), "options").unwrap();
        assert_eq!(now.otlp[0].interval, Duration::from_secs(5));
        assert_ne!(now.otlp[0].reader, before.otlp[0].reader);
        assert_eq!(now.otlp[1], before.otlp[1]);

        for (exporters, place) in [
            (otlp(json!({"endpoint": "http://e:1"})), "otlp[0]"),
            (otlp(json!({"headers": {"a": "other"}})), "otlp[0]"),
            (
                json!({"otlp": {"endpoint": "http://c:1"}, "prometheus": {"port": 1}}),
                "otlp",
            ),
            (json!({"prometheus": {"port": 2}}), "prometheus"),
            (
                json!({"prometheus": {"port": 1}, "console": true}),
                "console",
            ),
            (Json::Null, "prometheus"),
        ] {
            let error = now.with_exporters(exporters, "options").unwrap_err();
            let expected = format!("options.exporters.{place}: found a change that an exporter");
            assert!(error.message().starts_with(&expected), "{error}");
            assert!(!error.message().contains("secret"));
        }
        let error = now.with_exporters(json!({"otlp": {"intervall": 1}}), "options");
        assert!(error.unwrap_err().message().contains("intervall"));
    }
}
