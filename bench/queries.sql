-- name: needles
-- What the other queries look for: one address, key and request of few events, a busy network, a day.
SELECT (SELECT source.ip FROM waf GROUP BY ALL ORDER BY count(*), 1 LIMIT 1) AS "address",
       (SELECT user.access_key.id FROM cloudtrail WHERE user.type = 'AssumedRole' GROUP BY ALL ORDER BY count(*), 1 LIMIT 1) AS "access_key",
       (SELECT max(http.request.id) FROM cloudtrail) AS "request",
       (SELECT regexp_extract(mode(source.ip), '^\d+\.\d+') || '.0.0/12' FROM vpcflow WHERE NOT is_private(source.ip)) AS "network",
       (SELECT date_trunc('day', max("@timestamp")) FROM events) AS "day"

-- name: outcomes
-- Which calls fail, by service.
SELECT event.provider, event.action, event.outcome, count(*) AS calls
FROM cloudtrail
GROUP BY ALL
ORDER BY calls DESC, 1, 2, 3

-- name: talkers
-- Pairs of addresses with the most bytes between them.
SELECT source.ip AS "from", destination.ip AS "to", sum(network.bytes) AS bytes, count(*) AS flows
FROM vpcflow
WHERE event.action = 'ACCEPT'
GROUP BY ALL
ORDER BY bytes DESC, 1, 2
LIMIT 20

-- name: histogram
-- Events of every log by the quarter of an hour.
SELECT event.dataset, time_bucket(INTERVAL 15 MINUTES, "@timestamp") AS bar, count(*) AS events
FROM events
GROUP BY ALL
ORDER BY 1, 2

-- name: countries
-- Visitors and their agents by country.
SELECT source.geo.country_name AS country, count(DISTINCT source.ip) AS visitors,
       count(DISTINCT user_agent.original) AS agents, avg(event.duration) // 1000000 AS milliseconds
FROM alb
GROUP BY ALL
ORDER BY visitors DESC, 1

-- name: blocked
-- What the firewall blocked for addresses that the load balancer answered all the same.
WITH bad AS (SELECT source.ip AS ip, count(*) AS blocked FROM waf WHERE event.action = 'BLOCK' GROUP BY ALL)
SELECT bad.ip, blocked, count(*) AS requests, count(*) FILTER (WHERE http.response.status_code = 200) AS answered
FROM bad JOIN alb ON alb.source.ip = bad.ip
GROUP BY ALL
ORDER BY blocked DESC, requests DESC, 1
LIMIT 20

-- name: network
-- Ports that one network knocked at.
SELECT destination.port, event.action, count(*) AS flows, count(DISTINCT source.ip) AS addresses
FROM vpcflow
WHERE cidr(source.ip, $network)
GROUP BY ALL
ORDER BY flows DESC, 1, 2
LIMIT 20

-- name: buckets
-- Buckets by reads, of a member that only the request's JSON has.
SELECT native.requestParameters ->> '$.bucketName' AS bucket, count(*) AS reads, count(DISTINCT user.name) AS users
FROM cloudtrail
WHERE event.action = 'GetObject'
GROUP BY ALL
ORDER BY reads DESC, 1
LIMIT 20

-- name: address
-- One address in every log, in whatever field.
SELECT event.dataset, event.action, count(*) AS events, min("@timestamp") AS first, max("@timestamp") AS last
FROM events
WHERE list_contains(related.ip, $address)
GROUP BY ALL
ORDER BY first, 1, 2

-- name: access_key
-- What was done with one access key.
SELECT "@timestamp", event.action, event.outcome, source.ip, source.geo.country_name, user.name
FROM cloudtrail
WHERE user.access_key.id = $access_key
ORDER BY 1, event.id

-- name: request
-- The record of one request, whole.
SELECT "@timestamp", event.dataset, event.action, event.original
FROM events
WHERE http.request.id = $request
ORDER BY 1

-- name: sessions
-- Visits, rebuilt: requests of an address without a pause of half an hour.
WITH steps AS (
  SELECT source.ip AS ip, "@timestamp" AS moment,
         "@timestamp" - lag("@timestamp") OVER (PARTITION BY source.ip ORDER BY "@timestamp") > INTERVAL 30 MINUTES AS pause
  FROM alb
), visits AS (
  SELECT ip, moment, count(*) FILTER (WHERE pause) OVER (PARTITION BY ip ORDER BY moment) AS visit FROM steps
)
SELECT ip, visit, count(*) AS requests, min(moment) AS first, max(moment) - min(moment) AS length
FROM visits
GROUP BY ALL
ORDER BY requests DESC, 1, 2
LIMIT 20

-- name: latest
-- The last refused events of one day, as a table of them shows.
SELECT "@timestamp", event.dataset, event.action, source.ip, source."as".organization.name, user.name, url.path
FROM events
WHERE "@timestamp" >= $day AND "@timestamp" < $day + INTERVAL 1 DAY AND event.outcome = 'failure'
ORDER BY "@timestamp" DESC, event.hash
LIMIT 100
