-- Which of our ports answered the network that scans us?
SELECT destination.port, network.transport, count(*) AS flows, count(DISTINCT source.ip) AS scanners,
       list_sort(list_distinct(list(destination.ip))) AS targets
FROM vpcflow
WHERE event.action = 'ACCEPT' AND cidr(source.ip, '30.99.0.0/16') AND network.transport = 'tcp'
GROUP BY ALL
ORDER BY flows DESC, 1
