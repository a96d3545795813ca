-- Below which domains was asked for many different names, as data that leaves through DNS makes them?
SELECT dns.question.registered_domain AS domain, count(DISTINCT dns.question.name) AS names,
       max(length(dns.question.subdomain)) AS longest, count(*) AS queries, count(DISTINCT source.ip) AS sources
FROM route53resolver
WHERE dns.question.registered_domain IS NOT NULL
GROUP BY ALL
ORDER BY names DESC, domain
LIMIT 10
