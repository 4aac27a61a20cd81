//! OTLP's binary encoding, written field by field into one buffer.
//!
//! Messages know their length only when they end. Small ones reserve one byte for it, points as many
//! as what is known of them needs, and move aside in the rare case that they need more; the four big
//! ones around the points (request, scope, metric, data) reserve five and fill them with a
//! longer-than-needed varint, which protobuf allows and every decoder reads, so that megabytes never
//! move.

use opentelemetry::{Array, InstrumentationScope, Key, KeyValue, Value};
use opentelemetry_sdk::Resource;

use super::encode::{temporality_number, Format, Position, PROMETHEUS_TYPE};
use crate::config::DEFAULT_REQUEST_SIZE;
use crate::engine::clock::Timestamp;
use crate::engine::collection::Metric;
use crate::engine::points::{
    Attributes, Exemplar, ExponentialBuckets, ExponentialPoint, HistogramPoint, Identity, Kind,
    Number, SummaryPoint,
};
use crate::export::append::append;

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

/// A request of so many bytes will probably become as long as requests are.
const LONG: usize = 256 * 1024;

/// Bytes of a whole request, with the point that does not fit.
const WHOLE: usize = DEFAULT_REQUEST_SIZE + 64 * 1024;

/// Of 64 bits.
const LONGEST_VARINT: usize = 10;

/// Bytes of a field with a number of fixed length.
const FIXED64_FIELD: usize = 9;

/// Encodes to `opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest`.
#[derive(Default)]
pub(super) struct Protobuf {
    out: Vec<u8>,
    /// Where the bodies of the big messages that are still open begin.
    open: Vec<usize>,
    /// When the points of the metric end.
    time: Timestamp,
    /// The bounds of the histogram before, as the field that they are.
    bounds: Bounds,
}

/// The points of a metric have the same bounds.
#[derive(Default)]
struct Bounds {
    values: Vec<f64>,
    field: Vec<u8>,
}

/// A message whose length is to be written before it.
struct Message {
    start: usize,
    /// Bytes reserved for the length.
    width: usize,
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
        if let Some(name) = metric.prometheus_type() {
            let key = Key::from_static_str(PROMETHEUS_TYPE);
            self.attribute(tag(12, BYTES), &key, &Value::from(name));
        }
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
        let (value_tag, value) = match value {
            Number::Int(value) => (tag(6, FIXED64), value.to_le_bytes()),
            Number::Double(value) => (tag(4, FIXED64), value.to_le_bytes()),
        };
        let least = 3 * FIXED64_FIELD + attributes_len(series.attributes);
        let message = self.begin_of(tag(1, BYTES), least);
        self.times(series);
        self.fixed64(value_tag, value);
        self.exemplars(tag(5, BYTES), series.exemplars);
        self.attributes(tag(7, BYTES), series.attributes);
        self.end_of(&message);
    }

    fn histogram(&mut self, series: &Identity<'_>, point: &HistogramPoint<'_>) {
        let optional = [point.sum, point.min, point.max];
        let fields = 3 + optional.iter().flatten().count();
        let least = fields * FIXED64_FIELD
            + packed_len(point.bucket_counts.len())
            + packed_len(point.bounds.len())
            + attributes_len(series.attributes);
        let message = self.begin_of(tag(1, BYTES), least);
        self.times(series);
        self.fixed64(tag(4, FIXED64), point.count.to_le_bytes());
        self.double_if_any(tag(5, FIXED64), point.sum);
        self.packed(
            tag(6, BYTES),
            point.bucket_counts.iter().map(|count| count.to_le_bytes()),
        );
        self.bounds(point.bounds);
        self.exemplars(tag(8, BYTES), series.exemplars);
        self.attributes(tag(9, BYTES), series.attributes);
        self.double_if_any(tag(11, FIXED64), point.min);
        self.double_if_any(tag(12, FIXED64), point.max);
        self.end_of(&message);
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
        self.end_of(&Message { start, width: 1 });
    }

    /// As [`begin_small`](Self::begin_small), of a message that will be at least so long. It moves only
    /// if its length then takes more bytes than this one.
    fn begin_of(&mut self, tag: u8, least: usize) -> Message {
        if self.out.len() >= LONG && self.out.capacity() < WHOLE {
            // Room for all of it: no megabytes are copied as it grows. What stays empty takes no memory.
            self.out.reserve_exact(WHOLE - self.out.len());
        }
        let width = varint_len(least as u64);
        self.out.push(tag);
        self.out.extend_from_slice(&[0; LONGEST_VARINT]);
        let start = self.out.len() - LONGEST_VARINT + width;
        self.out.truncate(start);
        Message { start, width }
    }

    fn end_of(&mut self, message: &Message) {
        let &Message { start, width } = message;
        let end = self.out.len();
        let mut length = end - start;
        let needed = varint_len(length as u64);
        let first = start - width;
        if needed > width {
            self.out.resize(end + needed - width, 0);
            self.out.copy_within(start..end, first + needed);
        }
        let last = first + needed - 1;
        for byte in &mut self.out[first..last] {
            *byte = (length & 0x7f) as u8 | 0x80;
            length >>= 7;
        }
        self.out[last] = length as u8;
    }

    /// Start and end, which have one number in every kind of point.
    fn times(&mut self, series: &Identity<'_>) {
        let mut fields = [tag(2, FIXED64); 2 * FIXED64_FIELD];
        fields[1..9].copy_from_slice(&series.start.as_nanos().to_le_bytes());
        fields[9] = tag(3, FIXED64);
        fields[10..].copy_from_slice(&self.time.as_nanos().to_le_bytes());
        self.out.extend_from_slice(&fields);
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
        let mut field = [tag; FIXED64_FIELD];
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
        let start = self.out.len();
        self.out.resize(start + values.len() * 8, 0);
        let (places, _) = self.out[start..].as_chunks_mut();
        for (place, value) in places.iter_mut().zip(values) {
            *place = value;
        }
    }

    fn bounds(&mut self, bounds: &[f64]) {
        let same = |(a, b): (&f64, &f64)| a.to_bits() == b.to_bits();
        let known = &self.bounds.values;
        if known.len() != bounds.len() || !known.iter().zip(bounds).all(same) {
            let start = self.out.len();
            self.packed(
                tag(7, BYTES),
                bounds.iter().map(|bound| bound.to_le_bytes()),
            );
            self.bounds = Bounds {
                values: bounds.to_vec(),
                field: self.out.split_off(start),
            };
        }
        self.out.extend_from_slice(&self.bounds.field);
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
                    append(&mut self.out, attribute.otlp(length_delimited));
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

/// Bytes of recorded attributes. Others are written anew each time, and may move the message.
fn attributes_len(attributes: Attributes<'_>) -> usize {
    match attributes {
        Attributes::Recorded(attributes) => attributes
            .iter()
            .map(|attribute| 1 + attribute.otlp(length_delimited).len())
            .sum(),
        Attributes::Produced(_) => 0,
    }
}

/// Bytes of a packed field of so many numbers.
fn packed_len(numbers: usize) -> usize {
    match numbers {
        0 => 0,
        _ => 1 + varint_len(numbers as u64 * 8) + numbers * 8,
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
