-- Application Load Balancer access logs, 17 fields (2016) to 34 and more.
-- https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
-- The event's time is that of the answer (of a WebSocket: of its end). A time of -1 means that the
-- request was not sent on or not answered; it stays -1 in native.*, and event.duration is then
-- counted from request_creation_time, as it is of a WebSocket, whose times are its handshake's. The
-- request line is "method url version"; one that the balancer could not read is
-- "- http://host:port- -", or "- http://host:port-/ " with a blank at its end. The URL may hold blanks.
-- Each step below is a SELECT of its own, since DuckDB computes an alias anew wherever a CASE uses it.
WITH cells AS (
  -- a table of Athena has address and port apart, and the words of the request line
  SELECT * REPLACE (
    CASE WHEN client_ip IS NULL THEN client_port ELSE concat_ws(':', client_ip, client_port) END AS client_port,
    CASE WHEN target_ip IS NULL THEN target_port ELSE concat_ws(':', target_ip, target_port) END AS target_port,
    CASE WHEN request_url IS NULL THEN request_line
         ELSE concat_ws(' ', coalesce(request_verb, '-'), request_url, coalesce(request_proto, '-')) END AS request_line)
  FROM records
), words AS (
  SELECT *,
    nullif(TRY_CAST(elb_status_code AS INTEGER), 0)      AS status,  -- 000: the balancer answered nothing
    TRY_CAST(received_bytes AS BIGINT)                   AS received,
    TRY_CAST(sent_bytes AS BIGINT)                       AS sent,
    TRY_CAST(request_processing_time AS DOUBLE)          AS t1,
    TRY_CAST(target_processing_time AS DOUBLE)           AS t2,
    TRY_CAST(response_processing_time AS DOUBLE)         AS t3,
    TRY_CAST("time" AS TIMESTAMPTZ)                      AS ended,
    TRY_CAST(request_creation_time AS TIMESTAMPTZ)       AS created,
    -- key and envelope name the balancer's owner and region; without them its ARNs do
    CASE WHEN NOT contains(key_path, '/elasticloadbalancing/') THEN coalesce(target_group_arn, chosen_cert_arn) END AS arn,
    strpos(client_port, ':')                             AS client_colon,
    strpos(target_port, ':')                             AS target_colon,
    rtrim(request_line)                                  AS request,
    strpos(request_line, ' ')                            AS first_blank,
    last_word(rtrim(request_line))                       AS last_word
  FROM cells
), lines AS (
  SELECT *,
    CASE WHEN ended >= created THEN TRY((epoch_us(ended) - epoch_us(created)) * 1000) END AS since_created,
    substr(client_port, client_colon + 1)                AS client_rest,
    substr(target_port, target_colon + 1)                AS target_rest,
    CASE WHEN first_blank > 1 AND NOT starts_with(request_line, '- ') THEN left(request_line, first_blank - 1) END AS method,
    substr(request, first_blank + 1, greatest(0, length(request) - first_blank
      - CASE WHEN last_word = '-' OR starts_with(last_word, 'HTTP/') THEN length(last_word) + 1 ELSE 0 END)) AS target
  FROM words
), urls AS (
  SELECT *,
    host_before(client_port, client_colon, client_rest)  AS client,
    host_before(target_port, target_colon, target_rest)  AS backend,
    nullif(CASE WHEN method IS NULL THEN regexp_replace(rtrim(target, '-'), '^([^:/?]+://[^/?]*?)-+([/?])', '\1\2')
         ELSE target END, '')                            AS url
  FROM lines
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
    CASE WHEN stop > 0 THEN left(behind_scheme, stop - 1) ELSE behind_scheme END AS before_path,
    CASE WHEN stop = 0 OR stop = mark THEN NULL WHEN mark > 0 THEN substr(behind_scheme, stop, mark - stop)
         ELSE substr(behind_scheme, stop) END            AS path
  FROM marks
), authorities AS (
  SELECT *, behind_at(before_path) AS authority FROM parts
), hosts AS (
  SELECT *, strpos(authority, ':') AS host_colon, substr(authority, host_colon + 1) AS host_rest FROM authorities
)
SELECT
  record,
  ended                                                  AS "@timestamp",

  -- event
  'event'                                                AS "event.kind",
  ['web']                                                AS "event.category",
  CASE WHEN status IN (401, 403) THEN ['access', 'denied'] WHEN status >= 400 THEN ['access', 'error'] ELSE ['access'] END AS "event.type",
  CASE WHEN contains(actions_executed, ',') THEN split_part(actions_executed, ',', -1) ELSE actions_executed END AS "event.action",
  CASE WHEN status BETWEEN 100 AND 399 THEN 'success' WHEN status >= 400 THEN 'failure' ELSE 'unknown' END AS "event.outcome",
  created                                                AS "event.start",
  ended                                                  AS "event.end",
  CASE WHEN type IN ('ws', 'wss') THEN since_created
       WHEN t1 >= 0 AND t2 >= 0 AND t3 >= 0 THEN TRY_CAST((t1 + t2 + t3) * 1e9 AS BIGINT)
       ELSE since_created END                            AS "event.duration",
  error_reason                                           AS "event.reason",

  -- cloud
  CASE WHEN wrap.account IS NULL THEN nullif(split_part(arn, ':', 5), '') END AS "cloud.account.id",
  CASE WHEN wrap.region IS NULL THEN nullif(split_part(arn, ':', 4), '') END AS "cloud.region",

  -- source, destination
  client                                                 AS "source.address",
  client                                                 AS "source.ip",
  port_behind(client_port, client_colon, client_rest)    AS "source.port",
  received                                               AS "source.bytes",
  backend                                                AS "destination.address",
  backend                                                AS "destination.ip",
  port_behind(target_port, target_colon, target_rest)    AS "destination.port",
  sent                                                   AS "destination.bytes",

  -- network
  TRY(coalesce(received + sent, received, sent))         AS "network.bytes",
  'tcp'                                                  AS "network.transport",
  CASE type WHEN 'ws' THEN 'websocket' WHEN 'wss' THEN 'websocket' WHEN 'grpcs' THEN 'grpc' ELSE 'http' END AS "network.protocol",

  -- http, url, user_agent
  method                                                 AS "http.request.method",
  received                                               AS "http.request.bytes",
  status                                                 AS "http.response.status_code",
  sent                                                   AS "http.response.bytes",
  CASE WHEN starts_with(last_word, 'HTTP/') THEN substr(last_word, 6) END AS "http.version",
  url                                                    AS "url.full",
  CASE WHEN colon > 0 THEN lower(left(url, colon - 1)) END AS "url.scheme",
  host_before(authority, host_colon, host_rest)          AS "url.domain",
  port_behind(authority, host_colon, host_rest)          AS "url.port",
  path                                                   AS "url.path",
  path_extension(path)                                   AS "url.extension",
  CASE WHEN mark > 0 AND mark < length(behind_scheme) THEN substr(behind_scheme, mark + 1) END AS "url.query",
  user_agent                                             AS "user_agent.original",

  -- tls
  ssl_cipher                                             AS "tls.cipher",
  tls_version(ssl_protocol)                              AS "tls.version",
  tls_name(ssl_protocol)                                 AS "tls.version_protocol",
  CASE WHEN ssl_protocol IS NOT NULL THEN true END       AS "tls.established",
  domain_name                                            AS "tls.client.server_name",

  -- related: a request by address names the one that the client asked for
  CASE WHEN (authority >= '0' AND authority < ':') OR starts_with(authority, '[') THEN [ip_text(host_of(authority))] END AS "related.ip",

  -- error
  error_reason                                           AS "error.code",

  -- native
  type                                                   AS "native.request_type",
  elb                                                    AS "native.elb",
  t1 AS "native.request_processing_time", t2 AS "native.target_processing_time", t3 AS "native.response_processing_time",
  TRY_CAST(target_status_code AS INTEGER)                AS "native.target_status_code",
  ssl_protocol                                           AS "native.ssl_protocol",
  target_group_arn                                       AS "native.target_group_arn",
  trace_id                                               AS "native.trace_id",
  chosen_cert_arn                                        AS "native.chosen_cert_arn",
  TRY_CAST(matched_rule_priority AS INTEGER)             AS "native.matched_rule_priority",
  actions_executed                                       AS "native.actions_executed",
  redirect_url                                           AS "native.redirect_url",
  error_reason                                           AS "native.lambda_error_reason",
  target_port_list                                       AS "native.target_port_list",
  target_status_code_list                                AS "native.target_status_code_list",
  classification AS "native.classification", classification_reason AS "native.classification_reason",
  conn_trace_id                                          AS "native.conn_trace_id",
  transformed_host AS "native.transformed_host", transformed_uri AS "native.transformed_uri",
  request_transform_status                               AS "native.request_transform_status",
  ip_address                                             AS "native.ip_address"
FROM hosts
