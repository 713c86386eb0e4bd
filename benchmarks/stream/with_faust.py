"""Faust decoding and counting, nothing else: with our poll lane, or (`plain`) as it comes."""

import sys

import faust
import uvloop

from benchmarks.stream import steps
from stream_processors.poll_lane import Poll, PollSchema, use_poll_lanes


async def main(is_plain: bool) -> None:
    app = faust.App(
        steps.NAME,
        broker=f"kafka://{steps.BROKERS}",
        store="memory://",
        datadir=steps.FOLDER,
        autodiscover=False,
        web_enabled=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        broker_max_poll_records=2_000,
        broker_session_timeout=6.0,
        broker_heartbeat_interval=1.0,
        broker_rebalance_timeout=6.0,
        stream_wait_empty=False,
    )
    counter = steps.Counter()
    if is_plain:

        @app.agent(app.topic(steps.EVENTS, value_type=bytes, value_serializer="raw", key_serializer="raw"))
        async def count_records(records: faust.StreamT[bytes]) -> None:
            async for value in records:
                steps.decode_event(value)
                counter.add()
    else:
        use_poll_lanes(app, [steps.EVENTS])

        @app.agent(app.topic(steps.EVENTS, schema=PollSchema(), maxsize=16))
        async def count_polls(polls: faust.StreamT[Poll]) -> None:
            async for records in polls:
                for record in records:
                    steps.decode_event(record.value)
                counter.add(len(records))
                records.is_done = True

    await app.start()
    await app.wait_until_stopped()


if __name__ == "__main__":
    uvloop.run(main(is_plain="plain" in sys.argv))
