-- One row: whether anybody was erased of whom Kafka may still have something to read. It keeps nothing for longer.
select exists(select from erasure where done_at > now() - interval '31 days')
