-- VPC Flow Logs, every version and field order.
-- https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
--
-- The event's time is `end`. A custom format may lack it: then `start`, then what the envelope says,
-- then the delivery time in the object's name; native.time_source says which. Counters over 2^63-1
-- keep their text in native.packets and native.bytes, which are NULL otherwise. The type EFA is no
-- layer of the network: the address tells it, unless it is a MAC address.
SELECT
  record,
  CASE WHEN end_time IS NOT NULL THEN end_time WHEN start_time IS NOT NULL THEN start_time
       ELSE coalesce(told_time, delivery_time(key_path)) END AS "@timestamp",

  -- event
  'event'                                              AS "event.kind",
  ['network']                                          AS "event.category",
  CASE WHEN action = 'ACCEPT' THEN ['connection', 'allowed'] WHEN action = 'REJECT' OR (action IS NULL AND reject_reason IS NOT NULL) THEN ['connection', 'denied']
       WHEN log_status IN ('NODATA', 'SKIPDATA') THEN ['info'] ELSE ['connection'] END AS "event.type",
  action                                               AS "event.action",
  CASE WHEN action = 'ACCEPT' THEN 'success' WHEN action = 'REJECT' OR reject_reason IS NOT NULL THEN 'failure' ELSE 'unknown' END AS "event.outcome",
  reject_reason                                        AS "event.reason",
  start_time                                           AS "event.start",
  end_time                                             AS "event.end",
  CASE WHEN end_time >= start_time THEN TRY((epoch_us(end_time) - epoch_us(start_time)) * 1000) END AS "event.duration",

  -- cloud
  CASE WHEN account_id <> 'unknown' THEN account_id END AS "cloud.account.id",
  region                                               AS "cloud.region",
  az_id                                                AS "cloud.availability_zone",
  instance_id                                          AS "cloud.instance.id",
  vpc_id                                               AS "cloud.vpc.id",
  subnet_id                                            AS "cloud.subnet.id",

  -- source, destination: the addresses of the interface's flow; those of the packet, where they
  -- differ (NAT, a transit gateway, a secondary address), are in native and related.ip
  from_address                                         AS "source.address",
  from_address                                         AS "source.ip",
  TRY_CAST(srcport AS INTEGER)                         AS "source.port",
  byte_count                                           AS "source.bytes",
  packet_count                                         AS "source.packets",
  coalesce(dstaddr, pkt_dstaddr)                       AS "destination.address",
  coalesce(dstaddr, pkt_dstaddr)                       AS "destination.ip",
  TRY_CAST(dstport AS INTEGER)                         AS "destination.port",

  -- network: a record is one direction of a flow, so that its sum is the network's
  byte_count                                           AS "network.bytes",
  packet_count                                         AS "network.packets",
  iana_number                                          AS "network.iana_number",
  transport_name(iana_number)                          AS "network.transport",
  CASE WHEN type IN ('IPv4', 'IPv6') THEN lower(type)
       WHEN contains(from_address, ':') THEN CASE WHEN NOT regexp_full_match(from_address, '([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}') THEN 'ipv6' END
       WHEN from_address IS NOT NULL THEN 'ipv4' END   AS "network.type",
  -- only egress traffic has a traffic path
  CASE WHEN flow_direction IS NOT NULL THEN flow_direction WHEN traffic_path IS NOT NULL THEN 'egress' END AS "network.direction",

  -- related
  CASE WHEN pkt_srcaddr <> srcaddr OR pkt_dstaddr <> dstaddr THEN [ip_text(pkt_srcaddr), ip_text(pkt_dstaddr)] END AS "related.ip",

  -- native
  TRY_CAST(version AS INTEGER)                         AS "native.version",
  CASE WHEN end_time IS NOT NULL THEN NULL WHEN start_time IS NOT NULL THEN 'start'
       WHEN told_time IS NOT NULL THEN 'envelope' ELSE 'key' END AS "native.time_source",
  account_id                                           AS "native.account_id",
  interface_id                                         AS "native.interface_id",
  log_status                                           AS "native.log_status",
  flags                                                AS "native.tcp_flags",
  CASE WHEN flags > 0 THEN tcp_flag_names(flags) END   AS "native.tcp_flag_names",
  CASE WHEN packet_count IS NULL THEN packets END      AS "native.packets",
  CASE WHEN byte_count IS NULL THEN "bytes" END        AS "native.bytes",
  pkt_srcaddr AS "native.pkt_srcaddr", pkt_dstaddr AS "native.pkt_dstaddr", az_id AS "native.az_id",
  sublocation_type AS "native.sublocation_type", sublocation_id AS "native.sublocation_id",
  pkt_src_aws_service AS "native.pkt_src_aws_service", pkt_dst_aws_service AS "native.pkt_dst_aws_service",
  TRY_CAST(traffic_path AS INTEGER)                    AS "native.traffic_path",
  ecs_cluster_arn AS "native.ecs_cluster_arn", ecs_cluster_name AS "native.ecs_cluster_name",
  ecs_container_instance_arn AS "native.ecs_container_instance_arn", ecs_container_instance_id AS "native.ecs_container_instance_id",
  ecs_container_id AS "native.ecs_container_id", ecs_second_container_id AS "native.ecs_second_container_id",
  ecs_service_name AS "native.ecs_service_name", ecs_task_definition_arn AS "native.ecs_task_definition_arn",
  ecs_task_arn AS "native.ecs_task_arn", ecs_task_id AS "native.ecs_task_id",
  resource_id                                          AS "native.resource_id",
  TRY_CAST(encryption_status AS INTEGER)               AS "native.encryption_status",
  instance_tag AS "native.instance_tag", instance_tag_2 AS "native.instance_tag_2",
  interface_tag AS "native.interface_tag", interface_tag_2 AS "native.interface_tag_2",
  asg_tag AS "native.asg_tag", asg_tag_2 AS "native.asg_tag_2", interface_type AS "native.interface_type",
  next_hop_interface_id AS "native.next_hop_interface_id", next_hop_subnet_id AS "native.next_hop_subnet_id",
  next_hop_az_id AS "native.next_hop_az_id", next_hop_vpc_id AS "native.next_hop_vpc_id",
  next_hop_interface_type AS "native.next_hop_interface_type"
FROM (
  SELECT *, seconds_time(start_number, "start") AS start_time, seconds_time(end_number, "end") AS end_time,
    coalesce(told_time(wrap.time), TRY_CAST("timestamp" AS TIMESTAMPTZ)) AS told_time
  FROM (
    SELECT *,
      coalesce(srcaddr, pkt_srcaddr)   AS from_address,
      whole_number(protocol)           AS iana_number,
      TRY_CAST("start" AS BIGINT)      AS start_number,
      TRY_CAST("end" AS BIGINT)        AS end_number,
      TRY_CAST(packets AS BIGINT)      AS packet_count,
      TRY_CAST("bytes" AS BIGINT)      AS byte_count,
      TRY_CAST(tcp_flags AS INTEGER)   AS flags
    FROM records
  )
)
