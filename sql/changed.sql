-- name: edited
-- Records of changed objects that have the identity of a record from before, and another text.
WITH staged AS (
  SELECT filename AS file, file_row_number AS place, event.hash AS hash, event.original AS text
  FROM read_parquet($staged, hive_partitioning = false, filename = true, file_row_number = true)
  WHERE list_contains($paths, log.file.path)
)
SELECT staged.file, staged.place, staged.text
FROM staged JOIN read_parquet($committed, hive_partitioning = false) held ON held.event.hash = staged.hash
WHERE staged.text IS DISTINCT FROM held.event.original

-- name: kept
-- Lines of changed objects that an earlier reading gave: the identity that each has now, and the one from
-- then. Of equal lines, as many are known as that reading had.
WITH staged AS (
  SELECT event.hash AS hash, log.file.path AS path, log.offset AS position, md5(event.original) AS text
  FROM read_parquet($staged, hive_partitioning = false)
  WHERE list_contains($paths, log.file.path)
), repeats AS (
  SELECT unnest($repeats.hash) AS hash, unnest($repeats.path) AS path
), committed AS (
  SELECT event.hash AS hash, log.file.path AS path, md5(event.original) AS text
  FROM read_parquet($committed, hive_partitioning = false)
), earlier AS (
  SELECT path, hash, text FROM committed WHERE list_contains($paths, path)
  UNION
  SELECT repeats.path, hash, text FROM committed JOIN repeats USING (hash)
), held AS (
  SELECT path, text, hash, row_number() OVER (PARTITION BY path, text ORDER BY hash) AS nth
  FROM (SELECT earlier.* FROM earlier ANTI JOIN staged USING (path, hash))
), fresh AS (
  SELECT path, text, hash, row_number() OVER (PARTITION BY path, text ORDER BY position) AS nth
  FROM (SELECT staged.* FROM staged ANTI JOIN earlier USING (path, hash))
)
SELECT fresh.hash, held.hash
FROM fresh JOIN held USING (path, text, nth)
