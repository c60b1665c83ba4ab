"""A producer for Reprise in Python, with the standard library alone.

Other programs may copy this file. It appends events so that nothing is lost and nothing is stored twice: each event gets its id before the first try, and a
try that came to an unclear end is repeated with the same id.

    python3 producer.py order.placed order/o-1 '{"orderId": "o-1", "amountCents": 1200}'

Environment: REPRISE_URL (http://127.0.0.1:4680), REPRISE_KEY (where the service works with keys).
"""

import email.utils
import json
import os
import random
import sys
import time
import urllib.error
import urllib.request
import uuid

RETRY_STATUS = {408, 429, 502, 503, 504}
LONGEST_WAIT_SECONDS = 60


class Refused(Exception):
    """The service says no: repeating the same request cannot help. `problem` is its answer (RFC 9457)."""

    def __init__(self, status, problem):
        super().__init__(f"{problem.get('code', status)}: {problem.get('detail', '')} {problem.get('remedy', '')}".strip())
        self.status = status
        self.problem = problem


class Producer:
    def __init__(self, url="http://127.0.0.1:4680", key=None, source=None, timeout_seconds=30, patience_seconds=120, sleep=time.sleep, now=time.monotonic):
        self.url = url.rstrip("/")
        self.key = key
        self.source = source
        self.timeout_seconds = timeout_seconds
        self.patience_seconds = patience_seconds
        self.sleep = sleep
        self.now = now

    def append(self, event_type, entity, data, **members):
        """Appends one event. `entity` is (type, id). Returns what the service says of it: revision, position, duplicate.

        Further members as the API names them: causation_id, correlation_id, call_chain, priority, occurred_at, schema_version, id.
        """
        return self.append_all([self.event(event_type, entity, data, **members)])[0]

    def event(self, event_type, entity, data, **members):
        """An event with an id, so that it can be appended again after an unclear end."""
        event = {"id": str(uuid.uuid4()), "type": event_type, "entity": {"type": entity[0], "id": entity[1]}, "data": data, **members}
        if self.source is not None:
            event.setdefault("source", self.source)
        return event

    def append_all(self, events):
        """Appends up to 1,000 events in one request; those of one entity are stored all or none."""
        return self.post("/events", {"events": events})["events"]

    def post(self, path, body):
        give_up = self.now() + self.patience_seconds
        request_body = json.dumps(body, allow_nan=False).encode("utf-8")
        tries = 0
        while True:
            wait_seconds, trouble = None, None
            try:
                with urllib.request.urlopen(self.request(path, request_body), timeout=self.timeout_seconds) as reply:
                    return json.load(reply)
            except urllib.error.HTTPError as error:
                if error.code not in RETRY_STATUS:
                    raise Refused(error.code, problem_of(error)) from None
                wait_seconds, trouble = seconds_of(error.headers.get("retry-after")), error
            except (urllib.error.URLError, TimeoutError, ConnectionError, json.JSONDecodeError) as error:
                trouble = error  # it may be stored, or not: the same ids make repeating safe
            tries += 1
            backoff = min(2 ** min(tries, 6) * 0.25, LONGEST_WAIT_SECONDS) * random.uniform(0.5, 1)
            wait_seconds = max(backoff, wait_seconds or 0)
            if self.now() + wait_seconds > give_up:
                raise trouble
            self.sleep(wait_seconds)

    def request(self, path, body):
        headers = {"content-type": "application/json", "accept": "application/json"}
        if self.key:
            headers["authorization"] = f"Bearer {self.key}"
        return urllib.request.Request(self.url + path, data=body, headers=headers, method="POST")


def problem_of(error):
    try:
        return json.load(error)
    except (json.JSONDecodeError, UnicodeDecodeError):
        return {"detail": str(error)}


def seconds_of(retry_after):
    """Retry-After: seconds, or a date."""
    if retry_after is None:
        return None
    if retry_after.isdigit():
        return min(int(retry_after), LONGEST_WAIT_SECONDS)
    try:
        return max(0, min(email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time(), LONGEST_WAIT_SECONDS))
    except (TypeError, ValueError):
        return None


def main(arguments):
    if len(arguments) != 3 or "/" not in arguments[1]:
        print("usage: producer.py <event type> <entity type>/<entity id> <data as JSON>", file=sys.stderr)
        return 2
    event_type, entity, data = arguments
    producer = Producer(os.environ.get("REPRISE_URL", "http://127.0.0.1:4680"), os.environ.get("REPRISE_KEY"), os.environ.get("REPRISE_SOURCE"))
    try:
        stored = producer.append(event_type, tuple(entity.split("/", 1)), json.loads(data))
    except (Refused, OSError, json.JSONDecodeError) as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(stored))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
