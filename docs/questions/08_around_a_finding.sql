-- What happened to the machine within ten minutes of the first finding about command and control?
WITH finding AS (
  SELECT "@timestamp" AS at, cloud.instance.id AS instance, source.ip AS ip
  FROM guardduty
  WHERE native.type LIKE 'Backdoor:EC2/C&CActivity%'
  ORDER BY 1
  LIMIT 1
)
SELECT e.event.dataset, e.event.action, count(*) AS events, count(DISTINCT e.destination.ip) AS destinations,
       min(e."@timestamp") AS first, max(e."@timestamp") AS last
FROM events e, finding f
WHERE e."@timestamp" BETWEEN f.at - INTERVAL 10 MINUTES AND f.at + INTERVAL 10 MINUTES
  AND (e.cloud.instance.id = f.instance OR list_contains(e.related.ip, f.ip))
GROUP BY ALL
ORDER BY first, 1, 2
