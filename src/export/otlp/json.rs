//! OTLP's JSON encoding: proto3's JSON mapping with the exceptions of the OTLP specification
//! ("JSON Protobuf Encoding"): lowerCamelCase names, 64-bit integers as decimal strings, enums as
//! integers, what is not finite as a string.
//!
//! Written here, because `opentelemetry-proto`'s `with-serde` turns a NaN or infinite point into
//! `null`, which a conforming receiver rejects.

use opentelemetry::{Array, InstrumentationScope, Key, KeyValue, Value};
use opentelemetry_sdk::Resource;

use super::encode::{temporality_number, Format, Position, PROMETHEUS_TYPE};
use crate::engine::clock::Timestamp;
use crate::engine::collection::Metric;
use crate::engine::points::{
    Exemplar, ExponentialBuckets, ExponentialPoint, HistogramPoint, Identity, Kind, Number,
    SummaryPoint,
};
use crate::export::json_writer::JsonWriter;

/// Encodes to `ExportMetricsServiceRequest` in JSON.
#[derive(Default)]
pub(super) struct Json {
    out: JsonWriter,
    /// When the points of the metric end.
    time: Timestamp,
}

impl Format for Json {
    fn begin_request(&mut self, resource: &Resource) {
        self.out.open(b'{');
        self.out.key("resourceMetrics");
        self.out.open(b'[');
        self.out.open(b'{');
        self.out.key("resource");
        self.out.open(b'{');
        self.attributes("attributes", resource.iter());
        self.out.close(b'}');
        self.string_if_any("schemaUrl", resource.schema_url().unwrap_or_default());
        self.out.key("scopeMetrics");
        self.out.open(b'[');
    }

    fn end_request(&mut self) -> Vec<u8> {
        for bracket in *b"]}]}" {
            self.out.close(bracket);
        }
        self.out.take()
    }

    fn begin_scope(&mut self, scope: &InstrumentationScope) {
        self.out.open(b'{');
        self.out.key("scope");
        self.out.open(b'{');
        self.string_if_any("name", scope.name());
        self.string_if_any("version", scope.version().unwrap_or_default());
        self.attributes("attributes", scope.attributes().map(pair));
        self.out.close(b'}');
        self.string_if_any("schemaUrl", scope.schema_url().unwrap_or_default());
        self.out.key("metrics");
        self.out.open(b'[');
    }

    fn end_scope(&mut self) {
        self.out.close(b']');
        self.out.close(b'}');
    }

    fn begin_metric(&mut self, metric: &Metric) {
        self.time = metric.time;
        self.out.open(b'{');
        self.string_if_any("name", &metric.name);
        self.string_if_any("description", &metric.description);
        self.string_if_any("unit", &metric.unit);
        if let Some(name) = metric.prometheus_type() {
            let (key, name) = (Key::from_static_str(PROMETHEUS_TYPE), Value::from(name));
            self.attributes("metadata", [(&key, &name)].into_iter());
        }
        self.out.key(match metric.kind {
            Kind::Gauge => "gauge",
            Kind::Sum { .. } => "sum",
            Kind::Histogram { .. } => "histogram",
            Kind::Exponential { .. } => "exponentialHistogram",
            Kind::Summary => "summary",
        });
        self.out.open(b'{');
        if let Some(temporality) = metric.kind.temporality() {
            self.out.key("aggregationTemporality");
            self.out.int(temporality_number(temporality).into());
        }
        if let Kind::Sum { monotonic, .. } = metric.kind {
            self.out.key("isMonotonic");
            self.out.bool(monotonic);
        }
        self.out.key("dataPoints");
        self.out.open(b'[');
    }

    fn end_metric(&mut self) {
        for bracket in *b"]}}" {
            self.out.close(bracket);
        }
    }

    fn number(&mut self, series: &Identity<'_>, value: Number) {
        self.begin_point(series);
        self.value(value);
        self.exemplars(series.exemplars);
        self.out.close(b'}');
    }

    fn histogram(&mut self, series: &Identity<'_>, point: &HistogramPoint<'_>) {
        self.begin_point(series);
        self.totals(point.count, point.sum, point.min, point.max);
        self.counts(&point.bucket_counts);
        self.out.key("explicitBounds");
        self.out.open(b'[');
        for bound in point.bounds {
            self.out.double(*bound);
        }
        self.out.close(b']');
        self.exemplars(series.exemplars);
        self.out.close(b'}');
    }

    fn exponential(&mut self, series: &Identity<'_>, point: &ExponentialPoint) {
        self.begin_point(series);
        self.totals(point.count, point.sum, point.min, point.max);
        self.out.key("scale");
        self.out.int(point.scale.into());
        self.out.key("zeroCount");
        self.out.quoted(point.zero_count);
        self.double("zeroThreshold", point.zero_threshold);
        self.buckets("positive", &point.positive);
        self.buckets("negative", &point.negative);
        self.exemplars(series.exemplars);
        self.out.close(b'}');
    }

    fn summary(&mut self, series: &Identity<'_>, point: &SummaryPoint<'_>) {
        self.begin_point(series);
        self.totals(point.count, Some(point.sum), None, None);
        self.out.key("quantileValues");
        self.out.open(b'[');
        for (quantile, value) in point.quantiles {
            self.out.open(b'{');
            self.double("quantile", *quantile);
            self.double("value", *value);
            self.out.close(b'}');
        }
        self.out.close(b']');
        self.out.close(b'}');
    }

    fn len(&self) -> usize {
        self.out.len()
    }

    fn position(&self) -> Position {
        Position {
            len: self.out.len(),
            // What is open shows in the text.
            depth: 0,
        }
    }

    fn rewind(&mut self, position: Position) {
        self.out.truncate(position.len);
    }
}

impl Json {
    fn begin_point(&mut self, series: &Identity<'_>) {
        self.out.open(b'{');
        self.attributes("attributes", series.attributes.iter().map(pair));
        self.out.key("startTimeUnixNano");
        self.out.quoted(series.start.as_nanos());
        self.out.key("timeUnixNano");
        self.out.quoted(self.time.as_nanos());
    }

    fn totals(&mut self, count: u64, sum: Option<f64>, min: Option<f64>, max: Option<f64>) {
        self.out.key("count");
        self.out.quoted(count);
        if let Some(sum) = sum {
            self.double("sum", sum);
        }
        if let Some(min) = min {
            self.double("min", min);
        }
        if let Some(max) = max {
            self.double("max", max);
        }
    }

    fn value(&mut self, value: Number) {
        match value {
            Number::Int(value) => {
                self.out.key("asInt");
                self.out.quoted(value);
            }
            Number::Double(value) => self.double("asDouble", value),
        }
    }

    fn exemplars(&mut self, exemplars: &[Exemplar]) {
        if exemplars.is_empty() {
            return;
        }
        self.out.key("exemplars");
        self.out.open(b'[');
        for exemplar in exemplars {
            self.out.open(b'{');
            self.attributes("filteredAttributes", exemplar.attributes.iter().map(pair));
            self.out.key("timeUnixNano");
            self.out.quoted(exemplar.time.as_nanos());
            self.value(exemplar.value);
            // In hexadecimal and not in base64, as everything else that is bytes.
            if let Some(span) = &exemplar.span {
                self.out.key("spanId");
                self.out.string(&span.span_id.to_string());
                self.out.key("traceId");
                self.out.string(&span.trace_id.to_string());
            }
            self.out.close(b'}');
        }
        self.out.close(b']');
    }

    fn double(&mut self, key: &'static str, value: f64) {
        self.out.key(key);
        self.out.double(value);
    }

    fn string_if_any(&mut self, key: &'static str, value: &str) {
        if !value.is_empty() {
            self.out.key(key);
            self.out.string(value);
        }
    }

    fn buckets(&mut self, key: &'static str, buckets: &ExponentialBuckets) {
        self.out.key(key);
        self.out.open(b'{');
        self.out.key("offset");
        self.out.int(buckets.offset.into());
        self.counts(&buckets.counts);
        self.out.close(b'}');
    }

    fn counts(&mut self, counts: &[u64]) {
        self.out.key("bucketCounts");
        self.out.open(b'[');
        for count in counts {
            self.out.quoted(count);
        }
        self.out.close(b']');
    }

    fn attributes<'a>(
        &mut self,
        name: &'static str,
        attributes: impl Iterator<Item = (&'a Key, &'a Value)>,
    ) {
        self.out.key(name);
        self.out.open(b'[');
        for (key, value) in attributes {
            self.out.open(b'{');
            self.out.key("key");
            self.out.string(key.as_str());
            self.out.key("value");
            self.any_value(value);
            self.out.close(b'}');
        }
        self.out.close(b']');
    }

    fn any_value(&mut self, value: &Value) {
        match value {
            Value::String(value) => self.string_value(value.as_str()),
            Value::Bool(value) => self.bool_value(*value),
            Value::I64(value) => self.int_value(*value),
            Value::F64(value) => self.double_value(*value),
            Value::Array(array) => {
                self.out.open(b'{');
                self.out.key("arrayValue");
                self.out.open(b'{');
                self.out.key("values");
                self.out.open(b'[');
                match array {
                    Array::Bool(values) => values.iter().for_each(|value| self.bool_value(*value)),
                    Array::I64(values) => values.iter().for_each(|value| self.int_value(*value)),
                    Array::F64(values) => values.iter().for_each(|value| self.double_value(*value)),
                    Array::String(values) => {
                        values
                            .iter()
                            .for_each(|value| self.string_value(value.as_str()));
                    }
                    other => self.string_value(&format!("{other:?}")),
                }
                for bracket in *b"]}}" {
                    self.out.close(bracket);
                }
            }
            other => self.string_value(&other.as_str()),
        }
    }

    fn string_value(&mut self, value: &str) {
        self.out.open(b'{');
        self.out.key("stringValue");
        self.out.string(value);
        self.out.close(b'}');
    }

    fn bool_value(&mut self, value: bool) {
        self.out.open(b'{');
        self.out.key("boolValue");
        self.out.bool(value);
        self.out.close(b'}');
    }

    fn int_value(&mut self, value: i64) {
        self.out.open(b'{');
        self.out.key("intValue");
        self.out.quoted(value);
        self.out.close(b'}');
    }

    fn double_value(&mut self, value: f64) {
        self.out.open(b'{');
        self.double("doubleValue", value);
        self.out.close(b'}');
    }
}

fn pair(attribute: &KeyValue) -> (&Key, &Value) {
    (&attribute.key, &attribute.value)
}
