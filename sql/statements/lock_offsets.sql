-- One row per partition of the cluster, held until the transaction ends: a second sink waits here, and then sees that it lost.
select
    topic,
    partition,
    next_offset
from sink_offset
where cluster_id = %(cluster_id)s
order by topic, partition
for update;
