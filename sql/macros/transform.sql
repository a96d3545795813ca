-- Macros for every transforms/*/normalize.sql. Each takes and gives text or numbers as named.

-- v6_dotless(t): the IPv4 address at the end of IPv6 text as two groups.
CREATE OR REPLACE MACRO v6_dotless(t) AS CASE WHEN contains(t, '.')
  THEN list_transform([string_split(regexp_extract(t, '[0-9.]+$'), '.')], lambda o: regexp_replace(t, '[0-9.]+$', '')
    || printf('%x:%x', o[1]::INT * 256 + o[2]::INT, o[3]::INT * 256 + o[4]::INT))[1] ELSE t END;

-- v6_groups(t): IPv6 text without dots as eight groups without leading zeros, between colons; NULL where it is none.
CREATE OR REPLACE MACRO v6_groups(t) AS list_transform([list_transform([t], lambda u: CASE
    WHEN regexp_matches(u, ':::|::.*::|^:[^:]|[^:]:$') THEN NULL
    WHEN contains(u, '::') THEN trim(replace(u, '::', ':' || nullif(repeat('0:', 8 - len(list_filter(string_split(u, ':'), lambda g: g <> ''))), '')), ':')
    ELSE u END)[1]],
  lambda e: CASE WHEN regexp_full_match(e, '[0-9a-f]{1,4}(:[0-9a-f]{1,4}){7}') THEN regexp_replace(':' || e || ':', ':0+([0-9a-f])', ':\1', 'g') END)[1];

-- v6_short(t): eight groups between colons with the first of the longest runs of zeros as '::' (RFC 5952 4.2), and ::ffff:a.b.c.d in dots (5).
CREATE OR REPLACE MACRO v6_short(t) AS list_transform([t], lambda g: CASE
  WHEN NOT contains(g, ':0:0:') THEN g[2:-2]
  WHEN starts_with(g, ':0:0:0:0:0:ffff:') THEN list_transform([[('0x' || split_part(g, ':', 8))::INT, ('0x' || split_part(g, ':', 9))::INT]],
    lambda n: '::ffff:' || concat_ws('.', n[1] // 256, n[1] % 256, n[2] // 256, n[2] % 256))[1]
  ELSE list_transform([CASE
      WHEN contains(g, ':0:0:0:0:0:') THEN repeat(':0', CASE WHEN contains(g, ':0:0:0:0:0:0:0:') THEN CASE WHEN contains(g, ':0:0:0:0:0:0:0:0:') THEN 8 ELSE 7 END
        WHEN contains(g, ':0:0:0:0:0:0:') THEN 6 ELSE 5 END) || ':'
      WHEN contains(g, ':0:0:0:0:') THEN ':0:0:0:0:' WHEN contains(g, ':0:0:0:') THEN ':0:0:0:' ELSE ':0:0:' END],
    lambda run: substr(g, 2, greatest(strpos(g, run) - 2, 0)) || '::' || regexp_replace(substr(g, strpos(g, run) + length(run)), ':$', ''))[1] END)[1];

-- v6_text(t): IPv6 text in lower case in RFC 5952 form; NULL where it is none. What most logs write is let through at once.
CREATE OR REPLACE MACRO v6_text(t) AS CASE
  WHEN regexp_full_match(t, '([1-9a-f][0-9a-f]{0,3}:){7}[1-9a-f][0-9a-f]{0,3}|([1-9a-f][0-9a-f]{0,3}:){1,5}:([1-9a-f][0-9a-f]{0,3})?') THEN t
  ELSE v6_short(v6_groups(v6_dotless(t))) END;

-- ip_text(t): t as an address in RFC 5952 form, else NULL; brackets and zone removed.
CREATE OR REPLACE MACRO ip_text(t) AS CASE
  WHEN regexp_full_match(t, '((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)') THEN t
  WHEN contains(t, ':') AND regexp_full_match(t, '\[?([0-9a-fA-F:]{2,39}|[0-9a-fA-F:]{1,29}:((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d))(%[\w.~-]+)?\]?')
    THEN v6_text(lower(regexp_extract(t, '([0-9a-fA-F:.]+)', 1))) END;

-- list_or_null(l): l without NULLs; NULL where nothing is left.
CREATE OR REPLACE MACRO list_or_null(l) AS
  CASE WHEN len(list_filter(l, lambda x: x IS NOT NULL)) > 0 THEN list_filter(l, lambda x: x IS NOT NULL) END;

-- epoch_time(t): seconds, milliseconds or microseconds since 1970 as text -> TIMESTAMPTZ; the size tells which. What Excel
-- rounded (1.74877E+12) is none: it is off by hours.
CREATE OR REPLACE MACRO epoch_time(t) AS CASE
  WHEN contains(CAST(t AS VARCHAR), 'E+') THEN NULL
  WHEN TRY_CAST(t AS DOUBLE) IS NULL OR TRY_CAST(t AS DOUBLE) < 0 THEN NULL
  WHEN TRY_CAST(t AS DOUBLE) < 1e11 THEN make_timestamptz(TRY_CAST(TRY_CAST(t AS DECIMAL(28, 6)) * 1000000 AS BIGINT))
  WHEN TRY_CAST(t AS DOUBLE) < 1e14 THEN make_timestamptz(TRY_CAST(TRY_CAST(t AS DECIMAL(28, 6)) * 1000 AS BIGINT))
  WHEN TRY_CAST(t AS DOUBLE) < 1e17 THEN make_timestamptz(TRY_CAST(TRY_CAST(t AS DECIMAL(28, 6)) AS BIGINT))
END;

-- told_time(t): a time as an envelope or a row of a query has it: the same, or ISO 8601 -> TIMESTAMPTZ.
CREATE OR REPLACE MACRO told_time(t) AS CASE WHEN t IS NOT NULL THEN coalesce(epoch_time(t), TRY_CAST(t AS TIMESTAMPTZ)) END;

-- console_time(t): a time as AWS's consoles write it, without commas and brackets, with or without a zone (UTC) ->
-- TIMESTAMPTZ. A list of formats with a zone would have DuckDB plan the SELECT anew at every run.
CREATE OR REPLACE MACRO console_time(t) AS coalesce(
  try_strptime(t, '%Y-%m-%d %H:%M:%S %z'), try_strptime(t, '%B %d %Y %H:%M:%S %z'),
  try_strptime(t, ['%Y-%m-%d %H:%M:%S', '%Y-%m-%d %I:%M:%S %p', '%B %d %Y %H:%M:%S', '%B %d %Y %I:%M:%S %p']));

-- whole_number(n): the text of a whole number, which a table's export may write as 6.0, without its decimals.
CREATE OR REPLACE MACRO whole_number(n) AS CASE WHEN contains(n, '.') THEN regexp_replace(n, '\.0+$', '') ELSE n END;

-- transport_name(p): IANA protocol number as text -> ECS network.transport, as the numbers' registry names them.
CREATE OR REPLACE MACRO transport_name(p) AS CASE p
  WHEN '6' THEN 'tcp' WHEN '17' THEN 'udp' WHEN '1' THEN 'icmp' WHEN '58' THEN 'ipv6-icmp'
  WHEN '2' THEN 'igmp' WHEN '4' THEN 'ipv4' WHEN '8' THEN 'egp' WHEN '33' THEN 'dccp' WHEN '41' THEN 'ipv6'
  WHEN '42' THEN 'sdrp' WHEN '47' THEN 'gre' WHEN '50' THEN 'esp' WHEN '51' THEN 'ah' WHEN '89' THEN 'ospf'
  WHEN '103' THEN 'pim' WHEN '112' THEN 'vrrp' WHEN '132' THEN 'sctp' WHEN '136' THEN 'udplite' END;

-- url_scheme/domain/path/query(u): parts of an absolute URL as written; nothing is decoded.
CREATE OR REPLACE MACRO url_scheme(u) AS nullif(lower(regexp_extract(u, '^([a-zA-Z][\w+.-]*)://', 1)), '');
CREATE OR REPLACE MACRO url_domain(u) AS nullif(regexp_extract(u, '^[a-zA-Z][\w+.-]*://(?:[^/?#@]*@)?(\[[0-9a-fA-F:.]+\]|[^/?#:]*)', 1), '');
CREATE OR REPLACE MACRO url_path(u) AS nullif(regexp_extract(u, '^(?:[a-zA-Z][\w+.-]*://[^/?#]*)?([^?#]*)', 1), '');
CREATE OR REPLACE MACRO url_query(u) AS nullif(regexp_extract(u, '^[^?#]*\?([^#]*)', 1), '');
CREATE OR REPLACE MACRO path_extension(p) AS
  CASE WHEN contains(p, '.') AND regexp_matches(p, '/[^/]*\.[A-Za-z0-9]{1,10}$') THEN lower(regexp_extract(p, '([A-Za-z0-9]+)$', 1)) END;

-- seconds_time(n, t): Unix seconds, n as a number and t as text -> TIMESTAMPTZ; where n is none, t in ISO 8601. Flow logs
-- with milliseconds were seen (obsrvbl/flowlogs-reader, pull request 30): 12 or 13 digits are such, as the original reads them.
-- What Excel rounded (1.74877E+09) is none.
CREATE OR REPLACE MACRO seconds_time(n, t) AS CASE
  WHEN contains(CAST(t AS VARCHAR), 'E+') THEN NULL
  WHEN n BETWEEN 1 AND 99999999999 THEN make_timestamptz(n * 1000000)
  WHEN n BETWEEN 100000000000 AND 9999999999999 THEN make_timestamptz(n * 1000)
  WHEN t LIKE '____-__-__%' THEN TRY_CAST(t AS TIMESTAMPTZ) END;

-- delivery_time(key): the time in an object's name, ..._20190826T2035Z_... -> TIMESTAMPTZ; NULL where there is none.
CREATE OR REPLACE MACRO delivery_time(key) AS
  TRY_CAST(nullif(regexp_replace(regexp_extract(key, '_(\d{8}T\d{4})Z[_.]', 1), '^(....)(..)(..)T(..)(..)$', '\1-\2-\3 \4:\5:00+00'), '') AS TIMESTAMPTZ);

-- tcp_flag_names(f): the flags of a TCP bit mask, lowest bit first, e.g. 18 -> [syn, ack].
CREATE OR REPLACE MACRO tcp_flag_names(f) AS string_split(concat_ws(' ',
  CASE WHEN f & 1  > 0 THEN 'fin' END, CASE WHEN f & 2  > 0 THEN 'syn' END, CASE WHEN f & 4   > 0 THEN 'rst' END,
  CASE WHEN f & 8  > 0 THEN 'psh' END, CASE WHEN f & 16 > 0 THEN 'ack' END, CASE WHEN f & 32  > 0 THEN 'urg' END,
  CASE WHEN f & 64 > 0 THEN 'ece' END, CASE WHEN f & 128 > 0 THEN 'cwr' END), ' ');

-- host_of(t), port_of(t): the parts of "host:port", "[v6]:port" and "v6:port"; the last colon parts them.
-- A lone "v6" without brackets and port cannot be told from one with a port.
-- A port is at most 65535: a client may write any number there.
CREATE OR REPLACE MACRO port_of(t) AS CASE WHEN contains(t, ':') THEN CAST(TRY_CAST(split_part(t, ':', -1) AS USMALLINT) AS INTEGER) END;
CREATE OR REPLACE MACRO host_of(t) AS nullif(CASE
  WHEN starts_with(t, '[') THEN regexp_extract(t, '^\[([^\]]*)', 1)
  WHEN contains(t, ':') THEN left(t, length(t) - length(split_part(t, ':', -1)) - 1) ELSE t END, '');

-- forwarded_ip(t): the address of an X-Forwarded-For entry, with a port or without.
CREATE OR REPLACE MACRO forwarded_ip(t) AS coalesce(ip_text(t), ip_text(host_of(t)));

-- host_before(t, colon, rest), port_behind(t, colon, rest): the same, where colon is the place of the
-- first colon in t and rest what stands behind it. As columns of a step before they are computed once.
CREATE OR REPLACE MACRO port_behind(t, colon, rest) AS CASE WHEN colon > 0 THEN
  CAST(TRY_CAST(CASE WHEN strpos(rest, ':') = 0 THEN rest ELSE split_part(t, ':', -1) END AS USMALLINT) AS INTEGER) END;
CREATE OR REPLACE MACRO host_before(t, colon, rest) AS CASE
  WHEN colon > 1 AND strpos(rest, ':') = 0 AND NOT starts_with(t, '[') THEN left(t, colon - 1) ELSE host_of(t) END;

-- behind_at(t): what stands behind a user in "user:password@host:port".
CREATE OR REPLACE MACRO behind_at(t) AS CASE WHEN contains(t, '@') THEN split_part(t, '@', -1) ELSE t END;

-- last_word(t): what stands behind the last blank; t where there is none.
CREATE OR REPLACE MACRO last_word(t) AS CASE
  WHEN ends_with(t, ' HTTP/1.1') THEN 'HTTP/1.1' WHEN ends_with(t, ' HTTP/2.0') THEN 'HTTP/2.0' ELSE split_part(t, ' ', -1) END;

-- tls_version(t), tls_name(t): "TLSv1.2", "TLSV1.2", "tlsv12", "SSLv3" -> 1.2 and tls, 3 and ssl.
CREATE OR REPLACE MACRO tls_version(t) AS CASE lower(t)
  WHEN 'tlsv1.3' THEN '1.3' WHEN 'tlsv1.2' THEN '1.2' WHEN 'tlsv1.1' THEN '1.1' WHEN 'tlsv1' THEN '1.0' WHEN 'tlsv1.0' THEN '1.0'
  WHEN 'tlsv13' THEN '1.3' WHEN 'tlsv12' THEN '1.2' WHEN 'tlsv11' THEN '1.1' WHEN 'tlsv10' THEN '1.0'
  ELSE nullif(regexp_extract(t, '^[A-Za-z]+[vV](\d+(?:\.\d+)?)', 1), '') END;
CREATE OR REPLACE MACRO tls_name(t) AS CASE
  WHEN starts_with(t, 'TLS') OR starts_with(t, 'tls') THEN 'tls' WHEN starts_with(t, 'SSL') OR starts_with(t, 'ssl') THEN 'ssl' END;

-- unquoted(t): what stands in the quotes around a text; NULL where that is a dash.
CREATE OR REPLACE MACRO unquoted(t) AS CASE WHEN length(t) > 1 AND starts_with(t, '"') AND ends_with(t, '"') THEN nullif(t[2:-2], '-') ELSE t END;

-- percent_text(t): one layer of percent-encoding undone, only of blanks where the rest gives no UTF-8. A plus stays a plus.
CREATE OR REPLACE MACRO percent_text(t) AS
  CASE WHEN contains(t, '%') THEN coalesce(TRY(url_decode(replace(t, '+', '%2B'))), replace(t, '%20', ' ')) ELSE t END;

-- log_text(t): what a CloudFront log escapes, undone: %20, in older logs %2520, and \x20.
-- log_escape_undone(t) is the first half of it: as the column of a step, it is computed once.
CREATE OR REPLACE MACRO log_escape_undone(t) AS percent_text(
  CASE WHEN contains(t, '\x') THEN regexp_replace(t, '\\x([0-9A-Fa-f]{2})', '%\1', 'g') ELSE t END);
CREATE OR REPLACE MACRO log_text(t) AS percent_text(log_escape_undone(t));

-- media_type(t): the type of a Content-Type without its parameters.
CREATE OR REPLACE MACRO media_type(t) AS nullif(lower(trim(split_part(t, ';', 1))), '');
