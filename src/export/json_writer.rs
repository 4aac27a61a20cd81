//! JSON written as it comes: what is exported is far too large to be built as a tree first.

use opentelemetry::{Array, KeyValue, Value};

/// Appends JSON to a buffer. Commas are put where the byte before calls for one, so that callers
/// only say what stands where; that the calls nest properly is theirs to see to.
#[derive(Default)]
pub(crate) struct JsonWriter {
    out: Vec<u8>,
}

impl JsonWriter {
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Takes back what was written since it had this length.
    pub fn truncate(&mut self, len: usize) {
        self.out.truncate(len);
    }

    /// What was written so far; the writer starts anew.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Opens `{` or `[`.
    pub fn open(&mut self, bracket: u8) {
        self.separate();
        self.out.push(bracket);
    }

    /// Closes with `}` or `]`.
    pub fn close(&mut self, bracket: u8) {
        self.out.push(bracket);
    }

    /// Ends a document of JSON lines.
    pub fn line(&mut self) {
        self.out.push(b'\n');
    }

    /// A member's name; it must need no escaping.
    pub fn key(&mut self, key: &'static str) {
        self.separate();
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    pub fn string(&mut self, value: &str) {
        self.separate();
        self.serialize(value);
    }

    pub fn bool(&mut self, value: bool) {
        self.separate();
        self.serialize(&value);
    }

    /// A 32-bit integer, and 64-bit ones where every reader is known to keep them whole.
    pub fn int(&mut self, value: i64) {
        self.separate();
        self.serialize(&value);
    }

    /// A 64-bit integer as a string of decimal digits, as proto3's JSON mapping wants it.
    pub fn quoted(&mut self, value: impl std::fmt::Display) {
        use std::io::Write;
        self.separate();
        write!(self.out, "\"{value}\"").expect("a Vec takes every write");
    }

    /// JSON has no words for what is not finite; proto3's mapping spells them as strings.
    pub fn double(&mut self, value: f64) {
        self.separate();
        if value.is_finite() {
            self.serialize(&value);
        } else if value.is_nan() {
            self.serialize("NaN");
        } else if value > 0.0 {
            self.serialize("Infinity");
        } else {
            self.serialize("-Infinity");
        }
    }

    /// `{"key": value, …}` with the attributes' own JSON types.
    pub fn plain_attributes<'a>(&mut self, attributes: impl IntoIterator<Item = &'a KeyValue>) {
        self.open(b'{');
        for attribute in attributes {
            self.string(attribute.key.as_str());
            self.out.push(b':');
            self.plain_value(&attribute.value);
        }
        self.close(b'}');
    }

    fn plain_value(&mut self, value: &Value) {
        match value {
            Value::Bool(value) => self.bool(*value),
            Value::I64(value) => self.int(*value),
            Value::F64(value) => self.double(*value),
            Value::String(value) => self.string(value.as_str()),
            Value::Array(array) => {
                self.open(b'[');
                match array {
                    Array::Bool(values) => values.iter().for_each(|value| self.bool(*value)),
                    Array::I64(values) => values.iter().for_each(|value| self.int(*value)),
                    Array::F64(values) => values.iter().for_each(|value| self.double(*value)),
                    Array::String(values) => {
                        values.iter().for_each(|value| self.string(value.as_str()));
                    }
                    other => self.string(&format!("{other:?}")),
                }
                self.close(b']');
            }
            other => self.string(&other.as_str()),
        }
    }

    fn separate(&mut self) {
        if !matches!(self.out.last(), None | Some(b'{' | b'[' | b':' | b'\n')) {
            self.out.push(b',');
        }
    }

    fn serialize<T: serde::Serialize + ?Sized>(&mut self, value: &T) {
        serde_json::to_writer(&mut self.out, value).expect("a Vec takes every write");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_stand_between_members_and_elements_only() {
        let mut json = JsonWriter::default();
        json.open(b'{');
        json.key("a");
        json.open(b'[');
        json.int(1);
        json.string("{");
        json.string("x,");
        json.double(f64::NEG_INFINITY);
        json.double(f64::NAN);
        json.close(b']');
        json.key("b");
        json.open(b'{');
        json.close(b'}');
        json.key("c");
        json.quoted(u64::MAX);
        json.close(b'}');
        json.line();
        json.open(b'[');
        json.close(b']');
        let text = String::from_utf8(json.take()).unwrap();
        assert_eq!(
            text,
            "{\"a\":[1,\"{\",\"x,\",\"-Infinity\",\"NaN\"],\"b\":{},\"c\":\"18446744073709551615\"}\n[]"
        );
    }
}
