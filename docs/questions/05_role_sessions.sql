-- Were the credentials of a machine's role used from outside our networks?
SELECT user.session.name AS instance, user.roles[1] AS role, user.access_key.id AS access_key, source.ip,
       source.geo.country_name AS country, count(*) AS calls,
       count(*) FILTER (WHERE event.outcome = 'failure') AS refused,
       min("@timestamp") AS first, max("@timestamp") AS last
FROM cloudtrail
WHERE user.type = 'AssumedRole' AND starts_with(user.session.name, 'i-') AND NOT is_private(source.ip)
GROUP BY ALL
ORDER BY first, 3, 4
