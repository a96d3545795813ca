-- Are CloudTrail's log files those that its digests name, with the hashes that they had at their delivery?
-- The digests themselves are read, so they must lie in a folder, not in an archive or a bucket.
SET VARIABLE digests = (
  SELECT coalesce(list(path ORDER BY path), ['/dev/null'])
  FROM objects
  WHERE NOT superseded AND starts_with(reason, 'CloudTrail digest') AND bucket IS NULL AND NOT contains(path, '!/')
);

WITH named AS (
  SELECT DISTINCT regexp_extract(f.s3Object, 'AWSLogs/.*') AS key, f.hashValue AS hash
  FROM read_json(getvariable('digests'), columns = {logFiles: 'STRUCT(s3Object VARCHAR, hashValue VARCHAR)[]'}),
       unnest(logFiles) AS u(f)
), held AS (
  SELECT regexp_extract(key, 'AWSLogs/.*') AS key, list(DISTINCT content_sha256) AS hashes
  FROM objects
  WHERE NOT superseded AND content_sha256 IS NOT NULL AND status <> 'failed'
  GROUP BY ALL
), compared AS (
  SELECT regexp_extract(key, '/CloudTrail/([^/]+)/', 1) AS region,
         replace(regexp_extract(key, '\d{4}/\d\d/\d\d'), '/', '-') AS "day",
         key, hashes IS NULL AS missing, list_contains(hashes, hash) AS same, len(hashes) > 1 AS several
  FROM named LEFT JOIN held USING (key)
)
SELECT region, "day", count(*) AS named, count(*) FILTER (same) AS as_delivered, count(*) FILTER (missing) AS missing,
       count(*) FILTER (NOT same) AS altered, count(*) FILTER (several) AS in_two_versions,
       list(key ORDER BY key) FILTER (missing OR NOT same OR several) AS look_at
FROM compared
GROUP BY ALL
ORDER BY ALL
