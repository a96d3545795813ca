-- Macros for every transforms/*/normalize.sql. Each takes and gives text or numbers as named.

-- ip_text(t): t as an address, else NULL; brackets and zone removed. IPv6 stays as written, in lower case.
CREATE OR REPLACE MACRO ip_text(t) AS CASE
  WHEN regexp_full_match(t, '((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)') THEN t
  WHEN contains(t, ':') AND regexp_full_match(t, '\[?[0-9a-fA-F:.]{2,45}(%[\w.]+)?\]?')
    THEN lower(regexp_extract(t, '([0-9a-fA-F:.]+)', 1))
END;

-- list_or_null(l): l without NULLs; NULL where nothing is left.
CREATE OR REPLACE MACRO list_or_null(l) AS
  CASE WHEN len(list_filter(l, lambda x: x IS NOT NULL)) > 0 THEN list_filter(l, lambda x: x IS NOT NULL) END;

-- epoch_time(t): seconds, milliseconds or microseconds since 1970 as text -> TIMESTAMPTZ; the size tells which.
CREATE OR REPLACE MACRO epoch_time(t) AS CASE
  WHEN TRY_CAST(t AS DOUBLE) IS NULL OR TRY_CAST(t AS DOUBLE) < 0 THEN NULL
  WHEN TRY_CAST(t AS DOUBLE) < 1e11 THEN make_timestamptz(TRY_CAST(TRY_CAST(t AS DECIMAL(28, 6)) * 1000000 AS BIGINT))
  WHEN TRY_CAST(t AS DOUBLE) < 1e14 THEN make_timestamptz(TRY_CAST(TRY_CAST(t AS DECIMAL(28, 6)) * 1000 AS BIGINT))
  WHEN TRY_CAST(t AS DOUBLE) < 1e17 THEN make_timestamptz(TRY_CAST(TRY_CAST(t AS DECIMAL(28, 6)) AS BIGINT))
END;

-- transport_name(p): IANA protocol number as text -> ECS network.transport, as the numbers' registry names them.
CREATE OR REPLACE MACRO transport_name(p) AS CASE p
  WHEN '6' THEN 'tcp' WHEN '17' THEN 'udp' WHEN '1' THEN 'icmp' WHEN '58' THEN 'ipv6-icmp'
  WHEN '2' THEN 'igmp' WHEN '4' THEN 'ipv4' WHEN '8' THEN 'egp' WHEN '33' THEN 'dccp' WHEN '41' THEN 'ipv6'
  WHEN '42' THEN 'sdrp' WHEN '47' THEN 'gre' WHEN '50' THEN 'esp' WHEN '51' THEN 'ah' WHEN '89' THEN 'ospf'
  WHEN '103' THEN 'pim' WHEN '112' THEN 'vrrp' WHEN '132' THEN 'sctp' WHEN '136' THEN 'udplite' END;

-- url_scheme/domain/port/path/query/fragment(u): parts of an absolute URL as written; nothing is decoded.
CREATE OR REPLACE MACRO url_scheme(u) AS nullif(lower(regexp_extract(u, '^([a-zA-Z][\w+.-]*)://', 1)), '');
CREATE OR REPLACE MACRO url_domain(u) AS nullif(regexp_extract(u, '^[a-zA-Z][\w+.-]*://(?:[^/?#@]*@)?(\[[0-9a-fA-F:.]+\]|[^/?#:]*)', 1), '');
CREATE OR REPLACE MACRO url_port(u) AS TRY_CAST(nullif(regexp_extract(u, '^[a-zA-Z][\w+.-]*://(?:[^/?#@]*@)?(?:\[[0-9a-fA-F:.]+\]|[^/?#:]*):(\d{1,5})', 1), '') AS INTEGER);
CREATE OR REPLACE MACRO url_path(u) AS nullif(regexp_extract(u, '^(?:[a-zA-Z][\w+.-]*://[^/?#]*)?([^?#]*)', 1), '');
CREATE OR REPLACE MACRO url_query(u) AS nullif(regexp_extract(u, '^[^?#]*\?([^#]*)', 1), '');
CREATE OR REPLACE MACRO url_fragment(u) AS nullif(regexp_extract(u, '#(.*)$', 1), '');
CREATE OR REPLACE MACRO path_extension(p) AS nullif(lower(regexp_extract(p, '/[^/]*\.([A-Za-z0-9]{1,10})$', 1)), '');
