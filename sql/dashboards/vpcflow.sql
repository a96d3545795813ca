-- The lists of addresses first find the tenth largest figure (`bounds`), so that the millions below it are
-- not put in order.

-- relation: counted
-- One look at all flow records, counted three ways, as "by" tells: by source address, by what else tells of one and, where zone and instance are known, by interface; by destination address; and over time by what has few values.
SELECT CASE WHEN grouping(source_ip) = 0 THEN 'source' WHEN grouping(destination_ip) = 0 THEN 'destination' ELSE 'time' END AS "by",
       coalesce(source_ip, destination_ip) AS ip, coalesce(source_country, destination_country) AS country, interface,
       action, direction, syn, bucket, account, region, subnet, path, status,
       count(*) AS records, sum(packets) AS packets, sum(bytes) AS bytes
FROM (SELECT source.ip AS source_ip, source.geo.country_iso_code AS source_country,
             destination.ip AS destination_ip, destination.geo.country_iso_code AS destination_country,
             event.action AS action, network.direction AS direction, native.tcp_flags = 2 AS syn,
             utc_bucket($interval, "@timestamp") AS bucket, cloud.account.id AS account, cloud.region AS region,
             cloud.subnet.id AS subnet, native.traffic_path AS path, native.log_status AS status,
             network.packets AS packets, source.bytes AS bytes,
             CASE WHEN cloud.availability_zone IS NOT NULL AND cloud.instance.id IS NOT NULL THEN native.interface_id END AS interface
      FROM logs)
GROUP BY GROUPING SETS ((source_ip, source_country, action, direction, syn, interface),
                        (destination_ip, destination_country),
                        (bucket, account, region, subnet, action, direction, syn, path, status))

-- relation: addresses
-- Of each source address the bytes of its flows, and the packets of those that were accepted, that were rejected, and that were accepted and seen with their SYN alone; NULL where there was none.
SELECT ip, coalesce(sum(bytes), 0) AS bytes,
       sum(coalesce(packets, 0)) FILTER (WHERE action = 'ACCEPT') AS accepted,
       sum(coalesce(packets, 0)) FILTER (WHERE action = 'REJECT') AS rejected,
       sum(coalesce(packets, 0)) FILTER (WHERE action = 'ACCEPT' AND syn) AS opened
FROM counted
WHERE "by" = 'source' AND ip IS NOT NULL
GROUP BY ip

-- name: figures
-- Flow records, those that were let in, those that a security group or a network ACL refused, and from how many addresses.
SELECT unnest(['Flow records', 'Accepted', 'Rejected', 'Sources rejected']) AS "filters",
       unnest([coalesce(sum(records), 0), coalesce(sum(records) FILTER (WHERE action = 'ACCEPT'), 0),
               coalesce(sum(records) FILTER (WHERE action = 'REJECT'), 0), (SELECT count(rejected) FROM addresses)])::BIGINT AS "Count"
FROM counted
WHERE "by" = 'time'

-- name: places
-- Flow records of the five accounts and of the five regions with most; 'unknown' where neither record nor key names one. Transit gateways included.
SELECT CASE WHEN grouping(account) = 0 THEN 'account' ELSE 'region' END AS "kind", coalesce(account, region, 'unknown') AS "value",
       CAST(sum(records) AS BIGINT) AS "Count"
FROM (SELECT account, region, records FROM counted WHERE "by" = 'time'
      UNION ALL SELECT cloud.account.id, cloud.region, 1 FROM transit)
GROUP BY GROUPING SETS ((account), (region))
QUALIFY row_number() OVER (PARTITION BY "kind", coalesce(account, region) IS NULL ORDER BY "Count" DESC, "value") <= 5
ORDER BY 1, coalesce(account, region) IS NULL, 3 DESC, 2

-- name: packets_over_time
-- Packets of accepted and of rejected flows over time. A record counts in the minute in which its interval ends. Transit gateways included.
SELECT bucket AS "@timestamp",
       coalesce(sum(packets) FILTER (WHERE action = 'ACCEPT'), 0) AS "accepted",
       coalesce(sum(packets) FILTER (WHERE action = 'REJECT'), 0) AS "rejected"
FROM (SELECT bucket, action, packets FROM counted WHERE "by" = 'time'
      UNION ALL SELECT utc_bucket($interval, "@timestamp"), event.action, network.packets FROM transit)
GROUP BY ALL
ORDER BY 1

-- name: packets_by_source
-- Packets of accepted and of rejected flows: the ten source addresses with most of each, and the hundred source countries.
WITH sums AS NOT MATERIALIZED (
  SELECT 'ACCEPT' AS action, 'address' AS kind, ip AS value, accepted AS n FROM addresses WHERE accepted IS NOT NULL
  UNION ALL SELECT 'REJECT', 'address', ip, rejected FROM addresses WHERE rejected IS NOT NULL
  UNION ALL SELECT action, 'country', country, coalesce(sum(packets), 0)
  FROM counted WHERE "by" = 'source' AND action IN ('ACCEPT', 'REJECT') AND country IS NOT NULL GROUP BY ALL),
bounds AS (SELECT action, kind, list_min(max(n, 100)) AS least FROM sums GROUP BY ALL)
SELECT action AS "action", kind AS "kind", value AS "value", n AS "Packets"
FROM sums JOIN bounds USING (action, kind)
WHERE n >= least
QUALIFY row_number() OVER (PARTITION BY action, kind ORDER BY n DESC, address_order(value)) <= if(kind = 'address', 10, 100)
ORDER BY 1, 2, 4 DESC, address_order(value)

-- name: bytes_by_source
-- Bytes by source address, the ten with most and the rest; and the ten source countries with most, each with its ten addresses with most. Transit gateways included.
WITH further AS (
  SELECT source.ip AS ip, source.geo.country_iso_code AS country, coalesce(sum(source.bytes), 0) AS n
  FROM transit WHERE source.ip IS NOT NULL GROUP BY ALL),
sums AS NOT MATERIALIZED (
  SELECT ip, country, coalesce(bytes, 0) AS n FROM counted WHERE "by" = 'source' AND ip IS NOT NULL AND country IS NOT NULL
  UNION ALL SELECT ip, country, n FROM further WHERE country IS NOT NULL),
countries AS (SELECT country, row_number() OVER (ORDER BY sum(n) DESC, country) AS place FROM sums GROUP BY country QUALIFY place <= 10),
within AS MATERIALIZED (SELECT place, country, ip, sum(n) AS n FROM sums JOIN countries USING (country) GROUP BY ALL),
lists AS NOT MATERIALIZED (
  SELECT 0 AS place, NULL AS country, ip, coalesce(bytes, 0) + coalesce(n, 0) AS n
  FROM addresses FULL JOIN (SELECT ip, sum(n) AS n FROM further GROUP BY ip) USING (ip)
  UNION ALL SELECT place, country, ip, n FROM within),
bounds AS (SELECT place, country, list_min(max(n, 10)) AS least, sum(n) AS n FROM lists GROUP BY place, country),
first AS (
  SELECT place, lists.country, ip, lists.n, row_number() OVER (PARTITION BY place ORDER BY lists.n DESC, address_order(ip)) AS nth
  FROM lists JOIN bounds USING (place) WHERE lists.n >= least QUALIFY nth <= 10),
rest AS (SELECT place, bounds.country, 'Other' AS ip, any_value(bounds.n) - sum(first.n) AS n, NULL AS nth
         FROM bounds JOIN first USING (place) GROUP BY ALL)
SELECT if(place = 0, 'address', 'country') AS "list", country AS "country", ip AS "source.ip", n AS "Bytes", nth IS NULL AS "_rest", place AS "_place"
FROM (SELECT place, country, ip, n, nth FROM first UNION ALL SELECT place, country, ip, n, nth FROM rest WHERE n > 0)
ORDER BY place, nth NULLS LAST

-- name: bytes_by_destination
-- Bytes by destination address and its country, the ten addresses with most and the rest. Transit gateways included.
WITH addresses_to AS (
  SELECT ip, max(country) AS country, coalesce(sum(n), 0) AS n
  FROM (SELECT ip, country, bytes AS n FROM counted WHERE "by" = 'destination' AND ip IS NOT NULL
        UNION ALL SELECT destination.ip, destination.geo.country_iso_code, source.bytes FROM transit WHERE destination.ip IS NOT NULL)
  GROUP BY ip),
bounds AS (SELECT list_min(max(n, 10)) AS least, sum(n) AS n FROM addresses_to),
first AS (
  SELECT ip, country, n, row_number() OVER (ORDER BY n DESC, address_order(ip)) AS nth
  FROM addresses_to WHERE n >= (SELECT least FROM bounds) QUALIFY nth <= 10)
SELECT ip AS "destination.ip", country AS "destination.geo.country_iso_code", n AS "Bytes", nth IS NULL AS "_rest"
FROM (SELECT ip, country, n, nth FROM first UNION ALL SELECT 'Other', NULL, n - (SELECT sum(n) FROM first), NULL FROM bounds)
WHERE n > 0 OR nth IS NOT NULL
ORDER BY nth NULLS LAST

-- name: sources_over_time
-- Flow records by source address over time; the five addresses with most are chosen anew in each interval. Transit gateways included.
WITH counts AS (
  SELECT bucket, ip, count(*) AS n
  FROM (SELECT utc_bucket($interval, "@timestamp") AS bucket, source.ip AS ip FROM logs
        UNION ALL SELECT utc_bucket($interval, "@timestamp"), source.ip FROM transit)
  WHERE ip IS NOT NULL GROUP BY ALL),
bounds AS (SELECT bucket, list_min(max(n, 5)) AS least FROM counts GROUP BY ALL)
SELECT bucket AS "@timestamp", ip AS "source.ip", n AS "Count"
FROM counts JOIN bounds USING (bucket)
WHERE n >= least
QUALIFY row_number() OVER (PARTITION BY bucket ORDER BY n DESC, address_order(ip)) <= 5
ORDER BY bucket, n DESC, address_order(ip)

-- name: traffic_paths
-- Flow records by the way that what leaves an interface takes (traffic-path, version 5): what comes in has none.
SELECT label AS "filters", coalesce(n, 0) AS "Count", path AS "_value"
FROM (VALUES (1, 'another resource in the same VPC'), (2, 'an internet gateway or a gateway VPC endpoint'),
             (3, 'a virtual private gateway'), (4, 'an intra-region VPC peering connection'),
             (5, 'an inter-region VPC peering connection'), (6, 'a local gateway'),
             (7, 'a gateway VPC endpoint (Nitro-based instances only)'),
             (8, 'an internet gateway (Nitro-based instances only)')) AS paths(path, label)
LEFT JOIN (SELECT path, CAST(sum(records) AS BIGINT) AS n FROM counted WHERE "by" = 'time' AND path IS NOT NULL GROUP BY ALL) USING (path)
ORDER BY 2 DESC, path

-- name: sources_by_direction
-- Packets by source address and direction of the flow (flow-direction, version 5): accepted, accepted and seen with its SYN alone, and rejected. Ten addresses each and the rest; without a direction where the format has none.
WITH lists AS NOT MATERIALIZED (
  SELECT 'accept' AS list, ip, accepted AS n FROM addresses WHERE accepted IS NOT NULL
  UNION ALL SELECT 'reject', ip, rejected FROM addresses WHERE rejected IS NOT NULL
  UNION ALL SELECT 'syn', ip, opened FROM addresses WHERE opened IS NOT NULL),
bounds AS (SELECT list, list_min(max(n, 10)) AS least FROM lists GROUP BY ALL),
first AS (
  SELECT list, ip, row_number() OVER (PARTITION BY list ORDER BY n DESC, address_order(ip)) AS nth
  FROM lists JOIN bounds USING (list) WHERE n >= least QUALIFY nth <= 10),
flows AS NOT MATERIALIZED (
  SELECT lower(action) AS list, ip, direction, syn, coalesce(packets, 0) AS n
  FROM counted WHERE "by" = 'source' AND action IN ('ACCEPT', 'REJECT') AND ip IS NOT NULL)
SELECT list AS "list", CASE WHEN nth IS NULL THEN 'Other' ELSE ip END AS "source.ip", direction AS "flow_direction",
       sum(n) AS "Packets", nth IS NULL AS "_rest"
FROM (SELECT list, ip, direction, n FROM flows UNION ALL SELECT 'syn', ip, direction, n FROM flows WHERE list = 'accept' AND syn)
LEFT JOIN first USING (list, ip)
GROUP BY ALL
HAVING "Packets" > 0 OR min(nth) IS NOT NULL
ORDER BY list, min(nth) NULLS LAST, "Packets" DESC, direction

-- name: subnets_by_direction
-- Flow records by subnet and direction: accepted and seen with its SYN alone, which is how a connection begins, and rejected. Ten subnets each and the rest.
WITH flows AS (
  SELECT action, subnet, direction, sum(records) AS n
  FROM counted WHERE "by" = 'time' AND subnet IS NOT NULL AND (action = 'REJECT' OR action = 'ACCEPT' AND syn) GROUP BY ALL),
places AS (
  SELECT action, subnet, row_number() OVER (PARTITION BY action ORDER BY sum(n) DESC, subnet) AS place FROM flows GROUP BY action, subnet)
SELECT action AS "action", CASE WHEN place <= 10 THEN subnet ELSE 'Other' END AS "subnet_id", direction AS "flow_direction",
       CAST(sum(n) AS BIGINT) AS "Count", place > 10 AS "_rest"
FROM flows JOIN places USING (action, subnet)
GROUP BY ALL
ORDER BY action, min(place), "Count" DESC, direction

-- name: conversations
-- Flow records of instances by both ends: of the 25 pairs of interface and source address with most records, the fifty conversations with most.
WITH pairs AS (
  SELECT interface, ip, sum(records) AS n FROM counted
  WHERE "by" = 'source' AND interface IS NOT NULL AND ip IS NOT NULL GROUP BY ALL ORDER BY n DESC, interface, ip LIMIT 25)
SELECT cloud.availability_zone AS "az_id", cloud.instance.id AS "instance_id", native.interface_id AS "interface_id",
       source.ip AS "source.ip", source.port AS "source.port", destination.ip AS "destination.ip",
       destination.port AS "destination.port", count(*) AS "Count"
FROM logs JOIN pairs ON native.interface_id = pairs.interface AND source.ip = pairs.ip
WHERE source.port IS NOT NULL AND destination.port IS NOT NULL
  -- asked after the join, which ends with the first row where there is no pair
  AND if(n > 0, cloud.availability_zone, NULL) IS NOT NULL AND if(n > 0, cloud.instance.id, NULL) IS NOT NULL
GROUP BY ALL
ORDER BY 8 DESC, 1, 2, 3, 4, 5, 6, 7
LIMIT 50

-- name: rows
-- The flow records themselves, newest first, without those that tell of a minute without data. Choose one to see all its fields and the record as it came.
SELECT "@timestamp", source.ip AS "source.ip", source.port AS "source.port", destination.ip AS "destination.ip",
       destination.port AS "dstport", event.action AS "action", network.direction AS "flow_direction",
       source.packets AS "Packets", source.bytes AS "Bytes", event.hash AS "_hash",
       (SELECT CAST(sum(records) AS BIGINT) FROM counted WHERE "by" = 'time' AND status IS DISTINCT FROM 'NODATA' AND status IS DISTINCT FROM 'SKIPDATA') AS "_of"
FROM logs
WHERE native.log_status IS DISTINCT FROM 'NODATA' AND native.log_status IS DISTINCT FROM 'SKIPDATA'
ORDER BY "@timestamp" DESC, event.hash
LIMIT $limit OFFSET $offset
