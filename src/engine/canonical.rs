//! The form in which the engine knows attribute sets.

use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use opentelemetry::{Array, KeyValue, StringValue, Value};

/// Attributes in the engine's canonical form: sorted by key, no key twice.
///
/// Doubles are equal when their bits are, as in the hash of a [`KeyValue`] but not in its equality: a
/// set with NaN would not be found again.
#[derive(Clone, Debug)]
pub struct Canonical(Arc<[KeyValue]>);

impl Deref for Canonical {
    type Target = [KeyValue];

    fn deref(&self) -> &[KeyValue] {
        &self.0
    }
}

impl FromIterator<KeyValue> for Canonical {
    /// From attributes that are sorted already.
    fn from_iter<I: IntoIterator<Item = KeyValue>>(attributes: I) -> Self {
        Self(attributes.into_iter().collect())
    }
}

impl PartialEq for Canonical {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self
                .iter()
                .zip(other.iter())
                .all(|(a, b)| a.key == b.key && same(&a.value, &b.value))
    }
}

impl Eq for Canonical {}

impl Hash for Canonical {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::F64(a), Value::F64(b)) => a.to_bits() == b.to_bits(),
        (Value::Array(Array::F64(a)), Value::Array(Array::F64(b))) => a
            .iter()
            .map(|double| double.to_bits())
            .eq(b.iter().map(|double| double.to_bits())),
        (a, b) => a == b,
    }
}

/// An attribute with no more than this many characters of its value, or of each of its values
/// (common specification, "Attribute limits").
pub fn cut(attribute: &KeyValue, length: usize) -> KeyValue {
    let value = match &attribute.value {
        Value::String(text) => Value::String(cut_text(text, length)),
        Value::Array(Array::String(texts)) => Value::Array(Array::String(
            texts.iter().map(|text| cut_text(text, length)).collect(),
        )),
        other => other.clone(),
    };
    KeyValue::new(attribute.key.clone(), value)
}

fn cut_text(text: &StringValue, length: usize) -> StringValue {
    match text.as_str().char_indices().nth(length) {
        Some((end, _)) => StringValue::from(text.as_str()[..end].to_owned()),
        None => text.clone(),
    }
}

/// The attributes of the series that takes what exceeds the cardinality limit.
pub fn overflow_attributes() -> Canonical {
    Canonical::from_iter([KeyValue::new("otel.metric.overflow", true)])
}

pub fn is_overflow(attributes: &Canonical) -> bool {
    matches!(&attributes[..], [only] if only.key.as_str() == "otel.metric.overflow"
        && only.value == Value::Bool(true))
}
