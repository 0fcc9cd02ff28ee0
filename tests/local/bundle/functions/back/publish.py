"""A custom resource that leaves its answer at the ResponseURL."""

import json
import urllib.request
from typing import Any


def lambda_handler(event: Any, context: Any) -> Any:
    text = f"key {event['ResourceProperties']['Text']}"
    answer = {"Status": "SUCCESS", "PhysicalResourceId": "words", "Data": {"Text": text}}
    urllib.request.urlopen(urllib.request.Request(event["ResponseURL"], json.dumps(answer).encode(), method="PUT"))
