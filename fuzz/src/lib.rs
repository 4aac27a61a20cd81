//! What the fuzz targets check, as functions of bytes: libFuzzer calls them through `fuzz_targets/`,
//! `cargo test --no-default-features` replays the corpora through the same.

pub mod aggregation;
pub mod configuration;
pub mod exposition;
pub mod names;
pub mod negotiation;

mod bench;
mod page;
mod protobuf;
mod text;
