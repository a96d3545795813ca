-- Which programs call the shop, and how many of their requests fail? Unknown ones by what they say.
SELECT CASE WHEN user_agent.name = 'Other' THEN user_agent.original ELSE user_agent.name END AS program,
       count(*) AS requests, count(DISTINCT source.ip) AS addresses,
       round(100 * avg((http.response.status_code >= 400)::INTEGER), 1) AS percent_failed
FROM alb
GROUP BY program
HAVING program IS NOT NULL
ORDER BY requests DESC, 1
LIMIT 12
