-- name: superseded_rows
-- Rows that only an earlier state of their object holds: it was read again, changed, and no object's last reading has the record.
SELECT e.event.dataset AS source, e.event.hash AS hash, e.log.file.path AS path, e.log.offset AS position,
       e."@timestamp", e.account, e.region, e."date", o.read_at, o.sha256, o.batch
FROM events e JOIN objects o ON o.path = e.log.file.path AND o.ingested = e.event.ingested
WHERE o.superseded AND NOT EXISTS (
  SELECT 1 FROM duplicates d JOIN objects n ON n.path = d.path AND n.batch = d.batch
  WHERE NOT n.superseded AND d.hash = e.event.hash AND d.source = e.event.dataset)
