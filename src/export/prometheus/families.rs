//! Families: every metric of a collection under its name on the page, each name once.
//!
//! The engine keeps metrics apart by scope and by spelling; the page does not. Metrics that end up
//! under one name with one type are one family; series that end up with the same labels are added
//! up. What cannot be reconciled is left out, with a warning: a page is never invalid. What every
//! family is called is known before the first is written; its points are read when its turn comes.

use std::collections::hash_map::{DefaultHasher, Entry};
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::ops::ControlFlow;
use std::rc::Rc;

use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::Resource;

use super::distinct::Distinct;
use super::labels::{constant_labels, resource_labels, LabelSet, Labeller, Labels, Shape};
use super::names::{MetricName, Naming, SuffixKind};
use super::notices::Notices;
use super::series::{counting, is_count, Additive, Series, Total};
use crate::config::PageContent;
use crate::engine::clock::Timestamp;
use crate::engine::collection::{Collection, Metric, PageNaming, Reading};
use crate::engine::points::{self, Attributes, Exemplar, Identity, Number, Point};

/// The type of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
    Summary,
    /// `target_info`: an info in OpenMetrics, a gauge elsewhere.
    Info,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Summary => "summary",
            Kind::Info => "info",
        }
    }

    /// The ending of the sample name that OpenMetrics leaves out of the family name.
    fn suffix(self) -> &'static str {
        match self {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram | Kind::Summary => "",
        }
    }
}

/// All metrics under one name.
pub struct Family<'a> {
    /// As in the samples of a counter or gauge: with `_total` and units.
    pub name: String,
    /// Empty when nobody described it.
    pub help: &'a str,
    /// In words, when the name (before `_total`) ends with it.
    pub unit: Option<String>,
    pub kind: Kind,
    /// In OpenMetrics the family is called as its samples and has no type of its own, because the
    /// name it should have, or one derived from that, is another family's.
    pub plain: bool,
    content: Content<'a>,
}

enum Content<'a> {
    Target(Box<LabelSet>),
    Metrics(Vec<Source<'a>>),
}

struct Source<'a> {
    scope: Rc<LabelSet>,
    metric: &'a Metric,
}

/// A source with its points.
struct ReadSource<'a> {
    scope: Rc<LabelSet>,
    kind: points::Kind,
    reading: Reading<'a>,
    /// What the attributes of its points become, where that is known to be the same for all.
    shape: Option<Rc<Shape>>,
}

impl<'a> Family<'a> {
    /// The family name in OpenMetrics: without `_total` or `_info`.
    pub fn base(&self) -> &str {
        let suffix = if self.plain { "" } else { self.kind.suffix() };
        self.name.strip_suffix(suffix).unwrap_or(&self.name)
    }

    /// Every name that OpenMetrics reserves for the family under its full type.
    fn open_metrics_names(&self) -> Vec<String> {
        let base = self.base();
        match self.kind {
            _ if self.plain => vec![self.name.clone()],
            Kind::Counter => vec![
                base.to_owned(),
                self.name.clone(),
                format!("{base}_created"),
            ],
            Kind::Info => vec![base.to_owned(), self.name.clone()],
            kind => reserved(&self.name, kind),
        }
    }

    /// Gives every series, once each, to `visit`, until it breaks.
    pub fn for_each(
        self,
        labeller: &mut Labeller,
        notices: &Notices,
        visit: &mut impl FnMut(Series<'_, '_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let sources = match self.content {
            Content::Target(labels) => {
                return visit(Series {
                    labels: Labels::Set(&labels),
                    scope: &Rc::default(),
                    start: None,
                    point: Point::Number(Number::Int(1)),
                    exemplars: &[],
                })
            }
            Content::Metrics(sources) => sources,
        };
        let name = &self.name;
        let histogram = self.kind == Kind::Histogram;
        let mut sources: Vec<ReadSource<'_>> = sources
            .into_iter()
            .map(|source| ReadSource {
                scope: source.scope,
                kind: source.metric.kind,
                reading: source.metric.read(),
                shape: None,
            })
            .collect();
        let repeated = !are_distinct(&mut sources, labeller, histogram)
            && repeat(&sources, labeller, histogram);
        let mut merged = Merged::default();
        let nothing = Rc::default();
        for ReadSource {
            scope,
            kind,
            reading,
            shape: known,
        } in &sources
        {
            let (counts, additive) = counting(*kind);
            let mut collisions = Collisions::default();
            reading.for_each(&mut |identity, point| {
                let &Identity {
                    attributes,
                    start,
                    exemplars,
                } = identity;
                // Without a start nobody knows since when it counts.
                let start = (counts && start > Timestamp::default()).then_some(start);
                if self.kind == Kind::Counter && !is_count(point) {
                    notices.warn(format!(
                        "Prometheus: series of the counter {name} that are negative or not a \
                         number are left out",
                    ));
                    return ControlFlow::Continue(());
                }
                let shape = match known {
                    Some(shape) => shape,
                    None => labeller.shape(attributes, histogram),
                };
                let joined = collisions.join(shape, attributes, scope);
                if repeated {
                    let series = MergedSeries {
                        shape: shape.clone(),
                        attributes,
                        scope: match joined {
                            Some(_) => Rc::default(),
                            None => scope.clone(),
                        },
                        joined,
                        start,
                        total: Total::new(point),
                        exemplars,
                    };
                    merged.add(series, point, additive);
                    return ControlFlow::Continue(());
                }
                let (labels, scope) = match &joined {
                    Some(joined) => (Labels::Set(joined), &nothing),
                    None => (Labels::Attributes(shape, attributes), scope),
                };
                visit(Series {
                    labels,
                    scope,
                    start,
                    point,
                    exemplars,
                })
            })?;
        }
        if merged.lost {
            notices.warn(format!(
                "Prometheus: {name} has series with the same labels that cannot be added up \
                 (gauges, or histograms with other buckets); the first of them is shown",
            ));
        }
        for series in &merged.series {
            visit(series.as_series())?;
        }
        ControlFlow::Continue(())
    }
}

/// Finds out whether points have labels of the names that their scope's labels have.
#[derive(Default)]
struct Collisions {
    /// What points with these keys have.
    last: Option<(Rc<Shape>, bool)>,
}

impl Collisions {
    /// All labels of a point with those of its scope, if one is of both.
    fn join(
        &mut self,
        shape: &Rc<Shape>,
        attributes: Attributes<'_>,
        scope: &LabelSet,
    ) -> Option<LabelSet> {
        let collides = match &self.last {
            Some((last, collides)) if Rc::ptr_eq(last, shape) => *collides,
            _ => {
                let collides = shape.labels().any(|(name, _)| scope.has(&name.text));
                self.last = Some((shape.clone(), collides));
                collides
            }
        };
        collides.then(|| scope.join(shape, attributes))
    }
}

/// Whether the attributes alone show that no two series have the same labels.
fn are_distinct(sources: &mut [ReadSource<'_>], labeller: &mut Labeller, histogram: bool) -> bool {
    let mut scopes = HashSet::new();
    let alone = sources.len() == 1;
    sources.iter_mut().all(|source| {
        let mut distinct = Distinct::new(labeller, histogram);
        let reading = &source.reading;
        let _ = reading.for_each_kind(&mut |attributes| match distinct.see(attributes) {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        });
        if distinct.holds() {
            source.shape = distinct.only_shape();
        }
        let scope = &source.scope;
        let labels: Vec<(&str, &str)> = scope
            .iter()
            .map(|(name, value)| (&name.text[..], value))
            .collect();
        // Scopes tell series apart only by labels that points cannot have.
        let apart = alone || !labels.iter().any(|(name, _)| distinct.has(name));
        distinct.holds() && apart && scopes.insert(labels)
    })
}

/// Whether series have the same labels. By hashes: two that agree by chance only cost the family the
/// slower way, which compares the labels themselves.
fn repeat(sources: &[ReadSource<'_>], labeller: &mut Labeller, histogram: bool) -> bool {
    let mut seen = HashSet::new();
    let mut scratch = String::new();
    let nothing = Rc::default();
    let found = sources
        .iter()
        .try_for_each(|ReadSource { scope, reading, .. }| {
            let mut collisions = Collisions::default();
            reading.for_each(&mut |&Identity { attributes, .. }, point| {
                let shape = labeller.shape(attributes, histogram);
                let joined = collisions.join(shape, attributes, scope);
                let (labels, scope) = match &joined {
                    Some(joined) => (Labels::Set(joined), &nothing),
                    None => (Labels::Attributes(shape, attributes), scope),
                };
                let series = Series {
                    labels,
                    scope,
                    start: None,
                    point,
                    exemplars: &[],
                };
                // In any order: what one scope has for a label may be an attribute in another.
                let mut labels = 0u64;
                series.for_each_label(&mut scratch, |name, value| {
                    let mut hasher = DefaultHasher::new();
                    (&name.text, value).hash(&mut hasher);
                    labels = labels.wrapping_add(hasher.finish());
                });
                match seen.insert(labels) {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                }
            })
        });
    found.is_break()
}

/// Series by their labels, those with the same added up. Only families that need it pay for it.
#[derive(Default)]
struct Merged<'r> {
    series: Vec<MergedSeries<'r>>,
    by_labels: HashMap<Vec<(String, String)>, usize>,
    lost: bool,
}

struct MergedSeries<'r> {
    shape: Rc<Shape>,
    attributes: Attributes<'r>,
    scope: Rc<LabelSet>,
    /// All labels, where those of the attributes and of the scope have names in common.
    joined: Option<LabelSet>,
    start: Option<Timestamp>,
    total: Total<'r>,
    exemplars: &'r [Exemplar],
}

impl<'r> MergedSeries<'r> {
    fn as_series(&self) -> Series<'_, 'r> {
        Series {
            labels: match &self.joined {
                Some(joined) => Labels::Set(joined),
                None => Labels::Attributes(&self.shape, self.attributes),
            },
            scope: &self.scope,
            start: self.start,
            point: self.total.point(),
            exemplars: self.exemplars,
        }
    }
}

impl<'r> Merged<'r> {
    /// Takes a series with its point.
    fn add(&mut self, series: MergedSeries<'r>, point: Point<'_, 'r>, additive: Additive) {
        let mut key = Vec::new();
        series
            .as_series()
            .for_each_label(&mut String::new(), |name, value| {
                key.push((name.text.clone(), value.to_owned()));
            });
        key.sort();
        match self.by_labels.entry(key) {
            Entry::Occupied(at) => {
                let first = &mut self.series[*at.get()];
                first.start = first.start.min(series.start);
                // One of either stands for both: a line has room for one.
                if first.exemplars.is_empty() {
                    first.exemplars = series.exemplars;
                }
                self.lost |= !first.total.add(point, additive);
            }
            Entry::Vacant(at) => {
                at.insert(self.series.len());
                self.series.push(series);
            }
        }
    }
}

/// Every name a family's samples, or its kind's in any format, may have.
fn reserved(name: &str, kind: Kind) -> Vec<String> {
    let suffixes: &[&str] = match kind {
        Kind::Histogram => &["_bucket", "_count", "_created", "_sum"],
        Kind::Summary => &["_count", "_created", "_sum"],
        Kind::Counter | Kind::Gauge | Kind::Info => &[],
    };
    let derived = suffixes.iter().map(|suffix| format!("{name}{suffix}"));
    [name.to_owned()].into_iter().chain(derived).collect()
}

/// A page before it is written.
pub struct Page<'a> {
    pub families: Vec<Family<'a>>,
    pub labeller: Labeller,
}

impl<'a> Page<'a> {
    /// Groups the metrics of a collection, in their order; `target_info` comes first.
    ///
    /// A metric whose name another type has taken, or whose sample names (`x_count` against the
    /// histogram `x`) another family has taken, is left out: the one created first stays.
    pub fn new(
        collection: &'a Collection,
        naming: Naming,
        content: &PageContent,
        notices: &Notices,
    ) -> Self {
        let mut builder = Builder {
            naming,
            content,
            resource: &collection.resource,
            notices,
            families: Vec::new(),
            owners: HashMap::new(),
            scopes: HashMap::new(),
            labeller: Labeller::new(naming),
        };
        if content.target_info {
            builder.add_target(collection);
        }
        for metric in collection.page_metrics() {
            builder.add(metric);
        }
        let mut families = builder.families;
        resolve_open_metrics_names(&mut families);
        Self {
            families,
            labeller: builder.labeller,
        }
    }
}

struct Builder<'a, 'n> {
    naming: Naming,
    content: &'n PageContent,
    resource: &'a Resource,
    notices: &'n Notices,
    families: Vec<Family<'a>>,
    /// Which family has taken a name.
    owners: HashMap<String, usize>,
    /// `None` stands for no scope that is to be seen.
    scopes: HashMap<Option<&'a InstrumentationScope>, Rc<LabelSet>>,
    labeller: Labeller,
}

impl<'a> Builder<'a, '_> {
    fn add_target(&mut self, collection: &'a Collection) {
        if collection.resource.is_empty() {
            return;
        }
        let attributes = collection.resource.iter();
        let labels = resource_labels(attributes.map(|(k, v)| (k.as_str(), v)), self.naming);
        let name = self.naming.label("target_info").into_owned();
        self.push(Family {
            name,
            help: "Target metadata",
            unit: None,
            kind: Kind::Info,
            plain: false,
            content: Content::Target(Box::new(labels)),
        });
    }

    fn add(&mut self, metric: &'a Metric) {
        // What has no points takes no name.
        if !metric.has_points() {
            return;
        }
        let Some((kind, suffixes)) = kind_of(metric.kind) else {
            self.notices.warn(format!(
                "Prometheus: {} has delta temporality and is left out; the exposition is cumulative",
                metric.name
            ));
            return;
        };
        let MetricName { name, unit } = match metric.naming {
            PageNaming::Translated => self.naming.metric(&metric.name, &metric.unit, suffixes),
            PageNaming::Legacy => self.naming.legacy_metric(&metric.name, suffixes),
            PageNaming::AsProduced => self.naming.produced_metric(&metric.name),
        };
        let produced = metric.naming == PageNaming::AsProduced;
        if metric.page_only && self.owner(&name, kind).is_some() {
            // What it has in common with that one is known.
            return;
        }
        let Some(index) = self.family(&name, kind, unit, metric, produced) else {
            return;
        };
        let shown = !produced && self.content.scope_info;
        let scope = self.scope(shown.then_some(&*metric.scope));
        let family = &mut self.families[index];
        if family.help.is_empty() {
            family.help = &metric.description;
        } else if !metric.description.is_empty() && family.help != &*metric.description {
            self.notices.warn(format!(
                "Prometheus: {name} has several descriptions; {:?} is shown, {:?} is not",
                family.help, metric.description
            ));
        }
        if let Content::Metrics(sources) = &mut family.content {
            sources.push(Source { scope, metric });
        }
    }

    /// The first of the names that a family needs which is taken, and by which family.
    fn owner(&self, name: &str, kind: Kind) -> Option<(String, usize)> {
        let owner = |name: String| self.owners.get(&name).map(|&index| (name, index));
        reserved(name, kind).into_iter().find_map(owner)
    }

    /// The family for a metric, or `None` when another family is in its way. One that stands `alone`
    /// shares no family: series of another kind of labels would be counted twice.
    fn family(
        &mut self,
        name: &str,
        kind: Kind,
        unit: Option<String>,
        metric: &Metric,
        alone: bool,
    ) -> Option<usize> {
        match self.owner(name, kind) {
            None => Some(self.push(Family {
                name: name.to_owned(),
                help: "",
                unit,
                kind,
                plain: false,
                content: Content::Metrics(Vec::new()),
            })),
            Some((_, index)) if !alone && self.families[index].is(name, kind) => Some(index),
            Some((taken, index)) => {
                let owner = &self.families[index];
                self.notices.warn(format!(
                    "Prometheus: the {} {name} (from {} in scope {:?}) is left out, because the {} \
                     {} already has the name {taken}; rename one of them, for instance by a view",
                    kind.as_str(),
                    metric.name,
                    metric.scope.name(),
                    owner.kind.as_str(),
                    owner.name,
                ));
                None
            }
        }
    }

    fn push(&mut self, family: Family<'a>) -> usize {
        let index = self.families.len();
        for name in reserved(&family.name, family.kind) {
            self.owners.insert(name, index);
        }
        self.families.push(family);
        index
    }

    fn scope(&mut self, scope: Option<&'a InstrumentationScope>) -> Rc<LabelSet> {
        let (naming, resource, content) = (self.naming, self.resource, self.content);
        let labels = || {
            let attributes = resource.iter().map(|(key, value)| (key.as_str(), value));
            let kept = attributes.filter(|(key, _)| content.is_label(key));
            Rc::new(constant_labels(scope, kept, naming))
        };
        self.scopes.entry(scope).or_insert_with(labels).clone()
    }
}

impl Family<'_> {
    fn is(&self, name: &str, kind: Kind) -> bool {
        self.name == name && self.kind == kind
    }
}

/// `None` for what cumulative exposition cannot show.
fn kind_of(kind: points::Kind) -> Option<(Kind, SuffixKind)> {
    if kind.temporality() == Some(Temporality::Delta) {
        return None;
    }
    Some(match kind {
        points::Kind::Gauge => (Kind::Gauge, SuffixKind::Gauge),
        points::Kind::Sum {
            monotonic: true, ..
        } => (Kind::Counter, SuffixKind::Counter),
        points::Kind::Sum { .. } => (Kind::Gauge, SuffixKind::Plain),
        points::Kind::Histogram { .. } | points::Kind::Exponential { .. } => {
            (Kind::Histogram, SuffixKind::Plain)
        }
        points::Kind::Summary => (Kind::Summary, SuffixKind::Plain),
    })
}

/// OpenMetrics takes `_total` and `_info` off the family's name, and reserves more names than the
/// samples have (section "MetricFamily", "Name"): the counter `x_total` and the gauge `x` clash
/// there only. Counters that cannot have what they need are exposed without a type, under the name
/// they have in the other formats, rather than left out.
fn resolve_open_metrics_names(families: &mut [Family<'_>]) {
    for family in families.iter_mut() {
        family.plain = family.base().is_empty()
            || (matches!(family.kind, Kind::Counter | Kind::Info)
                && !family.name.ends_with(family.kind.suffix()));
    }
    let mut uses: HashMap<String, usize> = HashMap::new();
    for name in families.iter().flat_map(Family::open_metrics_names) {
        *uses.entry(name).or_default() += 1;
    }
    for family in families.iter_mut() {
        family.plain |= matches!(family.kind, Kind::Counter | Kind::Info)
            && family
                .open_metrics_names()
                .iter()
                .any(|name| uses[name] > 1);
    }
}
