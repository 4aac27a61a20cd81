//! Whether series can have the same labels, told from their attributes without writing any label.

use std::collections::HashMap;
use std::rc::Rc;

use smallvec::SmallVec;

use super::labels::{Labeller, Shape, RECENT};
use crate::engine::points::{Attributes, ValueKind};

/// Looks at the attributes of one metric's points, no two of which are the same. Of those that have keys
/// and kinds of values in common, one is enough.
///
/// Different attributes are different labels where every key is a label of its own (`a.b` and `a_b`
/// are one) and all values of a key are of one kind (`1` and `"1"` are one text).
pub struct Distinct<'l> {
    labeller: &'l mut Labeller,
    histogram: bool,
    /// The last one seen last.
    shapes: Vec<Rc<Shape>>,
    /// Of the values of the point seen last.
    last: SmallVec<[ValueKind; 8]>,
    /// Which key became a label, by the label's name.
    names: HashMap<String, usize>,
    names_shared: bool,
    /// Kinds of the values of each key, a bit each, by its number.
    kinds: Vec<u8>,
}

impl<'l> Distinct<'l> {
    pub fn new(labeller: &'l mut Labeller, histogram: bool) -> Self {
        Self {
            labeller,
            histogram,
            shapes: Vec::new(),
            last: SmallVec::new(),
            names: HashMap::new(),
            names_shared: false,
            kinds: Vec::new(),
        }
    }

    /// Looks at one more point. `false`: no need to look at others.
    pub fn see(&mut self, attributes: Attributes<'_>) -> bool {
        if self.is_like_last(attributes) {
            return true;
        }
        let shape = self.labeller.shape(attributes, self.histogram).clone();
        self.see_shape(&shape);
        self.last = attributes
            .iter()
            .map(|kv| ValueKind::of(&kv.value))
            .collect();
        for (key, kind) in shape.keys.iter().zip(&self.last) {
            self.kinds[key.number] |= bit(*kind);
        }
        !self.names_shared && self.shapes.len() <= RECENT
    }

    /// Whether a point has the keys and kinds of values of the one before, which says nothing new.
    fn is_like_last(&self, attributes: Attributes<'_>) -> bool {
        let Some(shape) = self.shapes.last() else {
            return false;
        };
        shape.keys.len() == attributes.len()
            && attributes
                .iter()
                .zip(&shape.keys)
                .zip(&self.last)
                .all(|((kv, key), last)| key.is(&kv.key) && ValueKind::of(&kv.value) == *last)
    }

    fn see_shape(&mut self, shape: &Rc<Shape>) {
        if let Some(at) = self.shapes.iter().position(|seen| Rc::ptr_eq(seen, shape)) {
            self.shapes[at..].rotate_left(1);
            return;
        }
        self.shapes.push(shape.clone());
        for (name, keys) in shape.labels() {
            for key in &keys {
                let first = *self.names.entry(name.text.clone()).or_insert(key.number);
                self.names_shared |= first != key.number;
            }
            // A key may also stand in a point twice.
            self.names_shared |= keys.len() > 1;
        }
        let numbers = shape.keys.iter().map(|key| key.number + 1);
        let needed = numbers.max().unwrap_or(0).max(self.kinds.len());
        self.kinds.resize(needed, 0);
    }

    /// Whether no two of the points can have the same labels.
    pub fn holds(&self) -> bool {
        let one_kind = |kinds: &u8| *kinds & bit(ValueKind::Other) == 0 && kinds.count_ones() <= 1;
        !self.names_shared && self.shapes.len() <= RECENT && self.kinds.iter().all(one_kind)
    }

    /// What the attributes of all points became, if that is the same.
    pub fn only_shape(&self) -> Option<Rc<Shape>> {
        match &self.shapes[..] {
            [only] => Some(only.clone()),
            _ => None,
        }
    }

    /// Whether a point has a label of this name.
    pub fn has(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }
}

fn bit(kind: ValueKind) -> u8 {
    1 << kind as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::prometheus::names::Naming;
    use opentelemetry::{Array, KeyValue, Value};

    fn holds(points: &[&[KeyValue]], histogram: bool) -> bool {
        let mut labeller = Labeller::new(Naming::default());
        let mut distinct = Distinct::new(&mut labeller, histogram);
        for attributes in points {
            distinct.see(Attributes::Produced(attributes));
        }
        distinct.holds()
    }

    fn kv(key: &'static str, value: impl Into<Value>) -> KeyValue {
        KeyValue::new(key, value)
    }

    #[test]
    fn values_of_one_kind_under_keys_of_their_own_are_distinct() {
        assert!(holds(&[], false));
        assert!(holds(&[&[], &[kv("a", "1")], &[kv("b", "1")]], false));
        assert!(holds(
            &[
                &[kv("a", "1"), kv("b", 1), kv("c", true), kv("d", 0.5)],
                &[kv("a", "2"), kv("b", 1), kv("c", false), kv("d", -0.0)],
            ],
            false
        ));
    }

    #[test]
    fn values_of_several_kinds_may_be_one_text() {
        for (a, b) in [
            (Value::from("1"), Value::from(1)),
            (Value::from("true"), Value::from(true)),
            (Value::from(1), Value::from(1.0)),
        ] {
            assert!(!holds(&[&[kv("a", a)], &[kv("a", b)]], false));
        }
        for value in [
            Value::from(""),
            Value::from(f64::NAN),
            Value::Array(Array::I64(vec![1])),
        ] {
            assert!(!holds(&[&[kv("a", value)]], false));
        }
    }

    #[test]
    fn keys_may_be_one_name() {
        assert!(!holds(&[&[kv("a.b", "1")], &[kv("a_b", "1")]], false));
        assert!(!holds(&[&[kv("a.b", "1"), kv("a_b", "1")]], false));
        assert!(!holds(&[&[kv("a", "1"), kv("a", "2")]], false));
        let own = [kv("le", "1")];
        let moved = [kv("exported_le", "1")];
        assert!(holds(&[&own, &moved], false));
        assert!(!holds(&[&own, &moved], true));
    }

    #[test]
    fn more_sets_of_keys_than_are_remembered_are_not_looked_into() {
        let sets: Vec<[KeyValue; 1]> = (0..=RECENT)
            .map(|n| [KeyValue::new(format!("k{n}"), "1")])
            .collect();
        let sets: Vec<&[KeyValue]> = sets.iter().map(|set| &set[..]).collect();
        assert!(holds(&sets[..RECENT], false));
        assert!(!holds(&sets, false));
    }
}
