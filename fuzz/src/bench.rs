//! An engine with a Prometheus pipeline and a facade that is never asked.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method, Response};
use http_body_util::BodyExt;
use nativestage_metrics::config::{Config, PrometheusConfig, TranslationStrategy};
use nativestage_metrics::engine::cells::Cells;
use nativestage_metrics::engine::clock::Timestamp;
use nativestage_metrics::engine::instrument::{InstrumentId, InstrumentSpec, ValueType};
use nativestage_metrics::engine::plan::{Pipelines, Storage};
use nativestage_metrics::engine::{
    attributes, Engine, Facade, FacadeId, Handover, Idle, RunId, Samples, SlotChanges,
};
use nativestage_metrics::export::prometheus::Exposition;
use nativestage_metrics::log::{Level, Logger};
use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::metrics::InstrumentKind;

pub struct Bench {
    pub engine: Engine,
    pub pipelines: Pipelines,
    facade: FacadeId,
    prometheus: Option<PrometheusConfig>,
    /// By storage, instrument and canonical set.
    slots: HashMap<(u32, InstrumentId, String), u32>,
}

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

impl Bench {
    pub fn new(config: &Config) -> Self {
        let engine = Engine::start(Logger::default());
        let facade = engine.attach(Box::new(Mute));
        let pipelines = engine.configure(config).expect("the first configuration");
        Self {
            engine,
            pipelines,
            facade,
            prometheus: config.prometheus.clone(),
            slots: HashMap::new(),
        }
    }

    /// Registers a series and records values in it, in whatever storage its instrument has.
    pub fn record(
        &mut self,
        spec: InstrumentSpec,
        attributes: &[serde_json::Value],
        values: &[f64],
    ) {
        let (id, shape) = self.engine.register(spec);
        let set = serde_json::Value::from(attributes).to_string();
        if shape.storage == Storage::None {
            return;
        }
        let storage = shape.storage.code();
        let canonical = attributes::read(&set).expect("attributes");
        let key = attributes::write(&canonical).to_string();
        let next = self.slots.len() as u32;
        let slot = *self.slots.entry((storage, id, key)).or_insert(next);
        let slots = match slot == next {
            true => SlotChanges::from_json(format!("[[{storage},{slot},{id},{set}]]")),
            false => SlotChanges::default(),
        };
        let cell = |value: &f64| Cells {
            first: slot,
            values: vec![*value],
        };
        let cells = || values.iter().map(cell).collect();
        let mut handover = Handover {
            slots,
            ..Handover::default()
        };
        match shape.storage {
            Storage::Sum => handover.sums = cells(),
            Storage::Gauge => handover.gauges = cells(),
            Storage::Block => {
                handover.samples = Samples {
                    slots: vec![slot; values.len()],
                    values: values.to_vec(),
                }
            }
            Storage::None => {}
        }
        self.engine.hand_over(self.facade, handover);
    }

    pub fn exposition(&self, strategy: TranslationStrategy) -> Exposition {
        let config = PrometheusConfig {
            translation_strategy: strategy,
            content: Default::default(),
            ..self.prometheus.clone().expect("a Prometheus exporter")
        };
        Exposition::new(
            Arc::new(self.engine.clone()),
            self.pipelines.prometheus.expect("its pipeline"),
            &config,
            self.engine.log().clone(),
        )
    }

    /// The engine survives its own panics and reports them.
    pub fn assert_no_errors(&self) {
        for (level, message) in self.engine.log().drain() {
            assert_ne!(level, Level::Error, "{message}");
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.engine.shutdown();
    }
}

pub fn spec(kind: InstrumentKind, name: impl Into<String>) -> InstrumentSpec {
    InstrumentSpec {
        scope: Arc::new(InstrumentationScope::builder("fuzz").build()),
        kind,
        name: name.into(),
        unit: String::new(),
        description: Arc::from(""),
        value_type: ValueType::Double,
        boundaries: None,
        attributes: None,
        created: Timestamp::from_nanos(1_500_000_000_000_000_000),
        site: "here".to_owned(),
        legacy: None,
    }
}

pub fn render(exposition: &Exposition, headers: &HeaderMap) -> Response<Vec<u8>> {
    block_on(async {
        let response = exposition.respond_here(&Method::GET, headers).await;
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("a whole page");
        Response::from_parts(head, body.to_bytes().to_vec())
    })
}

pub fn block_on<F: std::future::Future>(future: F) -> F::Output {
    thread_local! {
        static RUNTIME: OnceCell<tokio::runtime::Runtime> = const { OnceCell::new() };
    }
    RUNTIME.with(|runtime| {
        let build = || {
            tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()
        };
        runtime
            .get_or_init(|| build().expect("a runtime"))
            .block_on(future)
    })
}
