-- One row per report of a person on a page that says how high it is (`data-clicks`): how far down it was seen, and how much it was used
-- since the report before.
create view page_reports as
select
    interactions.occurred_at,
    interactions.page_path,
    human_sessions.device_type,
    interactions.session_id,
    interactions.percent_scrolled,
    interactions.engagement_time_msec,
    interactions.click_count,
    interactions.page_height_px
from interactions
inner join human_sessions on interactions.session_id = human_sessions.session_id
where interactions.page_height_px is not null;
