"""Decodes one OTLP metrics request with Google's protobuf and prints it as JSON.

protobuf: the binary form; json: OTLP/JSON, strictly: unknown fields and wrong types fail."""

import json
import sys

from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

body = sys.stdin.buffer.read()
if sys.argv[1] == "protobuf":
    request = ExportMetricsServiceRequest.FromString(body)
    # Fields that the schema does not know would be kept without a word.
    known = ExportMetricsServiceRequest.FromString(body)
    known.DiscardUnknownFields()
    if known.SerializeToString() != request.SerializeToString():
        sys.exit("the request has unknown fields")
else:
    request = json_format.Parse(body, ExportMetricsServiceRequest())
json.dump(json_format.MessageToDict(request), sys.stdout)
