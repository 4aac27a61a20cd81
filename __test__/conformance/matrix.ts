// Every row of the sections of OpenTelemetry's compliance matrix that are about metrics
// (open-telemetry/opentelemetry-specification, `spec-compliance-matrix/template.yaml` of 2026-08-19), in
// our words and in its order. `docs/conformance.md` is written from this table, and
// conformance/matrix.test.ts looks whether every test that it names exists.

/** `yes` has a test that tries it. `other` is of traces, logs or propagation. */
export type State = 'yes' | 'no' | 'other';

export interface Row {
  row: string;
  state: State;
  /**
   * `file: title`. The file is below `__test__/`, without `.test.ts`; or a Rust file, and its function.
   * An ellipsis stands for what the program puts into the title.
   */
  tests: string[];
  /** Why not, or a note. */
  why?: string;
}

export interface Section {
  title: string;
  /** How many rows the matrix has there. */
  count: number;
  rows: Row[];
}

const yes = (row: string, ...tests: string[]): Row => ({
  row,
  state: 'yes',
  tests,
});
const noted = (row: string, why: string, ...tests: string[]): Row => ({
  ...yes(row, ...tests),
  why,
});
const no = (row: string, why: string, ...tests: string[]): Row => ({
  row,
  state: 'no',
  tests,
  why,
});
const other = (row: string, why: string): Row => ({
  row,
  state: 'other',
  tests: [],
  why,
});

const SDK = 'conformance/javascript/sdk';
const READERS = 'conformance/javascript/exporters';
const OWN = 'export/ownExporters';
const ROWS = 'conformance/rows';
const DUPLICATES = 'instruments/duplicates';
const ENVIRONMENT = 'lifecycle/environment';
const ENGINE = 'src/engine/tests.rs';
const PUSH = 'src/export/push/tests.rs';
const PAGE = 'src/export/prometheus';

const ALL_KINDS = `${ROWS}: every kind of instrument is exported with its name, kind, unit and description`;
const ALL_COUNT =
  'instruments/values: a … of doubles exports doubles, also whole ones';
const ALL_OBSERVE =
  'instruments/observable: the callback of an … runs once a collection and reports what it observes';
const SCOPES = `${SDK}: name, version and schema URL are what tells scopes apart`;
const SCOPES_EXPORTED = `${READERS}: exports under a resource what every meter recorded, with name, version and schema of the scope`;
const SPECIFICATION = 'conformance/specification';
const COLLECTOR =
  'export/otlp: receives over … with compression … what was recorded';
const FILTERS = `${READERS}: are sampled as the filter … has it`;
const EXEMPLARS =
  'instruments/exemplars: an exemplar of … has value, trace, span and time';
const OWN_RESERVOIRS = 'instruments/exemplarReservoirs';
const RESERVOIRS =
  'src/engine/tests/exemplars.rs: a_histogram_keeps_the_last_of_each_bucket_and_the_others_one';
const STRATEGIES = `${PAGE}/names.rs: each_strategy_does_what_it_is_called`;
const NEVER_ANSWERS = `${PUSH}: a_collector_that_never_answers_is_left_at_the_deadline`;
const SAVED = `${ENVIRONMENT}: the environment, and the environment before the default`;

const METERS = 'instruments/meters';
const RESOURCE = 'config/resource';
const SEVERAL = 'export/severalOtlp';

const CUMULATIVE_PAGE =
  'Not needed: the page reads a collection of its own, which is cumulative.';
const LEFT_OUT = `${PAGE}/tests.rs: delta_data_and_negative_counters_are_left_out_with_a_warning`;

const metrics: Row[] = [
  yes(
    'A global `MeterProvider` can be set and got',
    'lifecycle/register: a program that only knows @opentelemetry/api exports its metrics',
  ),
  yes(
    'Any number of `MeterProvider`s',
    `${ROWS}: providers know nothing of each other`,
  ),
  yes('A `MeterProvider` gives a `Meter`', SCOPES),
  yes(
    '`get_meter` takes name, version and schema URL',
    SCOPES,
    SCOPES_EXPORTED,
  ),
  noted(
    '`get_meter` takes attributes',
    '`MeterScopeOptions` extend the `MeterOptions` of `@opentelemetry/api`.',
    `${METERS}: meters that differ only in attributes are two, in whatever order these are`,
  ),
  yes(
    'An invalid meter name gives a working meter',
    `${ROWS}: a meter called … works, and keeps what name it has`,
  ),
  yes(
    'That meter keeps the invalid name',
    `${ROWS}: a meter called … works, and keeps what name it has`,
  ),
  yes('A `Meter` has an `InstrumentationScope`', SCOPES, SCOPES_EXPORTED),
  yes('`Counter`', ALL_KINDS, ALL_COUNT),
  yes('Asynchronous counter', ALL_KINDS, ALL_OBSERVE),
  yes('`Histogram`', ALL_KINDS, ALL_COUNT),
  yes('Asynchronous gauge', ALL_KINDS, ALL_OBSERVE),
  yes('`Gauge`', ALL_KINDS, ALL_COUNT),
  yes('`UpDownCounter`', ALL_KINDS, ALL_COUNT),
  yes('Asynchronous up-down counter', ALL_KINDS, ALL_OBSERVE),
  yes('Instruments have a name', ALL_KINDS),
  yes('Instruments have a kind', ALL_KINDS),
  yes('Instruments may have a unit', ALL_KINDS),
  yes('Instruments may have a description', ALL_KINDS),
  yes(
    'Several instruments of one name are made and warned of',
    `${DUPLICATES}: another kind under one name is warned of once, and both are exported`,
    `${DUPLICATES}: another unit under one name is warned of once, and both are exported`,
  ),
  yes(
    'The first-seen spelling of a name is that of the stream',
    `${ENGINE}: the_first_spelling_of_a_name_is_kept_whatever_else_differs`,
  ),
  yes(
    'Instruments of two meters may have one name',
    `${DUPLICATES}: meters of another name, version or schema have instruments of their own`,
  ),
  yes(
    'Instrument names keep to the syntax',
    `${SDK}: … warns of each name that is not valid`,
    `${SDK}: … takes every valid name without a word`,
  ),
  yes(
    'Units keep to the syntax',
    'instruments/values: a unit is any text',
    `${DUPLICATES}: another unit under one name is warned of once, and both are exported`,
  ),
  yes(
    'Descriptions keep to the syntax',
    `${ROWS}: a description is any text, of up to 4096 characters`,
  ),
  yes(
    'Advisory `ExplicitBucketBoundaries`',
    `${SDK}: a histogram has the buckets of its advice`,
    `${ENGINE}: an_advice_on_buckets_is_for_the_default_aggregation`,
  ),
  yes(
    'Advisory `Attributes`',
    'instruments/values: what is recorded with attributes beyond the advice is added up',
    `${ENGINE}: advised_attributes_are_kept_where_no_view_names_any`,
  ),
  noted(
    'Instruments support `Bind`',
    'An addition of ours to the types of `@opentelemetry/api`.',
    'instruments/attributeTrie: bound handles go on after remove() and clear(), beside the same attributes',
  ),
  yes(
    '`MeterProvider` may be used concurrently',
    'reliability/threads: threads that end in any order lose nothing',
    `${PUSH}: exports_never_overlap`,
  ),
  yes(
    '`Meter` may be used concurrently',
    'reliability/threads: threads that end in any order lose nothing',
  ),
  yes(
    'Instruments may be used concurrently',
    'lifecycle/workers: four workers and the main thread add one million each, and five million are exported',
  ),
  yes('A `MeterProvider` takes a `Resource`', SAVED),
  yes('The resource is that of all metrics of all meters', SCOPES_EXPORTED),
  noted(
    'The scope as `InstrumentationLibrary`',
    'The former name of `InstrumentationScope`, on the wire the same fields.',
    SCOPES_EXPORTED,
  ),
  yes('The scope as `InstrumentationScope`', SCOPES_EXPORTED),
  yes(
    'Configuration belongs to the `MeterProvider` alone',
    'lifecycle/early: instruments used before the configuration deliver every value, under its views',
  ),
  noted(
    'The configuration can be updated',
    'Views, matching mode, meter configurator, limits, and what exporters read and when; where they send to stays.',
    `${METERS}: a change of views holds for instruments that exist`,
    `${METERS}: a change that is not allowed is refused by its path, and changes nothing`,
    'backstage/followConfig: is applied where it can be',
    'lifecycle/updateExporters: an exporter takes on another temporality, filter and interval while it runs',
  ),
  yes(
    'An update applies to meters that exist',
    `${METERS}: a meter that is disabled does nothing, and what it did is exported once more`,
    `${METERS}: a change of views holds for instruments that exist`,
  ),
  yes(
    'Views can be registered',
    'src/config/tests.rs: views_read_the_keys_of_the_declarative_configuration',
    `${SDK}: a view gives a name and a description, and keeps attributes and value`,
  ),
  yes(
    'Criteria of views are as specified',
    `${SDK}: a view is for the instruments that have …, and no others`,
  ),
  yes(
    'Criteria of views may have wildcards',
    `${SDK}: a view is for the instruments that have …, and no others`,
    `${SDK}: a view may leave one character of a name open`,
  ),
  yes(
    'A view may be for everything',
    `${SDK}: a view of everything is for every instrument`,
  ),
  yes(
    'A view sets name, description, attribute keys and aggregation',
    `${SDK}: a view gives a name and a description, and keeps attributes and value`,
    `${SDK}: a view that names attributes keeps no others`,
    `${SDK}: a view chooses the aggregation: …`,
  ),
  yes(
    'A view excludes attribute keys',
    `${SDK}: a view that excludes attributes keeps the others`,
  ),
  yes(
    'A view sets the exemplar reservoir',
    'src/engine/tests/exemplars.rs: a_view_chooses_the_reservoir',
  ),
  yes(
    'Several views for one instrument',
    `${SDK}: two views of one instrument are two streams`,
  ),
  noted(
    '`view_matching_mode`',
    'In development in the specification: `viewMatchingMode`.',
    'src/engine/tests/updates.rs: composable_views_make_one_stream_for_each_name_that_they_give',
    'src/engine/tests/updates.rs: what_does_not_fit_leaves_what_an_earlier_view_said',
  ),
  yes(
    '`Drop` aggregation',
    `${SDK}: a view chooses the aggregation: …`,
    `${ENGINE}: a_dropped_instrument_needs_no_storage`,
  ),
  yes(
    '`Default` aggregation',
    `${SPECIFICATION}: a view that … leaves a histogram the … buckets of its reader`,
  ),
  yes(
    '`Default` is the aggregation of the instrument’s kind',
    `${SPECIFICATION}: a view of everything leaves all instruments the defaults of a reader of … buckets`,
  ),
  yes(
    '`Sum` aggregation',
    `${SDK}: a view chooses the aggregation: …`,
    `${ENGINE}: a_sum_of_a_gauge_adds_up_what_is_recorded_and_goes_up_and_down`,
  ),
  yes(
    '`LastValue` aggregation',
    `${SDK}: a view chooses the aggregation: last value`,
  ),
  yes(
    '`ExplicitBucketHistogram` aggregation',
    'src/engine/aggregate/tests.rs: explicit_histograms_are_those_of_the_sdk',
  ),
  yes(
    '`ExponentialBucketHistogram` aggregation',
    'src/engine/aggregate/tests.rs: exponential_histograms_are_those_of_the_sdk',
    `${SPECIFICATION}: …: buckets are as fine as their number allows under … temporality`,
  ),
  yes(
    'A reader takes exporters',
    `${OWN}: exports every interval, when flushed, and a last time at the shutdown`,
    `${OWN}: is flushed and shut down alone, and leaves the others`,
    `${ENVIRONMENT}: OTEL_METRICS_EXPORTER chooses the exporters`,
    `${SEVERAL}: each of several exporters has its own collector, headers and temporality`,
  ),
  yes(
    'A reader has default aggregations by kind',
    'src/engine/tests/readers.rs: a_reader_aggregates_kinds_as_it_wants_unless_a_view_says_otherwise',
    'src/config/reader_tests.rs: an_exporters_aggregation_goes_before_the_services_and_the_variables',
  ),
  yes(
    'A reader has default temporalities by kind',
    'src/engine/tests/readers.rs: each_exporter_has_the_temporality_that_it_wants_of_a_kind',
    `${READERS}: that prefers … has a … as …`,
  ),
  yes(
    'An exporter gets aggregated data',
    "export/otlp: as … with compression … is what Google's protobuf reads strictly",
  ),
  yes(
    '`export` is not called concurrently',
    `${PUSH}: exports_never_overlap`,
    `${OWN}: never overlaps itself, and gets as many points as it takes`,
  ),
  yes('`export` does not block for ever', NEVER_ANSWERS),
  yes(
    '`export` gets a batch',
    COLLECTOR,
    'src/export/otlp/tests/encoding.rs: a_large_collection_is_cut_into_requests_that_add_up',
  ),
  yes(
    '`export` returns success or failure',
    'src/export/otlp/tests/oracle.rs: the_same_is_done_about_every_http_status',
    'src/export/otlp/tests/oracle.rs: the_same_is_done_about_every_grpc_status',
  ),
  yes(
    'An exporter has `ForceFlush`',
    'src/export/own_tests.rs: a_flush_exports_and_then_has_the_exporter_flush',
    `${READERS}: flushes what was recorded, and flushes at its shutdown once`,
  ),
  yes(
    '`ForceFlush` tells success, failure and time-out',
    'lifecycle/flush: flush and shutdown resolve once the collector has everything, also the second time',
    'lifecycle/flush: flush and shutdown reject with a code and the endpoint when the collector is away',
    NEVER_ANSWERS,
  ),
  yes(
    'An exporter has `shutdown`',
    `${PUSH}: shutdown_exports_a_last_time_and_only_once`,
  ),
  yes(
    '`shutdown` does not block for ever',
    'lifecycle/exit: a collector that never answers holds up … for exitTimeout only, and the log says so',
  ),
  yes('Measurements become exemplars', EXEMPLARS),
  yes('Exemplars can be switched off', FILTERS),
  yes(
    'The exemplar filter is of the SDK',
    FILTERS,
    'src/config/tests.rs: the_filter_of_exemplars_comes_from_the_options_then_the_environment',
  ),
  yes('Filter `TraceBased`', FILTERS),
  yes('Filter `AlwaysOn`', FILTERS),
  yes('Filter `AlwaysOff`', FILTERS),
  yes(
    'Exemplars keep attributes that the point lacks',
    'instruments/exemplars: attributes that a view drops stay on the exemplar',
  ),
  yes(
    'Documentation says so',
    `${ROWS}: the documentation says that attributes which a view drops may be on exemplars`,
  ),
  yes(
    'Exemplars have the trace and span of the measurement',
    EXEMPLARS,
    'instruments/exemplars: the context that is passed to … counts, not the active one',
  ),
  yes('Exemplars have the time of the measurement', EXEMPLARS),
  yes(
    'An `ExemplarReservoir` can be one’s own',
    `${OWN_RESERVOIRS}: … offers every value to a reservoir of the series, whose choice is exported`,
    `${OWN_RESERVOIRS}: the reservoirs of OpenTelemetry’s JS SDK fit`,
    `${OWN_RESERVOIRS}: as OTLP in …, what reservoirs chose last is delivered when the program ends`,
  ),
  yes(
    'A reservoir is offered value, attributes, `Context` and time',
    `${OWN_RESERVOIRS}: … offers every value to a reservoir of the series, whose choice is exported`,
    `${OWN_RESERVOIRS}: a reservoir gets the whole context, of sampled spans alone by default`,
  ),
  yes('`SimpleFixedSizeExemplarReservoir` by default', RESERVOIRS),
  yes(
    '`AlignedHistogramBucketExemplarReservoir` for explicit buckets by default',
    RESERVOIRS,
    `${READERS}: of explicit buckets are one a bucket, of which the last value counts`,
  ),
  yes(
    'A metric producer takes a filter',
    'export/metricFilter: is for what Prometheus clients have, which is not read where nobody gets it',
    'export/metricFilter: is an exporter’s too: of OTLP, of the page, of Prometheus clients’ metrics',
  ),
  yes(
    'A reader passes a filter to its producers',
    'export/metricFilter: leaves metrics and series out for one reader and for no other',
    'export/metricFilter: is each exporter’s own: two of OTLP, the page and one of the program’s',
  ),
  yes(
    'The SDK’s own producer filters',
    'export/metricFilter: is asked once for a metric, and for each series of one accepted in part',
    'export/metricFilter: is asked about series that are new, and loses no delta by it',
  ),
  yes(
    'Cardinality limit',
    "instruments/attributeTrie: exactly the limit's sets of a … have series, and the rest share one",
    `${SDK}: the limit is 2000 where nobody sets one`,
  ),
  yes(
    'Cardinality limit of a reader',
    'src/engine/tests/readers.rs: each_reader_stops_at_its_own_limit_of_a_kind',
    `${SDK}: a reader bounds the series of an instrument`,
  ),
  yes(
    'Cardinality limit of a view',
    `${SDK}: a view bounds the series of an instrument`,
    `${SDK}: a view bounds the series of an observable instrument`,
  ),
  yes(
    'Each cumulative series has a start of its own',
    `${ROWS}: a cumulative series starts with the collection before its first value`,
    'export/restart: a series that was removed starts anew over …, and on the page',
  ),
  yes(
    '`maxExportBatchSize`',
    `${SEVERAL}: a large collection goes in requests of so many points, which add up`,
    `${PUSH}: a_batch_that_is_refused_counts_with_its_own_points_and_the_others_go`,
  ),
];

const resource: Row[] = [
  noted(
    'Made of attributes',
    'By options, variables and files, or by any object with the methods of a `Resource`, such as those of `@opentelemetry/resources`.',
    SAVED,
    `${RESOURCE}: is any object with the methods of one`,
  ),
  no(
    'Made empty',
    'A provider’s resource always has a name, an instance and an SDK; an empty object can be passed.',
  ),
  yes(
    'Merge',
    `${RESOURCE}: is merged over what the provider says of itself, with its schema`,
    'src/config/resource_tests.rs: the_environment_wins_over_detectors_and_options_over_both',
    'src/config/resource_tests.rs: schema_urls_merge_as_the_specification_says',
  ),
  no(
    'Its attributes can be read',
    'A provider exports its resource and gives it to nobody; an object that was passed has its own.',
  ),
  yes(
    'Default of `service.name`',
    'src/config/tests.rs: every_resource_has_a_name_an_instance_and_an_sdk',
    SAVED,
  ),
  yes(
    'Resource detectors',
    `${RESOURCE}: are in the first export, which waits for what is asynchronous`,
    `${RESOURCE}: are chosen by the variable that the SDK of JavaScript has`,
    `${RESOURCE}: read what the downward API of Kubernetes put into variables`,
  ),
  noted(
    'Resource detectors give a schema URL',
    'OpenTelemetry’s own set none; what they find gets that of the conventions they follow.',
    `${RESOURCE}: are in the first export, which waits for what is asynchronous`,
  ),
];

const TRACES = 'Traces.';
const LOGS = 'Logs.';

const environment: Row[] = [
  yes(
    '`OTEL_SDK_DISABLED`',
    `${ENVIRONMENT}: OTEL_SDK_DISABLED switches everything off, and recording still works`,
  ),
  yes(
    '`OTEL_RESOURCE_ATTRIBUTES`',
    `${ENVIRONMENT}: OTEL_SERVICE_NAME names the resource, over OTEL_RESOURCE_ATTRIBUTES`,
  ),
  yes(
    '`OTEL_SERVICE_NAME`',
    `${ENVIRONMENT}: OTEL_SERVICE_NAME names the resource, over OTEL_RESOURCE_ATTRIBUTES`,
  ),
  yes(
    '`OTEL_LOG_LEVEL`',
    'config/declarative: … … a warning',
    'config/declarative: of another word is a warning, and counts as unset',
  ),
  other('`OTEL_PROPAGATORS`', 'Propagation.'),
  other('`OTEL_BSP_*`', TRACES),
  other('`OTEL_BLRP_*`', LOGS),
  yes(
    '`OTEL_EXPORTER_OTLP_*`',
    `${ENVIRONMENT}: OTEL_EXPORTER_OTLP_ENDPOINT turns the export on and gets the path added`,
    `${ENVIRONMENT}: OTEL_EXPORTER_OTLP_METRICS_ENDPOINT goes before it and is taken as it is`,
    `${ENVIRONMENT}: OTEL_EXPORTER_OTLP_METRICS_PROTOCOL goes before OTEL_EXPORTER_OTLP_PROTOCOL`,
    `${ENVIRONMENT}: OTEL_EXPORTER_OTLP_HEADERS is sent, with OTEL_EXPORTER_OTLP_METRICS_HEADERS over it`,
    `${ENVIRONMENT}: OTEL_EXPORTER_OTLP_COMPRESSION compresses`,
    `${ENVIRONMENT}: … bounds an export`,
    'src/config/environment_tests.rs: a_key_without_its_certificate_is_an_error_that_names_the_variable',
  ),
  other('`OTEL_EXPORTER_ZIPKIN_*`', TRACES),
  other('`OTEL_TRACES_EXPORTER`', TRACES),
  yes(
    '`OTEL_METRICS_EXPORTER`',
    `${ENVIRONMENT}: OTEL_METRICS_EXPORTER chooses the exporters`,
  ),
  other('`OTEL_LOGS_EXPORTER`', LOGS),
  other('`OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT`', TRACES),
  other('`OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT`', TRACES),
  other('`OTEL_SPAN_EVENT_COUNT_LIMIT`', TRACES),
  other('`OTEL_SPAN_LINK_COUNT_LIMIT`', TRACES),
  other('`OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT`', TRACES),
  other('`OTEL_LINK_ATTRIBUTE_COUNT_LIMIT`', TRACES),
  other('`OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT`', LOGS),
  other('`OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT`', LOGS),
  other('`OTEL_TRACES_SAMPLER`', TRACES),
  other('`OTEL_TRACES_SAMPLER_ARG`', TRACES),
  noted(
    '`OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`',
    'The specification exempts metrics; ours has a limit, which this sets.',
    'hostile/size: the environment sets the limit where the options do not',
  ),
  other(
    '`OTEL_ATTRIBUTE_COUNT_LIMIT`',
    'Metrics are exempt (Common specification, "Exempt Entities").',
  ),
  yes(
    '`OTEL_METRIC_EXPORT_INTERVAL`',
    `${ENVIRONMENT}: OTEL_METRIC_EXPORT_INTERVAL sets the pace`,
  ),
  yes('`OTEL_METRIC_EXPORT_TIMEOUT`', `${ENVIRONMENT}: … bounds an export`),
  yes(
    '`OTEL_METRICS_EXEMPLAR_FILTER`',
    'src/config/tests.rs: the_filter_of_exemplars_comes_from_the_options_then_the_environment',
  ),
  yes(
    '`OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE`',
    `${ENVIRONMENT}: OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE chooses the temporality`,
  ),
  yes(
    '`OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION`',
    `${ENVIRONMENT}: OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION chooses the buckets`,
  ),
  yes(
    '`OTEL_CONFIG_FILE`',
    'config/declarative: takes the place of all other variables',
    'config/declarative: says once what is not supported, and what is not for metrics',
    'config/declarative: that is wrong is an error that names the place in it',
  ),
];

const common: Row[] = [
  noted(
    'Exporter interface',
    '`MetricExporter` of `@nativestage/metrics/sdk`; the row is of spans.',
    `${OWN}: can send what it gets to a collector as it is`,
  ),
  yes(
    'Exporter interface has `ForceFlush`',
    'src/export/own_tests.rs: a_flush_exports_and_then_has_the_exporter_flush',
  ),
  yes(
    'Standard output',
    'src/export/console.rs: every_metric_becomes_one_line_of_json',
    'export/console: prints whole lines, all of them, to the slow reader of …',
  ),
  noted(
    'In memory',
    '`@nativestage/metrics/testing`.',
    ALL_KINDS,
    'hostile/api: what tests read is looked up whatever is passed',
  ),
];

const otlp: Row[] = [
  yes('gRPC', COLLECTOR),
  yes('HTTP with protobuf', COLLECTOR),
  yes(
    'HTTP with JSON',
    'export/otlp: accepts http/json',
    'src/export/otlp/tests/encoding.rs: json_follows_the_otlp_mapping_to_the_letter',
  ),
  yes('HTTP with gzip', COLLECTOR),
  yes(
    'Bounds the size of requests',
    `${PUSH}: a_request_over_64_mib_is_never_sent_and_takes_nothing_with_it`,
  ),
  yes(
    'Bounds the size of answers',
    'src/export/otlp/tests/http.rs: an_answer_over_the_limit_is_an_error_for_good_whatever_its_status',
    'src/export/otlp/tests/grpc.rs: an_answer_over_the_limit_is_an_error_for_good',
  ),
  noted(
    'Sends concurrently',
    '`maxConcurrentExports`, for the requests of one collection; one by default, which keeps their order.',
    `${PUSH}: as_many_batches_as_the_exporter_says_are_sent_at_once`,
  ),
  yes(
    'Retries what can be retried, with back-off',
    'src/export/otlp/tests/http.rs: the_codes_that_ask_for_patience_are_tried_again_and_no_others',
    `${PUSH}: a_passing_trouble_is_retried_within_the_export_and_not_worth_a_line`,
  ),
  yes(
    'Retries nothing else',
    'src/export/otlp/tests/http.rs: the_codes_that_ask_for_patience_are_tried_again_and_no_others',
    'src/export/otlp/tests/grpc.rs: the_codes_that_may_pass_are_tried_again_and_no_others',
  ),
  yes(
    'Waits as long as it is asked to',
    `${PUSH}: a_retry_after_is_waited_for_within_the_export`,
    'src/export/otlp/tests/grpc.rs: an_exhausted_collector_is_tried_again_only_when_it_says_when',
  ),
  yes(
    'Several destinations',
    `${SEVERAL}: each of several exporters has its own collector, headers and temporality`,
    `${SEVERAL}: a collector that is gone takes nothing from the others, and each counts its own points`,
  ),
  other('Schema URL in `ResourceSpans` and `ScopeSpans`', TRACES),
  yes(
    'Schema URL in `ResourceMetrics` and `ScopeMetrics`',
    SCOPES_EXPORTED,
    `${RESOURCE}: is merged over what the provider says of itself, with its schema`,
  ),
  other('Schema URL in `ResourceLogs` and `ScopeLogs`', LOGS),
  yes(
    'User agent',
    'src/export/otlp/tests/http.rs: a_request_arrives_as_configured',
    'src/export/otlp/tests/grpc.rs: a_call_arrives_as_configured',
  ),
  yes(
    'Partial success over gRPC is told',
    'src/export/otlp/tests/grpc.rs: a_partial_success_is_reported',
  ),
  yes(
    'Partial success over HTTP is told',
    'src/export/otlp/tests/http.rs: a_partial_success_is_reported_in_both_encodings',
  ),
  yes(
    'Temporality preference',
    `${ENVIRONMENT}: OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE chooses the temporality`,
    `${READERS}: that prefers … has a … as …`,
  ),
  yes(
    'Default aggregation',
    `${ENVIRONMENT}: OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION chooses the buckets`,
  ),
];

const CLASSIC =
  'export/foreignParsers: reads what was recorded from classic text';

const prometheus: Row[] = [
  yes(
    'Metadata once a name',
    `${PAGE}/tests.rs: scopes_that_share_a_name_share_a_family`,
    `${PAGE}/properties.rs: no_collection_gives_a_page_with_a_family_or_a_series_twice`,
  ),
  yes(
    'Names are made legal',
    `${PAGE}/names.rs: metric_names_follow_the_compatibility_specification`,
  ),
  yes(
    '`UNIT` metadata',
    `${PAGE}/tests.rs: a_counter_is_called_total_and_says_when_it_began`,
  ),
  yes(
    'Unit suffixes',
    `${PAGE}/names.rs: metric_names_follow_the_compatibility_specification`,
  ),
  yes(
    'Units as words',
    `${PAGE}/units.rs: known_units_become_words_and_unknown_ones_are_sanitised`,
  ),
  yes(
    '`HELP` metadata',
    'export/prometheus: carries labels and help through escaping unharmed',
  ),
  yes('`TYPE` metadata', CLASSIC),
  yes(
    'Labels of scope name and version',
    `${PAGE}/labels.rs: scopes_are_labels_and_their_attributes_cannot_impersonate_them`,
    "conformance/javascript/prometheus: with … is as the JS exporter's suite expects it",
  ),
  yes(
    'Labels of scope attributes',
    'export/pageContent: attributes of a scope are labels, and join attributes of that name',
    `${PAGE}/labels.rs: scopes_are_labels_and_their_attributes_cannot_impersonate_them`,
  ),
  yes(
    'Scope labels can be switched off',
    'export/pageContent: without labels of scopes and target_info, series of two scopes are one',
    `${PAGE}/tests.rs: without_labels_of_scopes_their_series_are_added_up_where_that_can_be`,
  ),
  yes('Gauges are gauges', CLASSIC),
  yes('Cumulative monotonic sums are counters', CLASSIC),
  yes(
    'Counters end in `_total` by default',
    `${PAGE}/tests.rs: a_counter_is_called_total_and_says_when_it_began`,
  ),
  yes('`_total` can be switched off', STRATEGIES),
  yes('Cumulative non-monotonic sums are gauges', CLASSIC),
  no('Delta non-monotonic sums become cumulative', CUMULATIVE_PAGE, LEFT_OUT),
  yes('Cumulative histograms are histograms', CLASSIC),
  no('Delta histograms become cumulative', CUMULATIVE_PAGE, LEFT_OUT),
  yes(
    'Attribute keys are made legal',
    `${PAGE}/names.rs: label_names_are_made_legal`,
  ),
  yes(
    'Keys that collide are merged',
    `${PAGE}/labels.rs: labels_that_collide_are_joined_in_the_order_of_their_keys`,
  ),
  yes(
    'Exemplars of histograms and counters',
    `${PAGE}/exemplar_tests.rs: counters_have_one_and_gauges_none`,
    `${PAGE}/exemplar_tests.rs: a_bucket_has_the_latest_of_its_values`,
    'export/exemplars: lead a Prometheus that scrapes … (…) to the trace of the slow request',
  ),
  yes('`target_info`', `${PAGE}/tests.rs: the_resource_is_target_info`),
];

const selfObservability: Row[] = [
  yes(
    '`otel.sdk.exporter.metric_data_point.inflight`',
    'reliability/selfMetrics: tells how many data points are in flight, were delivered and lost, and how long each export took',
  ),
  yes(
    '`otel.sdk.exporter.metric_data_point.exported`',
    'reliability/selfMetrics: tells how many data points are in flight, were delivered and lost, and how long each export took',
  ),
  yes(
    '`otel.sdk.metric_reader.collection.duration`',
    'reliability/selfMetrics: tells how long the collections before it took',
    'reliability/selfMetrics: tells what a callback threw in a collection',
  ),
  yes(
    '`otel.sdk.exporter.operation.duration`',
    'reliability/selfMetrics: tells how many data points are in flight, were delivered and lost, and how long each export took',
  ),
];

export const sections: Section[] = [
  { title: 'Metrics', count: 88, rows: metrics },
  { title: 'Resource', count: 7, rows: resource },
  { title: 'Environment variables', count: 30, rows: environment },
  { title: 'Exporters', count: 4, rows: common },
  { title: 'OTLP exporter', count: 19, rows: otlp },
  { title: 'Prometheus exporter', count: 22, rows: prometheus },
  {
    title: 'Self-observability of metrics',
    count: 4,
    rows: selfObservability,
  },
];
