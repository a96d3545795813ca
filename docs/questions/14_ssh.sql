-- Who reached port 22 from outside?
SELECT source.ip, source.geo.country_name AS country, destination.ip AS host, count(*) AS flows,
       min("@timestamp") AS first, max("@timestamp") AS last
FROM vpcflow
WHERE event.action = 'ACCEPT' AND destination.port = 22 AND NOT is_private(source.ip)
GROUP BY ALL
ORDER BY first, 1
