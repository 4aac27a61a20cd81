//! Pages of series that come and go: what is remembered from one scrape to the next, or from one line
//! to the next, changes no page.

use std::sync::Arc;

use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::Resource;
use proptest::prelude::*;

use super::fixture::{page, text, STARTED};
use super::names::Escaping;
use super::negotiate::Format::{self, OpenMetrics100, Protobuf, Text004};
use super::properties::{attributes, strategies};
use crate::engine::aggregate::{Exemplars, Numbers, Values};
use crate::engine::canonical::Canonical;
use crate::engine::clock::Timestamp;
use crate::engine::collection::{Collection, Metric, PageNaming, Source};
use crate::engine::columns::{Columns, Row, SharedColumns, Shown};
use crate::engine::filter::SeriesFilter;
use crate::engine::points::Kind;

/// A counter and a histogram that have the same series.
struct Streams {
    columns: [SharedColumns; 2],
    rows: Vec<(Canonical, Row)>,
}

#[derive(Clone, Debug)]
enum Change {
    Add(Vec<KeyValue>),
    /// One of those there are.
    Remove(usize),
}

impl Streams {
    fn new() -> Self {
        let shown = Shown {
            sum: true,
            min_max: true,
        };
        let columns = [
            Values::Sums(Numbers::Double(Vec::new())),
            Values::explicit([0.5, 1.0]),
        ]
        .map(|values| {
            let exemplars = Exemplars::of_size(1, false);
            SharedColumns::new(Columns::new(shown, false, values, exemplars))
        });
        Self {
            columns,
            rows: Vec::new(),
        }
    }

    /// In which all this happened, and nobody looked.
    fn after(changes: &[Change]) -> Self {
        let mut streams = Self::new();
        changes.iter().for_each(|change| streams.change(change));
        streams
    }

    fn change(&mut self, change: &Change) {
        match change {
            Change::Add(attributes) => {
                let mut attributes = attributes.clone();
                attributes.sort_by(|a, b| a.key.cmp(&b.key));
                attributes.dedup_by(|a, b| a.key == b.key);
                let set = Canonical::from_iter(attributes);
                let known = self.rows.iter().find(|(known, _)| *known == set);
                let known = known.map(|(_, row)| *row);
                for columns in &self.columns {
                    let mut columns = columns.lock();
                    let row = known.unwrap_or_else(|| columns.insert(set.clone(), STARTED));
                    columns.record(row, 0.625).unwrap();
                    if known.is_none() && self.rows.last().is_none_or(|(last, _)| *last != set) {
                        self.rows.push((set.clone(), row));
                    }
                }
            }
            Change::Remove(at) if !self.rows.is_empty() => {
                let (_, row) = self.rows.remove(at % self.rows.len());
                for columns in &self.columns {
                    columns.lock().remove(row);
                }
            }
            Change::Remove(_) => {}
        }
    }

    fn collection(&self) -> Collection {
        let temporality = Temporality::Cumulative;
        let kinds = [
            Kind::Sum {
                temporality,
                monotonic: true,
            },
            Kind::Histogram { temporality },
        ];
        let metric = |(columns, kind): (&SharedColumns, Kind)| Metric {
            scope: Arc::new(InstrumentationScope::builder("scope").build()),
            name: if matches!(kind, Kind::Sum { .. }) {
                "c"
            } else {
                "h"
            }
            .into(),
            description: "".into(),
            unit: "".into(),
            kind,
            time: Timestamp::from_nanos(STARTED.as_nanos() + 1),
            naming: PageNaming::Translated,
            page_only: false,
            source: Source::Unread(columns.clone()),
            filter: SeriesFilter::All,
        };
        let metrics = self.columns.iter().zip(kinds).map(metric);
        let resource = Arc::new(Resource::builder_empty().build());
        Collection::new(resource, metrics.collect())
    }
}

fn add(attributes: &[KeyValue]) -> Change {
    Change::Add(attributes.to_vec())
}

fn counters(streams: &Streams) -> Vec<String> {
    let page = text(&streams.collection(), Text004);
    let counters = page.lines().filter(|line| line.starts_with("c_total"));
    counters.map(str::to_owned).collect()
}

#[test]
fn a_value_of_another_kind_that_comes_later_is_added_to_the_series_with_its_labels() {
    let mut streams = Streams::new();
    streams.change(&add(&[KeyValue::new("a", "1")]));
    let one = r#"c_total{a="1",otel_scope_name="scope"} 0.625"#;
    let two = r#"c_total{a="1",otel_scope_name="scope"} 1.25"#;
    assert_eq!(counters(&streams), [one]);
    streams.change(&add(&[KeyValue::new("a", 1)]));
    assert_eq!(counters(&streams), [two]);
    streams.change(&Change::Remove(0));
    assert_eq!(counters(&streams), [one]);
    streams.change(&add(&[KeyValue::new("a", 1.0)]));
    assert_eq!(counters(&streams), [two]);
}

#[test]
fn a_key_that_comes_later_and_has_the_name_of_another_is_the_same_label() {
    let mut streams = Streams::new();
    streams.change(&add(&[KeyValue::new("a.b", "1")]));
    assert_eq!(counters(&streams).len(), 1);
    streams.change(&add(&[KeyValue::new("a_b", "1")]));
    assert_eq!(
        counters(&streams),
        [r#"c_total{a_b="1",otel_scope_name="scope"} 1.25"#]
    );
}

#[test]
fn a_series_with_fewer_keys_in_a_row_that_was_anothers_has_its_own_labels() {
    let mut streams = Streams::new();
    streams.change(&add(&[KeyValue::new("a", "1"), KeyValue::new("b", "2")]));
    streams.change(&add(&[KeyValue::new("a", "2"), KeyValue::new("b", "2")]));
    assert_eq!(counters(&streams).len(), 2);
    streams.change(&Change::Remove(0));
    streams.change(&add(&[KeyValue::new("b", "3")]));
    assert_eq!(
        counters(&streams),
        [
            r#"c_total{b="3",otel_scope_name="scope"} 0.625"#,
            r#"c_total{a="2",b="2",otel_scope_name="scope"} 0.625"#,
        ]
    );
}

#[test]
fn more_combinations_of_keys_than_are_remembered_are_all_on_the_page() {
    let mut streams = Streams::new();
    for number in 0..100 {
        let key = format!("key_{number}");
        streams.change(&add(&[KeyValue::new(key, "1")]));
        streams.change(&add(&[KeyValue::new("key_0", number)]));
        // The text `1` and the number are one label.
        let merged = usize::from(number >= 1);
        assert_eq!(counters(&streams).len(), 2 * (number as usize + 1) - merged);
    }
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        3 => attributes().prop_map(Change::Add),
        1 => (0..100usize).prop_map(Change::Remove),
    ];
    prop::collection::vec(change, 0..12)
}

fn formats() -> impl Strategy<Value = Format> {
    prop_oneof![Just(Text004), Just(OpenMetrics100), Just(Protobuf)]
}

fn escapings() -> impl Strategy<Value = Escaping> {
    prop_oneof![
        Just(Escaping::Underscores),
        Just(Escaping::Values),
        Just(Escaping::AllowUtf8),
    ]
}

proptest! {
    #[test]
    fn a_page_does_not_depend_on_those_before_it(
        scrapes in prop::collection::vec(
            (changes(), formats(), strategies(), escapings()), 1..6,
        ),
    ) {
        let mut streams = Streams::new();
        let mut all: Vec<Change> = Vec::new();
        for (changes, format, strategy, escaping) in scrapes {
            changes.iter().for_each(|change| streams.change(change));
            all.extend(changes);
            let pages = [&streams, &Streams::after(&all)]
                .map(|streams| page(&streams.collection(), format, strategy, escaping).0);
            prop_assert_eq!(&pages[0], &pages[1]);
        }
    }
}
