-- One row per visitor, session and item since then, with the first touch in that session: the newest, of each visitor at most so many.
select visitor_id, session_id, item_id, touched_at
from (
    select
        visitor_id,
        session_id,
        item_id,
        min(occurred_at) as touched_at,
        row_number() over (partition by visitor_id order by min(occurred_at) desc, session_id, item_id) as number
    from item_touches
    -- `occurred_at` is repaired to within a day or so of `received_at`, which has the index.
    where occurred_at >= %(since)s and received_at >= %(since)s
    group by visitor_id, session_id, item_id
) as touches
where number <= %(most_of_visitor)s
order by touched_at desc, session_id, item_id
limit %(most)s
