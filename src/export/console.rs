//! The console exporter: every collection as JSON lines, one metric a line, to look at while
//! developing. The format is for people and may change.

use std::io;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, TryLockError};
use std::thread::sleep;
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_sdk::metrics::Temporality;

use super::json_writer::JsonWriter;
use super::push::{Attempt, Batch, Outcome, PushExporter, Status, OTHER};
use super::standard_output::{self, LineWriter, Output, WAIT};
use crate::engine::collection::{Collection, Metric};
use crate::engine::points::{
    Attributes, ExponentialBuckets, ExponentialPoint, HistogramPoint, Kind, Number, Point,
    SummaryPoint,
};

/// Bytes of whole lines that are written at a time: of an export that does not get through, the
/// points in the others still count as printed.
const BATCH: usize = 16 * 1024;

type Open = dyn Fn() -> io::Result<Box<dyn Output>> + Send + Sync;

/// Writes collections to standard output.
pub struct ConsoleExporter {
    open: Arc<Open>,
    writer: Arc<Mutex<LineWriter>>,
}

impl ConsoleExporter {
    pub fn stdout() -> Self {
        Self::new(standard_output::open)
    }

    fn new(open: impl Fn() -> io::Result<Box<dyn Output>> + Send + Sync + 'static) -> Self {
        Self {
            open: Arc::new(open),
            writer: Arc::default(),
        }
    }
}

impl PushExporter for ConsoleExporter {
    fn name(&self) -> &str {
        "console export"
    }

    fn prepare(&self, collection: &Collection) -> Vec<Batch> {
        let mut batches = Vec::new();
        let mut points = 0;
        let mut json = JsonWriter::default();
        let mut cut = |json: &mut JsonWriter, points: &mut u64| {
            batches.push(Batch {
                body: json.take().into(),
                points: std::mem::take(points),
                // What could not be printed now is of no use later.
                delta: false,
                unsendable: None,
            });
        };
        for metric in collection.metrics() {
            points += line(&mut json, metric);
            if points > 0 && json.len() >= BATCH {
                cut(&mut json, &mut points);
            }
        }
        if points > 0 {
            cut(&mut json, &mut points);
        }
        batches
    }

    fn late(&self, timeout: Duration) -> String {
        format!("standard output took no more within {timeout:?}")
    }

    async fn send(&self, batch: &Batch) -> Attempt {
        let (open, writer, lines) = (self.open.clone(), self.writer.clone(), batch.body.clone());
        let stop = StopWhenDropped::default();
        let stopped = stop.0.clone();
        // A reader that is behind must not hold a thread that exports.
        let printed =
            tokio::task::spawn_blocking(move || print(&*open, &writer, &lines, &stopped)).await;
        drop(stop);
        let outcome = match printed.unwrap_or_else(|panic| Err(io::Error::other(panic))) {
            Ok(()) => Outcome::Ok,
            Err(error) => Outcome::Permanent {
                reason: match error.kind() {
                    io::ErrorKind::BrokenPipe => "standard output has no reader".to_owned(),
                    _ => format!("standard output: {error}"),
                },
            },
        };
        Attempt {
            outcome,
            status: Status::Missing(OTHER),
        }
    }
}

/// Tells the thread that prints that nobody waits for it any more.
#[derive(Default)]
struct StopWhenDropped(Arc<AtomicBool>);

impl Drop for StopWhenDropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn print(
    open: &Open,
    writer: &Mutex<LineWriter>,
    lines: &Bytes,
    stop: &AtomicBool,
) -> io::Result<()> {
    loop {
        // The thread of an export whose time is up lets go of it soon.
        let mut writer = match writer.try_lock() {
            Ok(writer) => writer,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) if stop.load(Ordering::Relaxed) => {
                return Err(io::ErrorKind::TimedOut.into());
            }
            Err(TryLockError::WouldBlock) => {
                sleep(WAIT / 10);
                continue;
            }
        };
        return writer.write(&mut *open()?, lines, stop);
    }
}

/// Writes one metric, if it has points, and says how many.
fn line(json: &mut JsonWriter, metric: &Metric) -> u64 {
    let reading = metric.read();
    if reading.is_empty() {
        return 0;
    }
    json.open(b'{');
    json.key("scope");
    json.string(metric.scope.name());
    json.key("name");
    json.string(&metric.name);
    json.key("unit");
    json.string(&metric.unit);
    json.key("kind");
    json.string(match metric.kind {
        Kind::Gauge => "gauge",
        Kind::Sum {
            monotonic: true, ..
        } => "counter",
        Kind::Sum { .. } => "upDownCounter",
        Kind::Histogram { .. } => "histogram",
        Kind::Exponential { .. } => "exponentialHistogram",
        Kind::Summary => "summary",
    });
    if let Some(temporality) = metric.kind.temporality() {
        json.key("temporality");
        json.string(match temporality {
            Temporality::Delta => "delta",
            _ => "cumulative",
        });
    }
    json.key("points");
    json.open(b'[');
    let mut written = 0;
    let _ = reading.for_each(&mut |series, point| {
        json.open(b'{');
        attributes(json, series.attributes);
        match point {
            Point::Number(value) => number(json, value),
            Point::Explicit(point) => histogram(json, point),
            Point::Exponential(point) => exponential(json, point),
            Point::Summary(point) => summary(json, point),
        }
        json.close(b'}');
        written += 1;
        ControlFlow::Continue(())
    });
    json.close(b']');
    json.close(b'}');
    json.line();
    written
}

fn attributes(json: &mut JsonWriter, attributes: Attributes<'_>) {
    json.key("attributes");
    json.plain_attributes(attributes.iter());
}

fn number(json: &mut JsonWriter, value: Number) {
    json.key("value");
    match value {
        Number::Int(value) => json.int(value),
        Number::Double(value) => json.double(value),
    }
}

fn histogram(json: &mut JsonWriter, point: &HistogramPoint<'_>) {
    totals(json, point.count, point.sum, point.min, point.max);
    json.key("bounds");
    json.open(b'[');
    for bound in point.bounds {
        json.double(*bound);
    }
    json.close(b']');
    counts(json, &point.bucket_counts);
}

fn exponential(json: &mut JsonWriter, point: &ExponentialPoint) {
    totals(json, point.count, point.sum, point.min, point.max);
    json.key("scale");
    json.int(point.scale.into());
    json.key("zeroCount");
    count(json, point.zero_count);
    buckets(json, "positive", &point.positive);
    buckets(json, "negative", &point.negative);
}

fn summary(json: &mut JsonWriter, point: &SummaryPoint<'_>) {
    totals(json, point.count, Some(point.sum), None, None);
    json.key("quantiles");
    json.open(b'[');
    for (quantile, value) in point.quantiles {
        json.open(b'[');
        json.double(*quantile);
        json.double(*value);
        json.close(b']');
    }
    json.close(b']');
}

fn totals(json: &mut JsonWriter, total: u64, sum: Option<f64>, min: Option<f64>, max: Option<f64>) {
    json.key("count");
    count(json, total);
    if let Some(sum) = sum {
        json.key("sum");
        json.double(sum);
    }
    if let Some(min) = min {
        json.key("min");
        json.double(min);
    }
    if let Some(max) = max {
        json.key("max");
        json.double(max);
    }
}

fn buckets(json: &mut JsonWriter, key: &'static str, buckets: &ExponentialBuckets) {
    json.key(key);
    json.open(b'{');
    json.key("offset");
    json.int(buckets.offset.into());
    counts(json, &buckets.counts);
    json.close(b'}');
}

fn counts(json: &mut JsonWriter, counts: &[u64]) {
    json.key("counts");
    json.open(b'[');
    for value in counts {
        count(json, *value);
    }
    json.close(b']');
}

fn count(json: &mut JsonWriter, value: u64) {
    json.int(i64::try_from(value).unwrap_or(i64::MAX));
}

#[cfg(test)]
mod tests {
    use opentelemetry::KeyValue;
    use std::io::Write;

    use serde_json::{json, Value};

    use super::*;
    use crate::export::testing::{block_on, TestSource};

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Output for Shared {
        fn has_room(&mut self, _: Duration) -> io::Result<bool> {
            Ok(true)
        }
    }

    impl Shared {
        fn exporter(&self) -> ConsoleExporter {
            let out = self.clone();
            ConsoleExporter::new(move || Ok(Box::new(out.clone())))
        }
    }

    #[test]
    fn every_metric_becomes_one_line_of_json() {
        let source = TestSource::new(Temporality::Delta);
        source
            .meter()
            .u64_counter("requests")
            .with_unit("{request}")
            .build()
            .add(3, &[KeyValue::new("ok", true), KeyValue::new("n", 7)]);
        source
            .meter()
            .f64_gauge("temperature")
            .build()
            .record(-1.5, &[]);
        source
            .meter()
            .f64_histogram("wait")
            .with_boundaries(vec![1.0, 2.0])
            .build()
            .record(1.5, &[]);

        let out = Shared::default();
        let exporter = out.exporter();
        let batches = exporter.prepare(&source.collection());
        assert_eq!(batches.len(), 1);
        assert_eq!(batches[0].points, 3);
        assert_eq!(block_on(exporter.send(&batches[0])).outcome, Outcome::Ok);

        let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(
            lines,
            [
                json!({
                    "scope": "test", "name": "requests", "unit": "{request}",
                    "kind": "counter", "temporality": "delta",
                    "points": [{"attributes": {"n": 7, "ok": true}, "value": 3}],
                }),
                json!({
                    "scope": "test", "name": "temperature", "unit": "", "kind": "gauge",
                    "points": [{"attributes": {}, "value": -1.5}],
                }),
                json!({
                    "scope": "test", "name": "wait", "unit": "",
                    "kind": "histogram", "temporality": "delta",
                    "points": [{
                        "attributes": {}, "count": 1, "sum": 1.5, "min": 1.5, "max": 1.5,
                        "bounds": [1.0, 2.0], "counts": [0, 1, 0],
                    }],
                }),
            ]
        );
        assert!(text.starts_with("{\"scope\":"));
    }

    #[test]
    fn a_collection_without_points_prints_nothing() {
        let source = TestSource::new(Temporality::Delta);
        let exporter = Shared::default().exporter();
        assert!(exporter.prepare(&source.collection()).is_empty());

        source.meter().u64_counter("c").build().add(1, &[]);
        let (collection, among_empty) = source.collection_and_among_empty();
        let lines = |collection| exporter.prepare(collection)[0].body.clone();
        assert_eq!(lines(&among_empty), lines(&collection));
    }

    #[test]
    fn a_large_collection_is_cut_between_lines() {
        let source = TestSource::new(Temporality::Cumulative);
        for name in 0..100 {
            let counter = source.meter().u64_counter(format!("c{name}")).build();
            for n in 0..10 {
                counter.add(1, &[KeyValue::new("n", n)]);
            }
        }
        let batches = Shared::default().exporter().prepare(&source.collection());
        assert!(batches.len() > 2, "{}", batches.len());
        let points: u64 = batches.iter().map(|batch| batch.points).sum();
        assert_eq!(points, 1000);
        for batch in batches {
            let text = String::from_utf8(batch.body.to_vec()).unwrap();
            assert!(text.starts_with('{') && text.ends_with("}\n"));
        }
    }

    #[test]
    fn a_closed_output_is_reported_not_retried() {
        for (error, said) in [
            (io::ErrorKind::BrokenPipe, "standard output has no reader"),
            (
                io::ErrorKind::StorageFull,
                "standard output: no storage space",
            ),
        ] {
            let exporter = ConsoleExporter::new(move || Err(error.into()));
            let batch = Batch {
                body: "{}\n".into(),
                points: 1,
                delta: false,
                unsendable: None,
            };
            let outcome = block_on(exporter.send(&batch)).outcome;
            let reason = said.to_owned();
            assert_eq!(outcome, Outcome::Permanent { reason });
        }
    }
}
