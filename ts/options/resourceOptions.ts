/** A resource attribute. */
export type ResourceAttribute =
  string | number | boolean | string[] | number[] | boolean[];

/** A resource attribute with its type, as in OpenTelemetry's declarative configuration. */
export interface ResourceAttributeEntry {
  name: string;
  /** Of the type that is given. With `null` the attribute is left out. */
  value: ResourceAttribute | null;
  /** Default `string`. */
  type?:
    | 'string'
    | 'bool'
    | 'int'
    | 'double'
    | 'string_array'
    | 'bool_array'
    | 'int_array'
    | 'double_array';
}

/** The name of a detector, whose value is empty. */
export type ResourceDetectorEntry =
  | { container: object | null }
  | { host: object | null }
  | { k8s: object | null }
  | { os: object | null }
  | { process: object | null }
  | { service: object | null };

/** Which detectors run, and what of theirs is kept. */
export interface ResourceDetection {
  /** Keys with `*` and `?`. `process.command_args` has to be named as it is to be there. */
  attributes?: { included?: string[]; excluded?: string[] };
  /** `host` finds `os.*` too. */
  detectors?: ResourceDetectorEntry[];
}

/**
 * The thing that the metrics describe. Four keys are those of OpenTelemetry's declarative configuration;
 * any other is an attribute.
 */
export interface ResourceSettings {
  /** Go before those by name, which go before `attributes_list`. */
  attributes?: ResourceAttributeEntry[];
  /** `key=value,…`, as in `OTEL_RESOURCE_ATTRIBUTES`. */
  attributes_list?: string;
  /** The schema that the attributes follow. */
  schema_url?: string;
  /** Default: what `OTEL_NODE_RESOURCE_DETECTORS` says, or no detectors. */
  'detection/development'?: ResourceDetection;
  [attribute: string]:
    | ResourceAttribute
    | ResourceAttributeEntry[]
    | ResourceDetection
    | undefined;
}
