-- Who used the access key of ci-deployer, and from where? One address is the build machine's own.
SELECT source.ip, source.geo.country_name AS country, source."as".organization.name AS network,
       count(*) AS calls, count(*) FILTER (WHERE event.outcome = 'failure') AS refused,
       min("@timestamp") AS first, max("@timestamp") AS last
FROM cloudtrail
WHERE user.access_key.id = 'AKIAHALDENCI7EXAMPLE'
GROUP BY ALL
ORDER BY first, 1
