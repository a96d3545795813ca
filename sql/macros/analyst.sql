-- Macros for analysts, in every connection that lake opens and in lake.duckdb. Pure SQL, no extension.

-- ipv4_number(ip): an IPv4 address as a number, 0 to 2^32-1; NULL for anything else.
CREATE OR REPLACE MACRO ipv4_octet(ip, n) AS CAST(TRY_CAST(split_part(ip, '.', n) AS UTINYINT) AS BIGINT);
CREATE OR REPLACE MACRO ipv4_number(ip) AS CASE WHEN NOT contains(ip, ':') AND split_part(ip, '.', 5) = '' THEN
  ipv4_octet(ip, 1) * 16777216 + ipv4_octet(ip, 2) * 65536 + ipv4_octet(ip, 3) * 256 + ipv4_octet(ip, 4) END;

-- ipv6_hex(ip): an IPv6 address as 32 hex digits; NULL for anything else. The three before it are its steps:
-- a dotted tail as hex groups, the groups before and after `::`, the zeros between. A macro's argument is
-- copied to every place that names it; list_transform over one value stands for a name, and keeps that small.
CREATE OR REPLACE MACRO ipv6_groups(ip) AS CASE WHEN contains(ip, '.') THEN
    regexp_replace(lower(ip), '[0-9.]+$', '') || list_transform([ipv4_number(regexp_extract(ip, '([0-9.]+)$', 1))],
      lambda n: printf('%x:%x', n >> 16, n & 65535))[1]
  ELSE lower(ip) END;
CREATE OR REPLACE MACRO ipv6_side(groups, side) AS list_filter(string_split(split_part(groups, '::', side), ':'), lambda g: g <> '');
CREATE OR REPLACE MACRO ipv6_joined(s) AS array_to_string(list_transform(
    list_concat(s.head, list_resize([]::VARCHAR[], CASE WHEN s.cut THEN greatest(8 - len(s.head) - len(s.tail), 0) ELSE 0 END, '0'), s.tail),
    lambda g: lpad(g, 4, '0')), '');
CREATE OR REPLACE MACRO ipv6_hex(ip) AS CASE WHEN contains(ip, ':') THEN list_transform(list_transform([ipv6_groups(ip)],
    lambda g: struct_pack(head := ipv6_side(g, 1), tail := ipv6_side(g, 2), cut := contains(g, '::'))), lambda s: ipv6_joined(s))[1] END;

-- address_order(text): what addresses are ordered by, as numbers; other text by itself.
CREATE OR REPLACE MACRO address_order(text) AS
  struct_pack(v6 := if(contains(text, ':'), if(ipv6_hex(text) < '00000000000000000000ffff', -1, 1), 0) /* :: and ::1 before IPv4, as in OpenSearch */, v4 := ipv4_number(text), hex := ipv6_hex(text), text := text);

-- cidr(ip, net): whether an address lies in a network, `cidr(source.ip, '10.0.0.0/8')`, IPv4 or IPv6; a
-- network without a length is one address. NULL where the network is none. What must stand before a dot is
-- compared as text first, which decides /8, /16, /24 and /32 alone: of text that is no address the answer says
-- nothing, and the leaves `*.ip` hold addresses only.
CREATE OR REPLACE MACRO ipv6_is(ip) AS len(ipv6_hex(ip)) = 32 AND NOT regexp_matches(ip, ':::|::.*::|^:[^:]|[^:]:$|[^0-9a-fA-F:.]');
CREATE OR REPLACE MACRO is_network(net) AS split_part(net, '/', 3) = '' AND cidr_bits(net) IS NOT NULL
  AND CASE WHEN contains(net, ':') THEN ipv6_is(split_part(net, '/', 1)) ELSE ipv4_number(split_part(net, '/', 1)) IS NOT NULL END;
CREATE OR REPLACE MACRO cidr_bits(net) AS CASE
  WHEN contains(net, '/') THEN CASE WHEN TRY_CAST(split_part(net, '/', 2) AS INTEGER) BETWEEN 0 AND CASE WHEN contains(net, ':') THEN 128 ELSE 32 END
    THEN TRY_CAST(split_part(net, '/', 2) AS INTEGER) END
  WHEN contains(net, ':') THEN 128 ELSE 32 END;
CREATE OR REPLACE MACRO cidr_head(net) AS
  array_to_string(string_split(split_part(net, '/', 1), '.')[1:(cidr_bits(net) // 8)], '.')
  || CASE WHEN cidr_bits(net) BETWEEN 8 AND 31 THEN '.' ELSE '' END;
CREATE OR REPLACE MACRO ipv6_within(a) AS a.ip[1:(a.bits // 4)] = a.net[1:(a.bits // 4)] AND (a.bits % 4 = 0 OR
  (TRY_CAST('0x' || a.ip[(a.bits // 4 + 1)] AS INTEGER) >> (4 - a.bits % 4)) = (TRY_CAST('0x' || a.net[(a.bits // 4 + 1)] AS INTEGER) >> (4 - a.bits % 4)));
CREATE OR REPLACE MACRO cidr(ip, net) AS CASE
  WHEN ip IS NULL OR is_network(net) IS NOT TRUE THEN NULL
  WHEN contains(net, ':') THEN CASE WHEN NOT contains(ip, ':') THEN false ELSE
    list_transform([struct_pack(ip := ipv6_hex(ip), net := ipv6_hex(split_part(net, '/', 1)), bits := cidr_bits(net))],
      lambda a: ipv6_within(a))[1] END
  WHEN cidr_bits(net) = 32 THEN ip = split_part(net, '/', 1)
  WHEN NOT starts_with(ip, cidr_head(net)) THEN false
  WHEN contains(ip, ':') THEN false
  WHEN cidr_bits(net) % 8 = 0 THEN true
  ELSE TRY_CAST(split_part(ip, '.', cidr_bits(net) // 8 + 1) AS INTEGER) >> (8 - cidr_bits(net) % 8)
     = TRY_CAST(split_part(split_part(net, '/', 1), '.', cidr_bits(net) // 8 + 1) AS INTEGER) >> (8 - cidr_bits(net) % 8) END;

-- is_private(ip): RFC 1918, RFC 4193, carrier-grade NAT, loopback and link-local addresses, also within ::ffff:.
CREATE OR REPLACE MACRO is_private(ip) AS CASE
  WHEN starts_with(ip, '10.') OR starts_with(ip, '192.168.') OR starts_with(ip, '127.') OR starts_with(ip, '169.254.') THEN true
  WHEN starts_with(ip, '172.') THEN TRY_CAST(split_part(ip, '.', 2) AS INTEGER) BETWEEN 16 AND 31
  WHEN starts_with(ip, '100.') THEN TRY_CAST(split_part(ip, '.', 2) AS INTEGER) BETWEEN 64 AND 127
  WHEN contains(ip, ':') THEN ip = '::1' OR regexp_matches(ip, '^f[cd][0-9a-f]{2}:|^fe[89ab][0-9a-f]:')
    OR regexp_matches(ip, '^::ffff:(10|127|192\.168|169\.254|172\.(1[6-9]|2\d|3[01])|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\.')
  WHEN ip IS NOT NULL THEN false END;

-- ago(span): the moment that long before now: `"@timestamp" > ago('2 hours')`.
CREATE OR REPLACE MACRO ago(span) AS now() - CAST(span AS INTERVAL);

-- utc_bucket(width, time): the start of the bar that a time lies in, `utc_bucket('1 day', "@timestamp")`, in
-- UTC whatever the session's zone. As time_bucket gives it there, in a twentieth of the time, since that asks
-- the calendar of a zone for every row.
CREATE OR REPLACE MACRO utc_bucket(width, time) AS
  make_timestamptz(epoch_us(time_bucket(CAST(width AS INTERVAL), make_timestamp(epoch_us(time)))));

-- arn(text): an ARN in its parts: partition, service, region, account, resource (all after the fifth
-- colon), resource_type, resource_id. An ARN without region and account (a bucket's, an object's) tells no
-- type. NULL where the text is no ARN.
CREATE OR REPLACE MACRO arn(text) AS CASE WHEN regexp_matches(text, '^arn:[^:]*:[^:]*:[^:]*:[^:]*:.') THEN struct_pack(
  "partition" := split_part(text, ':', 2), service := split_part(text, ':', 3),
  region := nullif(split_part(text, ':', 4), ''), account := nullif(split_part(text, ':', 5), ''),
  resource := regexp_extract(text, '^(?:[^:]*:){5}(.*)$', 1),
  resource_type := nullif(regexp_extract(text, '^(?:[^:]*:){3}(?:[^:]+:[^:]*|:[^:]+):([^:/]*)[:/]', 1), ''),
  resource_id := regexp_extract(text, '^(?:[^:]*:){3}(?:::|(?:[^:]+:[^:]*|:[^:]+):(?:[^:/]*[:/])?)(.*)$', 1)) END;
