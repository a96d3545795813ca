-- Route 53 Resolver query logs: one record for each query that a VPC sent, with its answers.
-- https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-query-logs-format.html
-- DNS Firewall events of EventBridge: one for each query that a rule blocked or reported, without an answer.
-- https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/events-detail-reference.html
-- Names lose their final dot, as everywhere in ECS. The addresses answered are in dns.resolved_ip and
-- related.ip, the one whose name is asked for (PTR) in related.ip alone. What an HTTPS or SVCB answer
-- hints at (ipv4hint) is an address answered. "0 .", a mail server that is none, keeps its dot.
SELECT
  record,
  CASE WHEN r.query_timestamp IS NOT NULL THEN TRY_CAST(r.query_timestamp AS TIMESTAMPTZ)
       WHEN r.last_observed_at IS NOT NULL THEN TRY_CAST(r.last_observed_at AS TIMESTAMPTZ)
       ELSE told_time(wrap.time) END                   AS "@timestamp",

  -- event: what the DNS firewall did, where a rule of it matched
  CASE WHEN r.firewall_rule_action IN ('BLOCK', 'ALERT') THEN 'alert' ELSE 'event' END AS "event.kind",
  ['network']                                          AS "event.category",
  CASE r.firewall_rule_action WHEN 'BLOCK' THEN ['protocol', 'denied'] WHEN 'ALLOW' THEN ['protocol', 'allowed']
       WHEN 'ALERT' THEN ['protocol', 'allowed'] ELSE ['protocol'] END AS "event.type",
  coalesce(r.firewall_rule_action, 'QUERY')            AS "event.action",
  CASE WHEN r.firewall_rule_action = 'BLOCK' THEN 'failure' WHEN upper(r.rcode) = 'NOERROR' THEN 'success'
       WHEN r.rcode IS NULL THEN 'unknown' ELSE 'failure' END AS "event.outcome",

  -- cloud
  r.account_id                                         AS "cloud.account.id",
  r.region                                             AS "cloud.region",
  r.vpc_id                                             AS "cloud.vpc.id",
  coalesce(r.srcids.instance, list_filter(r.event_resources, lambda x: x.instance_details.id IS NOT NULL)[1].instance_details.id) AS "cloud.instance.id",

  -- source, and the endpoint that a query from outside the VPC came through
  r.srcaddr                                            AS "source.address",
  r.srcaddr                                            AS "source.ip",
  TRY_CAST(r.srcport AS INTEGER)                       AS "source.port",
  coalesce(r.srcids.resolver_endpoint, list_filter(r.event_resources, lambda x: x.resolver_endpoint_details.id IS NOT NULL)[1].resolver_endpoint_details.id) AS "observer.name",
  coalesce(r.srcids.resolver_network_interface, list_filter(r.event_resources, lambda x: x.resolver_network_interface_details.id IS NOT NULL)[1].resolver_network_interface_details.id) AS "observer.ingress.interface.id",

  -- network
  lower(r.transport)                                   AS "network.transport",
  'dns'                                                AS "network.protocol",
  CASE WHEN contains(r.srcaddr, ':') THEN 'ipv6' WHEN r.srcaddr IS NOT NULL THEN 'ipv4' END AS "network.type",

  -- dns
  CASE WHEN r.last_observed_at IS NULL THEN 'answer' ELSE 'query' END AS "dns.type",
  asked                                                AS "dns.question.name",
  r.query_type                                         AS "dns.question.type",
  r.query_class                                        AS "dns.question.class",
  upper(r.rcode)                                       AS "dns.response_code",
  CASE WHEN len(r.answers) > 0 THEN list_transform(r.answers, lambda a: {
    'class': a.Class, 'data': CASE WHEN a.Rdata LIKE '%_.' AND NOT a.Rdata LIKE '% .' THEN left(a.Rdata, -1) WHEN a.Type = 'AAAA' THEN coalesce(ip_text(a.Rdata), a.Rdata) ELSE a.Rdata END,
    'name': NULL::VARCHAR, 'ttl': NULL::BIGINT, 'type': a.Type}) END AS "dns.answers",
  CASE WHEN len(addresses) > 0 THEN addresses END      AS "dns.resolved_ip",

  -- rule: of the DNS firewall; a rule is known by its group and its list of domains
  r.firewall_domain_list_id                            AS "rule.id",
  r.firewall_rule_group_id                             AS "rule.ruleset",
  CASE WHEN r.firewall_rule_action IS NOT NULL THEN 'DNS Firewall' END AS "rule.category",

  -- related
  CASE WHEN about IS NULL THEN addresses ELSE list_append(addresses, about) END AS "related.ip",
  list_concat([nullif(asked, '.')], CASE WHEN len(r.answers) > len(addresses) OR service THEN list_transform(r.answers, lambda a:
    -- of MX and SRV the host is the last part, of HTTPS and SVCB the second
    CASE WHEN a.Type IN ('CNAME', 'PTR', 'NS', 'DNAME') AND ip_text(a.Rdata) IS NULL THEN rtrim(a.Rdata, '.')
         WHEN a.Type IN ('MX', 'SRV') THEN nullif(rtrim(split_part(a.Rdata, ' ', -1), '.'), '')
         WHEN a.Type IN ('HTTPS', 'SVCB') THEN nullif(rtrim(split_part(a.Rdata, ' ', 2), '.'), '') END) END) AS "related.hosts"
FROM (
  SELECT *,
    CASE WHEN r.query_name LIKE '_%.' THEN left(r.query_name, -1) ELSE r.query_name END AS asked,
    r.query_type IN ('HTTPS', 'SVCB')                  AS service,
    CASE WHEN service AND len(r.answers) > 0 THEN list_filter(list_transform(flatten(list_transform(r.answers, lambda a: list_concat([a.Rdata],
           string_split(array_to_string(regexp_extract_all(a.Rdata, ' ipv[46]hint="?([^ "]+)', 1), ','), ',')))),
           lambda x: ip_text(x)), lambda ip: ip IS NOT NULL)
         WHEN len(r.answers) > 0 THEN list_filter(
           list_transform(r.answers, lambda a: ip_text(a.Rdata)), lambda ip: ip IS NOT NULL) END AS addresses,
    CASE WHEN r.query_type <> 'PTR' THEN NULL
         WHEN asked ILIKE '%.in-addr.arpa' THEN ip_text(array_to_string(list_reverse(string_split(left(asked, -13), '.')), '.'))
         WHEN regexp_full_match(asked, '(?i)([0-9a-f]\.){32}ip6\.arpa')
         THEN ip_text(rtrim(regexp_replace(reverse(replace(left(asked, -9), '.', '')), '(....)', '\1:', 'g'), ':')) END AS about
  FROM records
)
