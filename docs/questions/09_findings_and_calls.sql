-- Which calls did GuardDuty's suspects make? Findings joined with CloudTrail by access key.
SELECT g.native.resource.accessKeyDetails.accessKeyId AS access_key, count(DISTINCT g.event.id) AS findings,
       max(g.event.severity) AS severity, count(DISTINCT c.event.id) AS calls,
       count(DISTINCT c.event.id) FILTER (WHERE c.event.outcome = 'failure') AS refused
FROM guardduty g JOIN cloudtrail c ON c.user.access_key.id = g.native.resource.accessKeyDetails.accessKeyId
WHERE NOT is_private(c.source.ip)
GROUP BY ALL
ORDER BY severity DESC, findings DESC, 1
