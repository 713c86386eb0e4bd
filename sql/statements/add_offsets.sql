-- One row per partition that the sink has not read before.
insert into sink_offset (cluster_id, topic, partition, next_offset)
select
    %(cluster_id)s,
    added.topic,
    added.partition,
    0
from unnest(%(topics)s::text[], %(partitions)s::integer[]) as added (topic, partition)
on conflict do nothing;
