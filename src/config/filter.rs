//! Which metrics and series a reader gets (Metrics SDK specification, "MetricFilter", in development).

use std::sync::Arc;

use opentelemetry::KeyValue;
use serde::Deserialize;

use super::values::invalid;
use super::views::{wildcard, IncludeExclude, IncludeExcludeOptions};
use crate::error::Result;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a map of settings")]
pub struct MetricFilterOptions {
    included: Option<Vec<String>>,
    excluded: Option<Vec<String>>,
    attributes: Vec<AttributeRuleOptions>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a map of key, metrics, included and excluded"
)]
struct AttributeRuleOptions {
    key: String,
    metrics: Option<String>,
    included: Option<Vec<String>>,
    excluded: Option<Vec<String>>,
}

/// What a reader leaves out.
#[derive(Clone, Debug, PartialEq)]
pub enum MetricFilter {
    Rules(Arc<FilterRules>),
    /// A function of the program's, which is asked for every metric and series.
    Function(FunctionFilter),
}

/// Where a function of a program's is: the environment that runs it, and which one of its it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FunctionFilter {
    pub facade: u32,
    pub number: u32,
}

/// A function that filters for an exporter: `prometheus`, `console`, or that of `otlp` which stands at
/// `index`.
#[derive(Debug)]
pub struct ExporterFilter {
    pub exporter: String,
    pub index: usize,
    pub function: FunctionFilter,
}

#[derive(Debug, PartialEq)]
pub struct FilterRules {
    names: IncludeExclude,
    attributes: Vec<Arc<AttributeRule>>,
}

/// Keeps the series whose attribute has one of some values.
#[derive(Debug, PartialEq)]
pub struct AttributeRule {
    key: String,
    /// A pattern of names; `None` stands for all metrics.
    metrics: Option<String>,
    values: IncludeExclude,
}

impl MetricFilterOptions {
    /// `path` is where they stand.
    pub(super) fn resolve(&self, path: &str) -> Result<MetricFilter> {
        let rules = self.attributes.iter().enumerate();
        let attributes = rules
            .map(|(index, rule)| rule.resolve(&format!("{path}.attributes[{index}]")))
            .collect::<Result<_>>()?;
        Ok(MetricFilter::Rules(Arc::new(FilterRules {
            names: IncludeExcludeOptions::new(self.included.clone(), self.excluded.clone()).into(),
            attributes,
        })))
    }
}

impl AttributeRuleOptions {
    fn resolve(&self, path: &str) -> Result<Arc<AttributeRule>> {
        if self.key.is_empty() {
            return Err(invalid(
                &format!("{path}.key"),
                "found an empty text, expected the key of an attribute",
            ));
        }
        let values: IncludeExclude =
            IncludeExcludeOptions::new(self.included.clone(), self.excluded.clone()).into();
        if values.keeps_all() {
            return Err(invalid(
                path,
                "found neither included nor excluded, expected patterns of values in one of them",
            ));
        }
        Ok(Arc::new(AttributeRule {
            key: self.key.clone(),
            metrics: self.metrics.clone(),
            values,
        }))
    }
}

impl MetricFilter {
    /// Whether a metric of this name may have series here. Of a function that is not known yet.
    pub fn keeps_metric(&self, name: &str) -> bool {
        match self {
            Self::Rules(rules) => rules.names.keeps(name),
            Self::Function(_) => true,
        }
    }

    /// The rules for the series of a metric.
    pub fn rules_of(&self, metric: &str) -> Vec<Arc<AttributeRule>> {
        match self {
            Self::Rules(rules) => rules
                .attributes
                .iter()
                .filter(|rule| rule.concerns(metric))
                .cloned()
                .collect(),
            Self::Function(_) => Vec::new(),
        }
    }

    pub fn function(&self) -> Option<FunctionFilter> {
        match self {
            Self::Rules(_) => None,
            Self::Function(function) => Some(*function),
        }
    }
}

impl AttributeRule {
    fn concerns(&self, metric: &str) -> bool {
        let pattern = self.metrics.as_deref();
        pattern.is_none_or(|pattern| wildcard(pattern, metric))
    }

    /// Whether a series with these attributes is kept. One that does not have the attribute counts as
    /// one whose value is empty, as in Prometheus.
    pub fn keeps<'a>(&self, mut attributes: impl Iterator<Item = &'a KeyValue>) -> bool {
        match attributes.find(|kv| kv.key.as_str() == self.key) {
            Some(kv) => self.values.keeps(&kv.value.as_str()),
            None => self.values.keeps(""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(json: &str) -> Result<MetricFilter> {
        let options: MetricFilterOptions = serde_json::from_str(json).unwrap();
        options.resolve("here.metricFilter")
    }

    #[test]
    fn metrics_are_kept_by_the_patterns_of_their_names() {
        let filter =
            filter(r#"{"included": ["http.*", "job?"], "excluded": ["*.debug"]}"#).unwrap();
        for (name, kept) in [
            ("http.requests", true),
            ("http.debug", false),
            ("jobs", true),
            ("jobs.all", false),
            ("other", false),
        ] {
            assert_eq!(filter.keeps_metric(name), kept, "{name}");
        }
    }

    #[test]
    fn series_are_kept_by_the_values_of_their_attributes() {
        let filter = filter(
            r#"{"attributes": [
                {"key": "route", "metrics": "http.*", "excluded": ["/health*"]},
                {"key": "code", "included": ["5??", ""]},
                {"key": "ok", "excluded": ["true"]}
            ]}"#,
        )
        .unwrap();
        let keeps = |metric: &str, attributes: &[KeyValue]| {
            let rules = filter.rules_of(metric);
            rules.iter().all(|rule| rule.keeps(attributes.iter()))
        };
        let route = |route| KeyValue::new("route", route);
        assert!(keeps("http.requests", &[route("/api")]));
        assert!(!keeps("http.requests", &[route("/healthcheck")]));
        assert!(keeps("other", &[route("/healthcheck")]));
        assert!(keeps("other", &[KeyValue::new("code", 503)]));
        assert!(!keeps("other", &[KeyValue::new("code", 200)]));
        assert!(!keeps("other", &[KeyValue::new("ok", true)]));
        assert!(keeps("other", &[]));
    }

    #[test]
    fn a_rule_that_says_nothing_is_refused_with_its_place() {
        for (json, expected) in [
            (
                r#"{"attributes": [{"key": "a"}]}"#,
                "here.metricFilter.attributes[0]: found neither included nor excluded, expected \
                 patterns of values in one of them",
            ),
            (
                r#"{"attributes": [{"key": "", "included": ["a"]}]}"#,
                "here.metricFilter.attributes[0].key: found an empty text, expected the key of an \
                 attribute",
            ),
        ] {
            assert_eq!(filter(json).unwrap_err().message(), expected);
        }
    }
}
