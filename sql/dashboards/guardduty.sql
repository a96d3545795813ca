-- A member that says '' or '-' says nothing: no list has it among its values.

-- name: accounts
-- Findings of the five AWS accounts with most; 'unknown' where a record names none. A finding counts once, however often it was updated.
SELECT coalesce(cloud.account.id, 'unknown') AS "cloud.account.id", count(DISTINCT event.id) AS "Count"
FROM logs
GROUP BY cloud.account.id
QUALIFY row_number() OVER (PARTITION BY cloud.account.id IS NULL ORDER BY count(DISTINCT event.id) DESC, cloud.account.id) <= 5
ORDER BY cloud.account.id IS NULL, 2 DESC, 1

-- name: regions
-- Findings of the five regions with most; 'unknown' where a record names none.
SELECT coalesce(cloud.region, 'unknown') AS "cloud.region", count(DISTINCT event.id) AS "Count"
FROM logs
GROUP BY cloud.region
QUALIFY row_number() OVER (PARTITION BY cloud.region IS NULL ORDER BY count(DISTINCT event.id) DESC, cloud.region) <= 5
ORDER BY cloud.region IS NULL, 2 DESC, 1

-- name: severities
-- Findings and their log records by severity: critical from 9, high from 7, medium from 4, low below. A finding counts at each severity that it had.
SELECT unnest(['Critical', 'High', 'Medium', 'Low']) AS "filters",
       unnest([count(DISTINCT event.id) FILTER (WHERE native.severitylabel = 'critical'), count(DISTINCT event.id) FILTER (WHERE native.severitylabel = 'high'),
               count(DISTINCT event.id) FILTER (WHERE native.severitylabel = 'medium'), count(DISTINCT event.id) FILTER (WHERE native.severitylabel = 'low')]) AS "Unique count of @id",
       unnest([count(*) FILTER (WHERE native.severitylabel = 'critical'), count(*) FILTER (WHERE native.severitylabel = 'high'),
               count(*) FILTER (WHERE native.severitylabel = 'medium'), count(*) FILTER (WHERE native.severitylabel = 'low')]) AS "Count",
       unnest(['critical', 'high', 'medium', 'low']) AS "_value"
FROM logs

-- name: severities_over_time
-- Log records by severity over time. GuardDuty writes one when it finds something, and one at each update.
SELECT bucket AS "@timestamp", unnest(['Critical', 'High', 'Medium', 'Low']) AS "filters", unnest([critical, high, medium, low]) AS "Count",
       unnest(['critical', 'high', 'medium', 'low']) AS "_value"
FROM (SELECT utc_bucket($interval, "@timestamp") AS bucket,
             count(*) FILTER (WHERE native.severitylabel = 'critical') AS critical, count(*) FILTER (WHERE native.severitylabel = 'high') AS high,
             count(*) FILTER (WHERE native.severitylabel = 'medium') AS medium, count(*) FILTER (WHERE native.severitylabel = 'low') AS low
      FROM logs GROUP BY ALL)
ORDER BY 1, array_position(['Critical', 'High', 'Medium', 'Low'], "filters")

-- name: protections
-- Findings by what was looked at. Malware is told by its family, on whatever resource, so one of S3 counts under S3 too; the last are of none of these, such as databases, functions and attack sequences.
SELECT unnest(['EC2 finding types', 'IAM finding types', 'Kubernetes Protection', 'Malware Protection', 'S3 Protection', 'Other finding types']) AS "filters",
       unnest([count(DISTINCT id) FILTER (WHERE resource = 'EC2' AND NOT malware), count(DISTINCT id) FILTER (WHERE resource = 'IAMUser'),
               count(DISTINCT id) FILTER (WHERE resource = 'Kubernetes' AND NOT malware), count(DISTINCT id) FILTER (WHERE malware),
               count(DISTINCT id) FILTER (WHERE resource = 'S3'),
               count(DISTINCT id) FILTER (WHERE NOT malware AND coalesce(resource, '') NOT IN ('EC2', 'IAMUser', 'Kubernetes', 'S3'))]) AS "Unique count of @id"
FROM (SELECT event.id AS id, native.ResourceTypeAffected AS resource,
             coalesce(native.ThreatFamilyName IN ('MaliciousFile', 'SuspiciousFile'), false) AS malware FROM logs)

-- name: countries
-- Findings by the country of the source address, by the GeoIP database that was there when the rows were made.
SELECT source.geo.country_iso_code AS "source.geo.country_iso_code", count(DISTINCT event.id) AS "Count"
FROM logs
WHERE source.geo.country_iso_code IS NOT NULL
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 100

-- name: directions
-- Findings by the direction of the connection. API calls and the like have none.
SELECT network.direction AS "NW Direction", count(DISTINCT event.id) AS "Count"
FROM logs
WHERE network.direction IS NOT NULL
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 5

-- name: sources
-- Source addresses with their log records: who came in or called, or our own host where it went out.
SELECT source.ip AS "source.ip", arg_max(source.geo.country_name, "@timestamp") AS "Country", count(*) AS "Count"
FROM logs
WHERE source.ip IS NOT NULL
GROUP BY source.ip
ORDER BY 3 DESC, address_order(source.ip)
LIMIT 100

-- name: destinations
-- Destination addresses with their log records: our own host, or where it went.
SELECT destination.ip AS "destination.ip", arg_max(destination.geo.country_name, "@timestamp") AS "Country", count(*) AS "Count"
FROM logs
WHERE destination.ip IS NOT NULL
GROUP BY destination.ip
ORDER BY 3 DESC, address_order(destination.ip)
LIMIT 100

-- name: types
-- Log records by type of finding: Purpose:Resource/Family.Mechanism!Artifact.
SELECT native.type AS "type", count(*) AS "Count"
FROM logs
WHERE native.type NOT IN ('', '-')
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 120

-- name: purposes
-- Log records by what the attack is for, the first part of the type.
SELECT native.ThreatPurpose AS "ThreatPurpose", count(*) AS "Count"
FROM logs
WHERE native.ThreatPurpose IS NOT NULL
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 30

-- name: families
-- Findings by threat family, the thirty with most; the last 'Other' sums up the rest.
WITH families AS (
  SELECT native.ThreatFamilyName AS name, event.id AS id FROM logs WHERE native.ThreatFamilyName IS NOT NULL),
placed AS (
  SELECT name, row_number() OVER (ORDER BY count(DISTINCT id) DESC, name) AS place FROM families GROUP BY name)
SELECT CASE WHEN place <= 30 THEN name ELSE 'Other' END AS "ThreatFamilyName", count(DISTINCT id) AS "Count", place > 30 AS "_rest"
FROM families JOIN placed USING (name)
GROUP BY 1, place > 30
ORDER BY min(place)

-- name: resources
-- Findings by the kind of resource, the second part of the type.
SELECT native.ResourceTypeAffected AS "ResourceTypeAffected", count(DISTINCT event.id) AS "Count"
FROM logs
WHERE native.ResourceTypeAffected IS NOT NULL
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 10

-- name: instances
-- Log records by instance, the ten with most; the last 'Other' sums up the rest.
WITH instances AS (
  SELECT cloud.instance.id AS id, count(*) AS n, row_number() OVER (ORDER BY count(*) DESC, cloud.instance.id) AS place
  FROM logs WHERE cloud.instance.id NOT IN ('', '-') GROUP BY cloud.instance.id)
SELECT CASE WHEN place <= 10 THEN id ELSE 'Other' END AS "resource.instanceDetails.instanceId", CAST(sum(n) AS BIGINT) AS "Count", place > 10 AS "_rest"
FROM instances
GROUP BY 1, place > 10
ORDER BY min(place)

-- name: user_names
-- Log records by the user who acted, the five with most; the last 'Other' sums up the rest.
WITH users AS (
  SELECT "user"."name" AS name, count(*) AS n, row_number() OVER (ORDER BY count(*) DESC, "user"."name") AS place
  FROM logs WHERE "user"."name" NOT IN ('', '-') GROUP BY "user"."name")
SELECT CASE WHEN place <= 5 THEN name ELSE 'Other' END AS "user.name", CAST(sum(n) AS BIGINT) AS "Count", place > 5 AS "_rest"
FROM users
GROUP BY 1, place > 5
ORDER BY min(place)

-- name: user_ids
-- Log records by the principal's id, the five with most; the last 'Other' sums up the rest. An access key is no identity: it changes with each session.
WITH users AS (
  SELECT "user".id AS id, count(*) AS n, row_number() OVER (ORDER BY count(*) DESC, "user".id) AS place
  FROM logs WHERE "user".id NOT IN ('', '-') GROUP BY "user".id)
SELECT CASE WHEN place <= 5 THEN id ELSE 'Other' END AS "user.id", CAST(sum(n) AS BIGINT) AS "Count", place > 5 AS "_rest"
FROM users
GROUP BY 1, place > 5
ORDER BY min(place)

-- name: clusters
-- Log records by EKS cluster.
SELECT native.resource.eksClusterDetails."name" AS "Cluster Name", count(*) AS "Count"
FROM logs
WHERE native.resource.eksClusterDetails."name" NOT IN ('', '-')
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 100

-- name: malware
-- Log records by the name of what a malware scan of EBS volumes found. A record with several counts under each.
SELECT name AS "Malware", count(*) AS "Count"
FROM (SELECT unnest(list_distinct(list_transform(
        native.service.ebsVolumeScanDetails.scanDetections.threatDetectedByName.threatNames, lambda item: item."name"))) AS name FROM logs)
WHERE name NOT IN ('', '-')
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 100

-- name: buckets
-- Log records by S3 bucket. A record with several counts under each.
SELECT name AS "S3 Bucket Name", count(*) AS "Count"
FROM (SELECT unnest(list_distinct(list_transform(native.resource.s3BucketDetails, lambda item: item."name"))) AS name FROM logs)
WHERE name NOT IN ('', '-')
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 100

-- name: rows
-- The log records themselves, newest first. Choose one to see all its fields and the record as it came.
SELECT "@timestamp", coalesce(cloud.account.id, 'unknown') AS "cloud.account.id", native.severitylabel AS "severitylabel",
       native.type AS "type", cloud.instance.id AS "cloud.instance.id", native.service.count AS "service.count",
       source.ip AS "source.ip", source.geo.country_name AS "source.geo.country_name", event.hash AS "_hash"
FROM logs
ORDER BY "@timestamp" DESC, event.hash
LIMIT $limit OFFSET $offset
