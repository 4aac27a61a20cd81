#![no_main]

use nativestage_metrics_fuzz::negotiation;

libfuzzer_sys::fuzz_target!(|data: &[u8]| negotiation::run(data));
