"""Who refuses to be known leaves no trace: nothing that identifies is in any Kafka topic, any Postgres column or any log."""

import json
import time
import urllib.request
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from contracts.codec import DEAD_LETTER_DECODER
from contracts.topics import EVENTS_DLQ
from runtime.settings import KafkaSettings
from tests.running import Running, running
from tests.unit.producers.ingest.test_privacy import ADA, BROWSER
from tests.unit.producers.ingest.test_snowplow import TP2
from tests.unit.producers.ingest.test_snowplow import event as snowplow_event
from tests.waiting import until

IDENTIFYING = ("lovelace", "203.0.113.77", "2001:db8:85a3:8d3", BROWSER, "s3cret")
CALLS: list[dict[str, Any]] = [
    {**ADA, "type": "page", "messageId": "lovelace-page"},
    {**ADA, "type": "identify", "messageId": "lovelace-identify"},
    {**ADA, "type": "track", "event": "Order Completed", "messageId": "lovelace-order"},
    {**ADA, "type": "track", "event": "user_engagement", "properties": {"engagement_time_msec": 9, "who": "lovelace"}, "messageId": "lovelace-use"},
    {**ADA, "type": "group", "groupId": "lovelace-group", "messageId": "lovelace-group"},
    {**ADA, "type": "alias", "previousId": "lovelace-before", "messageId": "lovelace-alias"},
    {"type": "track", "event": "search", "userId": "lovelace", "messageId": "lovelace-search", "properties": {"search_term": "lovelace", "token": "s3cret"}},
    {**ADA, "type": "track", "event": "Order Completed", "properties": {"revenue": "lovelace"}, "messageId": "lovelace-broken"},
    {**ADA, "type": "lovelace-type", "messageId": "lovelace-typeless"},
]  # fmt: skip


def post(url: str, body: object, **headers: str) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(
        url, raw, {"User-Agent": BROWSER, "X-Forwarded-For": "203.0.113.77", **headers}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=20) as response:
        assert response.status == 200


def everything_in_kafka(kafka: KafkaSettings) -> str:
    """Keys, headers and values of all records of all topics, changelogs included; the bytes of dead letters as they are."""
    consumer = KafkaConsumer(bootstrap_servers=list(kafka.brokers), enable_auto_commit=False)
    try:
        topics = sorted(consumer.topics())
        partitions = [TopicPartition(topic, n) for topic in topics for n in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        found: list[str] = []
        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < 3:
            for batch in consumer.poll(timeout_ms=300).values():
                for record in batch:
                    found += [repr(record.key), repr(record.headers), (record.value or b"").decode("latin-1")]
                    if record.topic == EVENTS_DLQ.name:
                        found.append(DEAD_LETTER_DECODER.decode(record.value).raw.decode("latin-1"))
                quiet_since = time.monotonic()
        return "\n".join(found)
    finally:
        consumer.close()


def everything_in_postgres(shop: Running) -> str:
    """Every row of every table, and bytes as text."""
    tables = shop.query("select table_name from information_schema.tables where table_schema = 'public'")
    rows = [row for (table,) in tables for row in shop.query(f'select t::text from "{table}" t')]
    rows += shop.query("select encode(raw, 'escape') from dead_letter")
    return "\n".join(str(row[0]) for row in rows)


def test_who_refuses_leaves_nothing_behind_that_identifies(
    broker: KafkaSettings, database: str, tmp_path: Path
) -> None:
    with running(broker, database, tmp_path, names=("persist", "process", "ingest")) as shop:
        url = shop.urls["ingest"]
        events = "select count(*) from events where consent = 'refused'"

        post(f"{url}/v1/batch", {"writeKey": "demo", "batch": CALLS}, **{"Sec-GPC": "1"})
        until(lambda: shop.query(events) == [(7,)], 60)
        refusal = {
            "consentManagement": {"provider": "oneTrust", "deniedConsentIds": ["C0002"], "allowedConsentIds": []}
        }
        post(f"{url}/v1/batch", {"writeKey": "demo", "context": refusal, "batch": [
            {**CALLS[0], "messageId": "lovelace-rudder", "context": {"ip": "2001:db8:85a3:8d3:1319:8a2e:370:7348"}}]})  # fmt: skip
        anonymous = snowplow_event(
            "pv", duid="lovelace", uid="lovelace", ip="203.0.113.77", ua=BROWSER, url="https://x.example/?lovelace"
        )
        unreadable = {**anonymous, "cx": "lovelace lovelace"}
        post(url + TP2, {"schema": "x", "data": [anonymous, unreadable]}, **{"SP-Anonymous": "*"})
        until(lambda: shop.query(events) == [(9,)], 60)
        until(lambda: shop.query("select count(*) from dead_letter") == [(3,)], 60)
        until(lambda: shop.query("select count(*) from predictions where event_count >= 7") != [(0,)], 60)

        for place in (everything_in_kafka(broker), everything_in_postgres(shop), *map(shop.log, shop.urls)):
            assert [text for text in IDENTIFYING if text in place] == []
        # They count all the same: one visitor of that day, the money, and nothing offered.
        assert shop.query("select count(distinct visitor_id), count(distinct user_id) from events") == [(3, 0)]
        assert shop.query("select revenue::float from conversions") == [(12.5,)]
        assert shop.query("select count(*) from interactions") == [(0,)]
        assert shop.query("select distinct is_offered from predictions") == [(False,)]

        # The same search finds what is there of somebody who does not refuse; addresses are cut all the same.
        post(f"{url}/v1/batch", {"writeKey": "demo", "batch": [CALLS[0], CALLS[7]]})
        until(lambda: shop.query("select count(*) from events where user_id is not null") == [(1,)], 60)
        until(lambda: shop.query("select count(*) from dead_letter") == [(4,)], 60)
        for place in (everything_in_kafka(broker), everything_in_postgres(shop)):
            assert [text for text in IDENTIFYING if text in place] == ["lovelace"]
