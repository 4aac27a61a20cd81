//! How an exporter takes collections, and how long they took.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use tokio::time::Instant;

use crate::engine::collection::Collection;
use crate::engine::{Collect, Component, PipelineId, SelfMetric};
use crate::error::{Code, Error, Result};

/// A metric reader: one exporter's access to one pipeline.
pub struct Reader {
    source: Arc<dyn Collect>,
    pipeline: PipelineId,
    component: Component,
}

impl Reader {
    /// Of a push exporter; `number` tells the readers of one provider apart.
    pub fn periodic(source: Arc<dyn Collect>, pipeline: PipelineId, number: usize) -> Self {
        Self {
            source,
            pipeline,
            component: Component::new("periodic_metric_reader", number),
        }
    }

    /// Of the Prometheus page, which is exporter and reader in one.
    pub fn prometheus(source: Arc<dyn Collect>, pipeline: PipelineId) -> Self {
        Self {
            source,
            pipeline,
            component: Component::new("prometheus_http_text_metric_exporter", 0),
        }
    }

    /// Collects, and waits for event loops until `timeout`. How long that took is in the next
    /// collection; one that went on without an event loop counts as failed, and so does one of which a
    /// callback failed.
    ///
    /// # Errors
    /// [`Code::ShutDown`] when the engine has been shut down.
    pub async fn collect(&self, timeout: Duration) -> Result<Collected> {
        let started = Instant::now();
        let collection = self
            .source
            .collect(self.pipeline, timeout)
            .await
            .unwrap_or_else(|_| {
                Err(Error::new(
                    Code::ShutDown,
                    "the metrics engine has been shut down",
                ))
            })?;
        Ok(Collected {
            attributes: self.component.attributes(match collection.late {
                true => Some("timeout".to_owned()),
                false => collection.error_type.as_deref().map(str::to_owned),
            }),
            took: started.elapsed(),
            source: self.source.clone(),
            collection,
        })
    }

    /// Records one of the source's own metrics.
    pub fn record(&self, metric: SelfMetric, value: f64, attributes: Vec<KeyValue>) {
        self.source.record(metric, value, attributes);
    }
}

/// A collection. How long it took is recorded when it has been read: what is read late would tell
/// of itself otherwise.
pub struct Collected {
    collection: Arc<Collection>,
    source: Arc<dyn Collect>,
    took: Duration,
    attributes: Vec<KeyValue>,
}

impl Deref for Collected {
    type Target = Collection;

    fn deref(&self) -> &Collection {
        &self.collection
    }
}

impl Drop for Collected {
    fn drop(&mut self) {
        self.source.record(
            SelfMetric::CollectionDuration,
            self.took.as_secs_f64(),
            std::mem::take(&mut self.attributes),
        );
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use opentelemetry_sdk::metrics::Temporality;
    use tokio::sync::oneshot;

    use super::*;
    use crate::export::testing::{block_on, TestSource};

    /// Collects nothing, which takes a while, and notes what is recorded about that.
    #[derive(Default)]
    struct Slow {
        late: bool,
        error_type: Option<String>,
        recorded: Mutex<Vec<(SelfMetric, f64, Vec<KeyValue>)>>,
    }

    const WHILE: Duration = Duration::from_millis(20);

    impl Collect for Slow {
        fn collect(
            &self,
            _: PipelineId,
            _: Duration,
        ) -> oneshot::Receiver<Result<Arc<Collection>>> {
            let (reply, answer) = oneshot::channel();
            let mut collection = TestSource::new(Temporality::Cumulative).collection();
            collection.late = self.late;
            collection.error_type = self.error_type.as_deref().map(Box::from);
            tokio::spawn(async move {
                tokio::time::sleep(WHILE).await;
                let _ = reply.send(Ok(Arc::new(collection)));
            });
            answer
        }

        fn record(&self, metric: SelfMetric, value: f64, attributes: Vec<KeyValue>) {
            let mut recorded = self.recorded.lock().unwrap();
            recorded.push((metric, value, attributes));
        }
    }

    #[test]
    fn a_collection_is_timed_and_one_without_an_event_loop_or_with_a_failed_callback_has_failed() {
        for (late, failed, error_type) in [
            (false, None, None),
            (true, None, Some("timeout")),
            (true, Some("TypeError"), Some("timeout")),
            (false, Some("TypeError"), Some("TypeError")),
        ] {
            let source = Arc::new(Slow {
                late,
                error_type: failed.map(str::to_owned),
                ..Slow::default()
            });
            let reader = Reader::prometheus(source.clone(), PipelineId(0));
            let collected = block_on(reader.collect(WHILE)).unwrap();
            assert_eq!(source.recorded.lock().unwrap().len(), 0, "not yet read");
            drop(collected);
            let recorded = source.recorded.lock().unwrap();
            let [(SelfMetric::CollectionDuration, seconds, attributes)] = &recorded[..] else {
                panic!("{recorded:?}");
            };
            assert!(*seconds >= WHILE.as_secs_f64(), "{seconds}");
            let kind = "prometheus_http_text_metric_exporter";
            let mut expected = vec![
                KeyValue::new("otel.component.name", format!("{kind}/0")),
                KeyValue::new("otel.component.type", kind),
            ];
            expected.extend(error_type.map(|error| KeyValue::new("error.type", error)));
            assert_eq!(*attributes, expected);
        }
    }
}
