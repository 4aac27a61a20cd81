//! Writers of the two text formats: Prometheus text 0.0.4 (and 1.0.0, which adds quoted names) and
//! OpenMetrics 1.0.0. Lines go out as they are made; the page is never held.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::rc::Rc;

use super::buckets::Cumulative;
use super::chunks::Chunks;
use super::exemplars::{labels, latest, latest_within};
use super::families::{Family, Kind, Page};
use super::labels::{LabelSet, Labels};
use super::names::{is_legacy_metric, Naming};
use super::notices::Notices;
use super::number::{bound, write_integer, write_value};
use super::quoting::{escape, quoted_unless};
use super::series::Series;
use super::written::{append_label, write_label, WrittenLabels};
use crate::engine::clock::Timestamp;
use crate::engine::points::{Exemplar, Number, Point, SummaryPoint};
use crate::export::append::append;

/// Bounds whose text is remembered. Explicit buckets have few; exponential ones may have thousands.
const BOUNDS: usize = 4096;

/// As [`LabelName::opening`](super::labels::LabelName::opening).
const LE: &str = "\",le=\"";
const QUANTILE: &str = "\",quantile=\"";

/// Writes a page.
///
/// Exponential histograms become classic buckets: neither text format has native ones
/// (compatibility specification, "Differences between Prometheus formats"). Breaks when the sink
/// does.
pub fn write_text(
    page: Page<'_>,
    open_metrics: bool,
    notices: &Notices,
    chunks: &mut Chunks<'_>,
) -> ControlFlow<()> {
    let mut writer = Writer {
        chunks,
        open_metrics,
        bounds: HashMap::new(),
        labels: Vec::new(),
        written: WrittenLabels::new(),
        scope: Scope::default(),
        cumulative: Cumulative::default(),
        naming: page.labeller.naming(),
    };
    let mut labeller = page.labeller;
    for family in page.families {
        let names = Names::new(&family, open_metrics);
        writer.metadata(&family, &names);
        let created = open_metrics && !family.plain;
        family.for_each(&mut labeller, notices, &mut |series| {
            writer.series(&names, created, &series)
        })?;
    }
    if open_metrics {
        writer.chunks.buffer().extend_from_slice(b"# EOF\n");
    }
    writer.chunks.flush()
}

/// The names of a family's samples, made once.
struct Names {
    family: String,
    sample: SampleName,
    bucket: SampleName,
    count: SampleName,
    sum: SampleName,
    created: SampleName,
    /// Its samples may have exemplars (OpenMetrics, "Exemplars").
    exemplars: bool,
}

impl Names {
    fn new(family: &Family<'_>, open_metrics: bool) -> Self {
        let base = if open_metrics {
            family.base()
        } else {
            &family.name
        };
        let derived = |suffix: &str| SampleName::new(&format!("{base}{suffix}"));
        Self {
            family: quoted_unless(is_legacy_metric(base), base),
            sample: SampleName::new(&family.name),
            bucket: derived("_bucket"),
            count: derived("_count"),
            sum: derived("_sum"),
            created: derived("_created"),
            exemplars: open_metrics
                && !family.plain
                && matches!(family.kind, Kind::Counter | Kind::Histogram),
        }
    }
}

/// A sample's name, up to where its labels begin: before the brace, or quoted behind it when it needs
/// that.
struct SampleName {
    opening: String,
    inside: bool,
}

impl SampleName {
    fn new(name: &str) -> Self {
        let legacy = is_legacy_metric(name);
        let name = quoted_unless(legacy, name);
        Self {
            opening: match legacy {
                true => format!("{name}{{"),
                false => format!("{{{name},"),
            },
            inside: !legacy,
        }
    }

    /// Writes everything up to the value. `labels` writes them but for the quote that ends the last.
    fn write(&self, out: &mut Vec<u8>, labels: impl FnOnce(&mut Vec<u8>)) {
        append(out, self.opening.as_bytes());
        let start = out.len();
        labels(out);
        if out.len() > start {
            out.extend_from_slice(b"\"} ");
            return;
        }
        out.truncate(start - 1);
        out.extend_from_slice(if self.inside { b"} " } else { b" " });
    }
}

/// The labels of the scope in hand as text: many series share one.
#[derive(Default)]
struct Scope {
    labels: Rc<LabelSet>,
    text: Vec<u8>,
}

impl Scope {
    fn enter(&mut self, labels: &Rc<LabelSet>) {
        if Rc::ptr_eq(&self.labels, labels) {
            return;
        }
        self.labels = labels.clone();
        self.text.clear();
        for (name, value) in labels.iter() {
            // Always with what ends the label before.
            self.text.extend_from_slice(name.opening.as_bytes());
            escape(&mut self.text, value, true);
        }
    }

    /// Writes the labels of a series of this scope but for the quote that ends the last.
    fn write(&self, out: &mut Vec<u8>, labels: Labels<'_>, written: &mut WrittenLabels) {
        let start = out.len();
        written.write(out, start, labels);
        append_label(out, start, &self.text);
    }
}

struct Writer<'c, 's> {
    chunks: &'c mut Chunks<'s>,
    open_metrics: bool,
    bounds: HashMap<u64, Rc<str>>,
    /// The labels of the series in hand, where it has several lines.
    labels: Vec<u8>,
    written: WrittenLabels,
    scope: Scope,
    cumulative: Cumulative,
    naming: Naming,
}

impl Writer<'_, '_> {
    fn metadata(&mut self, family: &Family<'_>, names: &Names) {
        let open_metrics = self.open_metrics;
        let out = self.chunks.buffer();
        let mut line = |keyword: &str, text: &str, escaped: bool| {
            out.extend_from_slice(b"# ");
            out.extend_from_slice(keyword.as_bytes());
            out.push(b' ');
            out.extend_from_slice(names.family.as_bytes());
            out.push(b' ');
            match escaped {
                // OpenMetrics escapes quotes in HELP as well; the older format does not.
                true => escape(out, text, open_metrics),
                false => out.extend_from_slice(text.as_bytes()),
            }
            out.push(b'\n');
        };
        if !family.help.is_empty() {
            line("HELP", family.help, true);
        }
        line("TYPE", type_name(family, open_metrics), false);
        if let (true, Some(unit)) = (open_metrics, &family.unit) {
            let suffixed = family
                .base()
                .strip_suffix(unit.as_str())
                .is_some_and(|rest| rest.ends_with('_'));
            if suffixed {
                line("UNIT", unit, false);
            }
        }
    }

    fn series(&mut self, names: &Names, created: bool, series: &Series<'_, '_>) -> ControlFlow<()> {
        let start = series.start.filter(|_| created);
        let exemplars = match names.exemplars {
            true => series.exemplars,
            false => &[],
        };
        self.scope.enter(series.scope);
        if let (Point::Number(value), None) = (series.point, start) {
            // One line, as nearly all are: its labels need not be kept.
            let out = self.chunks.buffer();
            names.sample.write(out, |out| {
                self.scope.write(out, series.labels, &mut self.written);
            });
            return self.end_line(value, latest(exemplars));
        }
        self.labels.clear();
        self.scope
            .write(&mut self.labels, series.labels, &mut self.written);
        match series.point {
            Point::Number(value) => {
                self.line(&names.sample, None, value, latest(exemplars))?;
            }
            Point::Explicit(point) => {
                self.cumulative.fill_explicit(point);
                self.histogram(names, point.sum, exemplars)?;
            }
            Point::Exponential(point) => {
                self.cumulative.fill_exponential(point);
                self.histogram(names, point.sum, exemplars)?;
            }
            Point::Summary(point) => self.summary(names, point)?,
        }
        match start {
            Some(start) => self.created(&names.created, start),
            None => ControlFlow::Continue(()),
        }
    }

    fn histogram(
        &mut self,
        names: &Names,
        sum: Option<f64>,
        exemplars: &[Exemplar],
    ) -> ControlFlow<()> {
        let cumulative = std::mem::take(&mut self.cumulative);
        let mut above = f64::NEG_INFINITY;
        for (upper, count) in &cumulative.buckets {
            let le = self.bound(*upper);
            let exemplar = latest_within(exemplars, above, *upper);
            above = *upper;
            self.line(&names.bucket, Some((LE, &le)), unsigned(*count), exemplar)?;
        }
        self.line(
            &names.bucket,
            Some((LE, "+Inf")),
            unsigned(cumulative.total),
            latest_within(exemplars, above, f64::INFINITY),
        )?;
        // OpenMetrics allows a count only beside a sum, and no sum of negative observations.
        if let (Some(sum), true) = (sum, cumulative.monotonic_sum) {
            self.sample(&names.sum, None, Number::Double(sum))?;
        }
        if cumulative.monotonic_sum || !self.open_metrics {
            self.sample(&names.count, None, unsigned(cumulative.total))?;
        }
        self.cumulative = cumulative;
        ControlFlow::Continue(())
    }

    fn summary(&mut self, names: &Names, point: &SummaryPoint<'_>) -> ControlFlow<()> {
        for (quantile, value) in point.quantiles {
            let quantile = self.bound(*quantile);
            let value = Number::Double(*value);
            self.sample(&names.sample, Some((QUANTILE, &quantile)), value)?;
        }
        self.sample(&names.sum, None, Number::Double(point.sum))?;
        self.sample(&names.count, None, unsigned(point.count))
    }

    fn created(&mut self, name: &SampleName, start: Timestamp) -> ControlFlow<()> {
        let out = self.chunks.buffer();
        name.write(out, |out| out.extend_from_slice(&self.labels));
        write_seconds(out, start);
        out.push(b'\n');
        self.chunks.pass_on()
    }

    /// One line of the series in hand; `part` is the label that tells them apart, and its value.
    fn sample(
        &mut self,
        name: &SampleName,
        part: Option<(&str, &str)>,
        value: Number,
    ) -> ControlFlow<()> {
        self.line(name, part, value, None)
    }

    /// As [`sample`](Self::sample), with an exemplar.
    fn line(
        &mut self,
        name: &SampleName,
        part: Option<(&str, &str)>,
        value: Number,
        exemplar: Option<&Exemplar>,
    ) -> ControlFlow<()> {
        let out = self.chunks.buffer();
        name.write(out, |out| {
            let start = out.len();
            out.extend_from_slice(&self.labels);
            if let Some((opening, value)) = part {
                append_label(out, start, opening.as_bytes());
                append(out, value.as_bytes());
            }
        });
        self.end_line(value, exemplar)
    }

    fn end_line(&mut self, value: Number, exemplar: Option<&Exemplar>) -> ControlFlow<()> {
        let out = self.chunks.buffer();
        write_value(out, value);
        if let Some(exemplar) = exemplar {
            write_exemplar(out, exemplar, self.naming);
        }
        out.push(b'\n');
        self.chunks.pass_on()
    }

    fn bound(&mut self, upper: f64) -> Rc<str> {
        if self.bounds.len() >= BOUNDS {
            self.bounds.clear();
        }
        let open_metrics = self.open_metrics;
        self.bounds
            .entry(upper.to_bits())
            .or_insert_with(|| bound(upper, open_metrics).into())
            .clone()
    }
}

/// Writes ` # {trace_id="…",…} value time`.
fn write_exemplar(out: &mut Vec<u8>, exemplar: &Exemplar, naming: Naming) {
    out.extend_from_slice(b" # {");
    let start = out.len();
    for (name, value) in labels(exemplar, naming).iter() {
        write_label(out, start, name, value);
    }
    if out.len() > start {
        out.push(b'"');
    }
    out.extend_from_slice(b"} ");
    write_value(out, exemplar.value);
    out.push(b' ');
    write_seconds(out, exemplar.time);
}

/// Writes a time in seconds, with milliseconds.
fn write_seconds(out: &mut Vec<u8>, time: Timestamp) {
    let millis = time.as_nanos() / 1_000_000;
    write_integer(out, millis / 1000);
    // As 1xyz, so that leading zeros are there, with the point in place of the 1.
    let at = out.len();
    write_integer(out, 1000 + millis % 1000);
    out[at] = b'.';
}

fn type_name(family: &Family<'_>, open_metrics: bool) -> &'static str {
    match family.kind {
        Kind::Counter if open_metrics && family.plain => "unknown",
        Kind::Counter => "counter",
        Kind::Info if open_metrics && !family.plain => "info",
        Kind::Gauge | Kind::Info => "gauge",
        Kind::Histogram => "histogram",
        Kind::Summary => "summary",
    }
}

fn unsigned(count: u64) -> Number {
    Number::Int(i64::try_from(count).unwrap_or(i64::MAX))
}
