-- One row per engagement report or click that is new, in its session where that is known already.
insert into interactions (
    write_key, message_id, visitor_id, session_id, event_name, occurred_at, page_path, engagement_time_msec,
    percent_scrolled, pointer_distance_px, click_count, rage_click_count, custom, clicks,
    page_height_px
)
select
    staged_interaction.write_key,
    staged_interaction.message_id,
    staged_interaction.visitor_id,
    covering.session_id,
    staged_interaction.event_name,
    staged_interaction.occurred_at,
    staged_interaction.page_path,
    staged_interaction.engagement_time_msec,
    staged_interaction.percent_scrolled,
    staged_interaction.pointer_distance_px,
    staged_interaction.click_count,
    staged_interaction.rage_click_count,
    staged_interaction.custom,
    staged_interaction.clicks,
    staged_interaction.page_height_px
from staged_interaction
left join lateral (
    select session_id
    from sessions
    where
        sessions.visitor_id = staged_interaction.visitor_id
        and staged_interaction.occurred_at between sessions.started_at and sessions.last_seen_at
    order by sessions.started_at desc
    limit 1
) as covering on true
on conflict (write_key, message_id) do nothing;
