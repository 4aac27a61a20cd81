#![no_main]

use nativestage_metrics_fuzz::exposition;

libfuzzer_sys::fuzz_target!(|data: &[u8]| exposition::run(data));
