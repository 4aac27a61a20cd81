//! Metric names: a name that is given out is valid and begins as it must; a name that is not is
//! refused with the code for that.

use nativestage_metrics::config::NamingMode;
use nativestage_metrics::error::{Code, Error};
use nativestage_metrics::services::naming::check_instrument_name;
use nativestage_metrics::services::{MeterIdentity, RootMetricsService};
use opentelemetry_sdk::metrics::InstrumentKind;

/// Lines: mode, service name, scope, owner; the rest is the metric's name.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut lines = text.splitn(5, '\n');
    let mut line = || lines.next().unwrap_or("");
    let (mode, service_name, scope, owner, name) = (line(), line(), line(), line(), line());
    let mode = match mode {
        "passthrough" => NamingMode::Passthrough,
        _ => NamingMode::Enforce,
    };
    let root = match RootMetricsService::new(service_name, None, mode) {
        Ok(root) => root,
        Err(error) => return refused(&error, Code::InvalidConfig),
    };
    let service = match scope {
        "" => Ok(root.own()),
        "plugin" => root.for_plugin(owner, MeterIdentity::default()),
        other => root.for_service(owner, other),
    };
    let service = match service {
        Ok(service) => service,
        Err(error) => return refused(&error, Code::InvalidName),
    };
    let prefix = match scope {
        "" => format!("{service_name}."),
        scope => format!("{service_name}.{scope}.{owner}."),
    };
    let check = |full: &str| {
        assert!(check_instrument_name(full).is_ok(), "{full:?}");
        match mode {
            NamingMode::Passthrough => assert_eq!(full, name),
            NamingMode::Enforce => {
                let rest = full.strip_prefix(&prefix).expect("the prefix");
                let segments: Vec<&str> = rest.split('.').collect();
                assert!(segments.len() >= 2, "{full:?}");
                assert!(segments.iter().all(|segment| !segment.is_empty()));
            }
        }
    };
    let strict = service.name(name);
    match &strict {
        Ok(full) => check(full),
        Err(error) => refused(error, Code::InvalidName),
    }
    for kind in [InstrumentKind::Counter, InstrumentKind::Histogram] {
        match service.foreign_name(kind, name) {
            Ok(named) => {
                check(&named.name);
                if let Some(rename) = named.rename {
                    assert_eq!((rename.old, rename.kind), (name, kind));
                    assert_eq!(named.name, format!("{prefix}{}", rename.new));
                    continue;
                }
                // Only what is refused needs mending, and that is said.
                assert_eq!(named.notice.is_some(), strict.is_err());
                assert!(strict.is_err() || strict.as_ref() == Ok(&named.name));
            }
            Err(error) => {
                refused(&error, Code::InvalidName);
                assert!(strict.is_err());
            }
        }
    }
}

fn refused(error: &Error, code: Code) {
    assert_eq!(error.code(), code);
    assert!(!error.message().is_empty());
}
