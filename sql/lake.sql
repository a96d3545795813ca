-- name: places
-- The accounts and regions of the events under the filters: first and last event of each, and how many.
SELECT account, region, min("@timestamp") AS "first", max("@timestamp") AS "last", count(*) AS "events"
FROM logs
GROUP BY ALL

-- name: places_of_files
-- The same of whole files, as the lake's log tells of each.
SELECT account, region, min("first") AS "first", max("last") AS "last", sum("events")::BIGINT AS "events"
FROM files
GROUP BY ALL

-- name: scattered_files
-- How many files there are, and for how many accounts, regions and days of a table.
SELECT count(*) AS "files", count(DISTINCT ("source", account, region, "date")) AS "partitions"
FROM files

-- name: rows_without_originals
-- How many rows were read without their records as they came.
SELECT coalesce(sum("rows"), 0)::BIGINT AS "rows"
FROM objects
WHERE contains(context, '"original": false')

-- name: largest_day_of_files
-- The day with most events of whole files, and their number.
SELECT "date" AS "day", sum("events")::BIGINT AS "events"
FROM files
GROUP BY 1
ORDER BY 2 DESC, 1 DESC
LIMIT 1

-- name: newest_of_files
-- The latest moment since which whole files, of before $to, hold so many events.
SELECT max("first") AS "since"
FROM (SELECT "first", sum("events") OVER (ORDER BY "first" DESC) AS held FROM files WHERE "last" < $to)
WHERE held >= $events

-- name: nearest
-- The events closest to the range, before and after it.
SELECT max("@timestamp") FILTER (WHERE "@timestamp" < $from) AS "before",
       min("@timestamp") FILTER (WHERE "@timestamp" >= $to) AS "after"
FROM logs

-- name: row
-- One event whole: as JSON, and a column each.
SELECT to_json(logs) AS "row", *
FROM logs
WHERE event.hash = $hash AND "@timestamp" = $at AND "date" = $date
LIMIT 1

-- name: bars
-- Where each bar of a time chart begins and ends.
SELECT "start", "start" + $interval AS "end"
FROM (SELECT unnest(generate_series(time_bucket($interval, $from), $to, $interval)) AS "start")
WHERE "start" < $to OR "start" <= $from

-- name: volume
-- Events over time, by outcome: success, failure, unknown, or none where the log does not tell.
SELECT utc_bucket($interval, "@timestamp") AS "@timestamp", event.outcome AS "event.outcome", count(*) AS "Count"
FROM logs
GROUP BY ALL
ORDER BY 1, 3 DESC, 2

-- name: present_rejects
-- Records that became no row when their object was last read: an object that is read again tells its rejects again.
SELECT source, path, position, reason, text
FROM rejects ANTI JOIN (SELECT path, batch FROM objects WHERE superseded) USING (path, batch)
ORDER BY path, position

-- name: account_names
-- The accounts of which the lake was told names.
SELECT id, name
FROM accounts
ORDER BY lower(name), id
