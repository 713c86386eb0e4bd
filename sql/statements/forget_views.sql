-- Every row: all views are about to be recorded again.
delete from schema_view;
