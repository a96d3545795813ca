-- Which addresses failed to sign in to the console and then got in?
SELECT source.ip, source.geo.country_name AS country, user.name,
       count(*) FILTER (WHERE event.outcome = 'failure') AS failed,
       min("@timestamp") FILTER (WHERE event.outcome = 'success') AS got_in,
       bool_or(native.additionalEventData ->> '$.MFAUsed' = 'Yes') AS with_mfa
FROM cloudtrail
WHERE event.action = 'ConsoleLogin'
GROUP BY ALL
HAVING failed > 0 AND got_in IS NOT NULL
ORDER BY failed DESC, got_in
