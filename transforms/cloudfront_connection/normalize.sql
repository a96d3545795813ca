-- CloudFront connection logs: a record for each TLS connection to a distribution that asks its viewers for
-- a certificate (mutual TLS), of the fields that its owner chose.
-- https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/connection-logs.html
--
-- eventTimestamp is said to be ISO 8601, and shown in milliseconds: either is read. native.connectionId is
-- what standard logs have as connection-id. A status is Success, or Failed with its reason behind a colon.
WITH parsed AS (
  SELECT *,
    told_time(event_timestamp)                           AS moment,
    TRY_CAST(tls_handshake_duration AS DOUBLE)           AS handshake,
    CASE WHEN connection_status ILIKE 'fail%' THEN 'failure'
         WHEN connection_status ILIKE 'success%' THEN 'success' ELSE 'unknown' END AS outcome,
    nullif(regexp_extract(connection_status, '^[Ff]ailed:(.+)$', 1), '') AS failure,
    regexp_extract(client_leaf_cert_validity, 'NotBefore=([^;]+);\s*NotAfter=([^;]+)', ['from', 'until']) AS valid
  FROM records
)
SELECT
  record,
  coalesce(moment, told_time(wrap.time))                 AS "@timestamp",

  -- event
  'event'                                                AS "event.kind",
  ['network']                                            AS "event.category",
  CASE WHEN outcome <> 'failure' THEN ['connection', 'start']
       -- no certificate, or none that is taken; or a function of the distribution's owner refused it
       WHEN failure LIKE 'ClientCert%' OR failure = 'ConnectionFunctionDenied' THEN ['connection', 'start', 'denied']
       ELSE ['connection', 'start', 'error'] END         AS "event.type",
  'connect'                                              AS "event.action",
  outcome                                                AS "event.outcome",
  failure                                                AS "event.reason",
  TRY_CAST(handshake * 1e6 AS BIGINT)                    AS "event.duration",

  -- cloud
  'global'                                               AS "cloud.region",

  -- source, destination: the viewer, and the edge server under the name that was asked for
  client_ip                                              AS "source.address",
  client_ip                                              AS "source.ip",
  TRY_CAST(client_port AS INTEGER)                       AS "source.port",
  coalesce(tls_sni, server_ip)                           AS "destination.address",
  tls_sni                                                AS "destination.domain",
  server_ip                                              AS "destination.ip",

  -- network
  'tls'                                                  AS "network.protocol",
  CASE WHEN contains(client_ip, ':') THEN 'ipv6' WHEN ip_text(client_ip) IS NOT NULL THEN 'ipv4' END AS "network.type",

  -- tls
  tls_cipher                                             AS "tls.cipher",
  tls_version(tls_protocol)                              AS "tls.version",
  tls_name(tls_protocol)                                 AS "tls.version_protocol",
  CASE WHEN outcome <> 'unknown' THEN outcome = 'success' END AS "tls.established",
  tls_sni                                                AS "tls.client.server_name",
  client_leaf_cert_subject                               AS "tls.client.subject",
  client_leaf_cert_issuer                                AS "tls.client.issuer",
  TRY_CAST(nullif(valid['from'], '') AS TIMESTAMPTZ)     AS "tls.client.not_before",
  TRY_CAST(nullif(valid['until'], '') AS TIMESTAMPTZ)    AS "tls.client.not_after",
  client_leaf_cert_serial_number                         AS "tls.client.x509.serial_number",

  -- error
  failure                                                AS "error.code",

  -- related
  [tls_sni]                                              AS "related.hosts",

  -- native
  CASE WHEN moment IS NULL THEN 'envelope' END           AS "native.time_source",
  connection_id                                          AS "native.connectionId",
  connection_status                                      AS "native.connectionStatus",
  distribution_id                                        AS "native.distributionId",
  distribution_tenant_id                                 AS "native.distributionTenantId",
  server_ip                                              AS "native.serverIp",
  tls_protocol                                           AS "native.tlsProtocol",
  handshake                                              AS "native.tlsHandshakeDuration",
  client_leaf_cert_validity                              AS "native.clientLeafCertValidity",
  connection_log_custom_data                             AS "native.connectionLogCustomData"
FROM parsed
