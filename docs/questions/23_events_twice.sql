-- Which events stand in several rows? An export that did not ask for the recipient's account is not told as the trail's record.
SELECT event.id, min("@timestamp") AS first, any_value(event.action) AS action, count(*) AS "rows",
       list_sort(list(DISTINCT parse_filename(log.file.path))) AS objects
FROM cloudtrail
WHERE event.id IS NOT NULL
GROUP BY ALL
HAVING count(*) > 1
ORDER BY first, 1
