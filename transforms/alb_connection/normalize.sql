-- Application Load Balancer connection logs: one line for each connection attempt, 12 to 15 fields.
-- https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-connection-logs.html
-- native.conn_trace_id is the one that stands in the access log of every request on the connection.
-- Latency "-" means no TLS or a handshake that failed: a protocol beside it tells which.
WITH parsed AS (
  SELECT *,
    TRY_CAST(tls_handshake_latency AS DOUBLE)            AS latency,
    CASE WHEN tls_verify_status LIKE 'Failed%' THEN 'failure'
         WHEN latency IS NOT NULL OR tls_verify_status = 'Success' THEN 'success'
         WHEN tls_protocol IS NOT NULL THEN 'failure'
         ELSE 'unknown' END                              AS outcome,
    nullif(regexp_extract(tls_verify_status, '^Failed:(.+)$', 1), '') AS failure,
    regexp_extract(leaf_client_cert_validity, 'NotBefore=([^;]+);NotAfter=([^;]+)', ['from', 'until']) AS valid
  FROM records
)
SELECT
  record,
  TRY_CAST("time" AS TIMESTAMPTZ)                        AS "@timestamp",
  -- a Classic Load Balancer's line, put behind this log's, has the client's address there
  CASE WHEN contains(client_port, ':') THEN 'no line of a connection log: its port is an address' END AS reject,

  -- event
  'event'                                                AS "event.kind",
  ['network']                                            AS "event.category",
  CASE outcome WHEN 'failure' THEN ['connection', 'start', 'error'] ELSE ['connection', 'start'] END AS "event.type",
  'connect'                                              AS "event.action",
  outcome                                                AS "event.outcome",
  TRY_CAST(latency * 1e9 AS BIGINT)                      AS "event.duration",
  failure                                                AS "event.reason",

  -- source, destination
  ltrim(rtrim(client_ip, ']'), '[')                      AS "source.address",
  client_ip                                              AS "source.ip",
  TRY_CAST(client_port AS INTEGER)                       AS "source.port",
  TRY_CAST(listener_port AS INTEGER)                     AS "destination.port",

  -- network
  'tcp'                                                  AS "network.transport",
  CASE WHEN tls_protocol IS NOT NULL THEN 'tls' END      AS "network.protocol",

  -- tls
  tls_cipher                                             AS "tls.cipher",
  tls_version(tls_protocol)                              AS "tls.version",
  tls_name(tls_protocol)                                 AS "tls.version_protocol",
  CASE WHEN tls_protocol IS NOT NULL THEN outcome = 'success' END AS "tls.established",
  tls_keyexchange                                        AS "tls.curve",
  leaf_client_cert_subject                               AS "tls.client.subject",
  TRY_CAST(nullif(valid['from'], '') AS TIMESTAMPTZ)     AS "tls.client.not_before",
  TRY_CAST(nullif(valid['until'], '') AS TIMESTAMPTZ)    AS "tls.client.not_after",
  leaf_client_cert_serial_number                         AS "tls.client.x509.serial_number",

  -- error
  failure                                                AS "error.code",

  -- native
  elb                                                    AS "native.elb",
  TRY_CAST(listener_port AS INTEGER)                     AS "native.listener_port",
  tls_protocol                                           AS "native.tls_protocol",
  latency                                                AS "native.tls_handshake_latency",
  leaf_client_cert_validity                              AS "native.leaf_client_cert_validity",
  tls_verify_status                                      AS "native.tls_verify_status",
  conn_trace_id                                          AS "native.conn_trace_id",
  ip_address                                             AS "native.ip_address"
FROM parsed
