-- Which ports are knocked at in vain, by how many addresses?
SELECT destination.port, network.transport, count(*) AS flows, count(DISTINCT source.ip) AS addresses
FROM vpcflow
WHERE event.action = 'REJECT' AND NOT is_private(source.ip)
GROUP BY ALL
ORDER BY flows DESC, 1
LIMIT 10
