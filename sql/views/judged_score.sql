-- One row per closed session of a person, prefix and model that scored it, in its role: the score and what the visitor then did.
-- `champions` is the champion's score of the same, on a challenger's row. Both are kept off 0 and 1 where a logarithm is taken of them.
create view judged_score as
select
    score_at_prefix.hour,
    score_at_prefix.closed_at,
    score_at_prefix.prefix,
    role.name as role,
    role.model_version,
    role.likelihood,
    least(greatest(role.likelihood, 1e-6), 1 - 1e-6) as probability,
    case when role.name = 'challenger' then least(greatest(score_at_prefix.likelihood, 1e-6), 1 - 1e-6) end as champions,
    score_at_prefix.has_bought::integer as bought
from score_at_prefix
cross join lateral (
    values
    ('champion', score_at_prefix.model_version, score_at_prefix.likelihood),
    ('challenger', score_at_prefix.challenger_version, score_at_prefix.challenger_likelihood)
) as role (name, model_version, likelihood)
where role.model_version is not null;
