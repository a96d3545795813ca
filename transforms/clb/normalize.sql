-- Classic Load Balancer access logs, 12 fields (early 2014) or 15.
-- https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/access-log-collection.html
-- A line of a TCP or SSL listener has the request "- - - ": it is a connection, not a web request,
-- and its bytes are a stream's. Times of -1 stay -1 in native.* and leave event.duration empty;
-- bytes of -1 are none.
-- Each step below is a SELECT of its own, since DuckDB computes an alias anew wherever a CASE uses it.
WITH cells AS (
  -- a table of Athena has address and port apart, and the words of the request line; quotes stay
  -- around the agent
  SELECT * REPLACE (
    CASE WHEN request_ip IS NULL THEN client_port ELSE concat_ws(':', request_ip, request_port) END AS client_port,
    CASE WHEN backend_ip IS NULL THEN backend_port ELSE concat_ws(':', backend_ip, backend_port) END AS backend_port,
    CASE WHEN request_ip IS NULL THEN user_agent ELSE unquoted(user_agent) END AS user_agent,
    CASE WHEN url IS NULL THEN request
         ELSE concat_ws(' ', coalesce(request_verb, '-'), url, coalesce(protocol, '-')) END AS request)
  FROM records
), words AS (
  SELECT *,
    rtrim(request)                                       AS request_line,
    strpos(request, ' ')                                 AS first_blank,
    last_word(rtrim(request))                            AS last_word,
    TRY_CAST(elb_status_code AS INTEGER)                 AS status,
    TRY_CAST(request_processing_time AS DOUBLE)          AS t1,
    TRY_CAST(backend_processing_time AS DOUBLE)          AS t2,
    TRY_CAST(response_processing_time AS DOUBLE)         AS t3,
    nullif(TRY_CAST(received_bytes AS BIGINT), -1)       AS received,
    nullif(TRY_CAST(sent_bytes AS BIGINT), -1)           AS sent
  FROM cells
), lines AS (
  SELECT *,
    CASE WHEN first_blank > 1 AND NOT starts_with(request, '- ') THEN left(request, first_blank - 1) END AS method,
    substr(request_line, first_blank + 1, greatest(0, length(request_line) - first_blank
      - CASE WHEN last_word = '-' OR starts_with(last_word, 'HTTP/') THEN length(last_word) + 1 ELSE 0 END)) AS target
  FROM words
), urls AS (
  SELECT * EXCLUDE (url), nullif(CASE WHEN method IS NULL THEN rtrim(target, '- ') ELSE target END, '') AS url FROM lines
), schemes AS (
  SELECT *, strpos(url, '://') AS colon, CASE WHEN contains(url, '://') THEN substr(url, strpos(url, '://') + 3) END AS behind_scheme
  FROM urls
), marks AS (
  SELECT *,
    strpos(behind_scheme, '/')                           AS slash,
    strpos(behind_scheme, '?')                           AS mark,
    -- where the authority ends
    CASE WHEN slash > 0 AND (mark = 0 OR slash < mark) THEN slash ELSE mark END AS stop
  FROM schemes
), parts AS (
  SELECT *,
    url IS NOT NULL OR status IS NOT NULL                AS web,
    CASE WHEN stop > 0 THEN left(behind_scheme, stop - 1) ELSE behind_scheme END AS before_path,
    CASE WHEN stop = 0 OR stop = mark THEN NULL WHEN mark > 0 THEN substr(behind_scheme, stop, mark - stop)
         ELSE substr(behind_scheme, stop) END            AS path
  FROM marks
), authorities AS (
  SELECT *, behind_at(before_path) AS authority FROM parts
)
SELECT
  record,
  TRY_CAST("time" AS TIMESTAMPTZ)                        AS "@timestamp",
  -- a connection log's line, put behind this log's, has the client's address and port there
  CASE WHEN regexp_full_match(client_port, '\d{1,5}') AND regexp_matches(elb, '[.:]')
       THEN 'no line of a Classic Load Balancer: its name is an address' END AS reject,

  -- event
  'event'                                                AS "event.kind",
  CASE WHEN web THEN ['web'] ELSE ['network'] END        AS "event.category",
  CASE WHEN NOT web THEN ['connection'] WHEN status IN (401, 403) THEN ['access', 'denied']
       WHEN status >= 400 THEN ['access', 'error'] ELSE ['access'] END AS "event.type",
  CASE WHEN web THEN 'request' ELSE 'connect' END        AS "event.action",
  CASE WHEN status BETWEEN 100 AND 399 THEN 'success' WHEN status >= 400 THEN 'failure' ELSE 'unknown' END AS "event.outcome",
  CASE WHEN t1 >= 0 AND t2 >= 0 AND t3 >= 0 THEN TRY_CAST((t1 + t2 + t3) * 1e9 AS BIGINT) END AS "event.duration",

  -- source, destination
  host_of(client_port)                                   AS "source.address",
  host_of(client_port)                                   AS "source.ip",
  port_of(client_port)                                   AS "source.port",
  received                                               AS "source.bytes",
  host_of(backend_port)                                  AS "destination.address",
  host_of(backend_port)                                  AS "destination.ip",
  port_of(backend_port)                                  AS "destination.port",
  sent                                                   AS "destination.bytes",

  -- network
  'tcp'                                                  AS "network.transport",
  CASE WHEN web THEN 'http' END                          AS "network.protocol",
  TRY(coalesce(received + sent, received, sent))         AS "network.bytes",

  -- http, url, user_agent
  method                                                 AS "http.request.method",
  CASE WHEN web THEN received END                        AS "http.request.bytes",
  status                                                 AS "http.response.status_code",
  CASE WHEN web THEN sent END                            AS "http.response.bytes",
  CASE WHEN starts_with(last_word, 'HTTP/') THEN substr(last_word, 6) END AS "http.version",
  url                                                    AS "url.full",
  CASE WHEN colon > 0 THEN lower(left(url, colon - 1)) END AS "url.scheme",
  host_of(authority)                                     AS "url.domain",
  port_of(authority)                                     AS "url.port",
  path                                                   AS "url.path",
  path_extension(path)                                   AS "url.extension",
  CASE WHEN mark > 0 AND mark < length(behind_scheme) THEN substr(behind_scheme, mark + 1) END AS "url.query",
  user_agent                                             AS "user_agent.original",

  -- tls
  ssl_cipher                                             AS "tls.cipher",
  tls_version(ssl_protocol)                              AS "tls.version",
  tls_name(ssl_protocol)                                 AS "tls.version_protocol",
  CASE WHEN ssl_protocol IS NOT NULL THEN true END       AS "tls.established",

  -- related: a request by address names the one that the client asked for
  CASE WHEN (authority >= '0' AND authority < ':') OR starts_with(authority, '[') THEN [ip_text(host_of(authority))] END AS "related.ip",

  -- native
  elb                                                    AS "native.elb",
  t1 AS "native.request_processing_time", t2 AS "native.backend_processing_time", t3 AS "native.response_processing_time",
  TRY_CAST(backend_status_code AS INTEGER)               AS "native.backend_status_code",
  ssl_protocol                                           AS "native.ssl_protocol"
FROM authorities
