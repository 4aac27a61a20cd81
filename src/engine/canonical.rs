//! The form in which the engine knows attribute sets.

use std::borrow::Borrow;
use std::fmt::{self, Debug, Formatter};
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::LazyLock;

use opentelemetry::{Array, KeyValue, StringValue, Value};

use super::interned::Attribute;
use super::thin::Thin;

/// Attributes in the engine's canonical form: sorted by key, no key twice.
#[derive(Clone)]
pub struct Canonical(Thin<Attribute>);

impl Default for Canonical {
    /// No attributes.
    fn default() -> Self {
        Self(Thin::from(Vec::new()))
    }
}

impl Deref for Canonical {
    type Target = [Attribute];

    fn deref(&self) -> &[Attribute] {
        &self.0
    }
}

impl Borrow<[Attribute]> for Canonical {
    fn borrow(&self) -> &[Attribute] {
        self
    }
}

impl PartialEq for Canonical {
    fn eq(&self, other: &Self) -> bool {
        self.0[..] == other.0[..]
    }
}

impl Eq for Canonical {}

impl Hash for Canonical {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0[..].hash(state);
    }
}

impl Debug for Canonical {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        self.0[..].fmt(formatter)
    }
}

impl FromIterator<Attribute> for Canonical {
    /// From attributes that are sorted already.
    fn from_iter<I: IntoIterator<Item = Attribute>>(attributes: I) -> Self {
        Self(Thin::from(attributes.into_iter().collect::<Vec<_>>()))
    }
}

impl FromIterator<KeyValue> for Canonical {
    /// From attributes that are sorted already.
    fn from_iter<I: IntoIterator<Item = KeyValue>>(attributes: I) -> Self {
        attributes.into_iter().map(Attribute::from).collect()
    }
}

/// An attribute with no more than this many characters of its value, or of each of its values
/// (common specification, "Attribute limits").
pub fn cut(attribute: &Attribute, length: usize) -> Attribute {
    let value = match &attribute.value {
        Value::String(text) if is_longer(text, length) => Value::String(cut_text(text, length)),
        Value::Array(Array::String(texts)) if texts.iter().any(|text| is_longer(text, length)) => {
            Value::Array(Array::String(
                texts.iter().map(|text| cut_text(text, length)).collect(),
            ))
        }
        _ => return attribute.clone(),
    };
    Attribute::from(KeyValue::new(attribute.key.clone(), value))
}

fn is_longer(text: &StringValue, length: usize) -> bool {
    text.as_str().chars().nth(length).is_some()
}

fn cut_text(text: &StringValue, length: usize) -> StringValue {
    match text.as_str().char_indices().nth(length) {
        Some((end, _)) => StringValue::from(text.as_str()[..end].to_owned()),
        None => text.clone(),
    }
}

/// The attributes of the series that takes what exceeds the cardinality limit.
static OVERFLOW: LazyLock<Canonical> =
    LazyLock::new(|| Canonical::from_iter([KeyValue::new("otel.metric.overflow", true)]));

pub fn overflow_attributes() -> Canonical {
    OVERFLOW.clone()
}

pub fn is_overflow(attributes: &Canonical) -> bool {
    *attributes == *OVERFLOW
}
