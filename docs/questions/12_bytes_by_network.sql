-- Bytes that came in, by autonomous system.
SELECT source."as".number AS asn, source."as".organization.name AS network, count(*) AS flows,
       count(DISTINCT source.ip) AS addresses, round(sum(network.bytes) / 1e6, 1) AS megabytes
FROM vpcflow
WHERE event.action = 'ACCEPT' AND source."as".number IS NOT NULL
GROUP BY ALL
ORDER BY sum(network.bytes) DESC, 1
LIMIT 10
