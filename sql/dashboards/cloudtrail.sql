-- A member that says '' or '-' says nothing: no list has it among its values.

-- name: events_by_outcome
-- Calls that succeeded and calls that failed, over time. Failed: the record has an error, or a sign-in did not succeed.
SELECT utc_bucket($interval, "@timestamp") AS "@timestamp", event.outcome AS "event.outcome", count(*) AS "Count"
FROM logs
GROUP BY ALL
ORDER BY 1, 3 DESC, 2

-- name: login_failed
-- Console sign-ins whose answer is Failure (responseElements.ConsoleLogin).
SELECT 'Login Failed' AS "filters", count(*) AS "Count"
FROM logs
WHERE native.responseElements ->> '$.ConsoleLogin' = 'Failure'

-- name: root_login
-- Calls with the root user's own credentials: not by a service for it, no service event. CIS AWS Foundations 1.2, control 3.3. Counts every call, not sign-ins alone.
SELECT 'Root Login' AS "filters", count(*) AS "Count"
FROM logs
WHERE native.userIdentity.type = 'Root'
  AND coalesce(native.userIdentity.invokedBy, '') IN ('', '-')
  AND native.eventType IS DISTINCT FROM 'AwsServiceEvent'

-- name: unauthorized_calls
-- Calls refused for want of permission: error codes that end in UnauthorizedOperation or begin with AccessDenied. CIS 3.1.
SELECT 'Unauthorized API Calls' AS "filters", count(*) AS "Count"
FROM logs
WHERE ends_with(native.errorCode, 'UnauthorizedOperation') OR starts_with(native.errorCode, 'AccessDenied')

-- name: security_group_changed
-- Security groups made, deleted, opened or closed. CIS 3.10. Refused calls count too.
SELECT 'SG Changed' AS "filters", count(*) AS "Count"
FROM logs
WHERE native.eventName IN ('AuthorizeSecurityGroupIngress', 'AuthorizeSecurityGroupEgress',
  'RevokeSecurityGroupIngress', 'RevokeSecurityGroupEgress', 'CreateSecurityGroup', 'DeleteSecurityGroup')

-- name: nacl_changed
-- Network access lists and their entries made, replaced or deleted. CIS 3.11.
SELECT 'NACL Changed' AS "filters", count(*) AS "Count"
FROM logs
WHERE native.eventName IN ('CreateNetworkAcl', 'CreateNetworkAclEntry', 'DeleteNetworkAcl',
  'DeleteNetworkAclEntry', 'ReplaceNetworkAclEntry', 'ReplaceNetworkAclAssociation')

-- name: network_gateway_changed
-- Customer and internet gateways made, attached, detached or deleted. CIS 3.12.
SELECT 'Network Gateway Changed' AS "filters", count(*) AS "Count"
FROM logs
WHERE native.eventName IN ('CreateCustomerGateway', 'DeleteCustomerGateway', 'AttachInternetGateway',
  'CreateInternetGateway', 'DeleteInternetGateway', 'DetachInternetGateway')

-- name: route_table_changed
-- Routes and route tables made, replaced or deleted. CIS 3.13.
SELECT 'Route Table Changed' AS "filters", count(*) AS "Count"
FROM logs
WHERE native.eventName IN ('CreateRoute', 'CreateRouteTable', 'ReplaceRoute', 'ReplaceRouteTableAssociation',
  'DeleteRouteTable', 'DeleteRoute', 'DisassociateRouteTable')

-- name: vpc_changed
-- VPCs, their peerings and classic links made, changed or deleted. CIS 3.14.
SELECT 'VPC Changed' AS "filters", count(*) AS "Count"
FROM logs
WHERE native.eventName IN ('CreateVpc', 'DeleteVpc', 'ModifyVpcAttribute', 'AcceptVpcPeeringConnection',
  'CreateVpcPeeringConnection', 'DeleteVpcPeeringConnection', 'RejectVpcPeeringConnection',
  'AttachClassicLinkVpc', 'DetachClassicLinkVpc', 'DisableVpcClassicLink', 'EnableVpcClassicLink')

-- name: s3_bucket_changed
-- Bucket policies, ACLs, CORS, lifecycle and replication rules put or deleted. CIS 3.8.
SELECT 'S3 Bucket Changed' AS "filters", count(*) AS "Count"
FROM logs
WHERE native.eventSource = 's3.amazonaws.com'
  AND native.eventName IN ('PutBucketAcl', 'PutBucketPolicy', 'PutBucketCors', 'PutBucketLifecycle',
  'PutBucketReplication', 'DeleteBucketPolicy', 'DeleteBucketCors', 'DeleteBucketLifecycle',
  'DeleteBucketReplication')

-- name: kms_key_changed
-- KMS keys disabled, scheduled for deletion, or given another policy.
SELECT 'KMS Key Changed' AS "filters", count(*) AS "Count"
FROM logs
WHERE native.eventSource = 'kms.amazonaws.com'
  AND native.eventName IN ('DisableKey', 'ScheduleKeyDeletion', 'PutKeyPolicy')

-- name: denied_calls
-- Who was refused what: the ten pairs of identity and call with most refusals, and when the last one was.
SELECT coalesce(nullif(native.userIdentity.arn, ''), nullif(native.userIdentity.principalId, ''),
         nullif(native.userIdentity.invokedBy, ''), native.userIdentity.accountId, 'unknown') AS "Identity",
       native.eventName AS "eventName", max("@timestamp") AS "Last", count(*) AS "Count",
       nullif(native.userIdentity.arn, '') AS "_Identity"
FROM logs
WHERE ends_with(native.errorCode, 'UnauthorizedOperation') OR starts_with(native.errorCode, 'AccessDenied')
GROUP BY ALL
ORDER BY 4 DESC, 1, 2
LIMIT 10

-- name: accounts
-- Events of the ten AWS accounts with most; 'unknown' where a record names no account. Insight events included.
SELECT coalesce(id, 'unknown') AS "cloud.account.id", count(*) AS "Count"
FROM (SELECT cloud.account.id AS id FROM logs UNION ALL SELECT cloud.account.id FROM insights)
GROUP BY id
QUALIFY row_number() OVER (PARTITION BY id IS NULL ORDER BY count(*) DESC, id) <= 10
ORDER BY id IS NULL, 2 DESC, 1

-- name: regions
-- Events of the five regions with most; 'unknown' where a record names no region. Insight events included.
SELECT coalesce(id, 'unknown') AS "cloud.region", count(*) AS "Count"
FROM (SELECT cloud.region AS id FROM logs UNION ALL SELECT cloud.region FROM insights)
GROUP BY id
QUALIFY row_number() OVER (PARTITION BY id IS NULL ORDER BY count(*) DESC, id) <= 5
ORDER BY id IS NULL, 2 DESC, 1

-- name: source_countries
-- Countries of the source addresses, by the GeoIP database that was there when the rows were made.
SELECT source.geo.country_name AS "source.geo.country_name", count(*) AS "Count"
FROM logs
WHERE source.geo.country_name IS NOT NULL
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 10

-- name: source_as
-- Organisations whose networks (autonomous systems) the source addresses belong to.
SELECT source.as.organization.name AS "source.as.organization.name", count(*) AS "Count"
FROM logs
WHERE source.as.organization.name IS NOT NULL
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 10

-- name: source_ips
-- The ten source addresses with most events. Calls that AWS made for somebody have a service's name instead and do not count here.
SELECT source.ip AS "Source", count(*) AS "Count"
FROM logs
WHERE source.ip IS NOT NULL
GROUP BY source.ip
ORDER BY 2 DESC, address_order(source.ip)
LIMIT 10

-- name: source_countries_map
-- Countries of the source addresses on the map, by ISO 3166 code.
SELECT source.geo.country_iso_code AS "source.geo.country_iso_code", count(*) AS "Count"
FROM logs
WHERE source.geo.country_iso_code IS NOT NULL
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 100

-- name: identities
-- The ten identities with most events (userIdentity.arn).
SELECT native.userIdentity.arn AS "userIdentity.arn", count(*) AS "Count"
FROM logs
WHERE native.userIdentity.arn NOT IN ('', '-')
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 10

-- name: event_names
-- The ten API calls with most events.
SELECT native.eventName AS "eventName", count(*) AS "Count"
FROM logs
WHERE native.eventName NOT IN ('', '-')
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 10

-- name: event_names_over_time
-- API calls over time; the ten with most are chosen anew in each interval.
SELECT bucket AS "@timestamp", name AS "eventName", n AS "Count"
FROM (SELECT utc_bucket($interval, "@timestamp") AS bucket, native.eventName AS name, count(*) AS n
      FROM logs WHERE native.eventName NOT IN ('', '-') GROUP BY ALL)
QUALIFY row_number() OVER (PARTITION BY bucket ORDER BY n DESC, name) <= 10
ORDER BY bucket, n DESC, name

-- name: event_types
-- Kinds of events: API calls, sign-ins, what services did by themselves, Insight events.
SELECT type AS "eventType", count(*) AS "Count"
FROM (SELECT native.eventType AS type FROM logs UNION ALL SELECT 'AwsCloudTrailInsight' FROM insights)
WHERE type NOT IN ('', '-')
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 10

-- name: event_types_over_time
-- Kinds of events over time; the five with most are chosen anew in each interval.
SELECT bucket AS "@timestamp", type AS "eventType", n AS "Count"
FROM (SELECT utc_bucket($interval, "@timestamp") AS bucket, type, count(*) AS n
      FROM (SELECT "@timestamp", native.eventType AS type FROM logs
            UNION ALL SELECT "@timestamp", 'AwsCloudTrailInsight' FROM insights)
      WHERE type NOT IN ('', '-') GROUP BY ALL)
QUALIFY row_number() OVER (PARTITION BY bucket ORDER BY n DESC, type) <= 5
ORDER BY bucket, n DESC, type

-- name: error_codes
-- The ten error codes with most events.
SELECT native.errorCode AS "errorCode", count(*) AS "Count"
FROM logs
WHERE native.errorCode NOT IN ('', '-')
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 10

-- name: error_codes_over_time
-- Error codes over time; the ten with most are chosen anew in each interval.
SELECT bucket AS "@timestamp", code AS "errorCode", n AS "Count"
FROM (SELECT utc_bucket($interval, "@timestamp") AS bucket, native.errorCode AS code, count(*) AS n
      FROM logs WHERE native.errorCode NOT IN ('', '-') GROUP BY ALL)
QUALIFY row_number() OVER (PARTITION BY bucket ORDER BY n DESC, code) <= 10
ORDER BY bucket, n DESC, code

-- name: event_sources
-- The ten services with most events.
SELECT native.eventSource AS "eventSource", count(*) AS "Count"
FROM logs
WHERE native.eventSource NOT IN ('', '-')
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 10

-- name: event_sources_over_time
-- Services over time; the ten with most are chosen anew in each interval.
SELECT bucket AS "@timestamp", service AS "eventSource", n AS "Count"
FROM (SELECT utc_bucket($interval, "@timestamp") AS bucket, native.eventSource AS service, count(*) AS n
      FROM logs WHERE native.eventSource NOT IN ('', '-') GROUP BY ALL)
QUALIFY row_number() OVER (PARTITION BY bucket ORDER BY n DESC, service) <= 10
ORDER BY bucket, n DESC, service

-- name: tls_versions
-- TLS versions that clients used; calls that AWS made itself have none.
SELECT native.tlsDetails.tlsVersion AS "tlsDetails.tlsVersion", count(*) AS "Count"
FROM logs
WHERE native.tlsDetails.tlsVersion NOT IN ('', '-')
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 5

-- name: user_agents
-- Programs and browsers by user agent, the fifteen with most; the last 'Other' sums up the rest, one before it is what the parser calls an unknown agent.
WITH agents AS (
  SELECT user_agent.name AS name, count(*) AS n, row_number() OVER (ORDER BY count(*) DESC, user_agent.name) AS place
  FROM logs WHERE user_agent.name IS NOT NULL GROUP BY user_agent.name)
SELECT CASE WHEN place <= 15 THEN name ELSE 'Other' END AS "user_agent.name", CAST(sum(n) AS BIGINT) AS "Count", place > 15 AS "_rest"
FROM agents
GROUP BY 1, place > 15
ORDER BY min(place)

-- name: matched_iocs
-- Events with an address, name or hash that a threat list holds, by the list's provider; the last 'Other' sums up the rest.
WITH providers AS (
  SELECT provider, count(*) AS n, row_number() OVER (ORDER BY count(*) DESC, provider) AS place
  FROM (SELECT unnest(list_distinct(threat.matched.providers)) AS provider FROM logs)
  WHERE provider IS NOT NULL GROUP BY provider)
SELECT CASE WHEN place <= 10 THEN provider ELSE 'Other' END AS "Providers", CAST(sum(n) AS BIGINT) AS "Count", place > 10 AS "_rest"
FROM providers
GROUP BY 1, place > 10
ORDER BY min(place)

-- name: rows
-- The events themselves, newest first. Choose one to see all its fields and the record as it came.
SELECT "@timestamp", coalesce(cloud.account.id, 'unknown') AS "cloud.account.id", cloud.region AS "cloud.region",
       native.eventSource AS "eventSource", native.eventName AS "eventName", "user".name AS "user.name",
       source.address AS "source.address", event.hash AS "_hash"
FROM logs
ORDER BY "@timestamp" DESC, event.hash
LIMIT $limit OFFSET $offset
