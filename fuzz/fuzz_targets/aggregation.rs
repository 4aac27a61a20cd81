#![no_main]

use nativestage_metrics_fuzz::aggregation;

libfuzzer_sys::fuzz_target!(|data: &[u8]| aggregation::run(data));
