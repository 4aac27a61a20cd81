// Counts what OTLP/protobuf requests hold, by a walk over the fields that matter, so that neither
// side's own encoder vouches for what it sent (opentelemetry/proto/metrics/v1/metrics.proto).

const RESOURCE_METRICS = 1;
const SCOPE_METRICS = 2;
const METRICS = 2;
const METRIC_NAME = 1;
const SUM = 7;
const HISTOGRAM = 9;
const DATA_POINTS = 1;

/** Adds each metric's points, values and, of histograms, counts to `totals`, by name. */
export function addTotals(totals, body) {
  for (const [, resource] of messages(body, RESOURCE_METRICS)) {
    for (const [, scope] of messages(resource, SCOPE_METRICS)) {
      for (const [, metric] of messages(scope, METRICS)) {
        addMetric(totals, metric);
      }
    }
  }
}

function addMetric(totals, metric) {
  let name = '';
  for (const [, text] of messages(metric, METRIC_NAME)) {
    name = text.toString();
  }
  const total = (totals[name] ??= { points: 0, count: 0, sum: 0 });
  for (const [field, data] of messages(metric, SUM, HISTOGRAM)) {
    const read = field === SUM ? addNumber : addHistogram;
    for (const [, point] of messages(data, DATA_POINTS)) {
      total.points++;
      read(total, point);
    }
  }
}

/** NumberDataPoint: `as_double` is field 4, `as_int` 6. */
function addNumber(total, point) {
  eachField(point, (field, at) => {
    if (field === 4) {
      total.sum += point.readDoubleLE(at);
    } else if (field === 6) {
      total.sum += Number(point.readBigInt64LE(at));
    }
  });
}

/** HistogramDataPoint: `count` is field 4, `sum` 5. */
function addHistogram(total, point) {
  eachField(point, (field, at) => {
    if (field === 4) {
      total.count += Number(point.readBigUInt64LE(at));
    } else if (field === 5) {
      total.sum += point.readDoubleLE(at);
    }
  });
}

/** Number and bytes of the length-delimited fields that are wanted. */
function messages(buffer, ...wanted) {
  const found = [];
  eachField(buffer, (field, at, end) => {
    if (wanted.includes(field)) {
      found.push([field, buffer.subarray(at, end)]);
    }
  });
  return found;
}

/** Calls `visit(field, start, end)` for every field of a message. */
function eachField(buffer, visit) {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = buffer[at++];
      value += (byte & 127) * scale;
      if (byte < 128) {
        return value;
      }
    }
  };
  while (at < buffer.length) {
    const tag = varint();
    const start = at;
    switch (tag & 7) {
      case 0:
        varint();
        visit(tag >> 3, start, at);
        break;
      case 1:
        at += 8;
        visit(tag >> 3, start, at);
        break;
      case 2: {
        const length = varint();
        at += length;
        visit(tag >> 3, at - length, at);
        break;
      }
      case 5:
        at += 4;
        visit(tag >> 3, start, at);
        break;
      default:
        throw new Error(`wire type ${tag & 7} at byte ${start}`);
    }
  }
}
