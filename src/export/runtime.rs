//! The async runtime that exporters, the scrape server and promises run on: two threads for the
//! process, started at the first need.

use once_cell::sync::OnceCell;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::{Code, Error, Result};

static RUNTIME: OnceCell<Runtime> = OnceCell::new();

/// # Errors
/// [`Code::Export`] when the operating system refuses the threads.
pub fn handle() -> Result<Handle> {
    RUNTIME
        .get_or_try_init(|| {
            Builder::new_multi_thread()
                .worker_threads(2)
                .thread_name("metrics-export")
                .enable_all()
                .build()
        })
        .map(|runtime| runtime.handle().clone())
        .map_err(|error| {
            Error::new(
                Code::Export,
                format!("the export threads could not be started: {error}"),
            )
        })
}
