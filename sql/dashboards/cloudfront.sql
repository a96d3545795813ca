-- name: accounts
-- Requests of the ten AWS accounts with most; 'unknown' where neither envelope nor key names one: the records do not.
SELECT coalesce(cloud.account.id, 'unknown') AS "cloud.account.id", count(*) AS "Count"
FROM logs
GROUP BY cloud.account.id
QUALIFY row_number() OVER (PARTITION BY cloud.account.id IS NULL ORDER BY count(*) DESC, cloud.account.id) <= 10
ORDER BY cloud.account.id IS NULL, 2 DESC, 1

-- name: edges
-- Requests of the ten edge locations with most: the three letters are the airport's, NRT is Tokyo.
SELECT native.x_edge_location AS "Edge Location", count(*) AS "Count"
FROM logs
WHERE native.x_edge_location IS NOT NULL
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 10

-- name: distributions
-- Requests by distribution and, in each, the ten names that were asked for most. 'Missing' where neither record nor key tells the distribution.
SELECT id AS "Distribution ID", domain AS "URL Domain Name", n AS "Count", nullif(id, 'Missing') AS "_Distribution ID"
FROM (SELECT id, domain, n, sum(n) OVER (PARTITION BY id) AS whole
      FROM (SELECT coalesce(native.distribution_id, 'Missing') AS id, url.domain AS domain, count(*) AS n FROM logs GROUP BY ALL))
QUALIFY domain IS NOT NULL AND dense_rank() OVER (ORDER BY whole DESC, id) <= 100
  AND row_number() OVER (PARTITION BY id, domain IS NULL ORDER BY n DESC, domain) <= 10
ORDER BY whole DESC, id, n DESC, domain

-- name: outcomes
-- Requests by how they ended: answered, refused or not found (4xx), failed (5xx), or closed by the viewer before an answer (status 0).
SELECT unnest(['Requests', 'Client errors (4xx)', 'Server errors (5xx)', 'Closed by the viewer']) AS "Outcome",
       unnest([count(*), count(*) FILTER (WHERE native.sc_status BETWEEN 400 AND 499), count(*) FILTER (WHERE native.sc_status BETWEEN 500 AND 599),
               count(*) FILTER (WHERE native.sc_status = 0)]) AS "Count"
FROM logs

-- name: statuses
-- Requests of the five status codes with most; 0 where the viewer closed the connection before an answer.
SELECT native.sc_status AS "http.response.status_code", count(*) AS "Count"
FROM logs
WHERE native.sc_status IS NOT NULL
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 5

-- name: statuses_over_time
-- Status codes over time, the ten with most of all the time shown.
WITH counted AS (
  SELECT utc_bucket($interval, "@timestamp") AS bucket, native.sc_status AS code, count(*) AS n
  FROM logs WHERE native.sc_status IS NOT NULL GROUP BY ALL),
placed AS (
  SELECT code, row_number() OVER (ORDER BY sum(n) DESC, code) AS place FROM counted GROUP BY code)
SELECT bucket AS "@timestamp", code AS "http.response.status_code", n AS "Count"
FROM counted JOIN placed USING (code)
WHERE place <= 10
ORDER BY place, bucket

-- name: result_types
-- Requests by what the edge made of them: Hit from its cache, Miss from the origin, Error; the last 'Other' sums up the rest.
WITH types AS (
  SELECT native.x_edge_result_type AS name, count(*) AS n, row_number() OVER (ORDER BY count(*) DESC, native.x_edge_result_type) AS place
  FROM logs WHERE native.x_edge_result_type IS NOT NULL GROUP BY native.x_edge_result_type)
SELECT CASE WHEN place <= 10 THEN name ELSE 'Other' END AS "x_edge_result_type", CAST(sum(n) AS BIGINT) AS "Count", place > 10 AS "_rest"
FROM types
GROUP BY 1, place > 10
ORDER BY min(place)

-- name: response_times
-- Seconds from the first byte of a request to the last of its answer, by result type: half of the requests, and one in twenty and in a hundred, took that long or longer.
SELECT type AS "Result Type", took[1] AS "50th percentile of Response Time", took[2] AS "95th percentile of Response Time", took[3] AS "99th percentile of Response Time"
FROM (SELECT native.x_edge_result_type AS type, percentile_disc([0.5, 0.05, 0.01]) WITHIN GROUP (ORDER BY native.time_taken DESC) AS took
      FROM logs WHERE native.x_edge_result_type IS NOT NULL GROUP BY ALL)
ORDER BY 1 DESC
LIMIT 10

-- name: sizes
-- Size of requests and of answers over time, headers included.
SELECT utc_bucket($interval, "@timestamp") AS "@timestamp",
       coalesce(sum(http.request.bytes), 0) / 1073741824 AS "Request Size(GiB)", coalesce(sum(http.response.bytes), 0) / 1073741824 AS "Response Size(GiB)"
FROM logs
GROUP BY ALL
ORDER BY 1

-- name: countries
-- Requests by the viewer's country, by ISO 3166 code, by the GeoIP database that was there when the rows were made.
SELECT source.geo.country_iso_code AS "source.geo.country_iso_code", count(*) AS "Count"
FROM logs
WHERE source.geo.country_iso_code IS NOT NULL
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 100

-- name: country_names
-- Requests by the viewer's country, by the GeoIP database that was there when the rows were made.
SELECT source.geo.country_name AS "Source Country", count(*) AS "Count"
FROM logs
WHERE source.geo.country_name IS NOT NULL
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 100

-- name: latencies
-- The slowest request of each country, in seconds: the ten countries with the slowest, by ISO 3166 code.
SELECT source.geo.country_iso_code AS "source.geo.country_iso_code", max(native.time_taken) AS "Maximum Latency (seconds)"
FROM logs
WHERE source.geo.country_iso_code IS NOT NULL AND native.time_taken IS NOT NULL
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 10

-- name: latencies_by_name
-- The slowest request of each country, in seconds.
SELECT source.geo.country_name AS "Source Country", max(native.time_taken) AS "Maximum Latency (seconds)"
FROM logs
WHERE source.geo.country_name IS NOT NULL AND native.time_taken IS NOT NULL
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 100

-- name: source_ips
-- The ten viewer addresses with most requests.
SELECT source.ip AS "source.ip", count(*) AS "Count"
FROM logs
WHERE source.ip IS NOT NULL
GROUP BY source.ip
ORDER BY 2 DESC, address_order(source.ip)
LIMIT 10

-- name: accesses
-- What was asked for: the ten methods with most requests, in each the ten hosts, in each the ten paths.
WITH counted AS (
  SELECT "method", host, path, n, sum(n) OVER (PARTITION BY "method") AS of_method, sum(n) OVER (PARTITION BY "method", host) AS of_host
  FROM (SELECT http.request."method" AS "method", url.domain AS host, url.path AS path, count(*) AS n
        FROM logs WHERE http.request."method" IS NOT NULL GROUP BY ALL))
SELECT "method" AS "Method", host AS "Domain", path AS "Path", n AS "Count"
FROM counted
QUALIFY host IS NOT NULL AND path IS NOT NULL
  AND dense_rank() OVER (ORDER BY of_method DESC, "method") <= 10
  AND dense_rank() OVER (PARTITION BY "method", host IS NULL ORDER BY of_host DESC, host) <= 10
  AND row_number() OVER (PARTITION BY "method", host, path IS NULL ORDER BY n DESC, path) <= 10
ORDER BY n DESC, of_method DESC, "method", of_host DESC, host, path

-- name: referrers
-- The ten pages that most requests came from, as the browser says.
SELECT http.request.referrer AS "Referer", count(*) AS "Count"
FROM logs
WHERE http.request.referrer IS NOT NULL
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 10

-- name: user_agents
-- The ten user agents with most requests, as they name themselves.
SELECT user_agent.original AS "UserAgent", count(*) AS "Count"
FROM logs
WHERE user_agent.original IS NOT NULL
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 10

-- name: programs
-- Programs and browsers by user agent; the last 'Other' sums up the rest, one before it is what the parser calls an unknown agent.
WITH names AS (
  SELECT user_agent.name AS name, count(*) AS n, row_number() OVER (ORDER BY count(*) DESC, user_agent.name) AS place
  FROM logs WHERE user_agent.name IS NOT NULL GROUP BY user_agent.name)
SELECT CASE WHEN place <= 10 THEN name ELSE 'Other' END AS "user_agent.name", CAST(sum(n) AS BIGINT) AS "Count", place > 10 AS "_rest"
FROM names
GROUP BY 1, place > 10
ORDER BY min(place)

-- name: systems
-- Operating systems by user agent; the last 'Other' sums up the rest, one before it is what the parser does not know.
WITH names AS (
  SELECT user_agent.os.name AS name, count(*) AS n, row_number() OVER (ORDER BY count(*) DESC, user_agent.os.name) AS place
  FROM logs WHERE user_agent.os.name IS NOT NULL GROUP BY user_agent.os.name)
SELECT CASE WHEN place <= 10 THEN name ELSE 'Other' END AS "user_agent.os.name", CAST(sum(n) AS BIGINT) AS "Count", place > 10 AS "_rest"
FROM names
GROUP BY 1, place > 10
ORDER BY min(place)

-- name: devices
-- Devices by user agent; the last 'Other' sums up the rest, one before it is what the parser does not know.
WITH names AS (
  SELECT user_agent.device.name AS name, count(*) AS n, row_number() OVER (ORDER BY count(*) DESC, user_agent.device.name) AS place
  FROM logs WHERE user_agent.device.name IS NOT NULL GROUP BY user_agent.device.name)
SELECT CASE WHEN place <= 10 THEN name ELSE 'Other' END AS "user_agent.device.name", CAST(sum(n) AS BIGINT) AS "Count", place > 10 AS "_rest"
FROM names
GROUP BY 1, place > 10
ORDER BY min(place)

-- name: schemes
-- Requests by scheme: http is not encrypted.
SELECT url.scheme AS "url.scheme", count(*) AS "Count"
FROM logs
WHERE url.scheme IS NOT NULL
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 10

-- name: tls_versions
-- Encrypted requests by version of TLS.
SELECT native.ssl_protocol AS "ssl_protocol", count(*) AS "Count"
FROM logs
WHERE native.ssl_protocol IS NOT NULL
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 10

-- name: ciphers
-- Encrypted requests by cipher.
SELECT native.ssl_cipher AS "SSL Cipher", count(*) AS "Count"
FROM logs
WHERE native.ssl_cipher IS NOT NULL
GROUP BY ALL
ORDER BY 2 DESC, 1
LIMIT 30

-- name: rows
-- The requests themselves, newest first. Choose one to see all its fields and the record as it came.
SELECT "@timestamp", native.distribution_id AS "distribution_id", url.domain AS "url.domain", native.cs_method AS "cs_method", url.path AS "url.path",
       native.sc_status AS "sc_status", native.x_edge_result_type AS "x_edge_result_type",
       source.ip AS "source.ip", source.geo.country_name AS "source.geo.country_name", event.hash AS "_hash"
FROM logs
ORDER BY "@timestamp" DESC, event.hash
LIMIT $limit OFFSET $offset
