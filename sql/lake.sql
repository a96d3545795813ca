-- name: extent
-- First and last event under the filters, and how many there are.
SELECT min("@timestamp") AS "first", max("@timestamp") AS "last", count(*) AS "events"
FROM logs

-- name: extent_of_files
-- The same of whole files, as the lake's log tells of each.
SELECT min("first") AS "first", max("last") AS "last", coalesce(sum("events"), 0)::BIGINT AS "events"
FROM files

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

-- name: facets
-- Accounts and regions with their events, most first.
SELECT if(grouping(account) = 0, 'account', 'region') AS "field", coalesce(account, region) AS "value", sum("events")::BIGINT AS "events"
FROM logs
GROUP BY GROUPING SETS ((account), (region))
ORDER BY 1, 3 DESC, 2

-- name: row
-- One event whole, as JSON.
SELECT to_json(logs) AS "row"
FROM logs
WHERE event.hash = $hash AND "@timestamp" = $at AND "date" = $date
LIMIT 1

-- name: cells
-- One event whole, a column each.
SELECT *
FROM logs
WHERE event.hash = $hash AND "@timestamp" = $at AND "date" = $date
LIMIT 1

-- name: bars
-- Where each bar of a time chart begins and ends.
SELECT "start", "start" + $interval AS "end"
FROM (SELECT unnest(generate_series(time_bucket($interval, $from), $to, $interval)) AS "start")

-- name: volume
-- Events over time, by outcome: success, failure, unknown, or none where the log does not tell.
SELECT utc_bucket($interval, "@timestamp") AS "@timestamp", coalesce(event.outcome, 'none') AS "event.outcome", count(*) AS "Count"
FROM logs
GROUP BY ALL
ORDER BY 1, 3 DESC, 2
