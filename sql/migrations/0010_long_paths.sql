-- A path may be longer than an entry of an index may be.
drop index interactions_on_page;
create index interactions_on_page on interactions (left(page_path, 512), occurred_at) where page_height_px is not null;
