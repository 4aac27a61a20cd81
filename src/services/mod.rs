//! The metrics services: they build an instrument's full name, check it, and register it.

pub mod naming;
mod plugin;
pub mod renames;
mod root;

pub use plugin::{Named, PluginMetricsService};
pub use root::{default_meter_name, MeterIdentity, RootMetricsService};
