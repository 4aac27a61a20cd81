//! Attributes as the facade sends them: JSON, flat and in the order the caller gave.

use std::borrow::Cow;
use std::fmt::{self, Formatter};

use opentelemetry::{Array, KeyValue, StringValue, Value};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::Deserialize;
use serde_json::{json, Number, Value as Json};
use smallvec::SmallVec;

use super::canonical::Canonical;
use super::interned::Attribute;

/// Reads `[key, value, key, value, …]`.
///
/// # Errors
/// It is not that.
pub fn read(json: &str) -> serde_json::Result<Canonical> {
    serde_json::from_str(json).map(|Flat(attributes)| attributes)
}

/// What [`read`] understands.
pub fn write(attributes: &Canonical) -> Json {
    let flat = attributes
        .iter()
        .flat_map(|kv| [Json::from(kv.key.as_str()), to_json(&kv.value)]);
    Json::from_iter(flat)
}

/// Attributes in canonical form: sorted by key, the last value of a repeated key. What is no attribute
/// value was left out by the facade already.
pub struct Flat(pub Canonical);

impl<'de> Deserialize<'de> for Flat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(FlatVisitor)
    }
}

struct FlatVisitor;

impl<'de> Visitor<'de> for FlatVisitor {
    type Value = Flat;

    fn expecting(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("[key, value, …]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Flat, A::Error> {
        let mut attributes: SmallVec<[Attribute; 8]> = SmallVec::new();
        while let Some(Text(key)) = list.next_element()? {
            attributes.extend(list.next_element_seed(ValueOf(&key))?.flatten());
        }
        attributes.sort_by(|a, b| a.key.cmp(&b.key));
        attributes.reverse();
        attributes.dedup_by(|a, b| a.key == b.key);
        Ok(Flat(attributes.into_iter().rev().collect()))
    }
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads the value of an attribute with this key.
struct ValueOf<'k>(&'k str);

impl ValueOf<'_> {
    fn attribute(self, value: Option<Value>) -> Option<Attribute> {
        Some(KeyValue::new(self.0.to_owned(), value?).into())
    }
}

impl<'de> DeserializeSeed<'de> for ValueOf<'_> {
    type Value = Option<Attribute>;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<Self::Value, D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueOf<'_> {
    type Value = Option<Attribute>;

    fn expecting(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("the value of an attribute")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Attribute::of_text(self.0, text)))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(self.attribute(Some(Value::Bool(flag))))
    }

    fn visit_i64<E>(self, integer: i64) -> Result<Self::Value, E> {
        Ok(self.attribute(Some(Value::I64(integer))))
    }

    fn visit_u64<E>(self, integer: u64) -> Result<Self::Value, E> {
        let value = match i64::try_from(integer) {
            Ok(integer) => Value::I64(integer),
            Err(_) => Value::F64(integer as f64),
        };
        Ok(self.attribute(Some(value)))
    }

    fn visit_f64<E>(self, double: f64) -> Result<Self::Value, E> {
        Ok(self.attribute(Some(Value::F64(double))))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        let items = Vec::<Json>::deserialize(SeqAccessDeserializer::new(list))?;
        Ok(self.attribute(Some(Value::Array(array(&items)))))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let object = Json::deserialize(MapAccessDeserializer::new(map))?;
        Ok(self.attribute(double(&object).map(Value::F64)))
    }
}

/// A double that JSON cannot say: `{"double": "NaN"}`.
fn double(json: &Json) -> Option<f64> {
    json.get("double")?.as_str()?.parse().ok()
}

fn to_json(value: &Value) -> Json {
    let of_double = |double: f64| match Number::from_f64(double) {
        Some(number) => Json::Number(number),
        None if double.is_nan() => json!({ "double": "NaN" }),
        None if double > 0.0 => json!({ "double": "Infinity" }),
        None => json!({ "double": "-Infinity" }),
    };
    match value {
        Value::Bool(flag) => Json::from(*flag),
        Value::I64(integer) => Json::from(*integer),
        Value::F64(double) => of_double(*double),
        Value::Array(Array::Bool(flags)) => Json::from_iter(flags.iter().copied()),
        Value::Array(Array::I64(integers)) => Json::from_iter(integers.iter().copied()),
        Value::Array(Array::F64(doubles)) => {
            Json::from_iter(doubles.iter().copied().map(of_double))
        }
        Value::Array(Array::String(texts)) => {
            Json::from_iter(texts.iter().map(StringValue::as_str))
        }
        // Both enumerations may get more members; the facade sends none of these.
        other => Json::from(other.as_str()),
    }
}

/// The facade sends arrays of one type; an empty one counts as strings. Numbers are doubles as
/// soon as one of them is.
fn array(items: &[Json]) -> Array {
    match items.first() {
        Some(Json::Bool(_)) => Array::Bool(items.iter().filter_map(Json::as_bool).collect()),
        Some(Json::Number(_) | Json::Object(_)) => {
            match items.iter().map(Json::as_i64).collect::<Option<Vec<_>>>() {
                Some(integers) => Array::I64(integers),
                None => Array::F64(
                    items
                        .iter()
                        .filter_map(|item| item.as_f64().or_else(|| double(item)))
                        .collect(),
                ),
            }
        }
        _ => Array::String(
            items
                .iter()
                .map(|item| StringValue::from(item.as_str().unwrap_or("").to_owned()))
                .collect(),
        ),
    }
}
