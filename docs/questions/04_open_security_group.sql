-- Who opened a security group to the whole world, and which ports?
SELECT "@timestamp", user.name, source.ip, native.requestParameters ->> '$.groupId' AS security_group,
       native.requestParameters ->> '$.ipPermissions.items[0].fromPort' AS from_port,
       native.requestParameters ->> '$.ipPermissions.items[0].toPort' AS to_port
FROM cloudtrail
WHERE event.action = 'AuthorizeSecurityGroupIngress' AND event.outcome = 'success'
  AND (contains(native.requestParameters, '"0.0.0.0/0"') OR contains(native.requestParameters, '"::/0"'))
ORDER BY 1
