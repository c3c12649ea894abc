"""Reads a node's metrics with the official parsers of both formats and prints what they read as one JSON object."""

import json
import os
import urllib.request

from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client import parser as plain

ACCEPT = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


def fetch(path, accept):
    request = urllib.request.Request(
        os.environ["SIGNET_URL"] + path,
        headers={"authorization": "Bearer " + os.environ["SIGNET_KEY"], "accept": accept},
    )
    with urllib.request.urlopen(request) as answer:
        return answer.headers["content-type"], answer.read().decode()


def read(parser, text):
    families = list(parser.text_string_to_metric_families(text))
    return {
        "types": {family.name: family.type for family in families},
        "values": {
            sample.name + json.dumps(sample.labels, sort_keys=True): sample.value
            for family in families
            for sample in family.samples
        },
    }


open_type, open_text = fetch("/metrics", ACCEPT)
plain_type, plain_text = fetch("/api/v1/metrics", "text/plain")
print(
    json.dumps(
        {
            "openmetrics": {"content_type": open_type, **read(openmetrics, open_text)},
            "plain": {"content_type": plain_type, **read(plain, plain_text)},
        }
    )
)
