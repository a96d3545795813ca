-- name: figures
-- Events that have to do with it, those that failed or were refused, and the log types, accounts and regions that they are of.
SELECT unnest(['Events', 'Failed or refused', 'Log types', 'AWS accounts', 'Regions']) AS "filters",
       unnest([count(*), count(*) FILTER (WHERE event.outcome = 'failure'), count(DISTINCT event.dataset),
               count(DISTINCT nullif(account, 'unknown')), count(DISTINCT nullif(region, 'unknown'))]) AS "Count"
FROM logs

-- name: over_time
-- Events by log type over time.
SELECT utc_bucket($interval, "@timestamp") AS "@timestamp", event.dataset AS "event.dataset", count(*) AS "Count"
FROM logs
GROUP BY ALL
ORDER BY 1, 3 DESC, 2

-- name: seen
-- The logs that know it: when it was first and last seen in each, in how many events, and how many of these failed or were refused.
SELECT event.dataset AS "Log type", min("@timestamp") AS "First seen", max("@timestamp") AS "Last seen", count(*) AS "Events",
       count(*) FILTER (WHERE event.outcome = 'failure') AS "Failed"
FROM logs
GROUP BY ALL
ORDER BY 4 DESC, 1

-- name: findings
-- GuardDuty's findings that name it, the most severe first. A finding comes again with a higher count.
SELECT max(native.severity) AS "Severity", native.type AS "Type", count(DISTINCT event.id) AS "Findings",
       min(coalesce(event.start, "@timestamp")) AS "First seen", max("@timestamp") AS "Last update"
FROM findings
WHERE native.type IS NOT NULL
GROUP BY native.type
ORDER BY 1 DESC, 3 DESC, 2
LIMIT 100

-- name: deeds
-- What happened: the twenty actions with most events, each with its log type.
SELECT event.action AS "event.action", event.dataset AS "event.dataset", count(*) AS "Count"
FROM logs
WHERE event.action IS NOT NULL
GROUP BY ALL
ORDER BY 3 DESC, 1, 2
LIMIT 20

-- name: refused
-- What failed or was refused, by action and reason, most first, and when it last was.
SELECT event.action AS "Action", coalesce(error.code, event.reason, rule.name, dns.response_code, CAST(http.response.status_code AS VARCHAR), 'no reason given') AS "Reason", count(*) AS "Count",
       max("@timestamp") AS "Last"
FROM logs
WHERE event.outcome = 'failure'
GROUP BY ALL
ORDER BY 3 DESC, 1, 2
LIMIT 50

-- name: origins
-- From where: countries, and organisations whose networks the source addresses belong to, the ten with most events.
SELECT CASE WHEN grouping(country) = 0 THEN 'country' ELSE 'organisation' END AS "list",
       coalesce(country, organisation) AS "value", count(*) AS "Count"
FROM (SELECT source.geo.country_name AS country, source.as.organization.name AS organisation FROM logs)
GROUP BY GROUPING SETS ((country), (organisation))
HAVING "value" IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY "list" ORDER BY "Count" DESC, "value") <= 10
ORDER BY 1, 3 DESC, 2

-- name: agents
-- With what: the ten user agents with most events, as they name themselves.
SELECT user_agent.original AS "user_agent.original", count(*) AS "Count"
FROM logs
WHERE user_agent.original IS NOT NULL
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 10

-- name: ports
-- Connections and requests by protocol and port of the destination, the ten with most, and their bytes.
SELECT destination.port AS "Destination port", network.transport AS "Transport", count(*) AS "Events",
       sum(source.bytes) AS "Bytes"
FROM logs
WHERE destination.port IS NOT NULL
GROUP BY ALL
ORDER BY 3 DESC, 1, 2
LIMIT 10

-- name: relations
-- What else its events name: the ten addresses, users, roles, access keys, instances, buckets and domains with most of them. A click goes on to one.
WITH seen AS (
  SELECT unnest(list_distinct(list_concat(
    list_transform(related.ip, lambda x: {list: 'address', value: x}),
    list_transform(related.user, lambda x: {list: if(regexp_full_match(x, 'i-[0-9a-f]{8,17}'), 'instance', 'user'), value: x}),
    list_transform("user".roles, lambda x: {list: 'role', value: x}),
    list_transform(related.buckets, lambda x: {list: 'bucket', value: x}),
    list_transform(list_concat(related.hosts, [dns.question.name, dns.question.registered_domain, url.domain, source.domain, destination.domain]),
      lambda x: {list: if(contains(x, '.'), 'domain', if(regexp_full_match(x, 'i-[0-9a-f]{8,17}'), 'instance', NULL)), value: x}),
    list_transform(list_append(related.access_keys, "user".access_key.id), lambda x: {list: 'access_key', value: x}),
    [{list: 'instance', value: cloud.instance.id}]))) AS named
  FROM logs),
named AS (SELECT named.list AS list, named.value AS value FROM seen)
SELECT list AS "list", value AS "value", count(*) AS "Count"
FROM named
WHERE list IS NOT NULL AND value IS NOT NULL AND value <> $entity
GROUP BY list, value
QUALIFY row_number() OVER (PARTITION BY "list" ORDER BY "Count" DESC, address_order("value")) <= 10
ORDER BY 1, 3 DESC, address_order("value")

-- name: rows
-- Its events in all logs, newest first. Choose one to see all its fields and the record as it came.
SELECT "@timestamp", event.dataset AS "event.dataset", event.action AS "event.action", event.outcome AS "event.outcome",
       "user".name AS "user.name", source.ip AS "source.ip", destination.ip AS "destination.ip", destination.port AS "destination.port",
       account AS "account", region AS "region", event.hash AS "_hash"
FROM logs
ORDER BY "@timestamp" DESC, event.hash
LIMIT $limit OFFSET $offset
