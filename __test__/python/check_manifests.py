"""Checks Kubernetes manifests, a JSON array on standard input, against the schemas of Kubernetes and of
the Prometheus Operator. Prints a JSON array of what is wrong."""

import json
import sys

import kubernetes_validate
from cloudcoil.models.prometheus_operator import v1 as operator
from pydantic import ValidationError

OPERATOR = "monitoring.coreos.com/v1"
LATEST = kubernetes_validate.latest_version()


def problem(manifest):
    if manifest["apiVersion"] == OPERATOR:
        return problem_for_operator(manifest)
    try:
        kubernetes_validate.validate(manifest, LATEST, strict=True)
    except (
        kubernetes_validate.SchemaNotFoundError,
        kubernetes_validate.ValidationError,
    ) as error:
        return error.message
    return None


def problem_for_operator(manifest):
    model = getattr(operator, manifest["kind"], None)
    if model is None:
        return "no such kind"
    try:
        read = model.model_validate(manifest)
    except ValidationError as error:
        return str(error)
    # The models leave out keys that they do not know.
    written = read.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if written != manifest:
        return f"{json.dumps(manifest)} was read as {json.dumps(written)}"
    return None


problems = []
for each in json.load(sys.stdin):
    found = problem(each)
    if found:
        problems.append(f"{each['kind']} {each['metadata']['name']}: {found}")
json.dump(problems, sys.stdout)
