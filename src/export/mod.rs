//! Export: OTLP, Prometheus exposition and the console, on a small runtime of their own, so that a
//! slow collector never delays a scrape or the next collection.

pub mod console;
mod json_writer;
pub mod otlp;
pub mod push;
#[cfg(test)]
mod testing;
