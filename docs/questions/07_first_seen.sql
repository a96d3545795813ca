-- When did each log first see the attacker's address, in any field?
SELECT event.dataset, min("@timestamp") AS first, max("@timestamp") AS last, count(*) AS events
FROM events
WHERE list_contains(related.ip, '26.77.13.201')
GROUP BY ALL
ORDER BY first, event.dataset
