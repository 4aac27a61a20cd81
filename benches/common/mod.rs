//! An engine with series in it, for all benches.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use nativestage_metrics::config::{Config, ReaderLayer};
use nativestage_metrics::engine::cells::Cells;
use nativestage_metrics::engine::clock;
use nativestage_metrics::engine::collection::Collection;
use nativestage_metrics::engine::instrument::{InstrumentId, InstrumentSpec, ValueType};
use nativestage_metrics::engine::plan::Storage;
use nativestage_metrics::engine::points::Point;
use nativestage_metrics::engine::{
    Collect, Engine, Facade, FacadeId, Handover, Idle, PipelineId, RunId, SlotChanges,
};
use nativestage_metrics::log::Logger;
use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::metrics::{InstrumentKind, Temporality};

const WAIT: Duration = Duration::from_secs(30);

/// Cannot be asked: collections do not wait for it.
struct Mute;

impl Facade for Mute {
    fn ask(&self, _: RunId, _: Duration) -> bool {
        false
    }

    fn has_begun(&self, _: RunId) -> bool {
        false
    }

    fn release(&self, _: &[Idle]) {}
}

/// A configured engine with one in-memory, cumulative pipeline and one facade.
pub struct Fixture {
    pub engine: Engine,
    pub facade: FacadeId,
    pub pipeline: PipelineId,
}

impl Fixture {
    pub fn new() -> Self {
        let engine = Engine::start(Logger::default());
        let facade = engine.attach(Box::new(Mute));
        let reader = ReaderLayer::preferring(Temporality::Cumulative);
        let pipeline = engine.add_reader(reader).unwrap();
        engine
            .configure(&Config::without_exporters("{}").unwrap())
            .unwrap();
        Self {
            engine,
            facade,
            pipeline,
        }
    }

    pub fn instrument(&self, kind: InstrumentKind, name: String) -> InstrumentId {
        let spec = InstrumentSpec {
            scope: Arc::new(InstrumentationScope::builder("bench").build()),
            kind,
            name,
            unit: "{request}".to_owned(),
            description: Arc::from("Requests that were answered"),
            value_type: ValueType::Double,
            boundaries: None,
            attributes: None,
            created: clock::now(),
            site: "benches".to_owned(),
            legacy: None,
        };
        self.engine.register(spec).0
    }

    /// As the facade calls it.
    pub fn hand_over(&self, handover: Handover) {
        self.engine.hand_over(self.facade, handover);
    }

    /// Counters with `series` series each, every one with a value; the slots run through.
    pub fn counters(&self, instruments: u32, series: u32) {
        for number in 0..instruments {
            let id = self.instrument(InstrumentKind::Counter, format!("requests.c{number}"));
            let first = number * series;
            self.hand_over(Handover {
                slots: slots_of(id, Storage::Sum, first..first + series),
                sums: vec![Cells {
                    first,
                    values: vec![1.0; series as usize],
                }],
                ..Handover::default()
            });
        }
    }

    /// Waits until everything handed over has been taken, and collects.
    pub fn collect(&self) -> Arc<Collection> {
        self.engine
            .collect(self.pipeline, WAIT)
            .blocking_recv()
            .unwrap()
            .unwrap()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.engine.shutdown();
    }
}

/// New slots of an instrument, for sets of three attributes, as the facade sends them.
pub fn slots_of(
    id: InstrumentId,
    storage: Storage,
    slots: impl IntoIterator<Item = u32>,
) -> SlotChanges {
    changes(slots.into_iter().map(|slot| {
        let set =
            format!(r#"["method","GET","route","/api/catalog/entities/{slot}","status",200]"#);
        (storage, slot, id, set)
    }))
}

pub fn changes(slots: impl Iterator<Item = (Storage, u32, InstrumentId, String)>) -> SlotChanges {
    let changes: Vec<String> = slots
        .map(|(storage, slot, id, set)| format!("[{},{slot},{id},{set}]", storage.code()))
        .collect();
    SlotChanges::from_json(format!("[{}]", changes.join(",")))
}

/// Points of a collection, and the sum of what they counted.
pub fn totals(collection: &Collection) -> (usize, f64) {
    let mut points_seen = 0;
    let mut total = 0.0;
    for metric in collection.metrics() {
        let _ = metric.read().for_each(&mut |_, point| {
            points_seen += 1;
            total += match point {
                Point::Number(value) => value.as_f64(),
                Point::Explicit(point) => point.count as f64,
                Point::Exponential(point) => point.count as f64,
                Point::Summary(point) => point.count as f64,
            };
            ControlFlow::Continue(())
        });
    }
    (points_seen, total)
}
