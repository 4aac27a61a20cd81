//! Writers of the two text formats: Prometheus text 0.0.4 (and 1.0.0, which adds quoted names) and
//! OpenMetrics 1.0.0. Lines go out as they are made; the page is never held.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::buckets::Cumulative;
use super::chunks::Chunks;
use super::families::{Family, Kind, Page};
use super::labels::{LabelName, LabelSet};
use super::names::is_legacy_metric;
use super::notices::Notices;
use super::number::{bound, write_integer, write_value};
use super::quoting::{escape, quoted_unless};
use super::series::Series;
use crate::engine::collection::{Number, Point, SummaryPoint};

/// Bounds whose text is remembered. Explicit buckets have few; exponential ones may have thousands.
const BOUNDS: usize = 4096;

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
        scratch: String::new(),
        scope: (Rc::default(), Vec::new()),
        cumulative: Cumulative::default(),
    };
    let mut labeller = page.labeller;
    for family in page.families {
        let names = Names::new(&family, open_metrics);
        writer.metadata(&family, &names);
        let kind = family.kind;
        let created = open_metrics && !family.plain;
        family.for_each(&mut labeller, notices, &mut |series| {
            writer.series(&names, kind, created, &series)
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
        }
    }
}

/// A sample's name: before the braces, or quoted within them when it needs that.
struct SampleName {
    text: String,
    inside: bool,
}

impl SampleName {
    fn new(name: &str) -> Self {
        let legacy = is_legacy_metric(name);
        Self {
            text: quoted_unless(legacy, name),
            inside: !legacy,
        }
    }
}

struct Writer<'c, 's> {
    chunks: &'c mut Chunks<'s>,
    open_metrics: bool,
    bounds: HashMap<u64, Rc<str>>,
    /// The labels of the series in hand, as text without braces.
    labels: Vec<u8>,
    /// Room for a label's value.
    scratch: String,
    /// The text of the scope in hand; many series share one.
    scope: (Rc<LabelSet>, Vec<u8>),
    cumulative: Cumulative,
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

    fn series(
        &mut self,
        names: &Names,
        kind: Kind,
        created: bool,
        series: &Series<'_, '_>,
    ) -> ControlFlow<()> {
        self.render_labels(series);
        match series.point {
            Point::Number(value) => {
                self.sample(&names.sample, None, value)?;
            }
            Point::Explicit(point) => {
                self.cumulative.fill_explicit(point);
                self.histogram(names, point.sum)?;
            }
            Point::Exponential(point) => {
                self.cumulative.fill_exponential(point);
                self.histogram(names, point.sum)?;
            }
            Point::Summary(point) => self.summary(names, point)?,
        }
        match series.start {
            Some(start) if created && !matches!(kind, Kind::Gauge | Kind::Info) => {
                self.created(&names.created, start)
            }
            _ => ControlFlow::Continue(()),
        }
    }

    fn histogram(&mut self, names: &Names, sum: Option<f64>) -> ControlFlow<()> {
        let cumulative = std::mem::take(&mut self.cumulative);
        for (upper, count) in &cumulative.buckets {
            let le = self.bound(*upper);
            self.sample(&names.bucket, Some(("le", &le)), unsigned(*count))?;
        }
        self.sample(
            &names.bucket,
            Some(("le", "+Inf")),
            unsigned(cumulative.total),
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
            self.sample(&names.sample, Some(("quantile", &quantile)), value)?;
        }
        self.sample(&names.sum, None, Number::Double(point.sum))?;
        self.sample(&names.count, None, unsigned(point.count))
    }

    fn created(&mut self, name: &SampleName, start: SystemTime) -> ControlFlow<()> {
        let Ok(since) = start.duration_since(UNIX_EPOCH) else {
            return ControlFlow::Continue(());
        };
        self.name_and_labels(name, None);
        let out = self.chunks.buffer();
        write_integer(out, since.as_secs());
        // As 1xyz, so that leading zeros are there, with the point in place of the 1.
        let at = out.len();
        write_integer(out, 1000 + since.subsec_millis());
        out[at] = b'.';
        out.push(b'\n');
        self.chunks.pass_on()
    }

    fn sample(
        &mut self,
        name: &SampleName,
        part: Option<(&str, &str)>,
        value: Number,
    ) -> ControlFlow<()> {
        self.name_and_labels(name, part);
        let out = self.chunks.buffer();
        write_value(out, value);
        out.push(b'\n');
        self.chunks.pass_on()
    }

    /// Everything up to the value; `part` is the label that tells the samples of a series apart.
    fn name_and_labels(&mut self, name: &SampleName, part: Option<(&str, &str)>) {
        let out = self.chunks.buffer();
        if !name.inside {
            out.extend_from_slice(name.text.as_bytes());
        }
        if name.inside || part.is_some() || !self.labels.is_empty() {
            out.push(b'{');
            let mut separate = false;
            if name.inside {
                out.extend_from_slice(name.text.as_bytes());
                separate = true;
            }
            if !self.labels.is_empty() {
                if separate {
                    out.push(b',');
                }
                out.extend_from_slice(&self.labels);
                separate = true;
            }
            if let Some((label, value)) = part {
                if separate {
                    out.push(b',');
                }
                out.extend_from_slice(label.as_bytes());
                out.extend_from_slice(b"=\"");
                out.extend_from_slice(value.as_bytes());
                out.push(b'"');
            }
            out.push(b'}');
        }
        out.push(b' ');
    }

    fn render_labels(&mut self, series: &Series<'_, '_>) {
        if !Rc::ptr_eq(&self.scope.0, series.scope) {
            self.scope.0 = series.scope.clone();
            self.scope.1.clear();
            for (name, value) in series.scope.iter() {
                write_label(&mut self.scope.1, name, value);
            }
        }
        self.labels.clear();
        let out = &mut self.labels;
        series
            .labels
            .for_each(&mut self.scratch, &mut |name, value| {
                write_label(out, name, value);
            });
        if !self.labels.is_empty() && !self.scope.1.is_empty() {
            self.labels.push(b',');
        }
        self.labels.extend_from_slice(&self.scope.1);
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

/// Writes a label, after a comma where it is not the first.
fn write_label(out: &mut Vec<u8>, name: &LabelName, value: &str) {
    if !out.is_empty() {
        out.push(b',');
    }
    out.extend_from_slice(name.opening.as_bytes());
    escape(out, value, true);
    out.push(b'"');
}

fn unsigned(count: u64) -> Number {
    Number::Int(i64::try_from(count).unwrap_or(i64::MAX))
}
