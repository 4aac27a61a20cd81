//! Attributes, each of them once for the process: series that have one in common share it, and equal
//! ones are told by where they lie.

use std::collections::HashSet;
use std::fmt::{self, Debug, Formatter};
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::ops::Deref;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

use hashbrown::HashTable;
use opentelemetry::{Array, Key, KeyValue, Value};

/// Bytes that attributes may take which nobody has any more, or as many as those in use.
const UNUSED: usize = 512 * 1024;

/// Keys kept for sharing; programs have few, and an attacker's must not stay.
const KEYS: usize = 4096;

/// An attribute. Equal ones are one and the same.
///
/// Doubles are equal when their bits are, as in the hash of a [`KeyValue`] but not in its equality: a
/// set with NaN would not be found again.
#[derive(Clone)]
pub struct Attribute(Arc<Interned>);

struct Interned {
    attribute: KeyValue,
    otlp: OnceLock<Box<[u8]>>,
}

impl Attribute {
    /// Of a value that is text.
    pub fn of_text(key: &str, text: &str) -> Self {
        let mut table = table();
        let hash = hash_text(&table.hasher, key, text);
        let is_it = |known: &Attribute| {
            matches!(&known.value, Value::String(known) if known.as_str() == text)
                && known.key.as_str() == key
        };
        if let Some(known) = table.attributes.find(hash, is_it) {
            return known.clone();
        }
        let key = table.key(key);
        table.insert(hash, KeyValue::new(key, Arc::<str>::from(text)))
    }

    /// What `encode` makes of it for OTLP, once.
    pub fn otlp(&self, encode: impl FnOnce(&KeyValue) -> Box<[u8]>) -> &[u8] {
        self.0.otlp.get_or_init(|| encode(self))
    }

    /// Whether it has the same key. Keys are interned as well, nearly all of them.
    pub fn has_key_of(&self, other: &Self) -> bool {
        std::ptr::eq(self.key.as_str(), other.key.as_str()) || self.key == other.key
    }

    /// Where it lies: two that exist at a time have different addresses.
    pub fn address(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }

    /// About how many bytes it takes.
    fn size(&self) -> usize {
        let value = match &self.value {
            Value::String(text) => text.as_str().len(),
            Value::Array(array) => size_of_array(array),
            _ => 0,
        };
        // Twice, because of the encoded form.
        size_of::<Interned>() + self.key.as_str().len() + 2 * value
    }
}

impl From<KeyValue> for Attribute {
    fn from(attribute: KeyValue) -> Self {
        if let Value::String(text) = &attribute.value {
            return Self::of_text(attribute.key.as_str(), text.as_str());
        }
        let mut table = table();
        let hash = hash(&table.hasher, &attribute);
        let is_it = |known: &Attribute| {
            known.key == attribute.key && is_same(&known.value, &attribute.value)
        };
        if let Some(known) = table.attributes.find(hash, is_it) {
            return known.clone();
        }
        let key = table.key(attribute.key.as_str());
        table.insert(hash, KeyValue::new(key, attribute.value))
    }
}

impl Deref for Attribute {
    type Target = KeyValue;

    fn deref(&self) -> &KeyValue {
        &self.0.attribute
    }
}

impl PartialEq for Attribute {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Attribute {}

impl Hash for Attribute {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

impl Debug for Attribute {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        self.0.attribute.fmt(formatter)
    }
}

/// Every attribute in use, and some that were.
struct Table {
    attributes: HashTable<Attribute>,
    keys: HashSet<Arc<str>>,
    hasher: RandomState,
    /// Bytes of those in use when it was looked last, and of those that have come since.
    used: usize,
    new: usize,
}

static TABLE: LazyLock<Mutex<Table>> = LazyLock::new(|| {
    Mutex::new(Table {
        attributes: HashTable::new(),
        keys: HashSet::new(),
        hasher: RandomState::new(),
        used: 0,
        new: 0,
    })
});

fn table() -> MutexGuard<'static, Table> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Table {
    fn key(&mut self, text: &str) -> Key {
        if let Some(known) = self.keys.get(text) {
            return Key::from(known.clone());
        }
        let key: Arc<str> = Arc::from(text);
        if self.keys.len() < KEYS {
            self.keys.insert(key.clone());
        }
        Key::from(key)
    }

    fn insert(&mut self, hash: u64, attribute: KeyValue) -> Attribute {
        let attribute = Attribute(Arc::new(Interned {
            attribute,
            otlp: OnceLock::new(),
        }));
        self.new += attribute.size();
        if self.new > self.used.max(UNUSED) {
            self.forget_unused();
        }
        let rehash = |known: &Attribute| self::hash(&self.hasher, known);
        self.attributes
            .insert_unique(hash, attribute.clone(), rehash);
        attribute
    }

    /// Lets go of the attributes that only the table has. Nobody can get at one meanwhile: that takes
    /// the table's lock.
    fn forget_unused(&mut self) {
        self.attributes
            .retain(|attribute| Arc::strong_count(&attribute.0) > 1);
        self.used = self.attributes.iter().map(Attribute::size).sum();
        self.new = 0;
    }
}

fn hash(hasher: &RandomState, attribute: &KeyValue) -> u64 {
    match &attribute.value {
        Value::String(text) => hash_text(hasher, attribute.key.as_str(), text.as_str()),
        _ => hasher.hash_one(attribute),
    }
}

fn hash_text(hasher: &RandomState, key: &str, text: &str) -> u64 {
    hasher.hash_one((key, text))
}

fn size_of_array(array: &Array) -> usize {
    match array {
        Array::Bool(flags) => flags.len(),
        Array::I64(integers) => size_of_val(&integers[..]),
        Array::F64(doubles) => size_of_val(&doubles[..]),
        Array::String(texts) => {
            let lengths = texts.iter().map(|text| text.as_str().len());
            size_of_val(&texts[..]) + lengths.sum::<usize>()
        }
        _ => 0,
    }
}

fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::F64(a), Value::F64(b)) => a.to_bits() == b.to_bits(),
        (Value::Array(Array::F64(a)), Value::Array(Array::F64(b))) => a
            .iter()
            .map(|double| double.to_bits())
            .eq(b.iter().map(|double| double.to_bits())),
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kv(value: impl Into<Value>) -> Attribute {
        Attribute::from(KeyValue::new("interned.test", value))
    }

    #[test]
    fn equal_attributes_are_one_and_different_ones_are_not() {
        let values = || {
            [
                Value::from("1"),
                Value::from(1),
                Value::from(1.0),
                Value::from(true),
                Value::from(f64::NAN),
                Value::from(0.0),
                Value::from(-0.0),
                Value::Array(Array::F64(vec![f64::NAN])),
                Value::Array(Array::I64(vec![1])),
                Value::Array(Array::String(vec!["1".into()])),
                Value::Array(Array::String(Vec::new())),
            ]
        };
        let first = values().map(kv);
        let again = values().map(kv);
        assert_eq!(first, again);
        for (at, one) in first.iter().enumerate() {
            assert!(!first[..at].contains(one), "{one:?}");
        }
        let key = KeyValue::new("interned.other", "1");
        assert_ne!(Attribute::from(key), first[0]);
        assert_eq!(Attribute::of_text("interned.test", "1"), first[0]);
        let keys = [&first[0], &first[1]].map(|one| one.key.as_str().as_ptr());
        assert_eq!(keys[0], keys[1]);
    }

    #[test]
    fn attributes_that_nobody_has_any_more_do_not_pile_up() {
        let kept = kv("kept");
        let long = "x".repeat(1000);
        for n in 0..20 * UNUSED / long.len() {
            kv(format!("{n}{long}"));
        }
        let table = table();
        let unused = table
            .attributes
            .iter()
            .filter(|known| Arc::strong_count(&known.0) == 1);
        let bytes: usize = unused.map(Attribute::size).sum();
        assert!(bytes <= 2 * table.used.max(UNUSED), "{bytes}");
        drop(table);
        assert_eq!(kv("kept"), kept);
    }
}
