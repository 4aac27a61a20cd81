//! Full names: what every creation of an instrument through a service costs.

use std::hint::black_box;

use criterion::{criterion_group, criterion_main, Criterion};
use nativestage_metrics::config::NamingMode;
use nativestage_metrics::services::{MeterIdentity, RootMetricsService};
use opentelemetry_sdk::metrics::InstrumentKind;

const FULL: &str = "backstage.plugin.catalog.entities.count";

fn names(c: &mut Criterion) {
    let root = RootMetricsService::new("backstage", None, NamingMode::Enforce).unwrap();
    let service = root
        .for_plugin("catalog", MeterIdentity::default())
        .unwrap();
    c.bench_function("build and check a full name", |b| {
        b.iter(|| assert_eq!(service.name(black_box("entities.count")).unwrap(), FULL));
    });
    c.bench_function("repair a name of a third party", |b| {
        b.iter(|| {
            let repair = service
                .foreign_name(InstrumentKind::Counter, black_box("catalog_entities_count"))
                .unwrap();
            assert_eq!(repair.name, FULL);
            assert!(repair.notice.is_some());
        });
    });
}

criterion_group!(benches, names);
criterion_main!(benches);
