"""A real Apache Kafka broker for tests: one node in KRaft mode on loopback, its data in a temporary folder."""

import contextlib
import os
import shutil
import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from shopstream.ports import free_port, port_check
from shopstream.supervise import Service, running

JARS = Path(__file__).parents[2] / ".shopstream" / "kafka-jars"


def missing() -> str | None:
    """Why the real broker cannot run here, or None."""
    if shutil.which("java") is None:
        return "no java on PATH; Apache Kafka needs version 17 or newer"
    if not any(JARS.glob("kafka_*.jar")):
        return "the jars of Apache Kafka are not here; `make kafka` fetches them with Maven"
    return None


QUICK = ("-XX:TieredStopAtLevel=1",)
"""Java compiles simply: a broker is there sooner, and then takes a quarter more processor time than one that has run for long."""


class Link(NamedTuple):
    """A way to the broker through a relay: clients connect `outside`, the relay connects `inside`."""

    outside: int
    inside: int


@contextlib.contextmanager
def apache_kafka(folder: Path, java_options: Sequence[str] = QUICK) -> Iterator[str]:
    """Run a broker; yields its bootstrap address. Its log is `folder/kafka.log`."""
    port = free_port()
    with running(apache_kafka_service(folder, port, java_options=java_options), timeout_s=60):
        yield f"127.0.0.1:{port}"


def apache_kafka_service(
    folder: Path, port: int, link: Link | None = None, java_options: Sequence[str] = QUICK
) -> Service:
    """A broker with a formatted data folder, to be started, and after a crash started again, by a supervisor."""
    controller = free_port()
    inside, outside = (f",LINK://127.0.0.1:{number}" for number in (link.inside, link.outside)) if link else ("", "")
    properties = folder / "server.properties"
    properties.write_text(
        f"""process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port}{inside},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}{outside}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,LINK:PLAINTEXT
log.dirs={folder / "kafka"}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
"""
    )
    java = ["java", "-Xmx512m", "-Xms256m", *java_options, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
    java += ["-cp", f"{JARS}{os.sep}*"]
    cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    log = folder / "kafka.log"
    with log.open("wb") as output:
        command = [*java, "kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}", "-c", str(properties)]
        subprocess.run(command, check=True, stdout=output, stderr=output, timeout=60)
    return Service(
        name="kafka", command=(*java, "kafka.Kafka", str(properties)), log=log, ready=port_check("127.0.0.1", port)
    )
