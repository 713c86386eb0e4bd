-- One row per partition that this transaction read from.
update sink_offset
set next_offset = advanced.next_offset
from unnest(%(topics)s::text[], %(partitions)s::integer[], %(next_offsets)s::bigint[]) as advanced (topic, partition, next_offset)
where
    sink_offset.cluster_id = %(cluster_id)s
    and sink_offset.topic = advanced.topic
    and sink_offset.partition = advanced.partition;
