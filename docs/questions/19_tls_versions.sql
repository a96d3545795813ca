-- Who still speaks old TLS to the load balancers?
SELECT event.dataset, tls.version, count(*) AS connections, count(DISTINCT source.ip) AS addresses
FROM elb
WHERE tls.version IS NOT NULL
GROUP BY ALL
ORDER BY tls.version, connections DESC, 1
