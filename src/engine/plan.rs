//! From configuration to streams: which streams an instrument feeds in which pipelines.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use opentelemetry_sdk::metrics::{Aggregation, InstrumentKind, Temporality};

use super::aggregate::Reservoir;
use super::instrument::InstrumentSpec;
use super::{PipelineId, OWN_SCOPE};
use crate::config::{
    is_gauge, AttributeFilter, Config, ExemplarFilter, FunctionReservoir, IncludeExclude,
    MetricFilter, ReaderConfig, ReaderLayer, ReservoirSpec, StreamConfig, StreamSpec,
    ViewAggregation, ViewMatching, DEFAULT_CARDINALITY_LIMIT, DEFAULT_VALUE_LENGTH,
};
use crate::services::naming::{MetricScope, Naming};
use crate::services::renames::Rename;

/// Default boundaries of explicit buckets (Metrics SDK specification, "Explicit bucket histogram
/// aggregation").
const DEFAULT_BOUNDARIES: [f64; 15] = [
    0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0,
    10000.0,
];

/// Exemplars of an exponential histogram, at most, from the same specification ("Exemplar defaults").
const EXPONENTIAL_EXEMPLARS: usize = 20;

/// Sets of the facade's trie per set of the limit where the streams of an instrument count
/// differently: what exceeds the limit of one stream may be few sets to another that keeps fewer
/// attributes.
const SETS_PER_LIMIT: usize = 4;

/// What the engine needs to know of a [`Config`].
#[derive(Clone, Debug)]
pub struct Settings {
    /// What each reader of the provider wants, by pipeline; `None` where a reader is gone.
    pub pipelines: Vec<Option<ReaderConfig>>,
    /// What holds for readers that say nothing else.
    pub reader: ReaderConfig,
    /// Nothing is kept, whoever reads.
    pub disabled: bool,
    /// The pipelines that show what is, and nothing that was, as bits.
    pub pages: u32,
    pub streams: StreamConfig,
    /// Characters of an attribute's value.
    pub value_length: usize,
    /// For metrics of Backstage's that come through plain meters; `None` where names stay.
    pub naming: Option<Naming>,
    /// Whether what was renamed is exported under its old name too.
    pub legacy_names: bool,
    /// Which values may become exemplars where somebody reads them.
    pub wanted_exemplars: ExemplarFilter,
    pub produced: IncludeExclude,
    /// Whether any reader has them; the console does not.
    pub reads_exemplars: bool,
}

/// A stream to build: the pipelines that read it are the set bits of `pipelines`.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamPlan {
    pub pipelines: u32,
    pub temporality: Temporality,
    pub name: String,
    pub unit: String,
    pub description: Option<String>,
    /// The stream carries a name of before: exporters write it as it was.
    pub legacy: bool,
    pub aggregation: Aggregation,
    pub cardinality_limit: usize,
    pub attributes: AttributeFilter,
    pub value_length: usize,
    pub exemplars: Reservoir,
}

impl StreamPlan {
    /// Whether a stream of one can go on as one of the other: what differs is how it is described, how
    /// many series it may have, and which readers have come or gone: one of those that there are still
    /// (`readers`, a bit set) stays.
    pub fn continues(&self, other: &Self, readers: u32) -> bool {
        let left = other.pipelines & readers;
        let same = Self {
            pipelines: self.pipelines,
            description: self.description.clone(),
            cardinality_limit: self.cardinality_limit,
            ..other.clone()
        };
        *self == same && left & self.pipelines != 0
    }

    /// The function of the program's that makes its reservoirs.
    pub fn function_reservoir(&self) -> Option<FunctionReservoir> {
        match self.exemplars {
            Reservoir::Function(function) => Some(function),
            _ => None,
        }
    }

    /// What the function's environment knows the stream by, among those of the instrument: the same as
    /// long as the stream goes on.
    pub fn reserved_as(&self) -> u32 {
        let identity = (
            &self.name,
            self.legacy,
            self.function_reservoir(),
            self.temporality == Temporality::Delta,
            // Delta streams have one reader each; of the others each has what it wants once.
            (self.temporality == Temporality::Delta).then_some(self.pipelines),
            format!("{:?} {:?}", self.aggregation, self.attributes),
        );
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(identity);
        hash as u32
    }

    pub fn is_reserved_as(&self, stream: u32) -> bool {
        self.function_reservoir().is_some() && self.reserved_as() == stream
    }

    /// Whether a pipeline reads the stream.
    pub fn feeds(&self, pipeline: usize) -> bool {
        self.pipelines & (1 << pipeline) != 0
    }

    /// Whether the stream's sets are those of its instrument. Facades cut values at the limit that
    /// they know, which is the default until there is a configuration.
    pub fn keeps_sets(&self) -> bool {
        self.attributes.keeps_all() && self.value_length >= DEFAULT_VALUE_LENGTH
    }
}

/// How the facade keeps what is recorded between two hand-overs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// A cell that adds up.
    Sum,
    /// A cell that keeps the last value.
    Gauge,
    /// Every value, as (series, value) pairs.
    Block,
    /// Nothing: no stream wants it.
    None,
}

/// What the facade is told about an instrument.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    pub storage: Storage,
    /// Sets the trie may have before further ones go to the overflow series.
    pub sets: usize,
    /// Whether some stream drops attributes, so that the facade must ask which keys matter.
    pub filtered: bool,
    /// Characters of an attribute's value.
    pub value_length: usize,
    /// The streams whose reservoirs functions of the program's make.
    pub reserved: Vec<StreamPlan>,
    /// Whether the engine chooses exemplars for another stream.
    pub samples: bool,
}

impl Settings {
    /// Settings for a configuration, and the pipeline of each exporter. `own` are the readers that the
    /// program brought before.
    pub fn new(config: &Config, own: &[Option<ReaderLayer>]) -> (Self, Pipelines) {
        let mut settings = Settings {
            pipelines: own
                .iter()
                .map(|layer| Some(layer.as_ref()?.over(&config.reader)))
                .collect(),
            reader: config.reader.clone(),
            disabled: config.disabled,
            pages: 0,
            streams: config.streams.clone(),
            value_length: config.value_length,
            naming: config.naming.renames(),
            legacy_names: config.naming.legacy_names,
            produced: config.produced.clone(),
            wanted_exemplars: config.exemplars,
            reads_exemplars: config.reads_exemplars() || own.iter().any(Option::is_some),
        };
        if config.disabled {
            return (settings, Pipelines::default());
        }
        // A pipeline of an exporter's own: those that want the same data meet in the streams.
        let mut pipeline = |reader: &ReaderConfig| {
            settings.pipelines.push(Some(reader.clone()));
            PipelineId(settings.pipelines.len() - 1)
        };
        let pipelines = Pipelines {
            prometheus: (config.prometheus.as_ref()).map(|page| pipeline(&page.reader)),
            otlp: (config.otlp.iter())
                .map(|otlp| pipeline(&otlp.reader))
                .collect(),
            console: (config.console.as_ref()).map(|console| pipeline(&console.reader)),
        };
        settings.pages = pipelines.prometheus.map_or(0, |page| 1 << page.0);
        (settings, pipelines)
    }

    /// With one more reader of the program's own.
    pub fn with_reader(&self, layer: &ReaderLayer) -> (Self, PipelineId) {
        let mut settings = self.clone();
        let reader = Some(layer.over(&self.reader));
        let place = settings.pipelines.iter().position(Option::is_none);
        let place = place.unwrap_or(settings.pipelines.len());
        match settings.pipelines.get_mut(place) {
            Some(free) => *free = reader,
            None => settings.pipelines.push(reader),
        }
        settings.reads_exemplars = true;
        (settings, PipelineId(place))
    }

    /// With another wish of a reader of the program's own.
    pub fn with_changed_reader(&self, pipeline: PipelineId, layer: &ReaderLayer) -> Self {
        let mut settings = self.clone();
        if let Some(reader) = settings.pipelines.get_mut(pipeline.0) {
            *reader = Some(layer.over(&self.reader));
        }
        settings
    }

    /// Without the reader of this pipeline.
    pub fn without_reader(&self, pipeline: PipelineId) -> Self {
        let mut settings = self.clone();
        if let Some(reader) = settings.pipelines.get_mut(pipeline.0) {
            *reader = None;
        }
        settings
    }

    /// What says which metrics and series a pipeline gets; `None` where it gets all.
    pub fn filter(&self, pipeline: PipelineId) -> Option<&MetricFilter> {
        self.pipelines.get(pipeline.0)?.as_ref()?.filter.as_ref()
    }

    /// Whether somebody reads a metric of this name.
    pub fn reads(&self, name: &str) -> bool {
        let mut readers = self.pipelines.iter().flatten();
        readers.any(|reader| reader.keeps_metric(name))
    }

    /// The pipelines that somebody reads (a bit set).
    pub fn readers(&self) -> u32 {
        let readers = self.pipelines.iter().enumerate();
        readers.fold(0, |bits, (at, reader)| {
            bits | u32::from(reader.is_some()) << at
        })
    }

    /// Which values may become exemplars.
    pub fn exemplars(&self) -> ExemplarFilter {
        match self.reads_exemplars && !self.disabled {
            true => self.wanted_exemplars,
            // Nobody would read them.
            false => ExemplarFilter::AlwaysOff,
        }
    }

    /// The streams of an instrument, and what is wrong with the views that match it. One that was
    /// renamed has those of its old name as well, under the views of that. One of a disabled meter has
    /// none.
    pub fn streams(&self, spec: &InstrumentSpec) -> (Vec<StreamPlan>, Vec<String>) {
        if self.disabled || !self.streams.meters.is_enabled(&spec.scope) {
            return Default::default();
        }
        let renamed = self.renamed(spec);
        let spec = renamed.as_ref().unwrap_or(spec);
        let (mut plans, mut problems) = self.streams_as_is(spec);
        if renamed.is_some() {
            for plan in &mut plans {
                let description = || spec.description.to_string();
                plan.description.get_or_insert_with(description);
            }
        }
        if let (Some(legacy), true) = (&spec.legacy, self.legacy_names) {
            let (old, more) = self.streams_as_is(&legacy.spec(spec));
            plans.extend(old.into_iter().map(|plan| {
                let description = plan.description.as_deref().unwrap_or(&legacy.description);
                let description = deprecation(&legacy.successor, description);
                StreamPlan {
                    legacy: true,
                    description: Some(description),
                    ..plan
                }
            }));
            problems.extend(more);
        }
        (plans, problems)
    }

    /// An instrument of a plain meter, if it is known by another name here.
    fn renamed(&self, spec: &InstrumentSpec) -> Option<InstrumentSpec> {
        let rename = Rename::of_meter(spec.scope.name(), spec.kind, &spec.name)?;
        let plugin = MetricScope::Plugin(rename.plugin()?.to_owned());
        let name = self.naming.as_ref()?.strict(&plugin, rename.new);
        Some(rename.apply(spec.clone(), name.ok()?))
    }

    fn streams_as_is(&self, spec: &InstrumentSpec) -> (Vec<StreamPlan>, Vec<String>) {
        let mut problems = Vec::new();
        let views = self.streams.views.iter().filter(|view| {
            view.selector
                .matches(spec.kind, &spec.name, &spec.unit, &spec.scope)
        });
        let matching: Vec<&StreamSpec> = views.map(|view| &view.stream).collect();
        let mut streams = match self.streams.view_matching {
            ViewMatching::Independent => independent(spec, &matching, &mut problems),
            ViewMatching::Composable => composed(spec, &matching, &mut problems),
        };
        if streams.is_empty() {
            streams.push(StreamSpec::default());
        }
        let mut plans: Vec<StreamPlan> = Vec::new();
        for stream in &streams {
            for (index, reader) in self.pipelines.iter().enumerate() {
                let plan = reader
                    .as_ref()
                    .and_then(|reader| self.plan(spec, stream, reader, &mut problems));
                let Some(plan) = plan else {
                    continue;
                };
                // Pipelines that want the same data read one stream, but each has a delta stream of its
                // own: a collection empties it.
                let same = plans.iter_mut().find(|other| {
                    let shared = plan.temporality != Temporality::Delta || other.feeds(index);
                    let other = StreamPlan {
                        pipelines: 0,
                        ..(*other).clone()
                    };
                    shared && other == plan
                });
                match same {
                    Some(other) => other.pipelines |= 1 << index,
                    None => plans.push(StreamPlan {
                        pipelines: 1 << index,
                        ..plan
                    }),
                }
            }
        }
        (plans, problems)
    }

    fn plan(
        &self,
        spec: &InstrumentSpec,
        stream: &StreamSpec,
        reader: &ReaderConfig,
        problems: &mut Vec<String>,
    ) -> Option<StreamPlan> {
        let kind = spec.kind;
        let name = stream.name.as_ref().unwrap_or(&spec.name);
        if !reader.keeps_metric(name) {
            return None;
        }
        let aggregation = match &stream.aggregation {
            Some(ViewAggregation::Drop) => return None,
            Some(ViewAggregation::Explicit {
                boundaries,
                record_min_max,
            }) => Aggregation::ExplicitBucketHistogram {
                boundaries: boundaries
                    .clone()
                    .unwrap_or_else(|| DEFAULT_BOUNDARIES.to_vec()),
                record_min_max: *record_min_max,
            },
            Some(ViewAggregation::Sdk(aggregation)) => aggregation.clone(),
            Some(ViewAggregation::Default) | None => default_aggregation(spec, reader)?,
        };
        let exemplars = reservoir(spec, &aggregation, stream.exemplars, problems);
        Some(StreamPlan {
            pipelines: 0,
            temporality: temporality(kind, &aggregation, *reader.temporality.get(kind)),
            name: name.clone(),
            unit: spec.unit.clone(),
            legacy: false,
            description: stream.description.clone(),
            aggregation,
            cardinality_limit: stream
                .cardinality_limit
                .or(*reader.cardinality_limit.get(kind))
                .unwrap_or(self.streams.cardinality_limit),
            attributes: match &spec.attributes {
                Some(keys) if stream.attributes.keeps_all() => {
                    AttributeFilter::advised(keys.clone())
                }
                _ => stream.attributes.clone(),
            },
            value_length: self.value_length_of(spec),
            exemplars,
        })
    }
}

impl Settings {
    /// What we say about ourselves is not cut: names of instruments and of reasons are short.
    fn value_length_of(&self, spec: &InstrumentSpec) -> usize {
        match spec.scope.name() {
            OWN_SCOPE => self.value_length.max(DEFAULT_VALUE_LENGTH),
            _ => self.value_length,
        }
    }
}

/// Where each configured exporter reads.
#[derive(Clone, Debug, Default)]
pub struct Pipelines {
    pub prometheus: Option<PipelineId>,
    /// In the order of their configurations.
    pub otlp: Vec<PipelineId>,
    pub console: Option<PipelineId>,
}

impl Pipelines {
    /// What each reads under a configuration of the same exporters.
    pub fn readers(&self, config: &Config) -> Vec<(PipelineId, ReaderConfig)> {
        let page = config.prometheus.as_ref().map(|page| &page.reader);
        let console = config.console.as_ref().map(|console| &console.reader);
        let otlp = config.otlp.iter().map(|otlp| &otlp.reader);
        let single = self.prometheus.into_iter().zip(page);
        let single = single.chain(self.console.into_iter().zip(console));
        let all = single.chain(self.otlp.iter().copied().zip(otlp));
        all.map(|(pipeline, reader)| (pipeline, reader.clone()))
            .collect()
    }
}

impl Shape {
    /// The shape before configuration is known: what the default view would need.
    pub fn provisional(spec: &InstrumentSpec) -> Self {
        Shape {
            storage: native_storage(spec),
            sets: DEFAULT_CARDINALITY_LIMIT,
            filtered: false,
            value_length: DEFAULT_VALUE_LENGTH,
            reserved: Vec::new(),
            samples: true,
        }
    }

    pub fn new(spec: &InstrumentSpec, plans: &[StreamPlan]) -> Self {
        let native = plans.iter().all(|plan| match plan.aggregation {
            Aggregation::Sum => spec.is_sum(),
            Aggregation::LastValue => spec.is_gauge(),
            _ => false,
        });
        // Streams that agree on these see the same sets as the facade does.
        let uniform = plans.windows(2).all(|pair| {
            pair[0].attributes == pair[1].attributes
                && pair[0].cardinality_limit == pair[1].cardinality_limit
        });
        let storage = if plans.is_empty() {
            Storage::None
        } else if native && (uniform || !spec.is_gauge()) {
            native_storage(spec)
        } else {
            // Several cells that one stream takes for one series do not tell which was last.
            Storage::Block
        };
        let limit = plans
            .iter()
            .map(|plan| plan.cardinality_limit)
            .max()
            // A trie without sets that is not full: a record leaves it at the first key.
            .unwrap_or(1);
        // What is observed has no exemplars.
        let functions = |plan: &&StreamPlan| plan.function_reservoir().is_some();
        let reserved: Vec<StreamPlan> = match spec.is_observable() {
            true => Vec::new(),
            false => plans.iter().filter(functions).cloned().collect(),
        };
        Shape {
            storage,
            samples: reserved.len() < plans.len(),
            reserved,
            sets: if uniform {
                limit
            } else {
                limit * SETS_PER_LIMIT
            },
            filtered: plans.iter().any(|plan| !plan.attributes.keeps_all()),
            value_length: plans
                .first()
                .map_or(DEFAULT_VALUE_LENGTH, |plan| plan.value_length),
        }
    }
}

/// A stream for each view. One that does not fit is as if it were not there (Metrics SDK specification,
/// "Measurement processing").
fn independent(
    spec: &InstrumentSpec,
    views: &[&StreamSpec],
    problems: &mut Vec<String>,
) -> Vec<StreamSpec> {
    let fits = |view: &&&StreamSpec| match unfit(spec, view) {
        Some(problem) => {
            problems.push(format!("{problem}; the view does not apply to it"));
            false
        }
        None => true,
    };
    views
        .iter()
        .filter(fits)
        .map(|view| (*view).clone())
        .collect()
}

/// A stream for each name that views give, or one in all, to which views without a name add (the same
/// section, for `composable`). An aggregation that does not fit is as if it were not said.
fn composed(
    spec: &InstrumentSpec,
    views: &[&StreamSpec],
    problems: &mut Vec<String>,
) -> Vec<StreamSpec> {
    let mut names: Vec<Option<&str>> = Vec::new();
    for view in views {
        let name = view.name.as_deref();
        if name.is_some() && !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() && !views.is_empty() {
        names.push(None);
    }
    for view in views {
        let problem = unfit(spec, view);
        problems
            .extend(problem.map(|problem| format!("{problem}; what an earlier view says holds")));
    }
    let group = |name: Option<&str>| {
        let of_group = |view: &&&StreamSpec| view.name.is_none() || view.name.as_deref() == name;
        let unnamed = StreamSpec {
            name: name.map(str::to_owned),
            ..StreamSpec::default()
        };
        views.iter().filter(of_group).fold(unnamed, |stream, view| {
            let fits = unfit(spec, view).is_none();
            let aggregation = view.aggregation.clone().filter(|_| fits);
            StreamSpec {
                name: stream.name,
                description: view.description.clone().or(stream.description),
                aggregation: aggregation.or(stream.aggregation),
                cardinality_limit: view.cardinality_limit.or(stream.cardinality_limit),
                attributes: stream.attributes.and(&view.attributes),
                exemplars: view.exemplars.or(stream.exemplars),
            }
        })
    };
    names.into_iter().map(group).collect()
}

/// The description of a metric that has a successor.
pub(super) fn deprecation(successor: &str, description: &str) -> String {
    format!("Deprecated, use {successor}. {description}")
        .trim_end()
        .to_owned()
}

/// The warning for a view whose aggregation the instrument cannot have.
fn unfit(spec: &InstrumentSpec, stream: &StreamSpec) -> Option<String> {
    let wanted = stream.aggregation.as_ref()?;
    (!wanted.fits(spec.kind)).then(|| {
        format!(
            "a view asks for the aggregation {} of {:?}, which is of the kind {} (expected {})",
            wanted.name(),
            spec.name,
            super::instrument::kind_name(spec.kind),
            ViewAggregation::fitting(spec.kind)
        )
    })
}

/// What a view asks for, or the default (Metrics SDK specification, "Exemplar defaults").
fn reservoir(
    spec: &InstrumentSpec,
    aggregation: &Aggregation,
    wanted: Option<ReservoirSpec>,
    problems: &mut Vec<String>,
) -> Reservoir {
    let buckets = matches!(
        aggregation,
        Aggregation::ExplicitBucketHistogram { boundaries, .. } if !boundaries.is_empty()
    );
    let size = match aggregation {
        Aggregation::Base2ExponentialHistogram { max_size, .. } => {
            (*max_size as usize).min(EXPONENTIAL_EXEMPLARS)
        }
        _ => 1,
    };
    let unfit = wanted == Some(ReservoirSpec::AlignedHistogramBucket) && !buckets;
    if unfit {
        let problem = format!(
            "a view asks for exemplars aligned to the buckets of {:?}, which has no explicit ones; \
             the default reservoir is used",
            spec.name
        );
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    match wanted {
        Some(ReservoirSpec::Function(function)) => Reservoir::Function(function),
        Some(ReservoirSpec::SimpleFixedSize(wanted)) => {
            Reservoir::SimpleFixedSize(wanted.unwrap_or(size))
        }
        _ if buckets => Reservoir::AlignedHistogramBucket,
        _ => Reservoir::SimpleFixedSize(size),
    }
}

fn native_storage(spec: &InstrumentSpec) -> Storage {
    if spec.is_sum() {
        Storage::Sum
    } else if spec.is_gauge() {
        Storage::Gauge
    } else {
        Storage::Block
    }
}

/// The aggregation of an instrument without one of a view; `None` where the reader drops its kind.
fn default_aggregation(spec: &InstrumentSpec, reader: &ReaderConfig) -> Option<Aggregation> {
    // Advice goes before a reader's boundaries (Metrics SDK specification, "Instrument advisory
    // parameter: ExplicitBucketBoundaries").
    let explicit = |boundaries: Option<&Vec<f64>>, record_min_max| {
        let boundaries = spec.boundaries.as_ref().or(boundaries);
        Aggregation::ExplicitBucketHistogram {
            boundaries: boundaries.map_or_else(|| DEFAULT_BOUNDARIES.to_vec(), Vec::clone),
            record_min_max,
        }
    };
    Some(match reader.aggregation.get(spec.kind) {
        ViewAggregation::Drop => return None,
        ViewAggregation::Explicit {
            boundaries,
            record_min_max,
        } => explicit(boundaries.as_ref(), *record_min_max),
        ViewAggregation::Sdk(aggregation) => aggregation.clone(),
        ViewAggregation::Default if is_gauge(spec.kind) => Aggregation::LastValue,
        ViewAggregation::Default if spec.kind == InstrumentKind::Histogram => explicit(None, true),
        ViewAggregation::Default => Aggregation::Sum,
    })
}

/// The temporality of a stream, where its reader has one for the kind.
fn temporality(
    kind: InstrumentKind,
    aggregation: &Aggregation,
    wanted: Temporality,
) -> Temporality {
    match is_gauge(kind) && *aggregation == Aggregation::Sum {
        // A sum that goes up and down, as that of an up-down counter under every preference.
        true => Temporality::Cumulative,
        false => wanted,
    }
}

/// Collections without a value after which a delta series is released on both sides.
pub const STALE_AFTER: u32 = 5;
