-- Network Load Balancer access logs: one line for each ended TLS connection, 18 to 22 fields.
-- https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-access-logs.html
-- Times are UTC without saying so. The bytes are a TCP stream's, so they are source.bytes and
-- destination.bytes, not http.*. Without a handshake time the handshake failed.
WITH cells AS (
  -- a table of Athena has address and port apart
  SELECT * REPLACE (
    CASE WHEN client_ip IS NULL THEN client_port ELSE concat_ws(':', client_ip, client_port) END AS client_port,
    CASE WHEN target_ip IS NULL THEN destination_port ELSE concat_ws(':', target_ip, coalesce(target_port, destination_port)) END AS destination_port)
  FROM records
), parsed AS (
  SELECT *,
    tls_handshake_time IS NOT NULL                       AS established,
    TRY_CAST(received_bytes AS BIGINT)                   AS received,
    TRY_CAST(sent_bytes AS BIGINT)                       AS sent,
    -- key and envelope name the balancer's owner and region; without them its certificate does
    CASE WHEN NOT contains(key_path, '/elasticloadbalancing/') THEN chosen_cert_arn END AS arn
  FROM cells
)
SELECT
  record,
  TRY_CAST("time" AS TIMESTAMPTZ)                        AS "@timestamp",

  -- event
  'event'                                                AS "event.kind",
  ['network']                                            AS "event.category",
  CASE WHEN established THEN ['connection', 'end'] ELSE ['connection', 'end', 'error'] END AS "event.type",
  'connect'                                              AS "event.action",
  CASE WHEN established THEN 'success' ELSE 'failure' END AS "event.outcome",
  TRY_CAST(tls_connection_creation_time AS TIMESTAMPTZ)  AS "event.start",
  TRY_CAST("time" AS TIMESTAMPTZ)                        AS "event.end",
  TRY(TRY_CAST(connection_time AS BIGINT) * 1000000)     AS "event.duration",

  -- cloud
  CASE WHEN wrap.account IS NULL THEN nullif(split_part(arn, ':', 5), '') END AS "cloud.account.id",
  CASE WHEN wrap.region IS NULL THEN nullif(split_part(arn, ':', 4), '') END AS "cloud.region",

  -- source, destination
  host_of(client_port)                                   AS "source.address",
  host_of(client_port)                                   AS "source.ip",
  port_of(client_port)                                   AS "source.port",
  received                                               AS "source.bytes",
  host_of(destination_port)                              AS "destination.address",
  host_of(destination_port)                              AS "destination.ip",
  port_of(destination_port)                              AS "destination.port",
  sent                                                   AS "destination.bytes",

  -- network, url
  TRY(received + sent)                                   AS "network.bytes",
  'tcp'                                                  AS "network.transport",
  type                                                   AS "network.protocol",
  alpn_fe_protocol                                       AS "network.application",
  domain_name                                            AS "url.domain",
  port_of(destination_port)                              AS "url.port",

  -- tls
  tls_cipher                                             AS "tls.cipher",
  tls_version(tls_protocol_version)                      AS "tls.version",
  tls_name(tls_protocol_version)                         AS "tls.version_protocol",
  established                                            AS "tls.established",
  tls_keyexchange                                        AS "tls.curve",
  alpn_fe_protocol                                       AS "tls.next_protocol",
  domain_name                                            AS "tls.client.server_name",
  chosen_cert_serial                                     AS "tls.server.x509.serial_number",

  -- error
  CASE WHEN NOT established THEN incoming_tls_alert END  AS "error.code",

  -- native
  type                                                   AS "native.listener_type",
  version                                                AS "native.log_entry_version",
  elb                                                    AS "native.elb",
  listener                                               AS "native.listener",
  TRY_CAST(tls_handshake_time AS BIGINT)                 AS "native.tls_handshake_time",
  incoming_tls_alert                                     AS "native.incoming_tls_alert",
  chosen_cert_arn                                        AS "native.chosen_cert_arn",
  tls_protocol_version                                   AS "native.tls_protocol_version",
  alpn_be_protocol                                       AS "native.alpn_be_protocol",
  string_split(replace(alpn_client_preference_list, '"', ''), ',') AS "native.alpn_client_preference_list"
FROM parsed
