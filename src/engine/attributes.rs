//! Attributes as the facade sends them: JSON, flat and in the order the caller gave.

use std::collections::HashSet;
use std::sync::Arc;

use opentelemetry::{Array, Key, KeyValue, StringValue, Value};
use serde_json::Value as Json;

use super::canonical::Canonical;
use super::collection::INCARNATION_KEY;

/// Keys kept for sharing; programs have few, and an attacker's must not stay.
const INTERNED_KEYS: usize = 4096;

/// Shares attribute keys between series: each is stored once.
#[derive(Default)]
pub struct Interner(HashSet<Arc<str>>);

impl Interner {
    fn key(&mut self, text: &str) -> Key {
        if let Some(known) = self.0.get(text) {
            return Key::from(known.clone());
        }
        let key: Arc<str> = Arc::from(text);
        if self.0.len() < INTERNED_KEYS {
            self.0.insert(key.clone());
        }
        Key::from(key)
    }

    /// Reads `[key, value, key, value, …]` into canonical form: sorted by key, the last value of a
    /// repeated key. What is no attribute value was left out by the facade already.
    pub fn canonical(&mut self, flat: &[Json]) -> Canonical {
        let mut attributes: Vec<KeyValue> = flat
            .chunks_exact(2)
            .filter_map(|pair| {
                let key = pair[0].as_str().filter(|key| *key != INCARNATION_KEY)?;
                Some(KeyValue::new(self.key(key), value(&pair[1])?))
            })
            .collect();
        attributes.sort_by(|a, b| a.key.cmp(&b.key));
        attributes.reverse();
        attributes.dedup_by(|a, b| a.key == b.key);
        attributes.reverse();
        attributes.into()
    }
}

fn value(json: &Json) -> Option<Value> {
    Some(match json {
        Json::String(text) => string(text),
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => Value::I64(integer),
            None => Value::F64(number.as_f64()?),
        },
        // A double that JSON cannot say: {"double": "NaN"}.
        Json::Object(object) => Value::F64(object.get("double")?.as_str()?.parse().ok()?),
        Json::Array(items) => Value::Array(array(items)),
        Json::Null => return None,
    })
}

fn string(text: &str) -> Value {
    Value::String(StringValue::from(Arc::<str>::from(text)))
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
