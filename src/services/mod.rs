//! The metrics services: they build an instrument's full name, check it, and register it.

pub mod naming;
mod plugin;
mod root;

pub use plugin::PluginMetricsService;
pub use root::{MeterIdentity, RootMetricsService};
