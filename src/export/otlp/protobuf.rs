//! OTLP's binary encoding, written field by field into one buffer.
//!
//! Messages know their length only when they end. Small ones reserve one byte for it and move aside
//! in the rare case that they need more; the four big ones around the points (request, scope,
//! metric, data) reserve five and fill them with a longer-than-needed varint, which protobuf allows
//! and every decoder reads, so that megabytes never move.

use opentelemetry::{Array, InstrumentationScope, Key, KeyValue, Value};
use opentelemetry_sdk::Resource;

use super::encode::{temporality_number, Format, Position};
use crate::engine::clock::Timestamp;
use crate::engine::collection::Metric;
use crate::engine::points::{
    Attributes, Exemplar, ExponentialBuckets, ExponentialPoint, HistogramPoint, Identity, Kind,
    Number, SummaryPoint,
};

const VARINT: u8 = 0;
const FIXED64: u8 = 1;
const BYTES: u8 = 2;

/// All field numbers of OTLP metrics are below 16, so a tag is one byte.
const fn tag(field: u8, wire: u8) -> u8 {
    assert!(field < 16);
    field << 3 | wire
}

/// Bytes reserved for the length of a big message: enough for 32 GiB.
const WIDE: usize = 5;

/// Encodes to `opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest`.
#[derive(Default)]
pub(super) struct Protobuf {
    out: Vec<u8>,
    /// Where the bodies of the big messages that are still open begin.
    open: Vec<usize>,
    /// When the points of the metric end.
    time: Timestamp,
}

impl Format for Protobuf {
    fn begin_request(&mut self, resource: &Resource) {
        self.begin(tag(1, BYTES));
        let start = self.begin_small(tag(1, BYTES));
        for (key, value) in resource.iter() {
            self.attribute(tag(1, BYTES), key, value);
        }
        self.end_small(start);
        self.string_if_any(tag(3, BYTES), resource.schema_url().unwrap_or_default());
    }

    fn end_request(&mut self) -> Vec<u8> {
        self.end();
        std::mem::take(&mut self.out)
    }

    fn begin_scope(&mut self, scope: &InstrumentationScope) {
        self.begin(tag(2, BYTES));
        let start = self.begin_small(tag(1, BYTES));
        self.string_if_any(tag(1, BYTES), scope.name());
        self.string_if_any(tag(2, BYTES), scope.version().unwrap_or_default());
        for attribute in scope.attributes() {
            self.attribute(tag(3, BYTES), &attribute.key, &attribute.value);
        }
        self.end_small(start);
        self.string_if_any(tag(3, BYTES), scope.schema_url().unwrap_or_default());
    }

    fn end_scope(&mut self) {
        self.end();
    }

    fn begin_metric(&mut self, metric: &Metric) {
        self.time = metric.time;
        self.begin(tag(2, BYTES));
        self.string_if_any(tag(1, BYTES), &metric.name);
        self.string_if_any(tag(2, BYTES), &metric.description);
        self.string_if_any(tag(3, BYTES), &metric.unit);
        self.begin(match metric.kind {
            Kind::Gauge => tag(5, BYTES),
            Kind::Sum { .. } => tag(7, BYTES),
            Kind::Histogram { .. } => tag(9, BYTES),
            Kind::Exponential { .. } => tag(10, BYTES),
            Kind::Summary => tag(11, BYTES),
        });
        if let Some(temporality) = metric.kind.temporality() {
            self.out
                .extend([tag(2, VARINT), temporality_number(temporality)]);
        }
        if let Kind::Sum {
            monotonic: true, ..
        } = metric.kind
        {
            self.out.extend([tag(3, VARINT), 1]);
        }
    }

    fn end_metric(&mut self) {
        self.end();
        self.end();
    }

    fn number(&mut self, series: &Identity<'_>, value: Number) {
        let start = self.begin_small(tag(1, BYTES));
        self.times(series);
        match value {
            Number::Int(value) => self.fixed64(tag(6, FIXED64), value.to_le_bytes()),
            Number::Double(value) => self.double(tag(4, FIXED64), value),
        }
        self.exemplars(tag(5, BYTES), series.exemplars);
        self.attributes(tag(7, BYTES), series.attributes);
        self.end_small(start);
    }

    fn histogram(&mut self, series: &Identity<'_>, point: &HistogramPoint<'_>) {
        let start = self.begin_small(tag(1, BYTES));
        self.times(series);
        self.fixed64(tag(4, FIXED64), point.count.to_le_bytes());
        self.double_if_any(tag(5, FIXED64), point.sum);
        self.packed(
            tag(6, BYTES),
            point.bucket_counts.iter().map(|count| count.to_le_bytes()),
        );
        self.packed(
            tag(7, BYTES),
            point.bounds.iter().map(|bound| bound.to_le_bytes()),
        );
        self.exemplars(tag(8, BYTES), series.exemplars);
        self.attributes(tag(9, BYTES), series.attributes);
        self.double_if_any(tag(11, FIXED64), point.min);
        self.double_if_any(tag(12, FIXED64), point.max);
        self.end_small(start);
    }

    fn exponential(&mut self, series: &Identity<'_>, point: &ExponentialPoint) {
        let start = self.begin_small(tag(1, BYTES));
        self.attributes(tag(1, BYTES), series.attributes);
        self.times(series);
        self.fixed64(tag(4, FIXED64), point.count.to_le_bytes());
        self.double_if_any(tag(5, FIXED64), point.sum);
        self.out.push(tag(6, VARINT));
        self.varint(zigzag(point.scale));
        self.fixed64(tag(7, FIXED64), point.zero_count.to_le_bytes());
        self.buckets(tag(8, BYTES), &point.positive);
        self.buckets(tag(9, BYTES), &point.negative);
        self.exemplars(tag(11, BYTES), series.exemplars);
        self.double_if_any(tag(12, FIXED64), point.min);
        self.double_if_any(tag(13, FIXED64), point.max);
        self.double(tag(14, FIXED64), point.zero_threshold);
        self.end_small(start);
    }

    fn summary(&mut self, series: &Identity<'_>, point: &SummaryPoint<'_>) {
        let start = self.begin_small(tag(1, BYTES));
        self.times(series);
        self.fixed64(tag(4, FIXED64), point.count.to_le_bytes());
        self.double(tag(5, FIXED64), point.sum);
        for (quantile, value) in point.quantiles {
            let start = self.begin_small(tag(6, BYTES));
            self.double(tag(1, FIXED64), *quantile);
            self.double(tag(2, FIXED64), *value);
            self.end_small(start);
        }
        self.attributes(tag(7, BYTES), series.attributes);
        self.end_small(start);
    }

    fn len(&self) -> usize {
        self.out.len()
    }

    fn position(&self) -> Position {
        Position {
            len: self.out.len(),
            depth: self.open.len(),
        }
    }

    fn rewind(&mut self, position: Position) {
        self.out.truncate(position.len);
        self.open.truncate(position.depth);
    }
}

impl Protobuf {
    fn begin(&mut self, tag: u8) {
        self.out.push(tag);
        self.out.extend_from_slice(&[0; WIDE]);
        self.open.push(self.out.len());
    }

    fn end(&mut self) {
        let start = self
            .open
            .pop()
            .expect("every end has its begin: the walk sees to it");
        let mut length = self.out.len() - start;
        let field = &mut self.out[start - WIDE..start];
        for byte in &mut field[..WIDE - 1] {
            *byte = (length & 0x7f) as u8 | 0x80;
            length >>= 7;
        }
        field[WIDE - 1] = length as u8;
    }

    fn begin_small(&mut self, tag: u8) -> usize {
        self.out.extend_from_slice(&[tag, 0]);
        self.out.len()
    }

    fn end_small(&mut self, start: usize) {
        let length = self.out.len() - start;
        let width = varint_len(length as u64);
        if width > 1 {
            let end = self.out.len();
            self.out.resize(end + width - 1, 0);
            self.out.copy_within(start..end, start + width - 1);
        }
        let mut rest = length;
        for byte in &mut self.out[start - 1..start + width - 2] {
            *byte = (rest & 0x7f) as u8 | 0x80;
            rest >>= 7;
        }
        self.out[start + width - 2] = rest as u8;
    }

    /// Start and end, which have one number in every kind of point.
    fn times(&mut self, series: &Identity<'_>) {
        self.fixed64(tag(2, FIXED64), series.start.as_nanos().to_le_bytes());
        self.fixed64(tag(3, FIXED64), self.time.as_nanos().to_le_bytes());
    }

    fn exemplars(&mut self, field: u8, exemplars: &[Exemplar]) {
        for exemplar in exemplars {
            let start = self.begin_small(field);
            let time = exemplar.time.as_nanos().to_le_bytes();
            self.fixed64(tag(2, FIXED64), time);
            match exemplar.value {
                Number::Int(value) => self.fixed64(tag(6, FIXED64), value.to_le_bytes()),
                Number::Double(value) => self.double(tag(3, FIXED64), value),
            }
            if let Some(span) = &exemplar.span {
                self.bytes(tag(4, BYTES), &span.span_id.to_bytes());
                self.bytes(tag(5, BYTES), &span.trace_id.to_bytes());
            }
            self.attributes(tag(7, BYTES), Attributes::Produced(&exemplar.attributes));
            self.end_small(start);
        }
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.out.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.out.push(value as u8);
    }

    fn fixed64(&mut self, tag: u8, value: [u8; 8]) {
        let mut field = [tag; 9];
        field[1..].copy_from_slice(&value);
        self.out.extend_from_slice(&field);
    }

    fn double(&mut self, tag: u8, value: f64) {
        self.fixed64(tag, value.to_le_bytes());
    }

    fn double_if_any(&mut self, tag: u8, value: Option<f64>) {
        if let Some(value) = value {
            self.double(tag, value);
        }
    }

    fn packed(&mut self, tag: u8, values: impl ExactSizeIterator<Item = [u8; 8]>) {
        if values.len() == 0 {
            return;
        }
        self.out.push(tag);
        self.varint(values.len() as u64 * 8);
        for value in values {
            self.out.extend_from_slice(&value);
        }
    }

    fn buckets(&mut self, field: u8, buckets: &ExponentialBuckets) {
        let start = self.begin_small(field);
        if buckets.offset != 0 {
            self.out.push(tag(1, VARINT));
            self.varint(zigzag(buckets.offset));
        }
        if !buckets.counts.is_empty() {
            let counts = self.begin_small(tag(2, BYTES));
            for count in &buckets.counts {
                self.varint(*count);
            }
            self.end_small(counts);
        }
        self.end_small(start);
    }

    fn bytes(&mut self, tag: u8, value: &[u8]) {
        self.out.push(tag);
        self.varint(value.len() as u64);
        self.out.extend_from_slice(value);
    }

    fn string(&mut self, tag: u8, value: &str) {
        self.bytes(tag, value.as_bytes());
    }

    fn string_if_any(&mut self, tag: u8, value: &str) {
        if !value.is_empty() {
            self.string(tag, value);
        }
    }

    fn attributes(&mut self, tag: u8, attributes: Attributes<'_>) {
        match attributes {
            Attributes::Recorded(attributes) => {
                for attribute in attributes {
                    self.out.push(tag);
                    self.out.extend_from_slice(attribute.otlp(length_delimited));
                }
            }
            Attributes::Produced(attributes) => {
                for attribute in attributes {
                    self.attribute(tag, &attribute.key, &attribute.value);
                }
            }
        }
    }

    fn attribute(&mut self, field: u8, key: &Key, value: &Value) {
        let start = self.begin_small(field);
        self.string(tag(1, BYTES), key.as_str());
        self.any_value(tag(2, BYTES), value);
        self.end_small(start);
    }

    fn any_value(&mut self, field: u8, value: &Value) {
        let start = self.begin_small(field);
        match value {
            Value::String(value) => self.string(tag(1, BYTES), value.as_str()),
            Value::Bool(value) => self.bool_value(*value),
            Value::I64(value) => self.int_value(*value),
            Value::F64(value) => self.double(tag(4, FIXED64), *value),
            Value::Array(array) => {
                let values = self.begin_small(tag(5, BYTES));
                self.array(array);
                self.end_small(values);
            }
            other => self.string(tag(1, BYTES), &other.as_str()),
        }
        self.end_small(start);
    }

    fn array(&mut self, array: &Array) {
        let element = tag(1, BYTES);
        match array {
            Array::Bool(values) => self.elements(values, |out, value| out.bool_value(*value)),
            Array::I64(values) => self.elements(values, |out, value| out.int_value(*value)),
            Array::F64(values) => {
                self.elements(values, |out, value| out.double(tag(4, FIXED64), *value));
            }
            Array::String(values) => {
                self.elements(values, |out, value| out.string(element, value.as_str()));
            }
            other => self.elements(&[format!("{other:?}")], |out, value| {
                out.string(element, value);
            }),
        }
    }

    fn elements<T>(&mut self, values: &[T], write: impl Fn(&mut Self, &T)) {
        for value in values {
            let start = self.begin_small(tag(1, BYTES));
            write(self, value);
            self.end_small(start);
        }
    }

    fn bool_value(&mut self, value: bool) {
        self.out
            .extend_from_slice(&[tag(2, VARINT), u8::from(value)]);
    }

    fn int_value(&mut self, value: i64) {
        self.out.push(tag(3, VARINT));
        self.varint(value as u64);
    }
}

/// An attribute behind its length.
fn length_delimited(attribute: &KeyValue) -> Box<[u8]> {
    let mut message = Protobuf::default();
    message.attribute(tag(1, BYTES), &attribute.key, &attribute.value);
    message.out[1..].into()
}

fn zigzag(value: i32) -> u64 {
    u64::from(((value << 1) ^ (value >> 31)) as u32)
}

fn varint_len(value: u64) -> usize {
    let bits = 64 - (value | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}
