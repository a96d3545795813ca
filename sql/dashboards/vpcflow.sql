-- Where there are millions of addresses, what is summed up by address is put in no order and kept in no table:
-- `senders` and `receivers` have those with one of the ten largest sums, and all others in one row without address.
-- What sums up so many is a relation also where one query alone asks it: these are made one after the other, and two
-- at once would not find room in a page's memory.

-- relation: counted
-- All flow records over time, by what has few values. "placed" are those that tell zone, instance and interface, "gateway" those of transit gateways.
SELECT bucket, account, region, subnet, action, direction, syn, path, status, placed, gateway,
       count(*) AS records, sum(packets) AS packets
FROM (SELECT utc_bucket($interval, "@timestamp") AS bucket, cloud.account.id AS account, cloud.region AS region, cloud.subnet.id AS subnet,
             network.direction AS direction, native.tcp_flags = 2 AS syn, native.traffic_path AS path, native.log_status AS status,
             cloud.availability_zone IS NOT NULL AND cloud.instance.id IS NOT NULL AND native.interface_id IS NOT NULL AS placed,
             event.action AS action, false AS gateway, network.packets AS packets
      FROM logs
      UNION ALL
      SELECT utc_bucket($interval, "@timestamp"), cloud.account.id, cloud.region, NULL, NULL, NULL, NULL, NULL, NULL, event.action, true, network.packets
      FROM transit)
GROUP BY ALL

-- relation: senders
-- What source addresses sent, summed up three ways, as "by" tells: by address, those with one of the ten largest sums, and all others in one row; by country; and by both, of each of the ten countries with most bytes those with its ten largest sums. Bytes include transit gateways. Packets are those of flows that were accepted, that were rejected, and that were accepted and seen with their SYN alone; NULL where there was none. "refused" is how many addresses had a flow rejected.
WITH pairs AS MATERIALIZED (
  SELECT ip, country, coalesce(sum(bytes), 0) AS bytes, sum(packets) FILTER (WHERE action = 'ACCEPT') AS accepted,
         sum(packets) FILTER (WHERE action = 'REJECT') AS rejected, sum(packets) FILTER (WHERE action = 'ACCEPT' AND syn) AS opened
  FROM (SELECT source.ip AS ip, source.geo.country_iso_code AS country, source.bytes AS bytes, event.action AS action, native.tcp_flags = 2 AS syn,
               coalesce(network.packets, 0) AS packets
        FROM logs
        UNION ALL SELECT source.ip, source.geo.country_iso_code, source.bytes, NULL, NULL, NULL FROM transit)
  WHERE ip IS NOT NULL GROUP BY ip, country),
moved AS MATERIALIZED (SELECT ip FROM pairs GROUP BY ip HAVING count(*) > 1),  -- whose country changed
addresses AS NOT MATERIALIZED (
  SELECT ip, bytes, accepted, rejected, opened FROM pairs ANTI JOIN moved USING (ip)
  UNION ALL SELECT ip, sum(bytes), sum(accepted), sum(rejected), sum(opened) FROM pairs SEMI JOIN moved USING (ip) GROUP BY ip),
countries AS (
  SELECT country, sum(bytes) AS bytes, sum(accepted) AS accepted, sum(rejected) AS rejected FROM pairs WHERE country IS NOT NULL GROUP BY country),
tenth AS (
  SELECT list_min(max(bytes, 10)) AS bytes, list_min(max(accepted, 10)) AS accepted, list_min(max(rejected, 10)) AS rejected,
         list_min(max(opened, 10)) AS opened
  FROM addresses),
tenth_within AS (
  SELECT country, list_min(max(bytes, 10)) AS bytes
  FROM pairs SEMI JOIN (SELECT country FROM countries ORDER BY bytes DESC, country LIMIT 10) USING (country) GROUP BY country)
SELECT 'address' AS "by", if(a.bytes >= tenth.bytes OR a.accepted >= tenth.accepted OR a.rejected >= tenth.rejected OR a.opened >= tenth.opened, ip, NULL) AS ip,
       NULL AS country, sum(a.bytes) AS bytes, sum(a.accepted) AS accepted, sum(a.rejected) AS rejected, sum(a.opened) AS opened, count(a.rejected) AS refused
FROM addresses AS a, tenth GROUP BY 2
UNION ALL SELECT 'country', NULL, country, bytes, accepted, rejected, NULL, NULL FROM countries
UNION ALL SELECT 'both', ip, country, pairs.bytes, NULL, NULL, NULL, NULL FROM pairs JOIN tenth_within USING (country) WHERE pairs.bytes >= tenth_within.bytes

-- relation: receivers
-- The ten destination addresses with most bytes, with their country, and all others in one row. Transit gateways included.
WITH sums AS MATERIALIZED (
  SELECT ip, max(country) AS country, coalesce(sum(bytes), 0) AS bytes
  FROM (SELECT destination.ip AS ip, destination.geo.country_iso_code AS country, source.bytes AS bytes FROM logs
        UNION ALL SELECT destination.ip, destination.geo.country_iso_code, source.bytes FROM transit)
  WHERE ip IS NOT NULL GROUP BY ip),
tenth AS (SELECT list_min(max(bytes, 10)) AS bytes FROM sums)
SELECT if(sums.bytes >= tenth.bytes, ip, NULL) AS ip, if(sums.bytes >= tenth.bytes, country, NULL) AS country, sum(sums.bytes) AS bytes
FROM sums, tenth
GROUP BY 1, 2

-- relation: senders_over_time
-- Of each interval the source addresses that have as many flow records as the fifth. Transit gateways included.
WITH counts AS (
  SELECT bucket, ip, count(*) AS n
  FROM (SELECT utc_bucket($interval, "@timestamp") AS bucket, source.ip AS ip FROM logs
        UNION ALL SELECT utc_bucket($interval, "@timestamp"), source.ip FROM transit)
  WHERE ip IS NOT NULL GROUP BY ALL),
fifth AS (SELECT bucket, list_min(max(n, 5)) AS n FROM counts GROUP BY ALL)
SELECT bucket, ip, counts.n FROM counts JOIN fifth USING (bucket) WHERE counts.n >= fifth.n

-- name: figures
-- Flow records, those that were let in, those that a security group or a network ACL refused, and from how many addresses.
SELECT unnest(['Flow records', 'Accepted', 'Rejected', 'Sources rejected']) AS "filters",
       unnest([coalesce(sum(records), 0), coalesce(sum(records) FILTER (WHERE action = 'ACCEPT'), 0),
               coalesce(sum(records) FILTER (WHERE action = 'REJECT'), 0), (SELECT coalesce(sum(refused), 0) FROM senders)])::BIGINT AS "Count"
FROM counted
WHERE NOT gateway

-- name: places
-- Flow records of the five accounts and of the five regions with most; 'unknown' where neither record nor key names one. Transit gateways included.
SELECT CASE WHEN grouping(account) = 0 THEN 'account' ELSE 'region' END AS "kind", coalesce(account, region, 'unknown') AS "value",
       CAST(sum(records) AS BIGINT) AS "Count"
FROM counted
GROUP BY GROUPING SETS ((account), (region))
QUALIFY row_number() OVER (PARTITION BY "kind", coalesce(account, region) IS NULL ORDER BY "Count" DESC, "value") <= 5
ORDER BY 1, coalesce(account, region) IS NULL, 3 DESC, 2

-- name: packets_over_time
-- Packets of accepted and of rejected flows over time. A record counts in the minute in which its interval ends. Transit gateways included.
SELECT bucket AS "@timestamp",
       coalesce(sum(packets) FILTER (WHERE action = 'ACCEPT'), 0) AS "accepted",
       coalesce(sum(packets) FILTER (WHERE action = 'REJECT'), 0) AS "rejected"
FROM counted
GROUP BY ALL
ORDER BY 1

-- name: packets_by_source
-- Packets of accepted and of rejected flows: the ten source addresses with most of each, and the hundred source countries.
SELECT action AS "action", kind AS "kind", value AS "value", n AS "Packets"
FROM (SELECT unnest(['ACCEPT', 'REJECT']) AS action, "by" AS kind, coalesce(ip, country) AS value, unnest([accepted, rejected]) AS n
      FROM senders WHERE "by" IN ('address', 'country'))
WHERE value IS NOT NULL AND n IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY action, kind ORDER BY n DESC, address_order(value)) <= if(kind = 'address', 10, 100)
ORDER BY 1, 2, 4 DESC, address_order(value)

-- name: bytes_by_source
-- Bytes by source address, the ten with most and the rest; and the ten source countries with most, each with its ten addresses with most. Transit gateways included.
WITH totals AS (
  SELECT 0 AS place, NULL AS country, sum(bytes) AS n FROM senders WHERE "by" = 'address'
  UNION ALL SELECT row_number() OVER (ORDER BY bytes DESC, country) AS nth, country, bytes FROM senders WHERE "by" = 'country' QUALIFY nth <= 10),
first AS (
  SELECT place, totals.country, ip, bytes,
         row_number() OVER (PARTITION BY place ORDER BY bytes DESC, address_order(ip)) AS nth
  FROM senders JOIN totals ON senders.country IS NOT DISTINCT FROM totals.country WHERE ip IS NOT NULL QUALIFY nth <= 10),
rest AS (SELECT place, totals.country, any_value(n) - sum(bytes) AS n FROM first JOIN totals USING (place) GROUP BY ALL)
SELECT if(place = 0, 'address', 'country') AS "list", country AS "country", ip AS "source.ip", n AS "Bytes", nth IS NULL AS "_rest", place AS "_place"
FROM (SELECT place, country, ip, bytes AS n, nth FROM first UNION ALL SELECT place, country, 'Other', n, NULL FROM rest WHERE n > 0)
ORDER BY place, nth NULLS LAST

-- name: bytes_by_destination
-- Bytes by destination address and its country, the ten addresses with most and the rest. Transit gateways included.
WITH first AS (
  SELECT ip, country, bytes AS n, row_number() OVER (ORDER BY bytes DESC, address_order(ip)) AS nth
  FROM receivers WHERE ip IS NOT NULL QUALIFY nth <= 10)
SELECT ip AS "destination.ip", country AS "destination.geo.country_iso_code", n AS "Bytes", nth IS NULL AS "_rest"
FROM (SELECT ip, country, n, nth FROM first UNION ALL SELECT 'Other', NULL, sum(bytes) - (SELECT sum(n) FROM first), NULL FROM receivers)
WHERE n > 0 OR nth IS NOT NULL
ORDER BY nth NULLS LAST

-- name: sources_over_time
-- Flow records by source address over time; the five addresses with most are chosen anew in each interval. Transit gateways included.
SELECT bucket AS "@timestamp", ip AS "source.ip", n AS "Count"
FROM senders_over_time
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
LEFT JOIN (SELECT path, CAST(sum(records) AS BIGINT) AS n FROM counted WHERE path IS NOT NULL GROUP BY ALL) USING (path)
ORDER BY 2 DESC, path

-- name: sources_by_direction
-- Packets by source address and direction of the flow (flow-direction, version 5): accepted, accepted and seen with its SYN alone, and rejected. Ten addresses each and the rest; without a direction where the format has none.
WITH lists AS (
  SELECT 'accept' AS list, ip, accepted AS n FROM senders WHERE "by" = 'address' AND accepted IS NOT NULL
  UNION ALL SELECT 'reject', ip, rejected FROM senders WHERE "by" = 'address' AND rejected IS NOT NULL
  UNION ALL SELECT 'syn', ip, opened FROM senders WHERE "by" = 'address' AND opened IS NOT NULL),
first AS (
  SELECT list, ip, row_number() OVER (PARTITION BY list ORDER BY n DESC, address_order(ip)) AS nth
  FROM lists WHERE ip IS NOT NULL QUALIFY nth <= 10),
-- the flows are looked at once more only where one has a direction
directed AS (SELECT count(direction) > 0 AS known FROM counted),
flows AS (
  SELECT lower(event.action) AS list, source.ip AS ip, network.direction AS direction, native.tcp_flags = 2 AS syn, coalesce(network.packets, 0) AS n
  FROM logs JOIN directed ON known WHERE source.ip IS NOT NULL AND event.action IN ('ACCEPT', 'REJECT'))
SELECT list AS "list", CASE WHEN nth IS NULL THEN 'Other' ELSE ip END AS "source.ip", direction AS "flow_direction",
       sum(n) AS "Packets", nth IS NULL AS "_rest"
FROM (SELECT list, ip, direction, n FROM flows UNION ALL SELECT 'syn', ip, direction, n FROM flows WHERE list = 'accept' AND syn
      UNION ALL SELECT list, ip, NULL, n FROM lists JOIN directed ON NOT known)
LEFT JOIN first USING (list, ip)
GROUP BY ALL
HAVING "Packets" > 0 OR min(nth) IS NOT NULL
ORDER BY list, min(nth) NULLS LAST, "Packets" DESC, direction

-- name: subnets_by_direction
-- Flow records by subnet and direction: accepted and seen with its SYN alone, which is how a connection begins, and rejected. Ten subnets each and the rest.
WITH flows AS (
  SELECT action, subnet, direction, sum(records) AS n
  FROM counted WHERE subnet IS NOT NULL AND (action = 'REJECT' OR action = 'ACCEPT' AND syn) GROUP BY ALL),
places AS (
  SELECT action, subnet, row_number() OVER (PARTITION BY action ORDER BY sum(n) DESC, subnet) AS place FROM flows GROUP BY action, subnet)
SELECT action AS "action", CASE WHEN place <= 10 THEN subnet ELSE 'Other' END AS "subnet_id", direction AS "flow_direction",
       CAST(sum(n) AS BIGINT) AS "Count", place > 10 AS "_rest"
FROM flows JOIN places USING (action, subnet)
GROUP BY ALL
ORDER BY action, min(place), "Count" DESC, direction

-- name: conversations
-- Flow records of instances by both ends: of the 25 pairs of interface and source address with most records, the fifty conversations with most.
WITH told AS (SELECT bool_or(placed) AS placed FROM counted),
-- what if() asks is asked after the join, which ends with the first row where nothing is placed, or no pair
pairs AS (
  SELECT native.interface_id AS interface, source.ip AS ip, count(*) AS n FROM logs JOIN told ON placed
  WHERE if(placed, cloud.availability_zone, NULL) IS NOT NULL AND if(placed, cloud.instance.id, NULL) IS NOT NULL
    AND if(placed, native.interface_id, NULL) IS NOT NULL AND if(placed, source.ip, NULL) IS NOT NULL
  GROUP BY ALL ORDER BY n DESC, interface, ip LIMIT 25)
SELECT cloud.availability_zone AS "az_id", cloud.instance.id AS "instance_id", native.interface_id AS "interface_id",
       source.ip AS "source.ip", source.port AS "source.port", destination.ip AS "destination.ip",
       destination.port AS "destination.port", count(*) AS "Count"
FROM logs JOIN pairs ON native.interface_id = pairs.interface AND source.ip = pairs.ip
WHERE source.port IS NOT NULL AND destination.port IS NOT NULL
  AND if(n > 0, cloud.availability_zone, NULL) IS NOT NULL AND if(n > 0, cloud.instance.id, NULL) IS NOT NULL
GROUP BY ALL
ORDER BY 8 DESC, 1, 2, 3, 4, 5, 6, 7
LIMIT 50

-- name: rows
-- The flow records themselves, newest first, without those that tell of a minute without data. Choose one to see all its fields and the record as it came.
SELECT "@timestamp", source.ip AS "source.ip", source.port AS "source.port", destination.ip AS "destination.ip",
       destination.port AS "dstport", event.action AS "action", network.direction AS "flow_direction",
       source.packets AS "Packets", source.bytes AS "Bytes", event.hash AS "_hash",
       (SELECT CAST(sum(records) AS BIGINT) FROM counted WHERE NOT gateway AND status IS DISTINCT FROM 'NODATA' AND status IS DISTINCT FROM 'SKIPDATA') AS "_of"
FROM logs
WHERE native.log_status IS DISTINCT FROM 'NODATA' AND native.log_status IS DISTINCT FROM 'SKIPDATA'
ORDER BY "@timestamp" DESC, event.hash
LIMIT $limit OFFSET $offset
