//! The names of streams: two of one name in one place cannot be told apart by who reads them (Metrics SDK
//! specification, "Duplicate instrument registration" and "Measurement processing").

use std::collections::HashMap;
use std::sync::Arc;

use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::metrics::InstrumentKind;

use super::instrument::{kind_name, InstrumentId, InstrumentSpec, ValueType};
use super::plan::StreamPlan;

/// Who has a name.
struct Holder {
    instrument: InstrumentId,
    spec: Arc<InstrumentSpec>,
    /// The pipelines that read it, as bits.
    pipelines: u32,
}

/// The streams of every scope, by name without regard to case.
#[derive(Default)]
pub struct Identities(HashMap<(Arc<InstrumentationScope>, String), Vec<Holder>>);

impl Identities {
    /// Takes an instrument's streams in. Returns what is wrong with their names.
    pub fn add(
        &mut self,
        id: InstrumentId,
        spec: &Arc<InstrumentSpec>,
        plans: &[StreamPlan],
    ) -> Vec<String> {
        let mut problems = Vec::new();
        for plan in plans.iter().filter(|plan| !plan.legacy) {
            let key = (spec.scope.clone(), plan.name.to_ascii_lowercase());
            let holders = self.0.entry(key).or_default();
            let other = holders
                .iter()
                .find(|holder| holder.pipelines & plan.pipelines != 0);
            if let Some(other) = other {
                let problem = match other.instrument == id {
                    true => two_views(spec, &plan.name),
                    false => two_instruments(&other.spec, spec, &plan.name),
                };
                if !problems.contains(&problem) {
                    problems.push(problem);
                }
            }
            holders.push(Holder {
                instrument: id,
                spec: spec.clone(),
                pipelines: plan.pipelines,
            });
        }
        problems
    }
}

fn two_views(spec: &InstrumentSpec, name: &str) -> String {
    format!(
        "metric {name:?} of scope {:?}: several views make a stream of this name from the {} \
         registered at {}; readers cannot tell them apart. Give all but one of them a stream.name \
         of its own",
        spec.scope.name(),
        kind_name(spec.kind),
        spec.site
    )
}

fn two_instruments(first: &InstrumentSpec, second: &InstrumentSpec, name: &str) -> String {
    let scope = second.scope.name();
    let renamed = |spec: &InstrumentSpec| !spec.name.eq_ignore_ascii_case(name);
    if renamed(first) || renamed(second) {
        let (by_view, other) = match renamed(second) {
            true => (second, first),
            false => (first, second),
        };
        return format!(
            "metric {name:?} of scope {scope:?}: a view gives this name to the {} {:?} ({}), and the \
             {} {:?} ({}) has it too; readers cannot tell them apart. Give the view another \
             stream.name",
            kind_name(by_view.kind),
            by_view.name,
            by_view.site,
            kind_name(other.kind),
            other.name,
            other.site
        );
    }
    let mut differences = Vec::new();
    if first.kind != second.kind {
        let (first, second) = (kind_name(first.kind), kind_name(second.kind));
        differences.push(format!("kind {first} and {second}"));
    }
    if first.unit != second.unit {
        differences.push(format!("unit {:?} and {:?}", first.unit, second.unit));
    }
    if first.value_type != second.value_type {
        let type_name = |of: ValueType| match of {
            ValueType::Int => "int",
            ValueType::Double => "double",
        };
        let (first, second) = (type_name(first.value_type), type_name(second.value_type));
        differences.push(format!("value type {first} and {second}"));
    }
    if first.description != second.description {
        let (first, second) = (&first.description, &second.description);
        differences.push(format!("description {first:?} and {second:?}"));
    }
    let recipe = match recipe(first, second) {
        Some(recipe) => format!(", or tell them apart with a view: {recipe}"),
        None => String::new(),
    };
    format!(
        "metric {:?} of scope {scope:?} is registered twice with different {}: first at {}, then at \
         {}; give them one definition or two names{recipe}",
        second.name,
        differences.join(", "),
        first.site,
        second.site
    )
}

/// A view that renames the second instrument and not the first, where a selector can tell.
fn recipe(first: &InstrumentSpec, second: &InstrumentSpec) -> Option<String> {
    let criterion = if first.kind != second.kind {
        format!("instrument_type: {}", selector_type(second.kind))
    } else if first.unit != second.unit {
        format!("unit: {:?}", second.unit)
    } else {
        return None;
    };
    Some(format!(
        "{{selector: {{instrument_name: {:?}, {criterion}, meter_name: {:?}}}, stream: {{name: \
         another.name}}}}",
        second.name,
        second.scope.name()
    ))
}

/// A kind as a view's `instrument_type` has it.
fn selector_type(kind: InstrumentKind) -> String {
    kind_name(kind).replace([' ', '-'], "_")
}

/// The warning for a second description of an instrument, with the view that settles it.
pub fn two_descriptions(first: &InstrumentSpec, second: &InstrumentSpec) -> String {
    format!(
        "metric {:?} of scope {:?} is registered twice with different description {:?} and {:?}: first \
         at {}, then at {}; the longer one is exported. Give them one, or say it in a view: {{selector: \
         {{instrument_name: {:?}, meter_name: {:?}}}, stream: {{description: …}}}}",
        second.name,
        second.scope.name(),
        first.description,
        second.description,
        first.site,
        second.site,
        second.name,
        second.scope.name()
    )
}
