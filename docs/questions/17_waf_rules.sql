-- What did the WAF block, by rule?
SELECT rule.ruleset AS web_acl, rule.name AS rule, count(*) AS blocked, count(DISTINCT source.ip) AS addresses,
       mode(source.geo.country_name) AS most_from, min("@timestamp") AS first
FROM waf
WHERE event.action = 'BLOCK'
GROUP BY ALL
ORDER BY blocked DESC, 1, 2
