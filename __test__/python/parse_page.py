"""Parses a Prometheus page with Prometheus' own Python parser and prints it as JSON."""

import json
import sys

from prometheus_client import openmetrics, parser
from prometheus_client.openmetrics import parser as openmetrics_parser

parse = {
    "openmetrics": openmetrics_parser.text_string_to_metric_families,
    "classic": parser.text_string_to_metric_families,
}[sys.argv[1]]
page = sys.stdin.buffer.read().decode("utf-8")
families = [
    {
        "name": family.name,
        "type": family.type,
        "help": family.documentation,
        "unit": family.unit,
        "samples": [
            {
                "name": sample.name,
                "labels": sample.labels,
                "value": str(sample.value),
                "exemplar": sample.exemplar
                and {
                    "labels": sample.exemplar.labels,
                    "value": sample.exemplar.value,
                    "time": float(sample.exemplar.timestamp),
                },
            }
            for sample in family.samples
        ],
    }
    for family in parse(page)
]
json.dump(families, sys.stdout)
