-- Which instance asked for the bad domain, what was it told, and when did the DNS firewall begin to block?
SELECT cloud.instance.id AS instance, source.ip, event.action, dns.resolved_ip[1] AS answer,
       count(*) AS queries, min("@timestamp") AS first, max("@timestamp") AS last
FROM route53resolver
WHERE dns.question.name = 'telemetry.shadow-relay.example'
   OR ends_with(dns.question.name, '.telemetry.shadow-relay.example')
GROUP BY ALL
ORDER BY first, queries DESC
