-- One row per click of a person whose page says where it was clicked (`data-clicks`): a share of the page's width from the left, pixels
-- from its top, and what was hit; null when it was no link, button or field.
create view clicks as
select
    interactions.occurred_at,
    interactions.page_path,
    human_sessions.device_type,
    interactions.session_id,
    click.x,
    click.y,
    click.element,
    coalesce(click.is_rage, false) as is_rage
from interactions
inner join human_sessions on interactions.session_id = human_sessions.session_id
cross join
    lateral jsonb_to_recordset(interactions.clicks) as click (
        x double precision, y double precision, element text, is_rage boolean
    )
where interactions.page_height_px is not null and interactions.clicks is not null;
