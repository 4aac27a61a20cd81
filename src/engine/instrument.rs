//! What an instrument is, and the registry that decides whether a name is new, known or in conflict
//! (Metrics SDK specification, "Duplicate instrument registration").

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::metrics::InstrumentKind;

use super::clock::Timestamp;
use super::identities::{two_descriptions, Identities};
use super::plan::Settings;
use super::said::Said;
use super::PipelineId;
use crate::config::ReaderLayer;

pub type InstrumentId = u32;

/// How the numbers of an instrument are exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    Int,
    Double,
}

/// The properties an instrument was asked for with.
#[derive(Clone, Debug)]
pub struct InstrumentSpec {
    pub scope: Arc<InstrumentationScope>,
    pub kind: InstrumentKind,
    /// The full name, already checked.
    pub name: String,
    pub unit: String,
    pub description: Arc<str>,
    pub value_type: ValueType,
    /// `advice.explicitBucketBoundaries`, already checked.
    pub boundaries: Option<Vec<f64>>,
    /// `advice.attributes`: the keys that are kept where no view names any.
    pub attributes: Option<Arc<[String]>>,
    pub created: Timestamp,
    /// The first frame outside this package: where a conflict is reported to be.
    pub site: String,
    /// What it was before it was renamed: it may be exported as that too.
    pub legacy: Option<Arc<Legacy>>,
}

/// An instrument as its author asked for it.
#[derive(Clone, Debug)]
pub struct Legacy {
    /// What to use instead.
    pub successor: String,
    pub name: String,
    pub unit: String,
    pub description: Arc<str>,
    pub boundaries: Option<Vec<f64>>,
    /// The metric that the author also keeps in prom-client's registry, if that has another name on
    /// the page or not.
    pub twin: Option<&'static str>,
}

impl Legacy {
    /// The renamed instrument as its author asked for it.
    pub fn spec(&self, renamed: &InstrumentSpec) -> InstrumentSpec {
        InstrumentSpec {
            name: self.name.clone(),
            unit: self.unit.clone(),
            description: self.description.clone(),
            boundaries: self.boundaries.clone(),
            legacy: None,
            ..renamed.clone()
        }
    }
}

impl InstrumentSpec {
    pub fn is_observable(&self) -> bool {
        matches!(
            self.kind,
            InstrumentKind::ObservableCounter
                | InstrumentKind::ObservableUpDownCounter
                | InstrumentKind::ObservableGauge
        )
    }

    /// Whether the values recorded between two hand-overs can be added up in a cell.
    pub fn is_sum(&self) -> bool {
        matches!(
            self.kind,
            InstrumentKind::Counter | InstrumentKind::UpDownCounter
        )
    }

    /// Whether it only ever counts up.
    pub fn is_monotonic(&self) -> bool {
        matches!(
            self.kind,
            InstrumentKind::Counter | InstrumentKind::ObservableCounter
        )
    }

    /// Whether only the last value between two hand-overs matters.
    pub fn is_gauge(&self) -> bool {
        self.kind == InstrumentKind::Gauge
    }
}

/// The name of a kind as people write it.
pub fn kind_name(kind: InstrumentKind) -> &'static str {
    match kind {
        InstrumentKind::Counter => "counter",
        InstrumentKind::UpDownCounter => "up-down counter",
        InstrumentKind::Histogram => "histogram",
        InstrumentKind::Gauge => "gauge",
        InstrumentKind::ObservableCounter => "observable counter",
        InstrumentKind::ObservableUpDownCounter => "observable up-down counter",
        InstrumentKind::ObservableGauge => "observable gauge",
    }
}

/// What a registration came to.
#[derive(Debug)]
pub enum Registration {
    New(InstrumentId, Arc<InstrumentSpec>),
    /// The same instrument again. A longer description replaces a shorter one, as the
    /// specification asks.
    Known(InstrumentId, Option<Arc<str>>),
}

/// All instruments of a provider. Shared between the JavaScript threads; the engine has its own
/// view, fed by commands in the order of registration.
#[derive(Default)]
pub struct Registry {
    instruments: Vec<Arc<InstrumentSpec>>,
    scopes: HashSet<Arc<InstrumentationScope>>,
    by_name: HashMap<(Arc<InstrumentationScope>, String), Vec<InstrumentId>>,
    /// Spellings, descriptions and advice that were reported to differ from an instrument's own.
    reported: HashSet<(InstrumentId, String)>,
    /// Instruments that have a second description, until it is known what views say.
    descriptions: Vec<(InstrumentId, String)>,
    identities: Identities,
    /// Conflicts of names.
    said: Said,
    settings: Option<Arc<Settings>>,
    /// What the program's own readers want, by pipeline: theirs are the first, and others where they
    /// came after the configuration.
    readers: BTreeMap<PipelineId, ReaderLayer>,
}

/// Readers and exporters that a program may add. With the configured ones they are fewer than the bits
/// of a stream's pipelines.
pub const MOST_OWN_READERS: usize = 8;

impl Registry {
    /// Adds a reader, and what that makes of the settings, if there are any yet; `None` where there are
    /// too many.
    pub fn add_reader(&mut self, layer: ReaderLayer) -> Option<(PipelineId, Option<Settings>)> {
        if self.readers.len() >= MOST_OWN_READERS {
            return None;
        }
        let (pipeline, settings) = match &self.settings {
            Some(settings) => {
                let (settings, pipeline) = settings.with_reader(&layer);
                (pipeline, Some(settings))
            }
            None => {
                let taken = |at: &usize| self.readers.contains_key(&PipelineId(*at));
                let free = (0..MOST_OWN_READERS).find(|at| !taken(at))?;
                (PipelineId(free), None)
            }
        };
        self.readers.insert(pipeline, layer);
        Some((pipeline, settings))
    }

    /// Has a reader want something else; what that makes of the settings, if there are any. `None` where
    /// there is no such reader.
    pub fn update_reader(
        &mut self,
        pipeline: PipelineId,
        layer: ReaderLayer,
    ) -> Option<Option<Settings>> {
        let known = self.readers.get_mut(&pipeline)?;
        let settings = self.settings.as_ref();
        let changed = settings.map(|settings| settings.with_changed_reader(pipeline, &layer));
        *known = layer;
        Some(changed)
    }

    /// Takes a reader out; what that makes of the settings.
    pub fn remove_reader(&mut self, pipeline: PipelineId) -> Option<Settings> {
        self.readers.remove(&pipeline)?;
        Some(self.settings.as_ref()?.without_reader(pipeline))
    }

    /// The readers of before the configuration, by pipeline.
    pub fn readers(&self) -> Vec<Option<ReaderLayer>> {
        let end = self.readers.keys().next_back().map_or(0, |last| last.0 + 1);
        (0..end)
            .map(|at| self.readers.get(&PipelineId(at)).cloned())
            .collect()
    }

    pub fn get(&self, id: InstrumentId) -> Option<&Arc<InstrumentSpec>> {
        self.instruments.get(id as usize)
    }

    pub fn iter(&self) -> impl Iterator<Item = (InstrumentId, &Arc<InstrumentSpec>)> {
        (0..).zip(&self.instruments)
    }

    /// The scope of every instrument, once.
    pub fn scopes(&self) -> &HashSet<Arc<InstrumentationScope>> {
        &self.scopes
    }

    /// Registers, and says what is wrong if this name is already in use otherwise: once per differing
    /// registration, and not where a view makes it right. Before the configuration that is not known.
    pub fn register(&mut self, spec: InstrumentSpec) -> (Registration, Vec<String>) {
        let key = (spec.scope.clone(), spec.name.to_ascii_lowercase());
        let same_name = self.by_name.entry(key).or_default();
        let known = same_name.iter().copied().find(|&id| {
            let other = &self.instruments[id as usize];
            other.kind == spec.kind
                && other.unit == spec.unit
                && other.value_type == spec.value_type
        });
        if let Some(id) = known {
            let first = self.instruments[id as usize].clone();
            let mut problems = Vec::new();
            let mut longer = None;
            let is_new = self.reported.insert((id, differing(&spec)));
            if first.description != spec.description && !spec.description.is_empty() {
                if is_new && !first.description.is_empty() {
                    self.descriptions
                        .push((id, two_descriptions(&first, &spec)));
                    problems.extend(self.check_descriptions());
                }
                if spec.description.len() > first.description.len() {
                    longer = Some(spec.description.clone());
                    Arc::make_mut(&mut self.instruments[id as usize]).description =
                        spec.description.clone();
                }
            } else if is_new && first.name != spec.name {
                problems.push(format!(
                    "metric {:?} is already registered as {:?} ({}); names are compared without \
                     regard to case and the first spelling is kept (second registration: {})",
                    spec.name, first.name, first.site, spec.site
                ));
            }
            if is_new {
                problems.extend(two_advices(&first, &spec));
            }
            return (Registration::Known(id, longer), problems);
        }
        // The first spelling is kept (Metrics SDK specification, "Name conflict").
        let spec = match same_name.first() {
            Some(&first) => InstrumentSpec {
                name: self.instruments[first as usize].name.clone(),
                ..spec
            },
            None => spec,
        };
        let id = self.instruments.len() as InstrumentId;
        same_name.push(id);
        let spec = Arc::new(spec);
        self.scopes.insert(spec.scope.clone());
        self.instruments.push(spec.clone());
        let problems = match self.settings.clone() {
            Some(settings) => {
                let plans = settings.streams(&spec).0;
                self.said.new_ones(self.identities.add(id, &spec, &plans))
            }
            None => Vec::new(),
        };
        (Registration::New(id, spec), problems)
    }

    /// Takes the configuration over, or another one. Returns which names are in conflict under it, if
    /// that was not said of an earlier one.
    pub fn configure(&mut self, settings: Arc<Settings>) -> Vec<String> {
        self.settings = Some(settings.clone());
        self.identities = Identities::default();
        let mut problems = Vec::new();
        for (id, spec) in (0..).zip(&self.instruments) {
            let (plans, _) = settings.streams(spec);
            problems.extend(self.identities.add(id, spec, &plans));
        }
        problems = self.said.new_ones(problems);
        problems.extend(self.check_descriptions());
        problems
    }

    pub fn settings(&self) -> Option<&Arc<Settings>> {
        self.settings.as_ref()
    }

    /// Where no view says which description is meant, once there is a configuration.
    fn check_descriptions(&mut self) -> Vec<String> {
        let Some(settings) = &self.settings else {
            return Vec::new();
        };
        let is_said = |id: InstrumentId| {
            let (plans, _) = settings.streams(&self.instruments[id as usize]);
            let mut plans = plans.iter().filter(|plan| !plan.legacy);
            plans.all(|plan| plan.description.is_some())
        };
        let descriptions = std::mem::take(&mut self.descriptions);
        let open = descriptions.into_iter().filter(|(id, _)| !is_said(*id));
        open.map(|(_, problem)| problem).collect()
    }
}

/// What may differ between registrations of one instrument.
fn differing(spec: &InstrumentSpec) -> String {
    let InstrumentSpec {
        name,
        description,
        boundaries,
        attributes,
        ..
    } = spec;
    format!("{name:?} {description:?} {boundaries:?} {attributes:?}")
}

/// The warning for a second advice. The first one holds (Metrics SDK specification, "Instrument advisory
/// parameters").
fn two_advices(first: &InstrumentSpec, second: &InstrumentSpec) -> Option<String> {
    let mut differences = Vec::new();
    if first.boundaries != second.boundaries {
        differences.push(format!(
            "explicitBucketBoundaries {} and {}",
            shown(first.boundaries.as_ref()),
            shown(second.boundaries.as_ref())
        ));
    }
    if first.attributes != second.attributes {
        differences.push(format!(
            "attributes {} and {}",
            shown(first.attributes.as_ref()),
            shown(second.attributes.as_ref())
        ));
    }
    (!differences.is_empty()).then(|| {
        format!(
            "metric {:?} of scope {:?} is registered twice with different advice.{}: first at {}, then \
             at {}; the first advice is taken",
            first.name,
            first.scope.name(),
            differences.join(" and advice."),
            first.site,
            second.site
        )
    })
}

fn shown<T: std::fmt::Debug>(advice: Option<&T>) -> String {
    advice.map_or("none".to_owned(), |advice| format!("{advice:?}"))
}
