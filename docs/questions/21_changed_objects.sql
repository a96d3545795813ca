-- Which objects were not the same when they were read again? Rows that only an earlier state has, and records altered under their id.
WITH changed AS (
  SELECT path, count(DISTINCT sha256) AS contents, min(read_at) AS first_read, max(read_at) AS last_read
  FROM objects WHERE status <> 'failed' GROUP BY path HAVING contents > 1
), gone AS (SELECT path, count(*) AS n FROM superseded_rows GROUP BY path),
altered AS (
  SELECT path, count(*) AS n FROM duplicates
  WHERE text IS NOT NULL AND reason IS DISTINCT FROM 'row of a query result' GROUP BY path
)
SELECT path, contents, first_read, last_read, coalesce(gone.n, 0) AS rows_gone, coalesce(altered.n, 0) AS altered
FROM changed LEFT JOIN gone USING (path) LEFT JOIN altered USING (path)
ORDER BY path
