-- One row per right that somebody else was given on a view of ours, as the statement that gives it again.
select
    schema_view.name,
    format(
        'grant %s on %I to %s%s',
        given.privilege_type,
        schema_view.name,
        coalesce(quote_ident(pg_roles.rolname), 'public'),
        case when given.is_grantable then ' with grant option' end
    ) as grants
from schema_view
inner join pg_class on pg_class.oid = to_regclass(quote_ident(schema_view.name))
cross join lateral aclexplode(pg_class.relacl) as given
left join pg_roles on pg_roles.oid = given.grantee
where pg_class.relkind = 'v' and given.grantee <> pg_class.relowner
