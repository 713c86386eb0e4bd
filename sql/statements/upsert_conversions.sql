-- One row per purchase that is new, or was reported earlier, larger or with more than we knew, in its session where that is known already.
-- What several reports tell differently, without being larger, is the least of them: whichever comes first, the row ends the same.
insert into conversions (
    conversion_id, session_id, visitor_id, user_id, write_key, message_id, transaction_id, occurred_at, received_at,
    currency, revenue, item_count, coupon
)
select distinct on (staged_conversion.conversion_id)
    staged_conversion.conversion_id,
    covering.session_id,
    staged_conversion.visitor_id,
    min(staged_conversion.user_id) over reports as user_id,
    staged_conversion.write_key,
    staged_conversion.message_id,
    staged_conversion.transaction_id,
    staged_conversion.occurred_at,
    staged_conversion.received_at,
    min(staged_conversion.currency) over reports as currency,
    max(staged_conversion.revenue) over reports as revenue,
    max(staged_conversion.item_count) over reports as item_count,
    min(staged_conversion.coupon) over reports as coupon
from staged_conversion
left join lateral (
    select session_id
    from sessions
    where
        sessions.visitor_id = staged_conversion.visitor_id
        and staged_conversion.occurred_at between sessions.started_at and sessions.last_seen_at
    order by sessions.started_at desc
    limit 1
) as covering on true
window reports as (partition by staged_conversion.conversion_id)
order by staged_conversion.conversion_id, staged_conversion.occurred_at, staged_conversion.message_id
on conflict (conversion_id) do update set
    (session_id, write_key, message_id, occurred_at, received_at) = (
        select
            first.session_id,
            first.write_key,
            first.message_id,
            first.occurred_at,
            first.received_at
        from (
            values
            (excluded.session_id, excluded.write_key, excluded.message_id, excluded.occurred_at, excluded.received_at),
            (
                conversions.session_id, conversions.write_key, conversions.message_id, conversions.occurred_at,
                conversions.received_at
            )
        ) as first (session_id, write_key, message_id, occurred_at, received_at)
        order by first.occurred_at, first.message_id
        limit 1
    ),
    user_id = least(conversions.user_id, excluded.user_id),
    currency = least(conversions.currency, excluded.currency),
    revenue = greatest(conversions.revenue, excluded.revenue),
    item_count = greatest(conversions.item_count, excluded.item_count),
    coupon = least(conversions.coupon, excluded.coupon)
where
    (excluded.occurred_at, excluded.message_id) < (conversions.occurred_at, conversions.message_id)
    or excluded.revenue > conversions.revenue
    or excluded.item_count > conversions.item_count
    or least(conversions.user_id, excluded.user_id) is distinct from conversions.user_id
    or least(conversions.currency, excluded.currency) is distinct from conversions.currency
    or least(conversions.coupon, excluded.coupon) is distinct from conversions.coupon;
