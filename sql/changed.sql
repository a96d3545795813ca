-- name: edited
-- Records of changed objects that have the identity of a record from before, and another text: the place of
-- each in its file, and of the record from before in its own. `mends`: the object is whole now, and the record
-- from before is of a damaged reading of it, or is no UTF-8. Of several, the first mends. Where an original was
-- not kept, no text is another.
WITH staged AS (
  SELECT filename AS file, file_row_number AS place, event.hash AS hash, event.original AS text,
         log.file.path AS path, log.encoding AS encoding
  FROM read_parquet($staged, hive_partitioning = false, filename = true, file_row_number = true)
  WHERE list_contains($paths, log.file.path)
), held AS (
  SELECT filename AS file, file_row_number AS place, event.hash AS hash, event.original AS text,
         log.file.path AS path, log.encoding AS encoding, log.offset AS position, event.ingested AS ingested
  FROM read_parquet($committed, hive_partitioning = false, filename = true, file_row_number = true)
), damaged AS (
  SELECT unnest($damaged.path::VARCHAR[]) AS path, unnest($damaged.ingested::TIMESTAMPTZ[]) AS ingested
), found AS (
  SELECT staged.*, held.file AS held_file, held.place AS held_place, held.text AS held_text, held.position,
         staged.path = held.path AND staged.encoding IS NULL AND list_contains($whole, staged.path)
         AND (held.encoding IS NOT NULL
              OR EXISTS (SELECT 1 FROM damaged d WHERE d.path = held.path AND d.ingested = held.ingested)) AS mends
  FROM staged JOIN held USING (hash)
  WHERE staged.text IS DISTINCT FROM held.text OR staged.text IS NULL
)
SELECT file, place, text,
       mends AND row_number() OVER (PARTITION BY hash, mends ORDER BY file, place) = 1 AS mends,
       held_file, held_place, {hash: hash, path: path, position: position, text: held_text} AS held
FROM found
WHERE mends OR text IS NOT NULL AND held_text IS NOT NULL

-- name: query_rows
-- Records whose row was made of a query's row, in one of `readings`: the place of each in its file, and of the row in its own. Of several, the first.
WITH readings AS (
  SELECT unnest($readings.path::VARCHAR[]) AS path, unnest($readings.ingested::TIMESTAMPTZ[]) AS ingested
), staged AS (
  SELECT filename AS file, file_row_number AS place, event.hash AS hash
  FROM read_parquet($staged, hive_partitioning = false, filename = true, file_row_number = true)
  WHERE NOT list_contains($query_paths::VARCHAR[], log.file.path)
), held AS (
  SELECT filename AS file, file_row_number AS place, event.hash AS hash, event.original AS text,
         log.file.path AS path, log.offset AS position, event.ingested AS ingested
  FROM read_parquet($committed, hive_partitioning = false, filename = true, file_row_number = true)
)
SELECT staged.file, staged.place, held.file AS held_file, held.place AS held_place,
       {hash: hash, path: held.path, position: position, text: held.text} AS held, held.ingested
FROM staged JOIN held USING (hash) JOIN readings ON readings.path = held.path AND readings.ingested = held.ingested
QUALIFY row_number() OVER (PARTITION BY hash ORDER BY staged.file, staged.place) = 1

-- name: bare
-- How many lines of changed objects are without the text that tells them, now or from an earlier reading.
SELECT count(*)
FROM (SELECT path, text FROM staged_rows UNION ALL SELECT path, text FROM committed_rows)
WHERE list_contains($paths, path) AND text IS NULL

-- name: kept
-- Lines of changed objects that an earlier reading gave: the identity that each has now, and the one from then. Of equal lines, as many are known as that reading had.
WITH staged AS (
  FROM staged_rows WHERE list_contains($paths, path)
), repeats AS (
  SELECT unnest($repeats.hash) AS hash, unnest($repeats.path) AS path
), committed AS MATERIALIZED (
  FROM committed_rows
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
