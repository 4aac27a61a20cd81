#![no_main]

use nativestage_metrics_fuzz::names;

libfuzzer_sys::fuzz_target!(|data: &[u8]| names::run(data));
