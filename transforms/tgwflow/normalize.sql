-- Transit Gateway Flow Logs, every field order.
-- https://docs.aws.amazon.com/vpc/latest/tgw/tgw-flow-logs.html
--
-- A record has no action. Its outcome is what became of the packets: failure where all of them were
-- lost, success where some arrived; event.reason names the losses. The event's time is `end`, else
-- `start`, else what the envelope says, else the delivery time in the object's name
-- (native.time_source). Counters over 2^63-1 keep their text in native.packets and native.bytes.
SELECT
  record,
  CASE WHEN end_time IS NOT NULL THEN end_time WHEN start_time IS NOT NULL THEN start_time
       ELSE coalesce(told_time, delivery_time(key_path)) END AS "@timestamp",

  -- event
  'event'                                              AS "event.kind",
  'vpcflowlogs'                                        AS "event.module",   -- the log type is transit-gateway
  ['network']                                          AS "event.category",
  CASE WHEN log_status IN ('NODATA', 'SKIPDATA') THEN ['info'] ELSE ['connection'] END AS "event.type",
  CASE WHEN log_status IN ('NODATA', 'SKIPDATA') THEN 'unknown'
       WHEN lost > 0 AND lost >= coalesce(packet_count, 0) THEN 'failure'
       WHEN packet_count > 0 OR (packet_count IS NULL AND lost = 0) THEN 'success'
       ELSE 'unknown' END                              AS "event.outcome",
  CASE WHEN lost > 0 THEN 'packets lost: ' || concat_ws(', ',
    CASE WHEN no_route > 0 THEN 'no route' END, CASE WHEN blackhole > 0 THEN 'blackhole' END,
    CASE WHEN mtu_exceeded > 0 THEN 'mtu exceeded' END, CASE WHEN ttl_expired > 0 THEN 'ttl expired' END) END AS "event.reason",
  start_time                                           AS "event.start",
  end_time                                             AS "event.end",
  CASE WHEN end_time >= start_time THEN TRY((epoch_us(end_time) - epoch_us(start_time)) * 1000) END AS "event.duration",

  -- cloud: the gateway's; the two sides' accounts, VPCs and subnets are native
  CASE WHEN account_id <> 'unknown' THEN account_id END AS "cloud.account.id",
  region                                               AS "cloud.region",

  -- source, destination
  srcaddr                                              AS "source.address",
  srcaddr                                              AS "source.ip",
  TRY_CAST(srcport AS INTEGER)                         AS "source.port",
  byte_count                                           AS "source.bytes",
  packet_count                                         AS "source.packets",
  dstaddr                                              AS "destination.address",
  dstaddr                                              AS "destination.ip",
  TRY_CAST(dstport AS INTEGER)                         AS "destination.port",

  -- network
  byte_count                                           AS "network.bytes",
  packet_count                                         AS "network.packets",
  iana_number                                          AS "network.iana_number",
  transport_name(iana_number)                          AS "network.transport",
  CASE WHEN type IN ('IPv4', 'IPv6') THEN lower(type) WHEN contains(srcaddr, ':') THEN 'ipv6' WHEN srcaddr IS NOT NULL THEN 'ipv4' END AS "network.type",
  flow_direction                                       AS "network.direction",

  -- native
  TRY_CAST(version AS INTEGER)                         AS "native.version",
  CASE WHEN end_time IS NOT NULL THEN NULL WHEN start_time IS NOT NULL THEN 'start'
       WHEN told_time IS NOT NULL THEN 'envelope' ELSE 'key' END AS "native.time_source",
  resource_type AS "native.resource_type", account_id AS "native.account_id",
  tgw_id AS "native.tgw_id", tgw_attachment_id AS "native.tgw_attachment_id",
  tgw_pair_attachment_id AS "native.tgw_pair_attachment_id",
  tgw_src_vpc_account_id AS "native.tgw_src_vpc_account_id", tgw_dst_vpc_account_id AS "native.tgw_dst_vpc_account_id",
  tgw_src_vpc_id AS "native.tgw_src_vpc_id", tgw_dst_vpc_id AS "native.tgw_dst_vpc_id",
  tgw_src_subnet_id AS "native.tgw_src_subnet_id", tgw_dst_subnet_id AS "native.tgw_dst_subnet_id",
  tgw_src_eni AS "native.tgw_src_eni", tgw_dst_eni AS "native.tgw_dst_eni",
  tgw_src_az_id AS "native.tgw_src_az_id", tgw_dst_az_id AS "native.tgw_dst_az_id",
  log_status                                           AS "native.log_status",
  flags                                                AS "native.tcp_flags",
  CASE WHEN flags > 0 THEN tcp_flag_names(flags) END   AS "native.tcp_flag_names",
  CASE WHEN packet_count IS NULL THEN packets END      AS "native.packets",
  CASE WHEN byte_count IS NULL THEN "bytes" END        AS "native.bytes",
  no_route AS "native.packets_lost_no_route", blackhole AS "native.packets_lost_blackhole",
  mtu_exceeded AS "native.packets_lost_mtu_exceeded", ttl_expired AS "native.packets_lost_ttl_expired",
  pkt_src_aws_service AS "native.pkt_src_aws_service", pkt_dst_aws_service AS "native.pkt_dst_aws_service"
FROM (
  SELECT *,
    seconds_time(start_number, "start") AS start_time,
    seconds_time(end_number, "end")     AS end_time,
    coalesce(told_time(wrap.time), TRY_CAST("timestamp" AS TIMESTAMPTZ)) AS told_time,
    CASE WHEN coalesce(no_route, blackhole, mtu_exceeded, ttl_expired) IS NOT NULL
         THEN coalesce(no_route, 0)::HUGEINT + coalesce(blackhole, 0) + coalesce(mtu_exceeded, 0) + coalesce(ttl_expired, 0) END AS lost
  FROM (
    SELECT *,
      whole_number(protocol)           AS iana_number,
      TRY_CAST("start" AS BIGINT)                   AS start_number,
      TRY_CAST("end" AS BIGINT)                     AS end_number,
      TRY_CAST(packets AS BIGINT)                   AS packet_count,
      TRY_CAST("bytes" AS BIGINT)                   AS byte_count,
      TRY_CAST(tcp_flags AS INTEGER)                AS flags,
      TRY_CAST(packets_lost_no_route AS BIGINT)     AS no_route,
      TRY_CAST(packets_lost_blackhole AS BIGINT)    AS blackhole,
      TRY_CAST(packets_lost_mtu_exceeded AS BIGINT) AS mtu_exceeded,
      TRY_CAST(packets_lost_ttl_expired AS BIGINT)  AS ttl_expired
    FROM records
  )
)
