//! Periodic push: one task per exporter collects, encodes and sends, every interval, on request
//! and a last time at shutdown. Exports of one exporter never overlap; the requests of one may, as many
//! as the exporter says.
//!
//! Cumulative data that could not be delivered is superseded by the next collection. Delta data is
//! not: it waits, encoded, in a bounded [`backlog`] and goes out in order before anything newer.

mod attempt;
mod backlog;
mod health;
#[cfg(test)]
mod self_metrics_tests;
#[cfg(test)]
mod tests;

use std::future::{ready, Future};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch, OnceCell};
use tokio::time::{interval_at, sleep_until, timeout_at, Instant, Interval, MissedTickBehavior};

use crate::config::NO_LIMIT;
use crate::engine::collection::Collection;
use crate::engine::{Component, SelfMetric};
use crate::error::{Code, Error, Result};
use crate::export::reader::Reader;
use crate::log::Logger;
use backlog::{Amount, Backlog};
use health::Health;

pub use attempt::{Attempt, Outcome, Status, OTHER};

/// One request, ready to send.
#[derive(Clone, Debug)]
pub struct Batch {
    pub body: Bytes,
    /// Data points in it.
    pub points: u64,
    /// It holds changes since the last collection: losing it loses them.
    pub delta: bool,
    /// Why no receiver gets to see it: it has no body, and is dropped when its turn comes.
    pub unsendable: Option<String>,
}

/// Something that collections can be pushed to.
pub trait PushExporter: Send + Sync + 'static {
    /// What this exporter does and where to, as the subject of log messages; free of secrets.
    fn name(&self) -> &str;

    /// How the source's own metrics name it; without that they leave it out.
    fn component(&self) -> Option<Component> {
        None
    }

    /// Encodes a collection; empty when there is nothing to send. Runs on a thread that may block.
    fn prepare(&self, collection: &Collection) -> Vec<Batch>;

    /// Requests that may be under way at once. With 1 they go in order.
    fn concurrent(&self) -> usize {
        1
    }

    /// What to say of an attempt that the time-out ended.
    fn late(&self, timeout: Duration) -> String {
        format!("no answer within {timeout:?}")
    }

    /// Makes one attempt. It is dropped, and must stop, when the export's time is up. Reasons must
    /// be free of secrets.
    fn send(&self, batch: &Batch) -> impl Future<Output = Attempt> + Send;

    /// Finishes what it may still hold of earlier batches. Where that fails, the reason, free of
    /// secrets.
    fn force_flush(&self) -> impl Future<Output = std::result::Result<(), String>> + Send {
        ready(Ok(()))
    }

    /// Lets go of what it needs to export.
    fn shutdown(&self) -> impl Future<Output = std::result::Result<(), String>> + Send {
        ready(Ok(()))
    }
}

/// Bytes of delta data that may wait for a receiver that is away.
const BACKLOG_LIMIT: usize = 64 * 1024 * 1024;

/// The pause after the first failed attempt; shorter when the whole export has little time, so that
/// it still gets a few attempts.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const FIRST_PAUSE_SHARE: u32 = 8;
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long an export without a limit waits for callbacks, and tries again, at most.
const UNLIMITED_PATIENCE: Duration = Duration::from_secs(60);

/// The status of an attempt that its deadline ended.
const TIMED_OUT: Status = Status::Missing("timeout");

/// The loop of one push exporter.
pub struct PushTask<E> {
    sending: Sending<E>,
    backlog: Backlog,
    health: Health,
    /// No export will follow the current one.
    last: bool,
}

/// What sends batches; several at once share it.
struct Sending<E> {
    exporter: Arc<E>,
    reader: Reader,
    component: Option<Component>,
    timeout: Duration,
    /// Bounds what the time-out bounds but for the attempts themselves: an export without a limit
    /// must not wait for ever for a callback, nor hide in tries that its receiver is down.
    patience: Duration,
    log: Logger,
    /// Data points that were collected and are neither delivered nor lost.
    waiting: Arc<AtomicU64>,
    /// The receiver asked for silence until then, with these words.
    silence: Mutex<Option<(Instant, String)>>,
}

/// Controls a running [`PushTask`]. Dropping it ends the task without a last export.
pub struct PushHandle {
    commands: mpsc::Sender<Command>,
    interval: watch::Sender<Duration>,
    waiting: Arc<AtomicU64>,
    stopped: OnceCell<Result<()>>,
}

/// An export operation under way.
struct Operation {
    started: Instant,
    /// Of the last attempt.
    status: Status,
}

enum Command {
    Flush(oneshot::Sender<Result<()>>),
    Shutdown(oneshot::Sender<Result<()>>),
}

impl<E: PushExporter> PushTask<E> {
    /// Starts the task on `runtime`. The first export comes one `interval` from now; when one takes
    /// longer than that, the next follows a full interval after it.
    ///
    /// `timeout` bounds the collection, and again the sending: all batches, all their attempts and
    /// the pauses between them. With [`NO_LIMIT`] an attempt may take for ever, and the rest as long
    /// as an interval, at most a minute.
    pub fn spawn(
        runtime: &Handle,
        exporter: E,
        reader: Reader,
        interval: Duration,
        timeout: Duration,
        log: Logger,
    ) -> PushHandle {
        let waiting = Arc::new(AtomicU64::new(0));
        let (commands, inbox) = mpsc::channel(8);
        let task = Self {
            health: Health::new(exporter.name(), log.clone()),
            sending: Sending {
                component: exporter.component(),
                exporter: Arc::new(exporter),
                reader,
                timeout,
                patience: patience(timeout, interval),
                log,
                waiting: waiting.clone(),
                silence: Mutex::default(),
            },
            backlog: Backlog::new(BACKLOG_LIMIT),
            last: false,
        };
        let (interval, intervals) = watch::channel(interval);
        runtime.spawn(task.run(intervals, inbox));
        PushHandle {
            commands,
            interval,
            waiting,
            stopped: OnceCell::new(),
        }
    }

    async fn run(
        mut self,
        mut intervals: watch::Receiver<Duration>,
        mut inbox: mpsc::Receiver<Command>,
    ) {
        let mut ticks = every(*intervals.borrow_and_update());
        loop {
            tokio::select! {
                command = inbox.recv() => match command {
                    Some(Command::Flush(done)) => {
                        // Nobody may be waiting any more; what was flushed is flushed.
                        let exported = self.export().await;
                        let flushed = self.finish("forceFlush", E::force_flush).await;
                        let _ = done.send(exported.and(flushed));
                    }
                    Some(Command::Shutdown(done)) => {
                        self.last = true;
                        let result = self.export().await;
                        self.abandon_backlog();
                        let closed = self.finish("shutdown", E::shutdown).await;
                        let _ = done.send(result.and(closed));
                        return;
                    }
                    None => return,
                },
                Ok(()) = intervals.changed() => {
                    let interval = *intervals.borrow_and_update();
                    self.sending.patience = patience(self.sending.timeout, interval);
                    ticks = every(interval);
                }
                _ = ticks.tick() => {
                    // Failures have been logged; the next tick tries again.
                    let _ = self.export().await;
                }
            }
        }
    }

    /// Has the exporter do something beside exporting, within the time-out.
    async fn finish<'e, F>(&'e self, what: &str, begin: impl FnOnce(&'e E) -> F) -> Result<()>
    where
        F: Future<Output = std::result::Result<(), String>> + Send + 'e,
    {
        let Sending {
            exporter,
            timeout,
            log,
            ..
        } = &self.sending;
        let outcome = timeout_at(later(*timeout), begin(exporter)).await;
        let outcome = outcome.unwrap_or_else(|_| Err(format!("no answer within {timeout:?}")));
        outcome.map_err(|reason| {
            let message = format!("{}: {what} failed: {reason}", exporter.name());
            log.error(message.clone());
            Error::new(Code::Export, message)
        })
    }

    async fn export(&mut self) -> Result<()> {
        let collected = self.collect().await;
        let sent = self.deliver().await;
        collected.and(sent)
    }

    async fn collect(&mut self) -> Result<()> {
        let sending = &self.sending;
        let collection = sending.reader.collect(sending.patience).await?;
        let exporter = sending.exporter.clone();
        let batches = tokio::task::spawn_blocking(move || exporter.prepare(&collection))
            .await
            .map_err(|error| {
                let message = format!("{} could not encode: {error}", sending.exporter.name());
                sending.log.error(message.clone());
                Error::new(Code::Export, message)
            })?;
        for batch in batches {
            self.backlog.push(batch);
        }
        self.count_waiting();
        Ok(())
    }

    /// Sends everything that waits within the time-out, oldest first, as many at once as the exporter
    /// may. One that is refused takes nothing from the others; where one could not be delivered, the
    /// time is up or the receiver wants silence, and none is begun any more.
    async fn deliver(&mut self) -> Result<()> {
        let deadline = later(self.sending.timeout);
        let mut refused: Option<(String, u64)> = None;
        let mut stuck: Option<String> = None;
        let is_stuck = AtomicBool::new(false);
        {
            let (sending, is_stuck) = (&self.sending, &is_stuck);
            let outcomes = self
                .backlog
                .snapshot()
                .into_iter()
                .map(|waiting| async move {
                    if is_stuck.load(Ordering::Relaxed) {
                        return (waiting, None);
                    }
                    let outcome = sending.deliver_one(&waiting.batch, deadline).await;
                    if matches!(outcome, Outcome::Retryable { .. }) {
                        is_stuck.store(true, Ordering::Relaxed);
                    }
                    (waiting, Some(outcome))
                });
            // In order, whichever ends first.
            let outcomes = stream::iter(outcomes).buffered(sending.exporter.concurrent());
            let mut outcomes = pin!(outcomes);
            // Those before the current one that stay.
            let mut staying = 0;
            while let Some((waiting, outcome)) = outcomes.next().await {
                let points = waiting.batch.points;
                match outcome {
                    Some(Outcome::Ok) => {
                        sending.exported(points);
                        self.health.delivered(points, waiting.late);
                    }
                    Some(Outcome::PartialSuccess { rejected, message }) => {
                        let rejected = rejected.min(points);
                        sending.exported(points - rejected);
                        sending.failed(rejected, "rejected");
                        self.health.delivered(points, waiting.late);
                        self.health.partial(rejected, &message);
                    }
                    Some(Outcome::Permanent { reason }) => {
                        sending.failed(points, "refused");
                        self.health.lost(1, points);
                        let others = refused.map_or(0, |(_, points)| points);
                        refused = Some((reason, others + points));
                    }
                    Some(Outcome::Retryable { reason, .. }) => {
                        stuck.get_or_insert(reason);
                        staying += 1;
                        continue;
                    }
                    None => {
                        staying += 1;
                        continue;
                    }
                }
                self.backlog.remove(staying);
                sending.count_waiting(self.backlog.total().points);
            }
        }
        let outcome = self.settle(refused, stuck);
        self.count_waiting();
        outcome
    }

    fn count_waiting(&self) {
        self.sending.count_waiting(self.backlog.total().points);
    }

    /// Draws the balance of an export: what waits on, what is lost, what the log says.
    fn settle(&mut self, refused: Option<(String, u64)>, stuck: Option<String>) -> Result<()> {
        let superseded = match self.last {
            // Nothing will supersede it.
            true => Amount::default(),
            false => self.backlog.keep_delta(),
        };
        self.sending.failed(superseded.points, "superseded");
        let dropped = self.backlog.shrink();
        self.sending.failed(dropped.points, "overflow");
        self.health.overflowed(dropped, BACKLOG_LIMIT);

        let reason = match (stuck, refused) {
            (Some(reason), _) => {
                if !self.last {
                    self.health
                        .stuck(&reason, superseded.batches, self.backlog.total());
                }
                reason
            }
            (None, Some((reason, points))) => {
                self.health.refused(&reason, points);
                reason
            }
            (None, None) => {
                self.health.settled();
                return Ok(());
            }
        };
        Err(Error::new(
            Code::Export,
            format!("{} failed: {reason}", self.sending.exporter.name()),
        ))
    }

    fn abandon_backlog(&mut self) {
        let left = self.backlog.total();
        if left.batches > 0 {
            self.sending.failed(left.points, "abandoned");
            self.health.abandoned(left);
            self.backlog.clear();
            self.count_waiting();
        }
    }
}

impl<E: PushExporter> Sending<E> {
    fn exported(&self, points: u64) {
        self.count(points, None);
    }

    /// `error` is the `error.type` of the source's own metrics.
    fn failed(&self, points: u64, error: &'static str) {
        self.count(points, Some(error));
    }

    fn count(&self, points: u64, error: Option<&'static str>) {
        if let (Some(component), true) = (&self.component, points > 0) {
            let attributes = component.attributes(error);
            self.reader
                .record(SelfMetric::ExportedPoints, points as f64, attributes);
        }
    }

    fn count_waiting(&self, waiting: u64) {
        let change = waiting as f64 - self.waiting.swap(waiting, Ordering::Relaxed) as f64;
        if let (Some(component), true) = (&self.component, change != 0.0) {
            let attributes = component.attributes(None::<&str>);
            self.reader
                .record(SelfMetric::InflightPoints, change, attributes);
        }
    }

    /// One export operation. Delta data that it could not deliver waits for another.
    async fn deliver_one(&self, batch: &Batch, deadline: Instant) -> Outcome {
        let mut operation = None;
        let outcome = self.attempt_until(batch, deadline, &mut operation).await;
        if let (Some(component), Some(operation)) = (&self.component, operation) {
            self.reader.record(
                SelfMetric::ExportDuration,
                operation.started.elapsed().as_secs_f64(),
                operation.status.attributes(component, &outcome),
            );
        }
        outcome
    }

    /// Tries a batch until it is taken, refused, or the time is up. There is no operation while the
    /// receiver wants silence.
    async fn attempt_until(
        &self,
        batch: &Batch,
        deadline: Instant,
        operation: &mut Option<Operation>,
    ) -> Outcome {
        if let Some(reason) = batch.unsendable.clone() {
            return Outcome::Permanent { reason };
        }
        let mut pause = FIRST_PAUSE.min(self.patience / FIRST_PAUSE_SHARE);
        let mut failed = None;
        let answer_by = deadline;
        let deadline = deadline.min(later(self.patience));
        loop {
            while let Some((until, reason)) = self.silence() {
                if until >= deadline {
                    return Outcome::Retryable {
                        after: None,
                        reason,
                    };
                }
                sleep_until(until).await;
            }
            let operation = operation.get_or_insert_with(|| Operation {
                started: Instant::now(),
                status: TIMED_OUT,
            });
            operation.status = TIMED_OUT;
            let attempt = timeout_at(answer_by, self.exporter.send(batch)).await;
            let (after, reason) = match attempt {
                Ok(attempt) => {
                    operation.status = attempt.status;
                    match attempt.outcome {
                        Outcome::Retryable { after, reason } => (after, reason),
                        outcome => return outcome,
                    }
                }
                Err(_) => {
                    let late = self.exporter.late(self.timeout);
                    return Outcome::Retryable {
                        after: None,
                        reason: match failed {
                            // The time was up while it was tried once more.
                            Some(earlier) => format!("{earlier}; then {late}"),
                            None => late,
                        },
                    };
                }
            };
            self.log
                .debug(format!("{}: {reason}", self.exporter.name()));
            // The receiver may ask for a longer pause than ours, never for a shorter one: its clock
            // may be wrong, and a zero would be a flood.
            let asked = after.unwrap_or_default();
            let until = later(asked.max(jittered(pause)));
            if until >= deadline {
                if !asked.is_zero() {
                    self.be_silent(later(asked), &reason);
                }
                return Outcome::Retryable { after, reason };
            }
            self.be_silent(until, &reason);
            failed = Some(reason);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Until when, and why, nothing may be sent.
    fn silence(&self) -> Option<(Instant, String)> {
        let silence = self.silence.lock().unwrap_or_else(PoisonError::into_inner);
        silence.clone().filter(|(until, _)| *until > Instant::now())
    }

    /// Has nothing sent until then. Of several requests at once the longest silence holds.
    fn be_silent(&self, until: Instant, reason: &str) {
        let mut silence = self.silence.lock().unwrap_or_else(PoisonError::into_inner);
        if silence.as_ref().is_none_or(|(other, _)| *other < until) {
            *silence = Some((until, reason.to_owned()));
        }
    }
}

impl PushHandle {
    /// Collects now and sends everything, also what waited from before.
    ///
    /// # Errors
    /// [`Code::Export`] naming the endpoint and the reason when something was not delivered,
    /// [`Code::ShutDown`] after the shutdown of this exporter or of the engine.
    pub async fn flush(&self) -> Result<()> {
        self.command(Command::Flush).await.unwrap_or_else(|| {
            Err(Error::new(
                Code::ShutDown,
                "the exporter has been shut down",
            ))
        })
    }

    /// Makes a last export and stops. Further calls give the first one's result.
    ///
    /// # Errors
    /// As [`flush`](Self::flush).
    pub async fn shutdown(&self) -> Result<()> {
        let stop = async { self.command(Command::Shutdown).await.unwrap_or(Ok(())) };
        self.stopped.get_or_init(|| stop).await.clone()
    }

    /// The next export comes one such interval from now, unless it has it already.
    pub fn set_interval(&self, interval: Duration) {
        self.interval.send_if_modified(|known| {
            let changes = *known != interval;
            *known = interval;
            changes
        });
    }

    /// Data points that were collected and are neither delivered nor lost.
    pub fn waiting_points(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// `None` when the task has ended.
    async fn command(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<()>>) -> Command,
    ) -> Option<Result<()>> {
        let (done, result) = oneshot::channel();
        self.commands.send(command(done)).await.ok()?;
        result.await.ok()
    }
}

/// Ticks from one interval on; one that is late puts off those that follow.
fn every(interval: Duration) -> Interval {
    let mut ticks = interval_at(Instant::now() + interval, interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// What bounds the rest where the time-out bounds nothing.
fn patience(timeout: Duration, interval: Duration) -> Duration {
    match timeout == NO_LIMIT {
        true => interval.min(UNLIMITED_PATIENCE),
        false => timeout,
    }
}

/// The time after this duration, or a year from now when that comes earlier: `Instant` panics when
/// it cannot count that far.
fn later(duration: Duration) -> Instant {
    Instant::now() + duration.min(Duration::from_secs(365 * 24 * 3600))
}

/// Between half and all of the pause, so that replicas whose collector restarted do not come back
/// in step.
pub(super) fn jittered(pause: Duration) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    // Its keys differ per instance; nothing here needs better randomness.
    let random = RandomState::new().hash_one(0_u8) >> 32;
    let share = 0.5 + 0.5 * (random as f64 / f64::from(u32::MAX));
    pause.mul_f64(share)
}
