-- Where pages were clicked, as a list of the clicks of one report, and how high the page was.
alter table interactions add column clicks jsonb, add column page_height_px double precision;
create index interactions_measured on interactions (occurred_at) where page_height_px is not null;
-- A path may be longer than an entry of an index may be.
create index interactions_on_page on interactions (left(page_path, 512), occurred_at) where page_height_px is not null;
