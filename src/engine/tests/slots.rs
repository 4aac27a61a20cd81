//! Slots: the facade's table of them, and the changes that the engine learns.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::engine::slots::Slots;

/// Sets as the facade writes them, each in the order in which it is written back.
const SETS: [&str; 8] = [
    "[]",
    r#"["a",1]"#,
    r#"["a","1","b",true]"#,
    r#"["a",0.1,"b",-3,"c",1e+300]"#,
    r#"["a",{"double":"NaN"},"b",{"double":"Infinity"},"c",{"double":"-Infinity"}]"#,
    r#"["a",["x","\"\\\u0000ü"],"b",[],"c",[true,false]]"#,
    r#"["a",[1,2],"b",[1.5,{"double":"NaN"}]]"#,
    r#"["a",9007199254740992,"b",1.8446744073709552e+19]"#,
];

#[test]
fn sets_are_written_as_they_are_read() {
    for set in SETS {
        assert_eq!(attributes::write(&read_set(set)), set);
    }
}

#[test]
fn keys_are_sorted_and_of_equal_ones_the_last_counts() {
    let set = read_set(r#"["b",1,"a","x","b",[2],"c",null,"a",false]"#);
    assert_eq!(attributes::write(&set), r#"["a",false,"b",[2]]"#);
}

#[test]
fn what_is_no_list_of_attributes_is_refused() {
    for json in ["", "{}", "[1,2]", r#"["key",1"#] {
        assert!(attributes::read(json).is_err(), "{json}");
    }
}

#[test]
fn a_slot_is_its_instruments_alone() {
    let mut slots = Slots::default();
    let one = slots.take(Storage::Sum, 1, read_set(SETS[1])).unwrap();
    let other = slots.take(Storage::Sum, 2, read_set(SETS[1])).unwrap();
    assert_ne!(one, other);
    assert_eq!(slots.find(Storage::Sum, 2, &read_set(SETS[1])), Some(other));
    assert_eq!(slots.set(Storage::Sum, 1, other), None);
    assert_eq!(slots.set(Storage::Gauge, 1, one), None);
    assert_eq!(slots.set(Storage::Sum, 1, 99), None);
    assert_eq!(slots.take(Storage::None, 1, read_set(SETS[0])), None);
}

#[test]
fn a_slot_that_is_nobodys_is_released_without_a_word() {
    let mut slots = Slots::default();
    let slot = slots.take(Storage::Block, 1, read_set(SETS[1])).unwrap();
    slots.release(Storage::Block, slot);
    slots.release(Storage::Block, slot);
    slots.release(Storage::Block, 7);
    assert_eq!(slots.take_changes().len(), 2);
    // It is free once, not twice.
    let again: Vec<_> = (0..2)
        .map(|n| slots.take(Storage::Block, 1, read_set(SETS[n])).unwrap())
        .collect();
    assert_eq!(again, [slot, slot + 1]);
}

#[derive(Clone, Debug)]
enum Step {
    Take(u32, usize),
    Release(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..3u32, 0..SETS.len()).prop_map(|(instrument, set)| Step::Take(instrument, set)),
        any::<usize>().prop_map(Step::Release),
    ]
}

proptest! {
    /// A map of what is in use finds what the table finds, and the changes alone make the same map.
    #[test]
    fn slots_do_what_a_map_would(steps in prop::collection::vec(step(), 0..60)) {
        let mut slots = Slots::default();
        let mut model: Vec<(u32, usize, u32)> = Vec::new();
        let mut learnt: BTreeMap<u32, (u32, String)> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Take(instrument, set) => {
                    let attributes = read_set(SETS[set]);
                    let found = slots.find(Storage::Gauge, instrument, &attributes);
                    let known = model.iter().find(|(i, s, _)| (*i, *s) == (instrument, set));
                    prop_assert_eq!(found, known.map(|(.., slot)| *slot));
                    if found.is_none() {
                        let slot = slots.take(Storage::Gauge, instrument, attributes).unwrap();
                        prop_assert!(model.iter().all(|(.., other)| *other != slot));
                        model.push((instrument, set, slot));
                    }
                }
                Step::Release(at) if !model.is_empty() => {
                    let (.., slot) = model.swap_remove(at % model.len());
                    slots.release(Storage::Gauge, slot);
                }
                Step::Release(_) => {}
            }
            for change in slots.take_changes() {
                match change.series {
                    Some((instrument, set)) => {
                        learnt.insert(change.slot, (instrument, attributes::write(&set)));
                    }
                    None => {
                        prop_assert!(learnt.remove(&change.slot).is_some());
                    }
                }
            }
        }
        let wanted: BTreeMap<_, _> = model
            .into_iter()
            .map(|(instrument, set, slot)| (slot, (instrument, SETS[set].to_owned())))
            .collect();
        prop_assert_eq!(learnt, wanted);
    }
}
