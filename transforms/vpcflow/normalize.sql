-- VPC Flow Logs, every version and field order.
-- https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
-- The event's time is `end`, else `start`, else what the envelope said. Counters over 2^63-1 keep
-- their text in native.packets and native.bytes, which are NULL otherwise.
SELECT
  record,
  coalesce(to_timestamp(TRY_CAST("end" AS BIGINT)), to_timestamp(TRY_CAST("start" AS BIGINT)), epoch_time(wrap.time)) AS "@timestamp",

  -- event
  'event'                                              AS "event.kind",
  ['network']                                          AS "event.category",
  CASE action WHEN 'ACCEPT' THEN ['connection', 'allowed'] WHEN 'REJECT' THEN ['connection', 'denied'] ELSE ['connection'] END AS "event.type",
  action                                               AS "event.action",
  CASE action WHEN 'ACCEPT' THEN 'success' WHEN 'REJECT' THEN 'failure' ELSE 'unknown' END AS "event.outcome",
  to_timestamp(TRY_CAST("start" AS BIGINT))            AS "event.start",
  to_timestamp(TRY_CAST("end" AS BIGINT))              AS "event.end",
  CASE WHEN TRY_CAST("end" AS BIGINT) >= TRY_CAST("start" AS BIGINT)
       THEN TRY_CAST((TRY_CAST("end" AS HUGEINT) - TRY_CAST("start" AS HUGEINT)) * 1000000000 AS BIGINT) END AS "event.duration",

  -- cloud
  CASE WHEN account_id <> 'unknown' THEN account_id END AS "cloud.account.id",
  region                                               AS "cloud.region",
  az_id                                                AS "cloud.availability_zone",
  instance_id                                          AS "cloud.instance.id",
  vpc_id                                               AS "cloud.vpc.id",
  subnet_id                                            AS "cloud.subnet.id",

  -- source, destination
  coalesce(srcaddr, pkt_srcaddr)                       AS "source.address",
  coalesce(srcaddr, pkt_srcaddr)                       AS "source.ip",
  TRY_CAST(srcport AS INTEGER)                         AS "source.port",
  TRY_CAST("bytes" AS BIGINT)                          AS "source.bytes",
  TRY_CAST(packets AS BIGINT)                          AS "source.packets",
  coalesce(dstaddr, pkt_dstaddr)                       AS "destination.address",
  coalesce(dstaddr, pkt_dstaddr)                       AS "destination.ip",
  TRY_CAST(dstport AS INTEGER)                         AS "destination.port",

  -- network
  TRY_CAST("bytes" AS BIGINT)                          AS "network.bytes",
  TRY_CAST(packets AS BIGINT)                          AS "network.packets",
  protocol                                             AS "network.iana_number",
  transport_name(protocol)                             AS "network.transport",
  coalesce(lower(type), CASE WHEN contains(srcaddr, ':') THEN 'ipv6' WHEN srcaddr IS NOT NULL THEN 'ipv4' END) AS "network.type",
  flow_direction                                       AS "network.direction",

  -- related
  CASE WHEN pkt_srcaddr IS NOT NULL OR pkt_dstaddr IS NOT NULL THEN [ip_text(pkt_srcaddr), ip_text(pkt_dstaddr)] END AS "related.ip",

  -- native
  TRY_CAST(version AS INTEGER)                         AS "native.version",
  account_id                                           AS "native.account_id",
  interface_id                                         AS "native.interface_id",
  log_status                                           AS "native.log_status",
  TRY_CAST(tcp_flags AS INTEGER)                       AS "native.tcp_flags",
  CASE WHEN TRY_CAST(tcp_flags AS INTEGER) > 0 THEN list_filter([
    CASE WHEN TRY_CAST(tcp_flags AS INTEGER) & 1  > 0 THEN 'fin' END, CASE WHEN TRY_CAST(tcp_flags AS INTEGER) & 2  > 0 THEN 'syn' END,
    CASE WHEN TRY_CAST(tcp_flags AS INTEGER) & 4  > 0 THEN 'rst' END, CASE WHEN TRY_CAST(tcp_flags AS INTEGER) & 8  > 0 THEN 'psh' END,
    CASE WHEN TRY_CAST(tcp_flags AS INTEGER) & 16 > 0 THEN 'ack' END, CASE WHEN TRY_CAST(tcp_flags AS INTEGER) & 32 > 0 THEN 'urg' END],
    lambda x: x IS NOT NULL) END                       AS "native.tcp_flag_names",
  CASE WHEN TRY_CAST(packets AS BIGINT) IS NULL THEN packets END AS "native.packets",
  CASE WHEN TRY_CAST("bytes" AS BIGINT) IS NULL THEN "bytes" END AS "native.bytes",
  pkt_srcaddr AS "native.pkt_srcaddr", pkt_dstaddr AS "native.pkt_dstaddr", az_id AS "native.az_id",
  sublocation_type AS "native.sublocation_type", sublocation_id AS "native.sublocation_id",
  pkt_src_aws_service AS "native.pkt_src_aws_service", pkt_dst_aws_service AS "native.pkt_dst_aws_service",
  TRY_CAST(traffic_path AS INTEGER)                    AS "native.traffic_path",
  ecs_cluster_arn AS "native.ecs_cluster_arn", ecs_cluster_name AS "native.ecs_cluster_name",
  ecs_container_instance_arn AS "native.ecs_container_instance_arn", ecs_container_instance_id AS "native.ecs_container_instance_id",
  ecs_container_id AS "native.ecs_container_id", ecs_second_container_id AS "native.ecs_second_container_id",
  ecs_service_name AS "native.ecs_service_name", ecs_task_definition_arn AS "native.ecs_task_definition_arn",
  ecs_task_arn AS "native.ecs_task_arn", ecs_task_id AS "native.ecs_task_id",
  reject_reason AS "native.reject_reason", resource_id AS "native.resource_id",
  TRY_CAST(encryption_status AS INTEGER)               AS "native.encryption_status",
  instance_tag AS "native.instance_tag", instance_tag_2 AS "native.instance_tag_2",
  interface_tag AS "native.interface_tag", interface_tag_2 AS "native.interface_tag_2",
  asg_tag AS "native.asg_tag", asg_tag_2 AS "native.asg_tag_2", interface_type AS "native.interface_type",
  next_hop_interface_id AS "native.next_hop_interface_id", next_hop_subnet_id AS "native.next_hop_subnet_id",
  next_hop_az_id AS "native.next_hop_az_id", next_hop_vpc_id AS "native.next_hop_vpc_id",
  next_hop_interface_type AS "native.next_hop_interface_type"
FROM records
