-- CloudFront real-time logs: fields in AWS's order without a header, or named as JSON or Parquet.
-- https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/real-time-logs.html
--
-- Blanks and the like are percent-encoded in the log; that is undone in the user agent, the content
-- type and the forwarded addresses. cs-uri-stem holds the query too. Status 000 is no status: the
-- viewer had left.
SELECT
  record,
  coalesce(end_time, told_time(wrap.time))             AS "@timestamp",

  -- event
  'event'                                              AS "event.kind",
  ['web']                                              AS "event.category",
  CASE WHEN status IN (401, 403) THEN ['access', 'denied'] WHEN outcome = 'failure' THEN ['access', 'error'] ELSE ['access'] END AS "event.type",
  x_edge_result_type                                   AS "event.action",
  outcome                                              AS "event.outcome",
  CASE WHEN outcome = 'failure' THEN coalesce(x_edge_detailed_result_type, sr_reason) END AS "event.reason",
  TRY(make_timestamptz(epoch_us(end_time) - round(taken * 1000000)::BIGINT)) AS "event.start",
  end_time                                             AS "event.end",
  TRY_CAST(round(taken * 1000000000) AS BIGINT)        AS "event.duration",

  -- cloud
  'global'                                             AS "cloud.region",

  -- source: the viewer, or the proxy nearest to CloudFront
  c_ip                                                 AS "source.address",
  c_ip                                                 AS "source.ip",
  TRY_CAST(c_port AS INTEGER)                          AS "source.port",
  bytes_in                                             AS "source.bytes",

  -- destination: the distribution's side
  coalesce(s_ip, domain)                               AS "destination.address",
  s_ip                                                 AS "destination.ip",
  domain                                               AS "destination.domain",
  bytes_out                                            AS "destination.bytes",

  -- network
  TRY(coalesce(bytes_in + bytes_out, bytes_in, bytes_out)) AS "network.bytes",
  CASE WHEN scheme IN ('http', 'https') THEN 'http' WHEN scheme IN ('ws', 'wss') THEN 'websocket' WHEN scheme = 'grpcs' THEN 'grpc' ELSE scheme END AS "network.protocol",
  CASE WHEN cs_protocol_version LIKE 'HTTP/3%' THEN 'udp' WHEN cs_protocol_version IS NOT NULL THEN 'tcp' END AS "network.transport",
  CASE WHEN cs_protocol_version LIKE 'HTTP/3%' THEN '17' WHEN cs_protocol_version IS NOT NULL THEN '6' END AS "network.iana_number",
  CASE WHEN contains(c_ip, ':') THEN 'ipv6' WHEN ip_text(c_ip) IS NOT NULL THEN 'ipv4' END AS "network.type",

  -- http
  cs_method                                            AS "http.request.method",
  bytes_in                                             AS "http.request.bytes",
  cs_referer                                           AS "http.request.referrer",
  x_edge_request_id                                    AS "http.request.id",
  nullif(status, 0)                                    AS "http.response.status_code",
  bytes_out                                            AS "http.response.bytes",
  TRY_CAST(sc_content_len AS BIGINT)                   AS "http.response.body.bytes",
  media_type(content_type)                             AS "http.response.mime_type",
  CASE WHEN cs_protocol_version LIKE 'HTTP/_%' THEN substr(cs_protocol_version, 6) END AS "http.version",

  -- url, of what the viewer asked for: cs-host is its Host, x-host-header the distribution's name
  scheme                                               AS "url.scheme",
  domain                                               AS "url.domain",
  port_of(host)                                        AS "url.port",
  url_path                                             AS "url.path",
  coalesce(cs_uri_query, url_query(cs_uri_stem))       AS "url.query",
  path_extension(url_path)                             AS "url.extension",
  CASE WHEN scheme IS NOT NULL AND host IS NOT NULL AND cs_uri_stem IS NOT NULL
       THEN scheme || '://' || host || cs_uri_stem END AS "url.full",
  percent_text(agent)                                  AS "user_agent.original",

  -- tls
  tls_version(ssl_protocol)                            AS "tls.version",
  tls_name(ssl_protocol)                               AS "tls.version_protocol",
  ssl_cipher                                           AS "tls.cipher",
  CASE WHEN ssl_protocol IS NOT NULL THEN true WHEN scheme IN ('http', 'ws') THEN false END AS "tls.established",

  -- related
  CASE WHEN x_forwarded_for IS NOT NULL THEN list_transform(string_split(log_text(x_forwarded_for), ','), lambda x: forwarded_ip(trim(x))) END AS "related.ip",
  [domain, x_host_header, host_of(r_host)]      AS "related.hosts",

  -- native
  key_id                                               AS "native.distribution_id",
  CASE WHEN end_time IS NULL THEN 'envelope' END       AS "native.time_source",
  x_edge_location                                      AS "native.x_edge_location",
  x_edge_result_type                                   AS "native.x_edge_result_type",
  x_edge_response_result_type                          AS "native.x_edge_response_result_type",
  x_edge_detailed_result_type                          AS "native.x_edge_detailed_result_type",
  x_edge_request_id                                    AS "native.x_edge_request_id",
  cs_method AS "native.cs_method", cs_host AS "native.cs_host", x_host_header AS "native.x_host_header",
  cs_protocol AS "native.cs_protocol", cs_protocol_version AS "native.cs_protocol_version", cs_cookie AS "native.cs_cookie",
  bytes_in AS "native.cs_bytes", bytes_out AS "native.sc_bytes", status AS "native.sc_status",
  taken                                                AS "native.time_taken",
  TRY_CAST(time_to_first_byte AS DOUBLE)               AS "native.time_to_first_byte",
  x_forwarded_for AS "native.x_forwarded_for", ssl_protocol AS "native.ssl_protocol", ssl_cipher AS "native.ssl_cipher",
  fle_status AS "native.fle_status", TRY_CAST(fle_encrypted_fields AS INTEGER) AS "native.fle_encrypted_fields",
  sc_content_type AS "native.sc_content_type", TRY_CAST(sc_content_len AS BIGINT) AS "native.sc_content_len",
  TRY_CAST(sc_range_start AS BIGINT) AS "native.sc_range_start", TRY_CAST(sc_range_end AS BIGINT) AS "native.sc_range_end",
  s_ip AS "native.s_ip", c_ip_version AS "native.c_ip_version", cs_accept AS "native.cs_accept",
  cs_accept_encoding AS "native.cs_accept_encoding", cs_headers AS "native.cs_headers",
  cs_header_names AS "native.cs_header_names", TRY_CAST(cs_headers_count AS INTEGER) AS "native.cs_headers_count",
  TRY_CAST(origin_fbl AS DOUBLE) AS "native.origin_fbl", TRY_CAST(origin_lbl AS DOUBLE) AS "native.origin_lbl",
  TRY_CAST(asn AS BIGINT) AS "native.asn", c_country AS "native.c_country",
  cache_behavior_path_pattern AS "native.cache_behavior_path_pattern",
  primary_distribution_id                              AS "native.primary_distribution_id",
  primary_distribution_dns_name                        AS "native.primary_distribution_dns_name",
  r_host AS "native.r_host", sr_reason AS "native.sr_reason", x_edge_mqcs AS "native.x_edge_mqcs",
  distribution_tenant_id AS "native.distribution_tenant_id", connection_id AS "native.connection_id",
  viewer_request_log_data AS "native.viewer_request_log_data", viewer_response_log_data AS "native.viewer_response_log_data",
  cmcd_encoded_bitrate AS "native.cmcd_encoded_bitrate", cmcd_buffer_length AS "native.cmcd_buffer_length",
  cmcd_buffer_starvation AS "native.cmcd_buffer_starvation", cmcd_content_id AS "native.cmcd_content_id",
  cmcd_object_duration AS "native.cmcd_object_duration", cmcd_deadline AS "native.cmcd_deadline",
  cmcd_measured_throughput AS "native.cmcd_measured_throughput", cmcd_next_object_request AS "native.cmcd_next_object_request",
  cmcd_next_range_request AS "native.cmcd_next_range_request", cmcd_object_type AS "native.cmcd_object_type",
  cmcd_playback_rate AS "native.cmcd_playback_rate", cmcd_requested_maximum_throughput AS "native.cmcd_requested_maximum_throughput",
  cmcd_streaming_format AS "native.cmcd_streaming_format", cmcd_session_id AS "native.cmcd_session_id",
  cmcd_stream_type AS "native.cmcd_stream_type", cmcd_startup AS "native.cmcd_startup",
  cmcd_top_bitrate AS "native.cmcd_top_bitrate", cmcd_version AS "native.cmcd_version"
-- each step is a SELECT of its own, since DuckDB computes an alias anew wherever a CASE uses it
FROM (
  SELECT *, host_of(host) AS domain, percent_text(escaped_type) AS content_type
  FROM (
    SELECT *,
      epoch_time("timestamp")                                     AS end_time,
      nullif(regexp_extract(key_path, '(?:^|[/._-])(E[0-9A-Z]{11,14})(?:[/._-]|$)', 1), '') AS key_id,
      log_escape_undone(cs_user_agent)                            AS agent,
      log_escape_undone(sc_content_type)                          AS escaped_type,
      split_part(cs_uri_stem, '?', 1)                             AS url_path,
      TRY_CAST(sc_status AS INTEGER)                              AS status,
      TRY_CAST(cs_bytes AS BIGINT)                                AS bytes_in,
      TRY_CAST(sc_bytes AS BIGINT)                                AS bytes_out,
      TRY_CAST(time_taken AS DOUBLE)                              AS taken,
      coalesce(cs_host, x_host_header)                            AS host,
      lower(cs_protocol)                                          AS scheme,
      CASE WHEN TRY_CAST(sc_status AS INTEGER) >= 400 OR TRY_CAST(sc_status AS INTEGER) = 0 THEN 'failure'
           WHEN TRY_CAST(sc_status AS INTEGER) IS NOT NULL THEN 'success'
           WHEN x_edge_result_type IN ('Error', 'LimitExceeded', 'CapacityExceeded') THEN 'failure'
           WHEN x_edge_result_type IS NOT NULL THEN 'success' ELSE 'unknown' END AS outcome
    FROM records
  )
)
