-- name: misplaced
-- Partitions with rows that belong elsewhere, by their time (the day in UTC), account or region.
SELECT account, region, "date"::VARCHAR AS "date", count(*) AS "rows"
FROM logs
WHERE "date" <> ("@timestamp" AT TIME ZONE 'UTC')::DATE
   OR CASE WHEN regexp_full_match(coalesce(cloud.account.id, ''), $account) THEN account <> cloud.account.id
           ELSE account <> $unknown AND NOT regexp_full_match(account, $account) END
   OR CASE WHEN regexp_full_match(coalesce(cloud.region, ''), $region) THEN region <> cloud.region
           ELSE region <> $unknown AND NOT regexp_full_match(region, $region) END
GROUP BY ALL
ORDER BY ALL

-- name: repeated
-- Identities that stand more than once in a table.
SELECT event.hash AS "hash", count(*) AS "rows"
FROM logs
GROUP BY ALL
HAVING count(*) > 1
ORDER BY ALL

-- name: rows_by_day
-- How many rows of a table each day has.
SELECT "date"::VARCHAR AS "date", count(*) AS "rows"
FROM logs
GROUP BY ALL
ORDER BY ALL

-- name: rows_by_path
-- How many rows of a table each object has.
SELECT log.file.path AS path, count(*) AS "rows"
FROM logs
GROUP BY ALL

-- name: unbalanced
-- Objects whose records are not rows + duplicates + rejects.
SELECT path, records, "rows", duplicates, rejects
FROM objects
WHERE records <> "rows" + duplicates + rejects
ORDER BY ALL

-- name: unaccounted
-- Objects of which the tables and the ledger's lists hold other numbers than the ledger says.
SELECT path, said."rows", said.duplicates, said.rejects,
       coalesce(tabled."rows", 0) AS tabled, coalesce(gone."rows", 0) AS forgotten,
       coalesce(doubled.n, 0) AS noted_duplicates, coalesce(refused.n, 0) AS noted_rejects
FROM (SELECT path, sum("rows")::BIGINT AS "rows", sum(duplicates)::BIGINT AS duplicates,
             sum(rejects)::BIGINT AS rejects FROM objects GROUP BY path) said
FULL JOIN (SELECT path, sum("rows")::BIGINT AS "rows" FROM found GROUP BY path) tabled USING (path)
FULL JOIN (SELECT path, sum("rows")::BIGINT AS "rows" FROM forgotten GROUP BY path) gone USING (path)
FULL JOIN (SELECT path, count(*) AS n FROM duplicates GROUP BY path) doubled USING (path)
FULL JOIN (SELECT path, count(*) AS n FROM rejects GROUP BY path) refused USING (path)
WHERE coalesce(said."rows", 0) <> coalesce(tabled."rows", 0) + coalesce(gone."rows", 0)
   OR coalesce(said.duplicates, 0) <> coalesce(doubled.n, 0)
   OR coalesce(said.rejects, 0) <> coalesce(refused.n, 0)
ORDER BY ALL
