//! Exporters of a program's own, with a program that answers as a test says.

use std::sync::mpsc;

use opentelemetry_sdk::metrics::Temporality;

use super::own::*;
use super::testing::{block_on, TestSource};
use super::*;
use crate::config::OwnExporterConfig;

/// Tells a test what was asked.
struct Asked(mpsc::Sender<(u32, Request)>);

impl own::Delegate for Asked {
    fn ask(&self, call: u32, request: Request) -> bool {
        self.0.send((call, request)).is_ok()
    }
}

struct Bench {
    pushes: OwnPushes,
    push: Arc<OwnPush>,
    asked: mpsc::Receiver<(u32, Request)>,
    source: Arc<TestSource>,
    log: Logger,
}

impl Bench {
    fn new(options: &str) -> Self {
        let (sender, asked) = mpsc::channel();
        let pushes = OwnPushes::default();
        let config = OwnExporterConfig::parse(options, "options").unwrap();
        let delegate = Box::new(Asked(sender));
        let push = pushes.add(config, 1, PipelineId(0), delegate).unwrap();
        let source = Arc::new(TestSource::new(Temporality::Delta));
        Self {
            pushes,
            push,
            asked,
            source,
            log: Logger::default(),
        }
    }

    fn start(&self) {
        let start = self.pushes.start(self.source.clone(), 0, self.log.clone());
        start.unwrap();
    }

    /// What is asked next is answered so.
    fn answer(&self, answer: std::result::Result<(), Failure>) -> Request {
        let (call, request) = self.asked.recv_timeout(WAIT).unwrap();
        self.push.calls().answer(call, answer);
        request
    }

    fn flush(&self) -> std::thread::JoinHandle<Result<()>> {
        let push = self.push.clone();
        std::thread::spawn(move || block_on(push.flush()))
    }
}

const WAIT: std::time::Duration = std::time::Duration::from_secs(10);

fn failure(retryable: bool) -> std::result::Result<(), Failure> {
    let reason = "no room".to_owned();
    Err(Failure { reason, retryable })
}

#[test]
fn a_flush_exports_and_then_has_the_exporter_flush() {
    let bench = Bench::new(r#"{"name": "audit"}"#);
    bench.start();
    bench.source.meter().u64_counter("c").build().add(3, &[]);
    let flush = bench.flush();
    let (call, request) = bench.asked.recv_timeout(WAIT).unwrap();
    assert_eq!(request, Request::Export(1));
    let body = bench.push.calls().body(call).unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    assert!(body.contains(r#""name":"c""#), "{body}");
    bench.push.calls().answer(call, Ok(()));
    assert_eq!(bench.push.calls().body(call), None, "it is answered");
    assert_eq!(bench.answer(Ok(())), Request::ForceFlush);
    flush.join().unwrap().unwrap();
}

#[test]
fn a_failure_loses_the_batch_unless_it_can_be_tried_again() {
    for retryable in [false, true] {
        let bench = Bench::new(r#"{"name": "audit"}"#);
        bench.start();
        bench.source.meter().u64_counter("c").build().add(3, &[]);
        let flush = bench.flush();
        assert_eq!(bench.answer(failure(retryable)), Request::Export(1));
        if retryable {
            assert_eq!(bench.answer(Ok(())), Request::Export(1));
        }
        assert_eq!(bench.answer(Ok(())), Request::ForceFlush);
        let outcome = flush.join().unwrap();
        assert_eq!(outcome.is_ok(), retryable);
        if let Err(error) = outcome {
            assert_eq!(error.message(), "export to \"audit\" failed: no room");
            let said = bench.log.drain();
            assert!(said[0].1.contains("export to \"audit\""), "{said:?}");
        }
    }
}

#[test]
fn what_takes_longer_than_the_time_out_is_aborted() {
    let bench = Bench::new(r#"{"timeout": 50}"#);
    bench.start();
    bench.source.meter().u64_counter("c").build().add(3, &[]);
    let flush = bench.flush();
    let (call, request) = bench.asked.recv_timeout(WAIT).unwrap();
    assert_eq!(request, Request::Export(1));
    let aborted = bench.asked.recv_timeout(WAIT).unwrap();
    assert_eq!(aborted, (call, Request::Abort));
    // Nobody minds an answer that comes late.
    bench.push.calls().answer(call, Ok(()));
    let (call, request) = bench.asked.recv_timeout(WAIT).unwrap();
    assert_eq!(request, Request::ForceFlush);
    let aborted = bench.asked.recv_timeout(WAIT).unwrap();
    assert_eq!(aborted, (call, Request::Abort));
    let error = flush.join().unwrap().unwrap_err();
    assert!(error.message().contains("no answer within 50ms"), "{error}");
    // Delta data waits.
    assert_eq!(bench.push.waiting_points(), 1);
}

#[test]
fn a_thread_that_has_ended_fails_calls_at_once_and_those_under_way() {
    let bench = Bench::new(r#"{"name": "audit"}"#);
    bench.start();
    bench.source.meter().u64_counter("c").build().add(3, &[]);
    let flush = bench.flush();
    let _under_way = bench.asked.recv_timeout(WAIT).unwrap();
    bench.push.calls().close();
    let error = flush.join().unwrap().unwrap_err();
    assert!(
        error
            .message()
            .contains("the thread that runs it has ended"),
        "{error}"
    );
    let error = block_on(bench.push.shutdown()).unwrap_err();
    assert!(
        error.message().contains("call shutdown() before"),
        "{error}"
    );
}

#[test]
fn a_shutdown_exports_a_last_time_and_shuts_the_exporter_down_configured_or_not() {
    for configured in [false, true] {
        let bench = Bench::new("{}");
        bench.source.meter().u64_counter("c").build().add(3, &[]);
        if configured {
            bench.start();
        }
        let push = bench.push.clone();
        let shutdown = std::thread::spawn(move || block_on(push.shutdown()));
        if configured {
            assert_eq!(bench.answer(Ok(())), Request::Export(1));
        }
        assert_eq!(bench.answer(Ok(())), Request::Shutdown);
        shutdown.join().unwrap().unwrap();
        assert!(bench.asked.try_recv().is_err());
    }
}

#[test]
fn batches_have_as_many_points_as_the_exporter_may_get() {
    let bench = Bench::new(r#"{"maxExportBatchSize": 2, "encoding": "protobuf"}"#);
    bench.start();
    let counter = bench.source.meter().u64_counter("c").build();
    for at in 0..5 {
        counter.add(1, &[opentelemetry::KeyValue::new("at", at)]);
    }
    let flush = bench.flush();
    for points in [2, 2, 1] {
        assert_eq!(bench.answer(Ok(())), Request::Export(points));
    }
    assert_eq!(bench.answer(Ok(())), Request::ForceFlush);
    flush.join().unwrap().unwrap();
}

#[test]
fn options_are_checked() {
    for (options, expected) in [
        (
            r#"{"intervall": 1}"#,
            "options.intervall: unknown field `intervall`",
        ),
        (r#"{"interval": 0}"#, "options.interval: invalid value"),
        (r#"{"timeout": "x"}"#, "options.timeout: "),
        (
            r#"{"encoding": "text"}"#,
            "options.encoding: unknown variant `text`",
        ),
        (r#"{"temporality": "never"}"#, "options.temporality: "),
        (
            r#"{"maxExportBatchSize": 0}"#,
            "options.maxExportBatchSize: invalid value",
        ),
        (
            r#"{"defaultAggregation": {"gauge": {"sum": {}}, "counter": {"last_value": {}}}}"#,
            "options.defaultAggregation.counter: found last_value",
        ),
    ] {
        let error = OwnExporterConfig::parse(options, "options").unwrap_err();
        assert_eq!(error.code(), Code::InvalidConfig);
        assert!(error.message().starts_with(expected), "{error}");
    }
}
