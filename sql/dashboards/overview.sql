-- relation: by_day
-- Events by source, account, region and day: all that the page counts.
SELECT event.dataset AS dataset, account, region, "date" AS day, count(*) AS n, min("@timestamp") AS first, max("@timestamp") AS last
FROM logs GROUP BY ALL

-- name: figures
-- What the lake holds under the filters: events, the sources, accounts and regions they are of.
SELECT unnest(['Events', 'Sources', 'Accounts', 'Regions']) AS "Figure", unnest([coalesce(sum(n), 0), count(DISTINCT dataset),
       count(DISTINCT nullif(account, 'unknown')), count(DISTINCT nullif(region, 'unknown'))])::BIGINT AS "Count"
FROM by_day

-- name: records
-- What became of every record found in the objects that were read: a row, a duplicate of one, or a reject. Of the whole lake.
SELECT unnest(['Records found', 'Rows', 'Duplicates', 'Rejects']) AS "Figure",
       unnest([coalesce(sum(records), 0), coalesce(sum("rows"), 0), coalesce(sum(duplicates), 0), coalesce(sum(rejects), 0)]::BIGINT[]) AS "Count"
FROM objects

-- name: sources
-- Events of each source.
SELECT dataset AS "event.dataset", CAST(sum(n) AS BIGINT) AS "Count"
FROM by_day
GROUP BY ALL
ORDER BY 2 DESC, 1

-- name: sources_over_time
-- Events of each source over time.
SELECT utc_bucket($interval, "@timestamp") AS "@timestamp", event.dataset AS "event.dataset", count(*) AS "Count"
FROM logs
GROUP BY ALL
ORDER BY 1, 3 DESC, 2

-- name: accounts
-- Events of the ten AWS accounts with most; 'unknown' where neither record, envelope nor key names one.
SELECT account AS "account", CAST(sum(n) AS BIGINT) AS "Count"
FROM by_day
GROUP BY account
QUALIFY row_number() OVER (PARTITION BY account = 'unknown' ORDER BY sum(n) DESC, account) <= 10
ORDER BY account = 'unknown', 2 DESC, 1

-- name: regions
-- Events of the ten regions with most; 'unknown' where neither record, envelope nor key names one.
SELECT region AS "region", CAST(sum(n) AS BIGINT) AS "Count"
FROM by_day
GROUP BY region
QUALIFY row_number() OVER (PARTITION BY region = 'unknown' ORDER BY sum(n) DESC, region) <= 10
ORDER BY region = 'unknown', 2 DESC, 1

-- name: coverage
-- From when to when each source has events, on how many days, and how many days of that span have none.
SELECT dataset AS "Source", min(first) AS "First", max(last) AS "Last",
       count(DISTINCT day) AS "Days", date_diff('day', min(day), max(day)) + 1 - count(DISTINCT day) AS "Days without",
       count(DISTINCT nullif(account, 'unknown')) AS "Accounts", count(DISTINCT nullif(region, 'unknown')) AS "Regions", CAST(sum(n) AS BIGINT) AS "Events"
FROM by_day
GROUP BY ALL
ORDER BY 8 DESC, 1

-- name: statuses
-- Objects by what became of them: read, partial (stopped before its end), ignored (known, set aside), unknown (no known log), failed.
SELECT status AS "Status", count(*) AS "Objects"
FROM objects
WHERE NOT superseded
GROUP BY ALL
ORDER BY 2 DESC, 1

-- name: read_days
-- What was read on which day (UTC), by source. Bytes as stored.
SELECT CAST(read_at AS DATE) AS "Read on", coalesce(source, 'not recognised') AS "Source", count(*) AS "Objects", CAST(sum(size) AS BIGINT) AS "Bytes",
       CAST(sum(records) AS BIGINT) AS "Records", CAST(sum("rows") AS BIGINT) AS "Rows",
       CAST(sum(duplicates) AS BIGINT) AS "Duplicates", CAST(sum(rejects) AS BIGINT) AS "Rejects"
FROM objects
GROUP BY ALL
ORDER BY 1 DESC, 3 DESC, 2
LIMIT 200

-- name: not_read
-- Objects that were not read to their end, by reason (without its details in brackets), each with one of them.
SELECT status AS "Status", coalesce(regexp_extract(reason, '^[^(]*[^( ]'), '') AS "Why", min(path) AS "For example", count(*) AS "Objects"
FROM objects
WHERE status <> 'read' AND NOT superseded
GROUP BY ALL
ORDER BY min(array_position(['failed', 'partial', 'unknown', 'ignored'], status)), 4 DESC, 2
LIMIT 200

-- name: rejects
-- Records that became no row, by reason, each with the object of one of them. The command lake rejects lists them with their text.
SELECT coalesce(source, 'not recognised') AS "Source", reason AS "Why", min(path) AS "For example", count(*) AS "Records"
FROM rejects
GROUP BY ALL
ORDER BY 4 DESC, 1, 2
LIMIT 200
