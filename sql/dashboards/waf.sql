-- A member that says '' or '-' says nothing (AWS writes - where it knows no country): no list has it among its
-- values.

-- name: accounts
-- Requests by the AWS account of the web ACL, the ten with most; 'unknown' where neither record nor key names one.
SELECT coalesce(cloud.account.id, 'unknown') AS "cloud.account.id", count(*) AS "Count"
FROM logs
GROUP BY cloud.account.id
QUALIFY row_number() OVER (PARTITION BY cloud.account.id IS NULL ORDER BY count(*) DESC, cloud.account.id) <= 10
ORDER BY cloud.account.id IS NULL, 2 DESC, 1

-- name: regions
-- Requests by the region of the web ACL, the ten with most; those of CloudFront are 'global'.
SELECT coalesce(cloud.region, 'unknown') AS "cloud.region", count(*) AS "Count"
FROM logs
GROUP BY cloud.region
QUALIFY row_number() OVER (PARTITION BY cloud.region IS NULL ORDER BY count(*) DESC, cloud.region) <= 10
ORDER BY cloud.region IS NULL, 2 DESC, 1

-- name: totals
-- Requests that were looked at, those that were blocked, and the different addresses they came from.
SELECT CAST(coalesce(sum(n), 0) AS BIGINT) AS "Requests", CAST(coalesce(sum(blocked), 0) AS BIGINT) AS "Blocked", count(ip) AS "Addresses"
FROM (SELECT source.ip AS ip, count(*) AS n, count(*) FILTER (WHERE native.action = 'BLOCK') AS blocked FROM logs GROUP BY ALL)

-- name: actions_over_time
-- Requests that were allowed and requests that were blocked, over time. Counted, challenged and CAPTCHA ones are neither.
SELECT utc_bucket($interval, "@timestamp") AS "@timestamp",
       CASE native.action WHEN 'ALLOW' THEN 'Allowed Requests' ELSE 'Blocked Requests' END AS "series", count(*) AS "Count",
       native.action AS "_value"
FROM logs
WHERE native.action IN ('ALLOW', 'BLOCK')
GROUP BY ALL
ORDER BY 2, 1

-- name: requests_over_time
-- All requests over time.
SELECT utc_bucket($interval, "@timestamp") AS "@timestamp", 'Requests Count' AS "series", count(*) AS "Count"
FROM logs
GROUP BY ALL
ORDER BY 1

-- name: actions
-- Requests by what the web ACL did with them.
SELECT native.action AS "action", count(*) AS "Count"
FROM logs
WHERE native.action NOT IN ('', '-')
GROUP BY ALL
ORDER BY 2 DESC, 1

-- name: choices
-- Web ACLs, rules, actions, countries, addresses, hosts and kinds of rules with their requests, the fifty with most of each.
WITH counted AS (
  SELECT CASE grouping(ruleset, decided, act, country, ip, host, kind) WHEN 63 THEN 1 WHEN 95 THEN 2 WHEN 111 THEN 3 WHEN 119 THEN 4
           WHEN 123 THEN 5 WHEN 125 THEN 6 ELSE 7 END AS place,
         coalesce(ruleset, decided, act, country, ip, host, kind) AS value, count(*) AS n
  FROM (SELECT rule.ruleset AS ruleset, native.terminatingRuleId AS decided, native.action AS act, native.httpRequest.country AS country,
               source.ip AS ip, url.domain AS host, native.terminatingRuleType AS kind FROM logs)
  GROUP BY GROUPING SETS ((ruleset), (decided), (act), (country), (ip), (host), (kind)))
SELECT ['WebACL', 'Rule', 'Action', 'Country', 'Client IP', 'Host', 'Rule Type'][place] AS "Filter", value AS "Value", n AS "Count",
       ['rule.ruleset', 'native.terminatingRuleId', 'native.action', 'native.httpRequest.country', 'source.ip', 'url.domain', 'native.terminatingRuleType'][place] AS "_field"
FROM counted
WHERE value NOT IN ('', '-')
QUALIFY row_number() OVER (PARTITION BY place ORDER BY n DESC, value) <= 50
ORDER BY place, n DESC, value

-- name: countries
-- Requests by country, as AWS tells it (httpRequest.country), not by GeoIP.
SELECT native.httpRequest.country AS "Country", count(*) AS "Count"
FROM logs
WHERE native.httpRequest.country NOT IN ('', '-')
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 100

-- name: methods
-- Requests by HTTP method.
SELECT http.request."method" AS "httpRequest.httpMethod", count(*) AS "Count"
FROM logs
WHERE http.request."method" NOT IN ('', '-')
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 10

-- name: versions
-- Requests by HTTP version, as the log writes it.
SELECT native.httpRequest.httpVersion AS "httpRequest.httpVersion", count(*) AS "Count"
FROM logs
WHERE native.httpRequest.httpVersion NOT IN ('', '-')
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 10

-- name: rules
-- Requests by the rule that decided: a rule or rule group of the web ACL, or Default_Action.
SELECT native.terminatingRuleId AS "Rule Name", count(*) AS "Count"
FROM logs
WHERE native.terminatingRuleId NOT IN ('', '-')
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 10

-- name: paths
-- The ten paths with most requests.
SELECT native.httpRequest.uri AS "URI", count(*) AS "Count"
FROM logs
WHERE native.httpRequest.uri NOT IN ('', '-')
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 10

-- name: addresses
-- The ten client addresses with most requests.
SELECT source.ip AS "Client IP Address", count(*) AS "Count"
FROM logs
WHERE source.ip IS NOT NULL
GROUP BY source.ip
ORDER BY 2 DESC, address_order(source.ip)
LIMIT 10

-- name: web_acls
-- The ten web ACLs with most requests.
SELECT rule.ruleset AS "WebACL Name", count(*) AS "Count"
FROM logs
WHERE rule.ruleset NOT IN ('', '-')
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 10

-- name: user_agents
-- The ten user agents with most requests, as they name themselves.
SELECT user_agent.original AS "User-Agent", count(*) AS "Count"
FROM logs
WHERE user_agent.original NOT IN ('', '-')
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 10

-- name: hosts
-- The ten hosts with most requests, by the Host header without its port.
SELECT url.domain AS "Host", count(*) AS "Count"
FROM logs
WHERE url.domain NOT IN ('', '-')
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 10

-- name: rows
-- The requests themselves, newest first. Choose one to see all its fields and the record as it came.
SELECT "@timestamp", coalesce(cloud.account.id, 'unknown') AS "cloud.account.id", cloud.region AS "cloud.region",
       nullif(native.httpSourceName, '-') AS "httpSourceName", rule.ruleset AS "rule.ruleset", native.terminatingRuleId AS "terminatingRuleId",
       native.action AS "action", source.ip AS "source.ip", source.geo.country_name AS "source.geo.country_name", event.hash AS "_hash"
FROM logs
ORDER BY "@timestamp" DESC, event.hash
LIMIT $limit OFFSET $offset
