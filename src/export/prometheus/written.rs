//! Labels as the text formats write them, of the attributes that come up again and again on a page.

use std::rc::Rc;

use super::labels::{with_text, LabelName, Labels};
use super::quoting::escape;
use crate::engine::interned::Attribute;
use crate::export::append::append;

/// A power of two. A program has few values of most keys; where one has many, they share these.
const SLOTS: usize = 256;

/// The longest label that is kept.
const LONGEST: usize = 64;

/// What ends the label before, which the first one does not have.
const SEPARATOR: &[u8] = b"\",";

/// Writes labels; remembers some for as long as it lives. Each slot has the one label that was written
/// most recently of those that belong there, if it was written twice in a row: what comes up once, such
/// as a key with a value for each series, puts nothing out.
pub struct WrittenLabels {
    slots: Vec<Slot>,
    /// Room for a label's value.
    scratch: String,
}

#[derive(Clone)]
struct Slot {
    /// Whose label it is, and its name, which differs between kinds of families. It has the attribute
    /// and not its address: another one could have that later.
    of: Option<(Attribute, Rc<LabelName>)>,
    /// Where the attribute was whose label was not in the slot. A hint: it may be another one by now.
    missed: usize,
    len: usize,
    text: [u8; LONGEST],
}

impl WrittenLabels {
    pub fn new() -> Self {
        let empty = Slot {
            of: None,
            missed: 0,
            len: 0,
            text: [0; LONGEST],
        };
        Self {
            slots: vec![empty; SLOTS],
            scratch: String::new(),
        }
    }

    /// Writes the labels of a series, apart from those of its scope, but for the quote that ends the
    /// last. Labels begin at `start`.
    pub fn write(&mut self, out: &mut Vec<u8>, start: usize, labels: Labels<'_>) {
        if let Some(attributes) = labels.recorded() {
            for (name, attribute) in attributes {
                self.write_attribute(out, start, name, attribute);
            }
            return;
        }
        labels.for_each(&mut self.scratch, &mut |name, value| {
            write_label(out, start, name, value);
        });
    }

    fn write_attribute(
        &mut self,
        out: &mut Vec<u8>,
        start: usize,
        name: &Rc<LabelName>,
        attribute: &Attribute,
    ) {
        let address = attribute.address();
        let slot = &mut self.slots[slot_of(address)];
        match &slot.of {
            Some((of, its)) if of == attribute && Rc::ptr_eq(its, name) => {
                return slot.write(out, out.len() > start);
            }
            _ => {}
        }
        let before = out.len();
        with_text(&attribute.value, &mut self.scratch, &mut |value| {
            write_label(out, start, name, value);
        });
        if slot.missed == address {
            slot.keep(&out[before..], before > start, name, attribute);
        }
        slot.missed = address;
    }
}

impl Slot {
    fn write(&self, out: &mut Vec<u8>, is_second: bool) {
        // Copies of a size that the compiler knows, cut off afterwards, need no loop and no call.
        let before = out.len();
        if is_second {
            out.extend_from_slice(&self.text);
            out.truncate(before + self.len);
        } else if let Some(text) = self.text.last_chunk::<{ LONGEST - SEPARATOR.len() }>() {
            out.extend_from_slice(text);
            out.truncate(before + self.len.saturating_sub(SEPARATOR.len()));
        }
    }

    fn keep(
        &mut self,
        written: &[u8],
        is_second: bool,
        name: &Rc<LabelName>,
        attribute: &Attribute,
    ) {
        // An empty value is no label, and has no separator.
        let separator = match is_second || written.is_empty() {
            true => &b""[..],
            false => SEPARATOR,
        };
        let len = separator.len() + written.len();
        let Some(text) = self.text.get_mut(..len) else {
            return;
        };
        let (first, rest) = text.split_at_mut(separator.len());
        first.copy_from_slice(separator);
        rest.copy_from_slice(written);
        self.len = len;
        self.of = Some((attribute.clone(), name.clone()));
    }
}

/// Multiplied, as addresses differ least in the bits that would be taken otherwise.
fn slot_of(address: usize) -> usize {
    let mixed = (address as u64 >> 4).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> (u64::BITS - SLOTS.ilog2())) as usize
}

/// Writes a label but for the quote that ends it.
pub fn write_label(out: &mut Vec<u8>, start: usize, name: &LabelName, value: &str) {
    append_label(out, start, name.opening.as_bytes());
    escape(out, value, true);
}

/// Writes text that ends the label before it first, unless there is none since `start`.
pub fn append_label(out: &mut Vec<u8>, start: usize, text: &[u8]) {
    let text = match out.len() > start {
        true => text,
        false => text.get(SEPARATOR.len()..).unwrap_or_default(),
    };
    append(out, text);
}

#[cfg(test)]
mod tests {
    use opentelemetry::{KeyValue, Value};
    use proptest::prelude::*;

    use super::*;
    use crate::engine::points::Attributes;
    use crate::export::prometheus::labels::Labeller;
    use crate::export::prometheus::names::Naming;

    fn values() -> impl Strategy<Value = Value> {
        let length = LONGEST - 2 * SEPARATOR.len();
        prop_oneof![
            "[a-c]".prop_map(Value::from),
            "[\"\\\\\n]{0,2}".prop_map(Value::from),
            (length - 8..length + 8).prop_map(|length| Value::from("x".repeat(length))),
            (0..3i64).prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            Just(Value::from(f64::NAN)),
        ]
    }

    /// Attributes by key, of which there are few.
    fn sets() -> impl Strategy<Value = Vec<KeyValue>> {
        let values = (values(), values(), values());
        values.prop_map(|(a, le, z)| {
            [("a", a), ("le", le), ("z.z", z)]
                .map(|(key, value)| KeyValue::new(key, value))
                .to_vec()
        })
    }

    fn written(labels: Labels<'_>, by: &mut WrittenLabels) -> Vec<u8> {
        let mut out = b"name{".to_vec();
        let start = out.len();
        by.write(&mut out, start, labels);
        out
    }

    proptest! {
        #[test]
        fn labels_that_are_remembered_are_written_as_those_that_are_not(
            sets in prop::collection::vec((sets(), any::<bool>()), 1..100),
        ) {
            let mut labeller = Labeller::new(Naming::default());
            let mut remembering = WrittenLabels::new();
            for (set, histogram) in sets {
                let recorded: Vec<Attribute> = set.iter().cloned().map(Attribute::from).collect();
                let recorded = Attributes::Recorded(&recorded);
                let produced = Attributes::Produced(&set);
                let shape = labeller.shape(recorded, histogram).clone();
                prop_assert_eq!(
                    written(Labels::Attributes(&shape, recorded), &mut remembering),
                    written(Labels::Attributes(&shape, produced), &mut WrittenLabels::new())
                );
            }
        }
    }

    #[test]
    fn an_attribute_in_the_place_of_one_that_has_gone_gets_its_own_label() {
        let mut labeller = Labeller::new(Naming::default());
        let mut remembering = WrittenLabels::new();
        // More than are kept unused in the interning table: addresses come up again.
        for number in 0..20_000 {
            let value = format!("{number:0>50}");
            let recorded = [Attribute::of_text("written.test", &value)];
            let recorded = Attributes::Recorded(&recorded);
            let shape = labeller.shape(recorded, false).clone();
            for _ in 0..3 {
                let labels = Labels::Attributes(&shape, recorded);
                let text = written(labels, &mut remembering);
                let expected = format!("name{{written_test=\"{value}");
                assert_eq!(String::from_utf8(text).unwrap(), expected);
            }
        }
    }
}
