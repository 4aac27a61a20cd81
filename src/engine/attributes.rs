//! Attributes as the facade sends them: JSON, flat and in the order the caller gave.

use opentelemetry::{Array, KeyValue, StringValue, Value};
use serde_json::Value as Json;

use super::canonical::Canonical;
use super::interned::Attribute;

/// Reads `[key, value, key, value, …]` into canonical form: sorted by key, the last value of a
/// repeated key. What is no attribute value was left out by the facade already.
pub fn canonical(flat: &[Json]) -> Canonical {
    let mut attributes: Vec<Attribute> = flat
        .chunks_exact(2)
        .filter_map(|pair| {
            let key = pair[0].as_str()?;
            Some(match &pair[1] {
                Json::String(text) => Attribute::of_text(key, text),
                other => Attribute::from(KeyValue::new(key.to_owned(), value(other)?)),
            })
        })
        .collect();
    attributes.sort_by(|a, b| a.key.cmp(&b.key));
    attributes.reverse();
    attributes.dedup_by(|a, b| a.key == b.key);
    attributes.into_iter().rev().collect()
}

/// A value that is no text of its own.
fn value(json: &Json) -> Option<Value> {
    Some(match json {
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => Value::I64(integer),
            None => Value::F64(number.as_f64()?),
        },
        // A double that JSON cannot say: {"double": "NaN"}.
        Json::Object(object) => Value::F64(object.get("double")?.as_str()?.parse().ok()?),
        Json::Array(items) => Value::Array(array(items)),
        Json::String(_) | Json::Null => return None,
    })
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
                        .filter_map(|item| match value(item)? {
                            Value::I64(integer) => Some(integer as f64),
                            Value::F64(double) => Some(double),
                            _ => None,
                        })
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
