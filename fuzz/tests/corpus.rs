//! Replays the corpora on the stable toolchain: `cargo test --no-default-features`.

use std::path::Path;

use nativestage_metrics_fuzz::{aggregation, configuration, exposition, names, negotiation};

fn replay(target: &str, run: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut files: Vec<_> = std::fs::read_dir(corpus.join(target))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no corpus for {target}");
    for file in files {
        // Shown when the test fails.
        println!("{}", file.display());
        run(&std::fs::read(file).unwrap());
    }
}

#[test]
fn values_are_neither_lost_nor_shown_twice() {
    replay("aggregation", aggregation::run);
}

#[test]
fn names_are_valid_or_refused() {
    replay("names", names::run);
}

#[test]
fn configurations_are_usable_or_refused_by_path() {
    replay("configuration", configuration::run);
}

#[test]
fn every_request_gets_the_format_that_its_answer_names() {
    replay("negotiation", negotiation::run);
}

#[test]
fn pages_say_what_was_recorded() {
    replay("exposition", exposition::run);
}
