//! Exporters that a program brings itself: they get the bytes of OTLP, and what they do with them is
//! theirs (Metrics SDK specification, "MetricExporter"). Interval, time-out, retries, waiting delta data
//! and the metrics about it are those of every push exporter.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::otlp::encode_requests;
use super::push::{Attempt, Batch, Outcome, PushExporter, PushHandle, PushTask, Status, OTHER};
use super::reader::Reader;
use super::runtime;
use crate::config::{Encoding, OwnExporterConfig};
use crate::engine::collection::Collection;
use crate::engine::{Collect, Component, FacadeId, PipelineId};
use crate::error::{Code, Error, Result};
use crate::log::Logger;

/// What is asked of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// To export what [`Calls::body`] gives, of so many data points.
    Export(u64),
    ForceFlush,
    Shutdown,
    /// To stop: nobody waits any more.
    Abort,
}

/// The program's side of an exporter. It answers by [`Calls::answer`].
pub trait Delegate: Send + Sync + 'static {
    /// `false` when its thread is gone.
    fn ask(&self, call: u32, request: Request) -> bool;
}

/// How the program says that a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub reason: String,
    /// Trying again may help.
    pub retryable: bool,
}

type Answer = std::result::Result<(), Failure>;

struct Open {
    body: Bytes,
    reply: oneshot::Sender<Answer>,
}

/// The calls of one exporter that are under way.
pub struct Calls {
    delegate: Box<dyn Delegate>,
    next: AtomicU32,
    /// `None` once the program's thread has ended.
    open: Mutex<Option<BTreeMap<u32, Open>>>,
}

impl Calls {
    fn new(delegate: Box<dyn Delegate>) -> Self {
        Self {
            delegate,
            next: AtomicU32::new(0),
            open: Mutex::new(Some(BTreeMap::new())),
        }
    }

    fn open(&self) -> MutexGuard<'_, Option<BTreeMap<u32, Open>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bytes to export.
    pub fn body(&self, call: u32) -> Option<Bytes> {
        let open = self.open();
        open.as_ref()?.get(&call).map(|call| call.body.clone())
    }

    /// Takes the program's answer; one that nobody waits for is none.
    pub fn answer(&self, call: u32, answer: Answer) {
        let call = self.open().as_mut().and_then(|open| open.remove(&call));
        if let Some(call) = call {
            let _ = call.reply.send(answer);
        }
    }

    /// The program's thread has ended: calls fail from now on, those under way too.
    pub fn close(&self) {
        // The replies go with it, not under the lock.
        let open = self.open().take();
        drop(open);
    }

    /// Dropping the future aborts the call.
    async fn call(&self, request: Request, body: Bytes) -> Answer {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (reply, answer) = oneshot::channel();
        match self.open().as_mut() {
            Some(open) => open.insert(number, Open { body, reply }),
            None => return Err(ended()),
        };
        let _abort = Abort {
            calls: self,
            number,
        };
        if !self.delegate.ask(number, request) {
            self.close();
        }
        answer.await.unwrap_or_else(|_| Err(ended()))
    }
}

fn ended() -> Failure {
    Failure {
        reason: "the thread that runs it has ended; call shutdown() before the end, and before \
                 process.exit()"
            .to_owned(),
        retryable: false,
    }
}

/// Tells the program that nobody waits for a call any more.
struct Abort<'c> {
    calls: &'c Calls,
    number: u32,
}

impl Drop for Abort<'_> {
    fn drop(&mut self) {
        let mut open = self.calls.open();
        let unanswered = open.as_mut().and_then(|open| open.remove(&self.number));
        drop(open);
        if unanswered.is_some() {
            self.calls.delegate.ask(self.number, Request::Abort);
        }
    }
}

/// Hands batches to the program.
struct OwnExporter {
    name: String,
    component: Component,
    encoding: Encoding,
    most_points: u64,
    calls: Arc<Calls>,
}

impl PushExporter for OwnExporter {
    fn name(&self) -> &str {
        &self.name
    }

    fn component(&self) -> Option<Component> {
        Some(self.component.clone())
    }

    fn prepare(&self, collection: &Collection) -> Vec<Batch> {
        encode_requests(collection, self.encoding, self.most_points)
    }

    async fn send(&self, batch: &Batch) -> Attempt {
        let request = Request::Export(batch.points);
        let outcome = match self.calls.call(request, batch.body.clone()).await {
            Ok(()) => Outcome::Ok,
            Err(Failure {
                reason,
                retryable: true,
            }) => Outcome::Retryable {
                after: None,
                reason,
            },
            Err(Failure { reason, .. }) => Outcome::Permanent { reason },
        };
        Attempt {
            outcome,
            status: Status::Missing(OTHER),
        }
    }

    fn force_flush(&self) -> impl Future<Output = std::result::Result<(), String>> + Send {
        finish(&self.calls, Request::ForceFlush)
    }

    fn shutdown(&self) -> impl Future<Output = std::result::Result<(), String>> + Send {
        finish(&self.calls, Request::Shutdown)
    }
}

async fn finish(calls: &Calls, request: Request) -> std::result::Result<(), String> {
    let answer = calls.call(request, Bytes::new()).await;
    answer.map_err(|failure| failure.reason)
}

/// An exporter of the program's, from when it is added to when it is shut down.
pub struct OwnPush {
    config: OwnExporterConfig,
    facade: FacadeId,
    pipeline: PipelineId,
    number: usize,
    calls: Arc<Calls>,
    /// Another than that of `config` once it was changed.
    interval: Mutex<Duration>,
    /// Once there is a configuration.
    started: OnceLock<PushHandle>,
}

impl OwnPush {
    pub fn calls(&self) -> &Arc<Calls> {
        &self.calls
    }

    pub fn pipeline(&self) -> PipelineId {
        self.pipeline
    }

    /// Collects and exports, and has the exporter flush.
    ///
    /// # Errors
    /// [`Code::Export`] when that failed, and why.
    pub async fn flush(&self) -> Result<()> {
        match self.started.get() {
            Some(push) => push.flush().await,
            None => Ok(()),
        }
    }

    /// Exports a last time, and has the exporter shut down.
    ///
    /// # Errors
    /// As [`OwnPush::flush`].
    pub async fn shutdown(&self) -> Result<()> {
        match self.started.get() {
            Some(push) => push.shutdown().await,
            // It has nothing to export, and perhaps something to close.
            None => {
                let closing = finish(&self.calls, Request::Shutdown);
                let outcome = tokio::time::timeout(self.patience(), closing).await;
                let outcome = outcome.unwrap_or_else(|_| Err("it took too long".to_owned()));
                outcome.map_err(|reason| {
                    Error::new(Code::Export, format!("{}: {reason}", self.name()))
                })
            }
        }
    }

    /// Has the next export come so long after now, and those that follow.
    pub fn set_interval(&self, interval: Duration) {
        let mut own = self.interval();
        if *own != interval {
            *own = interval;
            if let Some(push) = self.started.get() {
                push.set_interval(interval);
            }
        }
    }

    fn interval(&self) -> MutexGuard<'_, Duration> {
        self.interval.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn waiting_points(&self) -> u64 {
        self.started.get().map_or(0, PushHandle::waiting_points)
    }

    fn patience(&self) -> Duration {
        self.config.timeout.min(Duration::from_secs(60))
    }

    fn name(&self) -> String {
        match &self.config.name {
            Some(name) => format!("export to {name:?}"),
            None => format!("export to the program's exporter {}", self.number),
        }
    }

    fn start(&self, source: Arc<dyn Collect>, reader: usize, log: Logger) -> Result<()> {
        let runtime = runtime::handle()?;
        let interval = self.interval();
        self.started.get_or_init(|| {
            PushTask::spawn(
                &runtime,
                OwnExporter {
                    name: self.name(),
                    component: Component::new("javascript_metric_exporter", self.number),
                    encoding: self.config.reader.encoding,
                    most_points: self.config.max_batch_size.unwrap_or(u64::MAX),
                    calls: self.calls.clone(),
                },
                Reader::periodic(source, self.pipeline, reader),
                *interval,
                self.config.timeout,
                log,
            )
        });
        Ok(())
    }
}

/// All of a provider.
#[derive(Default)]
pub struct OwnPushes(Mutex<State>);

#[derive(Default)]
struct State {
    all: Vec<Arc<OwnPush>>,
    added: usize,
    /// Where they collect, and the number of the next reader, once there is a configuration.
    source: Option<(Arc<dyn Collect>, usize, Logger)>,
}

impl State {
    fn start(&mut self, push: &OwnPush) -> Result<()> {
        let Some((source, reader, log)) = &mut self.source else {
            return Ok(());
        };
        *reader += 1;
        push.start(source.clone(), *reader - 1, log.clone())
    }
}

impl OwnPushes {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds one, which starts with the configuration or, after it, now.
    ///
    /// # Errors
    /// [`Code::Export`] when the operating system refuses threads.
    pub fn add(
        &self,
        config: OwnExporterConfig,
        facade: FacadeId,
        pipeline: PipelineId,
        delegate: Box<dyn Delegate>,
    ) -> Result<Arc<OwnPush>> {
        let mut state = self.state();
        let push = Arc::new(OwnPush {
            interval: Mutex::new(config.interval),
            config,
            facade,
            pipeline,
            number: state.added,
            calls: Arc::new(Calls::new(delegate)),
            started: OnceLock::new(),
        });
        state.added += 1;
        state.start(&push)?;
        state.all.push(push.clone());
        Ok(push)
    }

    /// Starts those that were added so far; `reader` is the number of the first one's reader.
    ///
    /// # Errors
    /// As [`OwnPushes::add`].
    pub fn start(&self, source: Arc<dyn Collect>, reader: usize, log: Logger) -> Result<()> {
        let mut state = self.state();
        state.source = Some((source, reader, log));
        let all = state.all.clone();
        all.iter().try_for_each(|push| state.start(push))
    }

    /// Takes one out; `false` where it is out already.
    pub fn remove(&self, push: &Arc<OwnPush>) -> bool {
        let all = &mut self.state().all;
        let place = all.iter().position(|other| Arc::ptr_eq(other, push));
        place.map(|at| all.remove(at)).is_some()
    }

    pub fn has(&self, push: &OwnPush) -> bool {
        let all = &self.state().all;
        all.iter().any(|other| std::ptr::eq(&**other, push))
    }

    pub fn all(&self) -> Vec<Arc<OwnPush>> {
        self.state().all.clone()
    }

    /// Those of a JavaScript environment.
    pub fn of(&self, facade: FacadeId) -> Vec<Arc<OwnPush>> {
        let mut all = self.all();
        all.retain(|push| push.facade == facade);
        all
    }
}
