-- What was done most, and how often it failed
SELECT event.dataset, event.action, count(*) AS events,
       count_if(event.outcome = 'failure') AS failed
FROM events
GROUP BY ALL
ORDER BY events DESC
LIMIT 20
