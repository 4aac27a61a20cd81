//! Attributes as the facade sends them: JSON, flat and in the order the caller gave.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use opentelemetry::{Array, Key, KeyValue, StringValue, Value};
use serde_json::Value as Json;

use super::canonical::Canonical;

/// Keys kept for sharing; programs have few, and an attacker's must not stay.
const INTERNED_KEYS: usize = 4096;

/// Places for values that may be shared, and the longest text in one: at most half a megabyte.
const VALUE_PLACES: usize = 4096;
const LONGEST_SHARED: usize = 64;

/// Shares the texts of attributes between series.
pub struct Interner {
    keys: HashSet<Arc<str>>,
    /// By hash, the last text that fell into each place: values of few different texts, such as
    /// methods and routes, find themselves, and those of an attacker push one another out.
    values: Vec<Option<Arc<str>>>,
    hasher: RandomState,
}

impl Default for Interner {
    fn default() -> Self {
        Self {
            keys: HashSet::new(),
            values: vec![None; VALUE_PLACES],
            hasher: RandomState::new(),
        }
    }
}

impl Interner {
    fn key(&mut self, text: &str) -> Key {
        if let Some(known) = self.keys.get(text) {
            return Key::from(known.clone());
        }
        let key: Arc<str> = Arc::from(text);
        if self.keys.len() < INTERNED_KEYS {
            self.keys.insert(key.clone());
        }
        Key::from(key)
    }

    fn string(&mut self, text: &str) -> Value {
        if text.len() > LONGEST_SHARED {
            return Value::String(StringValue::from(Arc::<str>::from(text)));
        }
        let place = self.hasher.hash_one(text) as usize % VALUE_PLACES;
        let shared = match &self.values[place] {
            Some(known) if **known == *text => known.clone(),
            _ => Arc::from(text),
        };
        self.values[place] = Some(shared.clone());
        Value::String(StringValue::from(shared))
    }

    /// Reads `[key, value, key, value, …]` into canonical form: sorted by key, the last value of a
    /// repeated key. What is no attribute value was left out by the facade already.
    pub fn canonical(&mut self, flat: &[Json]) -> Canonical {
        let mut attributes: Vec<KeyValue> = flat
            .chunks_exact(2)
            .filter_map(|pair| {
                let key = pair[0].as_str()?;
                let value = match &pair[1] {
                    Json::String(text) => self.string(text),
                    other => value(other)?,
                };
                Some(KeyValue::new(self.key(key), value))
            })
            .collect();
        attributes.sort_by(|a, b| a.key.cmp(&b.key));
        attributes.reverse();
        attributes.dedup_by(|a, b| a.key == b.key);
        attributes.into_iter().rev().collect()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the text of the only attribute lies.
    fn place(interner: &mut Interner, text: &str) -> *const u8 {
        let flat = [Json::from("key"), Json::from(text)];
        match &interner.canonical(&flat)[0].value {
            Value::String(value) => value.as_str().as_ptr(),
            other => panic!("{other:?} is no text"),
        }
    }

    #[test]
    fn equal_values_of_different_series_are_one_text() {
        let mut interner = Interner::default();
        let first = place(&mut interner, "GET");
        assert_eq!(place(&mut interner, "GET"), first);
    }

    #[test]
    fn values_that_keep_changing_do_not_pile_up() {
        let mut interner = Interner::default();
        let long = "x".repeat(1000);
        for n in 0..10 * VALUE_PLACES {
            place(&mut interner, &n.to_string());
            place(&mut interner, &long);
        }
        let kept = interner.values.iter().flatten();
        assert!(kept.clone().all(|text| text.len() <= LONGEST_SHARED));
        assert!(kept.count() <= VALUE_PLACES);
    }
}
