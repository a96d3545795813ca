-- Where do our machines send most bytes?
SELECT destination.ip, destination.geo.country_name AS country, destination."as".organization.name AS network,
       round(sum(network.bytes) / 1e6, 1) AS megabytes, count(DISTINCT source.ip) AS hosts
FROM vpcflow
WHERE event.action = 'ACCEPT' AND is_private(source.ip) AND NOT is_private(destination.ip)
GROUP BY ALL
ORDER BY sum(network.bytes) DESC, 1
LIMIT 10
