#![no_main]

use nativestage_metrics_fuzz::configuration;

libfuzzer_sys::fuzz_target!(|data: &[u8]| configuration::run(data));
