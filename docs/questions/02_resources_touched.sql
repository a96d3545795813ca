-- Which buckets did the stolen key reach into? Objects by the ARNs that CloudTrail names.
SELECT arn(resource.ARN).service AS service, split_part(arn(resource.ARN).resource, '/', 1) AS bucket,
       count(DISTINCT resource.ARN) AS objects, count(DISTINCT event.id) AS calls,
       count(DISTINCT event.id) FILTER (WHERE event.outcome = 'failure') AS refused
FROM cloudtrail, unnest(native.resources) AS r(resource)
WHERE user.access_key.id = 'AKIAHALDENCI7EXAMPLE' AND resource.type = 'AWS::S3::Object' AND resource.ARN IS NOT NULL
GROUP BY ALL
ORDER BY calls DESC
