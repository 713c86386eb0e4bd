-- One row: the view just made.
insert into schema_view (name, checksum) values (%(name)s, %(checksum)s);
