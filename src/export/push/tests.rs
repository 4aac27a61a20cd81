use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use opentelemetry::metrics::Counter;
use opentelemetry::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::{metric, number_data_point};
use opentelemetry_sdk::metrics::{InstrumentKind, Temporality};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::{Attempt, Batch, Outcome, PushExporter, PushHandle, PushTask, Status};
use crate::config::{Compression, OtlpConfig, OtlpProtocol, ReaderConfig, NO_LIMIT};
use crate::engine::collection::Collection;
use crate::engine::{Collect, Component, PipelineId, SelfMetric};
use crate::error::{Code, Result};
use crate::export::otlp::fake_collector::{FakeCollector, Received, Reply};
use crate::export::otlp::OtlpExporter;
use crate::export::reader::Reader;
use crate::export::testing::{block_on, messages, otlp_config, TestSource};
use crate::log::Logger;

const NEVER: Duration = Duration::from_secs(3600);

/// An exporter whose fate is written down; when the script ends everything succeeds.
#[derive(Clone)]
struct Scripted(Arc<Script>);

struct Script {
    delta: bool,
    batch_bytes: usize,
    outcomes: Mutex<VecDeque<Outcome>>,
    collections: AtomicUsize,
    attempts: Mutex<Vec<u64>>,
    taken: Mutex<Vec<u64>>,
    source: TestSource,
    under_way: AtomicUsize,
}

impl Scripted {
    fn new(delta: bool, outcomes: impl IntoIterator<Item = Outcome>) -> Self {
        Self::with_bytes(delta, 8, outcomes)
    }

    fn with_bytes(
        delta: bool,
        batch_bytes: usize,
        outcomes: impl IntoIterator<Item = Outcome>,
    ) -> Self {
        Self(Arc::new(Script {
            delta,
            batch_bytes,
            outcomes: Mutex::new(outcomes.into_iter().collect()),
            collections: AtomicUsize::new(0),
            attempts: Mutex::default(),
            taken: Mutex::default(),
            source: TestSource::new(Temporality::Delta),
            under_way: AtomicUsize::new(0),
        }))
    }

    fn spawn(&self, interval: Duration, timeout: Duration, log: &Logger) -> PushHandle {
        PushTask::spawn(
            &Handle::current(),
            self.clone(),
            reader(self.clone()),
            interval,
            timeout,
            log.clone(),
        )
    }

    /// The collections, counted from 1, that were taken.
    fn taken(&self) -> Vec<u64> {
        self.0.taken.lock().unwrap().clone()
    }

    fn attempts(&self) -> usize {
        self.0.attempts.lock().unwrap().len()
    }

    fn exported_points(&self) -> f64 {
        self.points(|attributes| !attributes.contains("error.type="))
    }

    fn failed_points(&self) -> f64 {
        self.points(|attributes| attributes.contains("error.type="))
    }

    fn points(&self, wanted: impl Fn(&str) -> bool) -> f64 {
        let records = self.0.source.records();
        let records = records.lock().unwrap();
        let points = records.iter().filter(|record| {
            record.metric == SelfMetric::ExportedPoints && wanted(&record.attributes)
        });
        points.map(|record| record.value).sum()
    }
}

impl PushExporter for Scripted {
    fn name(&self) -> &str {
        "export to nowhere"
    }

    fn component(&self) -> Option<Component> {
        Some(Component::new("scripted", 0))
    }

    /// A batch with as many points as there were collections, so that each is recognised.
    fn prepare(&self, _: &Collection) -> Vec<Batch> {
        let number = self.0.collections.fetch_add(1, Ordering::SeqCst) as u64 + 1;
        vec![Batch {
            body: vec![0; self.0.batch_bytes].into(),
            points: number,
            delta: self.0.delta,
            unsendable: None,
        }]
    }

    async fn send(&self, batch: &Batch) -> Attempt {
        let others = self.0.under_way.fetch_add(1, Ordering::SeqCst);
        assert_eq!(others, 0, "exports of one exporter must not overlap");
        tokio::time::sleep(Duration::from_millis(2)).await;
        self.0.attempts.lock().unwrap().push(batch.points);
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
        let outcome = self.0.outcomes.lock().unwrap().pop_front();
        let outcome = outcome.unwrap_or(Outcome::Ok);
        if outcome == Outcome::Ok {
            self.0.taken.lock().unwrap().push(batch.points);
        }
        Attempt {
            outcome,
            status: Status::Missing("scripted"),
        }
    }
}

impl Collect for Scripted {
    fn collect(
        &self,
        pipeline: PipelineId,
        timeout: Duration,
    ) -> oneshot::Receiver<Result<Arc<Collection>>> {
        self.0.source.collect(pipeline, timeout)
    }

    fn record(&self, metric: SelfMetric, value: f64, attributes: Vec<KeyValue>) {
        self.0.source.record(metric, value, attributes);
    }
}

fn reader(source: impl Collect) -> Reader {
    Reader::periodic(Arc::new(source), PipelineId(0), 0)
}

fn retryable(reason: &str) -> Outcome {
    Outcome::Retryable {
        after: None,
        reason: reason.into(),
    }
}

/// Each collection is six batches, with 1 to 6 points. The outcomes are those of each, by its points.
struct Batches {
    concurrent: usize,
    delta: bool,
    outcome: fn(u64) -> Outcome,
    under_way: AtomicUsize,
    /// The most that were under way at once.
    most: AtomicUsize,
    attempted: Mutex<Vec<u64>>,
    source: TestSource,
}

impl Batches {
    fn new(concurrent: usize, delta: bool, outcome: fn(u64) -> Outcome) -> Arc<Self> {
        Arc::new(Self {
            concurrent,
            delta,
            outcome,
            under_way: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            attempted: Mutex::default(),
            source: TestSource::new(Temporality::Delta),
        })
    }

    fn spawn(self: &Arc<Self>) -> PushHandle {
        PushTask::spawn(
            &Handle::current(),
            BatchExporter(self.clone()),
            reader(BatchExporter(self.clone())),
            NEVER,
            SHORT,
            Logger::default(),
        )
    }

    /// Points by their `error.type`, sorted.
    fn counted(&self) -> Vec<(String, f64)> {
        let records = self.source.records();
        let records = records.lock().unwrap();
        let mut counted = std::collections::BTreeMap::new();
        for record in records
            .iter()
            .filter(|r| r.metric == SelfMetric::ExportedPoints)
        {
            let error = record.attributes.split("error.type=").nth(1).unwrap_or("");
            *counted.entry(error.to_owned()).or_insert(0.0) += record.value;
        }
        counted.into_iter().collect()
    }
}

#[derive(Clone)]
struct BatchExporter(Arc<Batches>);

impl PushExporter for BatchExporter {
    fn name(&self) -> &str {
        "export of batches"
    }

    fn component(&self) -> Option<Component> {
        Some(Component::new("batches", 0))
    }

    fn concurrent(&self) -> usize {
        self.0.concurrent
    }

    fn prepare(&self, _: &Collection) -> Vec<Batch> {
        let batch = |points| Batch {
            body: vec![0; 8].into(),
            points,
            delta: self.0.delta,
            unsendable: None,
        };
        (1..=6).map(batch).collect()
    }

    async fn send(&self, batch: &Batch) -> Attempt {
        let under_way = self.0.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.most.fetch_max(under_way, Ordering::SeqCst);
        self.0.attempted.lock().unwrap().push(batch.points);
        let outcome = (self.0.outcome)(batch.points);
        // What stops the others comes before their ends.
        let takes = match outcome {
            Outcome::Retryable { .. } => 1,
            _ => 20,
        };
        tokio::time::sleep(Duration::from_millis(takes)).await;
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
        Attempt {
            outcome,
            status: Status::Missing("batches"),
        }
    }
}

impl Collect for BatchExporter {
    fn collect(
        &self,
        pipeline: PipelineId,
        timeout: Duration,
    ) -> oneshot::Receiver<Result<Arc<Collection>>> {
        self.0.source.collect(pipeline, timeout)
    }

    fn record(&self, metric: SelfMetric, value: f64, attributes: Vec<KeyValue>) {
        self.0.source.record(metric, value, attributes);
    }
}

/// Ends an export at once: the pause it asks for is longer than the export may take.
fn away(reason: &str) -> Outcome {
    Outcome::Retryable {
        after: Some(Duration::from_millis(250)),
        reason: reason.into(),
    }
}

fn permanent(reason: &str) -> Outcome {
    Outcome::Permanent {
        reason: reason.into(),
    }
}

const SHORT: Duration = Duration::from_millis(200);

async fn pass_silence() {
    tokio::time::sleep(Duration::from_millis(260)).await;
}

#[test]
fn every_interval_is_exported() {
    block_on(async {
        let exporter = Scripted::new(false, []);
        let _push = exporter.spawn(Duration::from_millis(20), NEVER, &Logger::default());
        while exporter.exported_points() < 6.0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(exporter.taken()[..3], [1, 2, 3]);
    });
}

#[test]
fn a_passing_trouble_is_retried_within_the_export_and_not_worth_a_line() {
    block_on(async {
        let log = Logger::default();
        let exporter = Scripted::new(false, [retryable("away"), retryable("away")]);
        let push = exporter.spawn(NEVER, Duration::from_millis(800), &log);
        push.flush().await.unwrap();
        assert_eq!(exporter.attempts(), 3);
        assert_eq!(exporter.taken(), [1]);
        assert_eq!(exporter.failed_points(), 0.0);
        assert_eq!(messages(&log), [""; 0]);
    });
}

#[test]
fn delta_data_waits_and_goes_out_in_order() {
    block_on(async {
        let log = Logger::default();
        let exporter = Scripted::new(true, [away("away"), away("still away")]);
        let push = exporter.spawn(NEVER, SHORT, &log);
        let error = push.flush().await.unwrap_err();
        assert_eq!(error.code(), Code::Export);
        assert_eq!(error.message(), "export to nowhere failed: away");
        pass_silence().await;
        push.flush().await.unwrap_err();
        pass_silence().await;
        push.flush().await.unwrap();

        assert_eq!(exporter.taken(), [1, 2, 3]);
        assert_eq!(exporter.exported_points(), 6.0);
        assert_eq!(exporter.failed_points(), 0.0);
        let lines = messages(&log);
        assert_eq!(
            lines[0],
            "warn: export to nowhere fails: away; 1 data point in 1 batch kept to be sent again"
        );
        let recovery = lines[1].split(": ").collect::<Vec<_>>();
        assert_eq!(recovery[0], "info");
        assert!(recovery[1].starts_with("export to nowhere works again after 0."));
        assert_eq!(
            recovery[2],
            "3 data points in 2 batches delivered late, nothing lost"
        );
        assert_eq!(lines.len(), 2);
    });
}

#[test]
fn cumulative_data_is_superseded() {
    block_on(async {
        let log = Logger::default();
        let exporter = Scripted::new(false, [away("away"), away("away")]);
        let push = exporter.spawn(NEVER, SHORT, &log);
        push.flush().await.unwrap_err();
        pass_silence().await;
        push.flush().await.unwrap_err();
        pass_silence().await;
        push.flush().await.unwrap();

        assert_eq!(exporter.taken(), [3]);
        assert_eq!(exporter.failed_points(), 3.0);
        let lines = messages(&log);
        assert_eq!(
            lines[0],
            "warn: export to nowhere fails: away; the next export carries the current values"
        );
        assert!(
            lines[1].ends_with(": 2 exports superseded by newer values, nothing lost"),
            "{}",
            lines[1]
        );
        assert_eq!(lines.len(), 2);
    });
}

#[test]
fn what_is_refused_for_good_is_dropped_and_said_once() {
    block_on(async {
        let log = Logger::default();
        let exporter = Scripted::new(true, [permanent("bad token"), permanent("bad token")]);
        let push = exporter.spawn(NEVER, SHORT, &log);
        let error = push.flush().await.unwrap_err();
        assert_eq!(error.message(), "export to nowhere failed: bad token");
        push.flush().await.unwrap_err();
        push.flush().await.unwrap();

        assert_eq!(exporter.taken(), [3]);
        assert_eq!(exporter.failed_points(), 3.0);
        let lines = messages(&log);
        assert_eq!(
            lines[0],
            "error: export to nowhere fails: bad token; dropped 1 data point"
        );
        assert!(
            lines[1].ends_with(": 3 data points in 2 batches lost"),
            "{}",
            lines[1]
        );
        assert_eq!(lines.len(), 2);
    });
}

#[test]
fn the_backlog_is_bounded_and_says_what_it_dropped() {
    block_on(async {
        let log = Logger::default();
        let batch = 20 * 1024 * 1024;
        let exporter = Scripted::with_bytes(true, batch, (0..5).map(|_| away("away")));
        let push = exporter.spawn(NEVER, SHORT, &log);
        for _ in 0..5 {
            push.flush().await.unwrap_err();
            pass_silence().await;
        }
        push.flush().await.unwrap();

        assert_eq!(exporter.taken(), [3, 4, 5, 6]);
        assert_eq!(exporter.failed_points(), 3.0);
        let lines = messages(&log);
        assert_eq!(
            lines[1],
            "error: export to nowhere: more than 64 MiB wait to be sent; the oldest are lost: \
             1 data point in 1 batch"
        );
        assert!(
            lines[2].ends_with(
                "12 data points in 3 batches delivered late, 3 data points in 2 batches lost"
            ),
            "{}",
            lines[2]
        );
        assert_eq!(lines.len(), 3);
    });
}

#[test]
fn a_receiver_that_asked_for_silence_gets_it() {
    block_on(async {
        let exporter = Scripted::new(true, [away("busy")]);
        let push = exporter.spawn(NEVER, Duration::from_millis(100), &Logger::default());
        push.flush().await.unwrap_err();
        let error = push.flush().await.unwrap_err();
        assert!(error.message().ends_with("busy"));
        assert_eq!(exporter.attempts(), 1);
        pass_silence().await;
        push.flush().await.unwrap();
        assert_eq!(exporter.taken(), [1, 2, 3]);
    });
}

#[test]
fn a_partial_success_is_told_once_and_not_sent_again() {
    block_on(async {
        let log = Logger::default();
        let partial = || Outcome::PartialSuccess {
            rejected: 1,
            message: "too old".into(),
        };
        let exporter = Scripted::new(true, [partial(), partial()]);
        let push = exporter.spawn(NEVER, SHORT, &log);
        push.flush().await.unwrap();
        push.flush().await.unwrap();
        assert_eq!(exporter.attempts(), 2);
        assert_eq!(exporter.exported_points(), 1.0);
        assert_eq!(exporter.failed_points(), 2.0);
        assert_eq!(
            messages(&log),
            ["warn: export to nowhere: the collector rejected 1 data point of an export: too old"]
        );
    });
}

#[test]
fn exports_never_overlap() {
    block_on(async {
        let exporter = Scripted::new(false, []);
        let push = Arc::new(exporter.spawn(Duration::from_millis(1), NEVER, &Logger::default()));
        let flushes: Vec<_> = (0..8)
            .map(|_| {
                let push = push.clone();
                tokio::spawn(async move { push.flush().await })
            })
            .collect();
        for flush in flushes {
            flush.await.unwrap().unwrap();
        }
        assert!(exporter.taken().len() >= 8);
    });
}

#[test]
fn shutdown_exports_a_last_time_and_only_once() {
    block_on(async {
        let exporter = Scripted::new(true, []);
        let push = exporter.spawn(NEVER, SHORT, &Logger::default());
        let (first, second) = tokio::join!(push.shutdown(), push.shutdown());
        first.unwrap();
        second.unwrap();
        push.shutdown().await.unwrap();
        assert_eq!(exporter.taken(), [1]);
        assert_eq!(push.flush().await.unwrap_err().code(), Code::ShutDown);
    });
}

#[test]
fn a_shutdown_that_could_not_deliver_says_what_is_lost() {
    block_on(async {
        let log = Logger::default();
        let exporter = Scripted::new(true, [away("away"), away("away")]);
        let push = exporter.spawn(NEVER, Duration::from_millis(100), &log);
        push.flush().await.unwrap_err();
        let error = push.shutdown().await.unwrap_err();
        assert_eq!(error.code(), Code::Export);
        assert_eq!(push.shutdown().await.unwrap_err(), error);
        assert_eq!(exporter.failed_points(), 3.0);
        let lines = messages(&log);
        assert_eq!(
            lines.last().unwrap(),
            "error: export to nowhere stopped: 3 data points in 2 batches could not be delivered"
        );
    });
}

#[test]
fn a_shutdown_promises_no_next_export() {
    block_on(async {
        let log = Logger::default();
        let exporter = Scripted::new(false, [away("away")]);
        let push = exporter.spawn(NEVER, Duration::from_millis(100), &log);
        push.shutdown().await.unwrap_err();
        assert_eq!(exporter.failed_points(), 1.0);
        assert_eq!(
            messages(&log),
            ["error: export to nowhere stopped: 1 data point in 1 batch could not be delivered"]
        );
    });
}

#[test]
fn an_encoder_that_panics_fails_the_export_and_not_the_task() {
    struct Panics(AtomicUsize);
    impl PushExporter for Panics {
        fn name(&self) -> &str {
            "export to nowhere"
        }
        fn prepare(&self, _: &Collection) -> Vec<Batch> {
            assert_ne!(self.0.fetch_add(1, Ordering::SeqCst), 0, "on purpose");
            Vec::new()
        }
        async fn send(&self, _: &Batch) -> Attempt {
            unreachable!("nothing was prepared")
        }
    }
    block_on(async {
        let push = PushTask::spawn(
            &Handle::current(),
            Panics(AtomicUsize::new(0)),
            reader(TestSource::new(Temporality::Delta)),
            NEVER,
            SHORT,
            Logger::default(),
        );
        assert_eq!(push.flush().await.unwrap_err().code(), Code::Export);
        push.flush().await.unwrap();
    });
}

#[test]
fn an_export_without_a_limit_reports_a_receiver_that_is_away_within_an_interval() {
    block_on(async {
        let exporter = Scripted::new(true, (0..1000).map(|_| away("away")));
        let log = Logger::default();
        let push = exporter.spawn(Duration::from_secs(1), NO_LIMIT, &log);
        let start = Instant::now();
        assert_eq!(push.flush().await.unwrap_err().code(), Code::Export);
        assert!(start.elapsed() < Duration::from_secs(5));
        assert_eq!(messages(&log).len(), 1);
        assert!(exporter.attempts() > 1);
    });
}

#[test]
fn what_waits_is_still_sent_when_the_engine_has_gone() {
    /// Answers once.
    struct Going(TestSource, AtomicUsize);
    impl Collect for Going {
        fn collect(
            &self,
            pipeline: PipelineId,
            timeout: Duration,
        ) -> oneshot::Receiver<Result<Arc<Collection>>> {
            if self.1.fetch_add(1, Ordering::SeqCst) == 0 {
                self.0.collect(pipeline, timeout)
            } else {
                oneshot::channel().1
            }
        }
    }
    block_on(async {
        let exporter = Scripted::new(true, [away("away")]);
        let push = PushTask::spawn(
            &Handle::current(),
            exporter.clone(),
            reader(Going(
                TestSource::new(Temporality::Delta),
                AtomicUsize::new(0),
            )),
            NEVER,
            SHORT,
            Logger::default(),
        );
        push.flush().await.unwrap_err();
        pass_silence().await;
        assert_eq!(push.shutdown().await.unwrap_err().code(), Code::ShutDown);
        assert_eq!(exporter.taken(), [1]);
    });
}

#[test]
fn as_many_batches_as_the_exporter_says_are_sent_at_once() {
    block_on(async {
        for (concurrent, most) in [(1, 1), (3, 3), (64, 6)] {
            let exporter = Batches::new(concurrent, true, |_| Outcome::Ok);
            let push = exporter.spawn();
            push.flush().await.unwrap();
            assert_eq!(exporter.most.load(Ordering::SeqCst), most);
            let mut attempted = exporter.attempted.lock().unwrap().clone();
            if concurrent > 1 {
                attempted.sort_unstable();
            }
            assert_eq!(attempted, [1, 2, 3, 4, 5, 6], "in order where it is one");
            assert_eq!(exporter.counted(), [(String::new(), 21.0)]);
            assert_eq!(push.waiting_points(), 0);
        }
    });
}

#[test]
fn a_batch_that_is_refused_counts_with_its_own_points_and_the_others_go() {
    block_on(async {
        for concurrent in [1, 4] {
            let exporter = Batches::new(concurrent, true, |points| match points {
                2 | 5 => permanent("no"),
                6 => Outcome::PartialSuccess {
                    rejected: 4,
                    message: String::new(),
                },
                _ => Outcome::Ok,
            });
            let push = exporter.spawn();
            push.flush().await.unwrap_err();
            let expected = [("", 10.0), ("refused", 7.0), ("rejected", 4.0)];
            assert_eq!(exporter.counted(), expected.map(|(e, n)| (e.to_owned(), n)));
            assert_eq!(push.waiting_points(), 0);
        }
    });
}

#[test]
fn of_batches_at_once_the_delta_ones_that_were_not_delivered_wait() {
    block_on(async {
        let exporter = Batches::new(3, true, |points| match points {
            2 => away("not now"),
            _ => Outcome::Ok,
        });
        let push = exporter.spawn();
        push.flush().await.unwrap_err();
        // Those that were under way arrived, and none was begun after that.
        assert_eq!(exporter.counted(), [(String::new(), 4.0)]);
        assert_eq!(push.waiting_points(), 17);
        assert_eq!(*exporter.attempted.lock().unwrap(), [1, 2, 3]);

        let cumulative = Batches::new(3, false, |points| match points {
            2 => away("not now"),
            _ => Outcome::Ok,
        });
        let push = cumulative.spawn();
        push.flush().await.unwrap_err();
        let expected = [("", 4.0), ("superseded", 17.0)];
        assert_eq!(
            cumulative.counted(),
            expected.map(|(e, n)| (e.to_owned(), n))
        );
        assert_eq!(push.waiting_points(), 0);
    });
}

// From here on with the OTLP exporter and a collector on a real port.

/// A counter and the task that exports it.
fn otlp(config: &OtlpConfig, log: &Logger) -> (Counter<u64>, PushHandle) {
    let source = TestSource::new(*config.reader.temporality.get(InstrumentKind::Counter));
    let counter = source.meter().u64_counter("requests").build();
    let push = PushTask::spawn(
        &Handle::current(),
        OtlpExporter::new(config, &Handle::current()).unwrap(),
        reader(source),
        config.interval,
        config.timeout,
        log.clone(),
    );
    (counter, push)
}

fn value(received: &Received) -> i64 {
    let message = received.message();
    let metric = &message.resource_metrics[0].scope_metrics[0].metrics[0];
    match metric.data.as_ref().unwrap() {
        metric::Data::Sum(sum) => match sum.data_points[0].value.unwrap() {
            number_data_point::Value::AsInt(value) => value,
            number_data_point::Value::AsDouble(value) => panic!("{value}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn no_increment_is_lost_or_sent_twice_while_a_collector_restarts() {
    for protocol in [OtlpProtocol::Grpc, OtlpProtocol::HttpProtobuf] {
        block_on(async {
            let answer = move |status: u16| match (protocol, status) {
                (OtlpProtocol::Grpc, 503) => Reply::grpc(None, &[("grpc-status", "14")]),
                (OtlpProtocol::Grpc, _) => Reply::grpc(None, &[("grpc-status", "0")]),
                _ => Reply::status(status),
            };
            let down = Arc::new(AtomicUsize::new(1));
            let state = down.clone();
            let handler = move |_, _: &Received| {
                answer(match state.load(Ordering::SeqCst) {
                    0 => 200,
                    _ => 503,
                })
            };
            let (collector, url) = match protocol {
                OtlpProtocol::Grpc => {
                    let collector = FakeCollector::grpc(handler).await;
                    let url = collector.origin();
                    (collector, url)
                }
                _ => {
                    let collector = FakeCollector::http(handler).await;
                    let url = collector.url();
                    (collector, url)
                }
            };
            let mut config = otlp_config(&url, protocol);
            config.reader = ReaderConfig::new(Temporality::Delta);
            config.timeout = Duration::from_millis(150);
            let log = Logger::default();
            let (counter, push) = otlp(&config, &log);

            for n in 1..=3 {
                counter.add(n, &[]);
                let error = push.flush().await.unwrap_err();
                assert!(error.message().contains(&url), "{error}");
            }
            assert!(collector.received().iter().all(|r| value(r) == 1));
            down.store(0, Ordering::SeqCst);
            counter.add(4, &[]);
            push.shutdown().await.unwrap();

            let values: Vec<_> = collector.received().iter().map(value).collect();
            assert_eq!(values, [1, 2, 3, 4]);
            assert_eq!(messages(&log).len(), 2);
        });
    }
}

#[test]
fn a_collector_that_never_answers_is_left_at_the_deadline() {
    for protocol in [OtlpProtocol::Grpc, OtlpProtocol::HttpJson] {
        block_on(async {
            let (collector, url) = match protocol {
                OtlpProtocol::Grpc => {
                    let collector = FakeCollector::grpc(|_, _| Reply::Silence).await;
                    let url = collector.origin();
                    (collector, url)
                }
                _ => {
                    let collector = FakeCollector::http(|_, _| Reply::Silence).await;
                    let url = collector.url();
                    (collector, url)
                }
            };
            let mut config = otlp_config(&url, protocol);
            config.timeout = Duration::from_secs(1);
            let (counter, push) = otlp(&config, &Logger::default());
            counter.add(1, &[]);
            let start = Instant::now();
            let error = push.flush().await.unwrap_err();
            assert!(start.elapsed() < Duration::from_secs(5));
            assert!(error.message().ends_with("no answer within 1s"), "{error}");
            assert_eq!(collector.received().len(), 1);
        });
    }
}

#[test]
fn an_export_without_a_limit_waits_for_an_answer_longer_than_an_interval() {
    block_on(async {
        let collector = FakeCollector::http(|_, _| {
            std::thread::sleep(Duration::from_millis(500));
            Reply::status(200)
        })
        .await;
        let mut config = otlp_config(&collector.url(), OtlpProtocol::HttpProtobuf);
        (config.interval, config.timeout) = (Duration::from_millis(100), NO_LIMIT);
        let (counter, push) = otlp(&config, &Logger::default());
        counter.add(1, &[]);
        push.flush().await.unwrap();
    });
}

#[test]
fn a_flush_to_nobody_names_the_endpoint_and_the_reason() {
    block_on(async {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let url = format!("http://me:secret@{address}/v1/metrics");
        let mut config = otlp_config(&url, OtlpProtocol::HttpProtobuf);
        config.timeout = SHORT;
        let (counter, push) = otlp(&config, &Logger::default());
        counter.add(1, &[]);
        let error = push.flush().await.unwrap_err();
        assert_eq!(
            error.message(),
            format!("OTLP export to http://{address}/v1/metrics failed: connection refused")
        );
    });
}

#[test]
fn a_retry_after_is_waited_for_within_the_export() {
    block_on(async {
        let collector = FakeCollector::http(Reply::retry_once_after_a_second).await;
        let config = otlp_config(&collector.url(), OtlpProtocol::HttpProtobuf);
        let (counter, push) = otlp(&config, &Logger::default());
        counter.add(1, &[]);
        let start = Instant::now();
        push.flush().await.unwrap();
        assert!(start.elapsed() >= Duration::from_secs(1));
        assert_eq!(collector.received().len(), 2);
    });
}

/// Requests that reach a collector which answers so, in an export of two seconds.
fn requests_in_two_seconds(protocol: OtlpProtocol, reply: fn() -> Reply) -> usize {
    block_on(async {
        let (collector, url) = match protocol {
            OtlpProtocol::Grpc => {
                let collector = FakeCollector::grpc(move |_, _| reply()).await;
                let url = collector.origin();
                (collector, url)
            }
            _ => {
                let collector = FakeCollector::http(move |_, _| reply()).await;
                let url = collector.url();
                (collector, url)
            }
        };
        let mut config = otlp_config(&url, protocol);
        config.timeout = Duration::from_secs(2);
        let (counter, push) = otlp(&config, &Logger::default());
        counter.add(1, &[]);
        push.flush().await.unwrap_err();
        // Nor does an export at once start a flood.
        push.flush().await.unwrap_err();
        collector.received().len()
    })
}

#[test]
fn no_hint_makes_the_pause_shorter_than_our_own() {
    fn date(offset: i64) -> String {
        let day = Duration::from_secs(24 * 3600);
        let now = std::time::SystemTime::now();
        httpdate::fmt_http_date(if offset < 0 { now - day } else { now })
    }
    fn details(seconds: i64, nanos: i32) -> Reply {
        let details = crate::export::otlp::fake_collector::retry_info(seconds, nanos);
        Reply::grpc(
            None,
            &[("grpc-status", "8"), ("grpc-status-details-bin", &details)],
        )
    }
    let http: [fn() -> Reply; 5] = [
        || Reply::http(503, &[("retry-after", "0")], ""),
        || Reply::http(429, &[("retry-after", "0")], ""),
        || Reply::http(503, &[("retry-after", &date(-1))], ""),
        || Reply::http(503, &[("retry-after", &date(0))], ""),
        || Reply::http(503, &[("retry-after", "-1")], ""),
    ];
    let grpc: [fn() -> Reply; 3] = [
        || details(0, 0),
        || details(-5, -500_000_000),
        || details(0, 1),
    ];
    let cases = http
        .map(|reply| (OtlpProtocol::HttpProtobuf, reply))
        .into_iter()
        .chain(grpc.map(|reply| (OtlpProtocol::Grpc, reply)));
    let threads: Vec<_> = cases
        .map(|(protocol, reply)| {
            std::thread::spawn(move || requests_in_two_seconds(protocol, reply))
        })
        .collect();
    for (number, thread) in threads.into_iter().enumerate() {
        // Pauses of 250, 500 and 1000 ms, or half of each.
        let requests = thread.join().unwrap();
        assert!((4..=12).contains(&requests), "case {number}: {requests}");
    }
}

#[test]
fn an_export_without_a_time_out_works() {
    block_on(async {
        let exporter = Scripted::new(true, [retryable("away")]);
        let push = exporter.spawn(NEVER, Duration::MAX, &Logger::default());
        push.flush().await.unwrap();
        assert_eq!(exporter.attempts(), 2);
    });
}

#[test]
fn a_request_over_64_mib_is_never_sent_and_takes_nothing_with_it() {
    for protocol in [OtlpProtocol::Grpc, OtlpProtocol::HttpJson] {
        block_on(async {
            let (collector, url) = match protocol {
                OtlpProtocol::Grpc => {
                    let answer = |_, _: &Received| Reply::grpc(None, &[("grpc-status", "0")]);
                    let collector = FakeCollector::grpc(answer).await;
                    let url = collector.origin();
                    (collector, url)
                }
                _ => {
                    let collector = FakeCollector::http(|_, _| Reply::status(200)).await;
                    let url = collector.url();
                    (collector, url)
                }
            };
            let mut config = otlp_config(&url, protocol);
            config.reader = ReaderConfig::new(Temporality::Delta);
            config.timeout = Duration::from_secs(60);
            // Of these repeated letters hardly anything would be left, but the limit is before that.
            config.compression = Compression::Gzip;
            let source = TestSource::new(*config.reader.temporality.get(InstrumentKind::Counter));
            let records = source.records();
            let counter = source.meter().u64_counter("requests").build();
            let log = Logger::default();
            let push = PushTask::spawn(
                &Handle::current(),
                OtlpExporter::new(&config, &Handle::current()).unwrap(),
                reader(source),
                config.interval,
                config.timeout,
                log.clone(),
            );
            for n in 0..10 {
                counter.add(1, &[KeyValue::new("n", n)]);
            }
            let wide = "x".repeat(64 << 20);
            counter.add(1, &[KeyValue::new("wide", wide)]);
            let error = push.flush().await.unwrap_err();
            assert!(error.message().contains("64 MiB"), "{error}");
            counter.add(1, &[]);
            push.flush().await.unwrap();

            let mut points = 0;
            for received in collector.received() {
                assert!(received.body.len() < 1 << 20);
                let message = received.message();
                let metric = &message.resource_metrics[0].scope_metrics[0].metrics[0];
                if let Some(metric::Data::Sum(sum)) = &metric.data {
                    points += sum.data_points.len();
                }
            }
            assert_eq!(points, 11);
            let records = records.lock().unwrap();
            let exported = |outcome: &str| -> f64 {
                let all = records.iter().filter(|record| {
                    record.metric == SelfMetric::ExportedPoints
                        && record.attributes.ends_with(outcome)
                });
                all.map(|record| record.value).sum()
            };
            assert_eq!(exported("error.type=refused"), 1.0);
            let port = format!("server.port={}", collector.address.port());
            assert_eq!(exported(&port), 11.0);
            let lines = messages(&log);
            assert_eq!(lines.len(), 2, "{lines:?}");
            assert!(lines[0].starts_with("error: ") && lines[0].contains("MiB is sent"));
            assert!(lines[0].ends_with("dropped 1 data point"), "{}", lines[0]);
        });
    }
}
