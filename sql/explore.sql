-- name: volume
-- Events over time, by outcome: success, failure, unknown, or none where the log does not tell.
SELECT time_bucket($interval, "@timestamp") AS "@timestamp", coalesce(event.outcome, 'none') AS "event.outcome", count(*) AS "Count"
FROM logs
GROUP BY ALL
ORDER BY 1, 3 DESC, 2
