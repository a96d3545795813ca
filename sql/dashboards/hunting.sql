-- Where there are millions of addresses, what is counted by address is put in no order and kept in no table:
-- `addresses` has those that a list may show, and all others in one row without address.

-- relation: counted
-- One look at all events, counted three ways, as "by" tells: by the places and networks of either end, and users, whom logs with a destination hardly name, with the latter; and over time by account, region, log type, whether flows were accepted, and what is alarming.
SELECT CASE WHEN grouping(source_country) = 0 THEN 'source place' WHEN grouping(who) = 0 THEN 'destination place' ELSE 'time' END AS "by",
       coalesce(source_country, destination_country) AS country, coalesce(source_organisation, destination_organisation) AS organisation,
       who, bucket, account, region, type, flow_action, failed, alert, listed, count(*) AS n
FROM (SELECT source.geo.country_name AS source_country, source.as.organization.name AS source_organisation,
             destination.geo.country_name AS destination_country, destination.as.organization.name AS destination_organisation,
             CASE WHEN "user".name NOT IN ('', '-') THEN "user".name END AS who,
             utc_bucket($interval, "@timestamp") AS bucket, cloud.account.id AS account, cloud.region AS region, event.dataset AS type,
             CASE WHEN event.dataset = 'vpcflow' THEN event.action END AS flow_action,
             event.outcome = 'failure' AS failed, event.kind = 'alert' AS alert, len(threat.matched.providers) > 0 AS listed
      FROM logs)
GROUP BY GROUPING SETS ((source_country, source_organisation), (destination_country, destination_organisation, who),
                        (bucket, account, region, type, flow_action, failed, alert, listed))

-- relation: addresses
-- Events and bytes of flows by source address and by destination address, as "by" tells: of those that have as many events as the fifteenth, or as many bytes as the tenth. All others in one row; "number" is how many addresses a row is of.
WITH sums AS MATERIALIZED (
  SELECT grouping(source_ip) = 0 AS is_source, coalesce(source_ip, destination_ip) AS ip, count(*) AS n, sum(flow_bytes) AS bytes
  FROM (SELECT source.ip AS source_ip, destination.ip AS destination_ip,
               CASE WHEN event.dataset IN ('vpcflow', 'tgwflow') THEN coalesce(source.bytes, 0) END AS flow_bytes
        FROM logs)
  GROUP BY GROUPING SETS ((source_ip), (destination_ip))),
last AS (SELECT is_source, list_min(max(n, 15)) AS n, list_min(max(bytes, 10)) AS bytes FROM sums WHERE ip IS NOT NULL GROUP BY is_source)
SELECT if(is_source, 'source', 'destination') AS "by", if(sums.n >= last.n OR sums.bytes >= last.bytes, ip, NULL) AS ip,
       sum(sums.n) AS n, sum(sums.bytes) AS flow_bytes, count(*) AS number
FROM sums JOIN last USING (is_source) WHERE ip IS NOT NULL
GROUP BY 1, 2

-- name: figures
-- Events of all sources that failed or were refused, alerts of detectors, those with an address, name or hash that a threat list holds (none where no list is loaded), and the addresses and users behind all of them.
SELECT unnest(['Failed or refused', 'Alerts', 'On a threat list', 'Source addresses', 'Users']) AS "filters",
       unnest([coalesce(sum(n) FILTER (WHERE failed), 0), coalesce(sum(n) FILTER (WHERE alert), 0), coalesce(sum(n) FILTER (WHERE listed), 0),
               (SELECT coalesce(sum(number), 0) FROM addresses WHERE "by" = 'source'), count(DISTINCT who)])::BIGINT AS "Count"
FROM counted

-- name: places
-- Events of the five accounts, the five regions and the five log types with most; 'unknown' where neither record, envelope nor key names one.
SELECT CASE WHEN grouping(account) = 0 THEN 'account' WHEN grouping(region) = 0 THEN 'region' ELSE 'type' END AS "list",
       coalesce(account, region, type, 'unknown') AS "value", CAST(sum(n) AS BIGINT) AS "Count"
FROM counted
WHERE "by" = 'time'
GROUP BY GROUPING SETS ((account), (region), (type))
QUALIFY row_number() OVER (PARTITION BY "list", coalesce(account, region, type) IS NULL ORDER BY "Count" DESC, "value") <= 5
ORDER BY 1, coalesce(account, region, type) IS NULL, 3 DESC, 2

-- name: failures_over_time
-- Events that failed or were refused, and alerts, by log type over time.
SELECT bucket AS "@timestamp", type AS "event.dataset", CAST(sum(n) AS BIGINT) AS "Count"
FROM counted
WHERE failed OR alert
GROUP BY ALL
ORDER BY 1, 3 DESC, 2

-- name: finding_types
-- GuardDuty's findings by type. A finding comes again with a higher count; each version is an event.
SELECT native.type AS "type", count(*) AS "Count"
FROM findings
WHERE native.type IS NOT NULL
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 120

-- name: sources
-- Source addresses (fifteen with most events), their countries (twenty) and the organisations whose networks they belong to (ten), over all log types.
WITH counts AS NOT MATERIALIZED (
  SELECT 'address' AS list, ip AS value, n FROM addresses WHERE "by" = 'source' AND ip IS NOT NULL
  UNION ALL SELECT 'country', country, CAST(sum(n) AS BIGINT) FROM counted WHERE "by" = 'source place' AND country IS NOT NULL GROUP BY ALL
  UNION ALL SELECT 'organisation', organisation, CAST(sum(n) AS BIGINT) FROM counted WHERE "by" = 'source place' AND organisation IS NOT NULL GROUP BY ALL),
bounds AS (SELECT list, list_min(max(n, 20)) AS least FROM counts GROUP BY ALL)
SELECT list AS "list", value AS "value", n AS "Count"
FROM counts JOIN bounds USING (list)
WHERE n >= least
QUALIFY row_number() OVER (PARTITION BY list ORDER BY n DESC, address_order(value)) <= if(list = 'address', 15, if(list = 'country', 20, 10))
ORDER BY 1, 3 DESC, address_order(value)

-- name: destinations
-- Destination addresses, their countries and the organisations whose networks they belong to: the ten with most events each, over all log types.
WITH counts AS NOT MATERIALIZED (
  SELECT 'address' AS list, ip AS value, n FROM addresses WHERE "by" = 'destination' AND ip IS NOT NULL
  UNION ALL SELECT 'country', country, CAST(sum(n) AS BIGINT) FROM counted WHERE "by" = 'destination place' AND country IS NOT NULL GROUP BY ALL
  UNION ALL SELECT 'organisation', organisation, CAST(sum(n) AS BIGINT) FROM counted WHERE "by" = 'destination place' AND organisation IS NOT NULL GROUP BY ALL),
bounds AS (SELECT list, list_min(max(n, 10)) AS least FROM counts GROUP BY ALL)
SELECT list AS "list", value AS "value", n AS "Count"
FROM counts JOIN bounds USING (list)
WHERE n >= least
QUALIFY row_number() OVER (PARTITION BY list ORDER BY n DESC, address_order(value)) <= 10
ORDER BY 1, 3 DESC, address_order(value)

-- name: flow_actions
-- Flow records that were accepted and that were rejected.
SELECT flow_action AS "action", CAST(sum(n) AS BIGINT) AS "Count"
FROM counted
WHERE flow_action IS NOT NULL
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 5

-- name: flow_bytes
-- Bytes in flow logs by the address that sent them and by the one that received them, the ten with most each. Transit gateways included.
WITH sums AS NOT MATERIALIZED (
  SELECT if("by" = 'source', 'sent', 'received') AS list, ip AS value, flow_bytes AS n FROM addresses WHERE ip IS NOT NULL AND flow_bytes IS NOT NULL),
bounds AS (SELECT list, list_min(max(n, 10)) AS least FROM sums GROUP BY ALL)
SELECT list AS "list", value AS "value", n AS "Bytes"
FROM sums JOIN bounds USING (list)
WHERE n >= least
QUALIFY row_number() OVER (PARTITION BY list ORDER BY n DESC, address_order(value)) <= 10
ORDER BY 1, 3 DESC, address_order(value)

-- name: s3_calls
-- S3 calls in CloudTrail: the ten buckets with most, and the ten source addresses that sent and that fetched most bytes. Trails that record data events tell of objects.
WITH calls AS (
  SELECT native.requestParameters ->> '$.bucketName' AS bucket, source.ip AS ip,
         TRY_CAST(native.additionalEventData ->> '$.bytesTransferredIn' AS BIGINT) AS uploaded,
         TRY_CAST(native.additionalEventData ->> '$.bytesTransferredOut' AS BIGINT) AS downloaded
  FROM trail WHERE native.eventSource = 's3.amazonaws.com'),
sums AS (
  SELECT bucket, ip, count(*) AS n, sum(uploaded) AS uploaded, sum(downloaded) AS downloaded FROM calls GROUP BY ALL),
lists AS (
  SELECT list, value, coalesce(n, 0) AS n
  FROM (SELECT 'bucket' AS list, bucket AS value, sum(n) AS n FROM sums GROUP BY ALL
        UNION ALL SELECT 'upload', ip, sum(uploaded) FROM sums GROUP BY ALL
        UNION ALL SELECT 'download', ip, sum(downloaded) FROM sums GROUP BY ALL)
  WHERE value NOT IN ('', '-')),
bounds AS (SELECT list, list_min(max(n, 10)) AS least FROM lists GROUP BY ALL)
SELECT list AS "list", value AS "value", n AS "Figure"
FROM lists JOIN bounds USING (list)
WHERE n >= least
QUALIFY row_number() OVER (PARTITION BY list ORDER BY n DESC, address_order(value)) <= 10
ORDER BY 1, 3 DESC, address_order(value)

-- name: rows
-- The events of all sources, newest first, in the fields that they share. Choose one to see all its fields and the record as it came.
SELECT "@timestamp", cloud.account.id AS "cloud.account.id", event.dataset AS "event.dataset", event.module AS "event.module",
       event.action AS "event.action", rule.name AS "rule.name", source.ip AS "source.ip", source.geo.country_name AS "source.geo.country_name",
       cloud.instance.id AS "cloud.instance.id", "user".id AS "user.id", "user".name AS "user.name", event.hash AS "_hash"
FROM logs
ORDER BY "@timestamp" DESC, event.hash
LIMIT $limit OFFSET $offset
