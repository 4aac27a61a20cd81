//! The engine: one thread per provider that owns the SDK's instruments and bound handles.

pub mod collection;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::error::Result;
use collection::Collection;

/// Which of the provider's pipelines to collect: exporters that agree on temporality and histogram
/// aggregation share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PipelineId(pub(crate) usize);

/// Where exporters get their data from.
pub trait Collect: Send + Sync + 'static {
    /// Asks every JavaScript environment to run its observable callbacks and hand over, waits for
    /// them until `timeout`, then collects. A late environment does not fail the collection: its
    /// last known data is used.
    ///
    /// The answer fails only when the engine has shut down.
    fn collect(
        &self,
        pipeline: PipelineId,
        timeout: Duration,
    ) -> oneshot::Receiver<Result<Arc<Collection>>>;
}
