-- Who read most from the bucket of customer exports?
SELECT user.name, source.ip, source.geo.country_name AS country, count(*) AS requests,
       round(sum(http.response.body.bytes) / 1e6, 1) AS megabytes, min("@timestamp") AS first, max("@timestamp") AS last
FROM s3access
WHERE native.Bucket = 'halden-customer-exports' AND event.action = 'REST.GET.OBJECT'
GROUP BY ALL
ORDER BY sum(http.response.body.bytes) DESC NULLS LAST, 2
LIMIT 5
