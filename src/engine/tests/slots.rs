//! Slots: what the engine learns of them.

use super::*;
use crate::engine::slots::{SlotChange, SlotChanges};

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
        assert_eq!(attributes::write(&read_set(set)).to_string(), set);
    }
}

#[test]
fn keys_are_sorted_and_of_equal_ones_the_last_counts() {
    let set = read_set(r#"["b",1,"a","x","b",[2],"c",null,"a",false]"#);
    assert_eq!(
        attributes::write(&set).to_string(),
        r#"["a",false,"b",[2]]"#
    );
}

#[test]
fn what_is_no_list_of_attributes_is_refused() {
    for json in ["", "{}", "[1,2]", r#"["key",1"#] {
        assert!(attributes::read(json).is_err(), "{json}");
    }
}

fn changes(json: &str) -> serde_json::Result<Vec<SlotChange>> {
    SlotChanges::from_json(json.to_owned()).read()
}

#[test]
fn changes_are_read_in_their_order() {
    let read = changes(r#"[[0,3,7,["b",1,"a","x"]],[2,4],[1,3,8,[]]]"#).unwrap();
    let new = |storage, slot, instrument, set| SlotChange {
        storage,
        slot,
        series: Some((instrument, read_set(set))),
    };
    let gone = SlotChange {
        storage: Storage::Block,
        slot: 4,
        series: None,
    };
    let wanted = [
        new(Storage::Sum, 3, 7, r#"["a","x","b",1]"#),
        gone,
        new(Storage::Gauge, 3, 8, "[]"),
    ];
    assert_eq!(read, wanted);
    assert_eq!(SlotChanges::default().read().unwrap(), []);
}

#[test]
fn what_are_no_changes_is_refused() {
    for json in [
        "{}",
        "[1]",
        "[[]]",
        "[[0]]",
        "[[0,1,2]]",
        "[[0,1,2,{}]]",
        "[[0,1,2,[],5]]",
    ] {
        assert!(changes(json).is_err(), "{json}");
    }
}

#[test]
fn slots_that_cannot_be_read_are_said_and_others_count_on() {
    let mut bench = Bench::new("{}", Temporality::Cumulative);
    let id = bench.instrument(InstrumentKind::Counter, "c");
    let slot = bench.series(id, Storage::Sum, r#""n",0"#);
    bench.hand_over(Handover {
        slots: SlotChanges::from_json("[[0".to_owned()),
        sums: vec![cell(slot, 1.0), cell(slot + 1, 1.0)],
        ..Handover::default()
    });
    assert_eq!(bench.points("c"), ["n:0=1"]);
    let said = bench.engine.log().drain();
    assert!(
        said.iter()
            .any(|(_, text)| text.contains("could not be read")),
        "{said:?}"
    );
}

#[test]
fn a_slot_that_is_nobodys_is_given_back_without_a_word() {
    let mut bench = Bench::new("{}", Temporality::Cumulative);
    let id = bench.instrument(InstrumentKind::Counter, "c");
    let slot = bench.series(id, Storage::Sum, r#""n",0"#);
    bench.hand_over(Handover {
        slots: SlotChanges::from_json("[[0,99],[2,0]]".to_owned()),
        sums: vec![cell(slot, 1.0)],
        ..Handover::default()
    });
    assert_eq!(bench.points("c"), ["n:0=1"]);
}
