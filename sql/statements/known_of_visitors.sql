-- One row: what is stored of these visitors, and when ingest received the newest of it.
select
    (select count(*) from events where visitor_id = any(%(visitor_ids)s)) as event_count,
    (select count(*) from sessions where visitor_id = any(%(visitor_ids)s)) as session_count,
    (select count(*) from conversions where visitor_id = any(%(visitor_ids)s)) as purchase_count,
    (select max(received_at) from events where visitor_id = any(%(visitor_ids)s)) as received_at
