-- From which countries did a user call for the first time after the first day of the logs?
WITH seen AS (
  SELECT user.name AS name, source.geo.country_name AS country, min("@timestamp") AS first, count(*) AS calls
  FROM cloudtrail
  WHERE source.geo.country_name IS NOT NULL AND event.outcome = 'success'
  GROUP BY ALL
)
SELECT name, country, first, calls
FROM seen
WHERE first::DATE > (SELECT min("date") FROM cloudtrail)
  AND name IN (SELECT name FROM seen GROUP BY ALL HAVING count(*) > 1)
ORDER BY first, 1
