-- AWS WAF web ACL logs, version 2 and Classic, of every scope (CloudFront, ALB, API Gateway, AppSync,
-- Cognito, App Runner ...), as S3 and Firehose deliver them.
-- https://docs.aws.amazon.com/waf/latest/developerguide/logging-fields.html
-- The rule is the one that ended the evaluation: of a rule group, the rule inside of it (rule.name)
-- and the group's place in the web ACL (rule.id). The default action is no rule. Redacted values
-- (`X.X.X.X`, `REDACTED`) stay as they are; an address that is none gives no source.ip. MONETIZE
-- answers 402 until the client has paid.
SELECT
  record,
  CASE WHEN r.timestamp BETWEEN 100000000000 AND 9999999999999 THEN make_timestamptz(r.timestamp * 1000)
       WHEN r.timestamp BETWEEN 1 AND 99999999999 THEN make_timestamptz(r.timestamp * 1000000)
       WHEN r.timestamp IS NULL THEN told_time(wrap.time) END AS "@timestamp",

  -- event
  CASE WHEN r.action = 'ALLOW' OR r.action IS NULL THEN 'event' ELSE 'alert' END AS "event.kind",
  ['web']                                              AS "event.category",
  CASE WHEN r.action IN ('ALLOW', 'COUNT') THEN ['access', 'allowed']
       WHEN r.action IN ('BLOCK', 'CAPTCHA', 'CHALLENGE') OR (r.action = 'MONETIZE' AND r.responseCodeSent = 402) THEN ['access', 'denied'] ELSE ['access'] END AS "event.type",
  r.action                                             AS "event.action",
  CASE WHEN r.action IN ('ALLOW', 'COUNT') THEN 'success'
       WHEN r.action IN ('BLOCK', 'CAPTCHA', 'CHALLENGE') OR (r.action = 'MONETIZE' AND r.responseCodeSent = 402) THEN 'failure' ELSE 'unknown' END AS "event.outcome",

  -- cloud: from arn:aws:wafv2:<region>:<account>:regional|global/webacl/<name>/<id>; Classic has
  -- arn:aws:waf::<account>:webacl/<id>, arn:aws:waf-regional:... or the id alone
  nullif(arn[5], '')                                   AS "cloud.account.id",
  CASE WHEN arn[6] LIKE 'global/%' OR arn[3] = 'waf' OR (arn[6] IS NULL AND r.httpSourceName = 'CF') THEN 'global'
       ELSE nullif(arn[4], '') END                     AS "cloud.region",

  -- source
  r.httpRequest.clientIp                               AS "source.address",
  r.httpRequest.clientIp                               AS "source.ip",

  -- rule
  coalesce(inner_rule, acl_rule)                       AS "rule.name",
  acl_rule                                             AS "rule.id",
  CASE WHEN acl_rule IS NOT NULL THEN r.terminatingRuleType END AS "rule.category",
  CASE WHEN arn[3] = 'wafv2' THEN split_part(arn[6], '/', 3) WHEN arn[6] IS NOT NULL THEN split_part(arn[6], '/', -1)
       ELSE r.webaclId END                             AS "rule.ruleset",

  -- network, http
  CASE WHEN r.httpRequest IS NOT NULL THEN 'http' END AS "network.protocol",
  CASE WHEN r.httpRequest.httpVersion LIKE 'HTTP/3%' THEN 'udp' WHEN r.httpRequest.httpVersion LIKE 'HTTP/%' THEN 'tcp' END AS "network.transport",
  r.httpRequest.httpMethod                             AS "http.request.method",
  CASE WHEN contains(r.httpRequest.httpVersion, '/') THEN split_part(r.httpRequest.httpVersion, '/', 2)
       ELSE r.httpRequest.httpVersion END              AS "http.version",
  r.httpRequest.requestId                              AS "http.request.id",
  headers[list_position(names, 'referer')].value AS "http.request.referrer",
  r.requestBodySize                                    AS "http.request.body.bytes",
  r.responseCodeSent                                   AS "http.response.status_code",

  -- url
  domain                                               AS "url.domain",
  CASE WHEN contains(host, ':') THEN TRY_CAST(regexp_extract(host, ':(\d+)$', 1) AS USMALLINT) END AS "url.port",
  lower(nullif(r.httpRequest.scheme, ''))              AS "url.scheme",
  nullif(r.httpRequest.uri, '')                        AS "url.path",
  nullif(r.httpRequest.args, '')                       AS "url.query",
  nullif(r.httpRequest.fragment, '')                   AS "url.fragment",
  CASE WHEN r.httpRequest.args <> '' THEN r.httpRequest.uri || '?' || r.httpRequest.args
       ELSE nullif(r.httpRequest.uri, '') END          AS "url.original",
  path_extension(r.httpRequest.uri)                    AS "url.extension",

  -- user agent, tls
  headers[list_position(names, 'user-agent')].value AS "user_agent.original",
  r.ja3Fingerprint                                     AS "tls.client.ja3",
  r.ja4Fingerprint                                     AS "tls.client.ja4",

  -- related
  -- some proxies write a port, and a request may have the header twice
  CASE WHEN list_contains(names, 'x-forwarded-for') THEN list_transform(flatten(list_transform(
    list_filter(headers, lambda h: lower(h.name) = 'x-forwarded-for'), lambda h: string_split(h.value, ','))),
    lambda ip: forwarded_ip(trim(ip))) END AS "related.ip",
  CASE WHEN host IS NOT NULL THEN [domain] END         AS "related.hosts",

  -- native
  CASE WHEN counted <> [] THEN list_sort(list_distinct(counted)) END AS "native.countedRules"
-- each step is a SELECT of its own, since DuckDB computes an alias anew wherever a CASE uses it
FROM (
  SELECT *, CASE WHEN contains(host, ':') THEN regexp_replace(host, '^\[?([^\]]*?)\]?(:\d*)?$', '\1') ELSE host END AS domain
  FROM (
    SELECT *,
      CASE WHEN host_text <> '' THEN host_text END AS host,
      CASE WHEN starts_with(r.webaclId, 'arn:') THEN string_split(r.webaclId, ':') END AS arn,
      nullif(r.terminatingRuleId, 'Default_Action') AS acl_rule,
      CASE WHEN group_decides THEN group_rules[-1] END AS inner_rule,
      list_concat(
        CASE WHEN len(r.nonTerminatingMatchingRules) > 0 THEN list_transform(r.nonTerminatingMatchingRules, lambda x: x.ruleId)
             WHEN keyed THEN json_keys(text, '$.nonTerminatingMatchingRules') END,
        CASE WHEN len(r.ruleGroupList) > 0 THEN flatten(list_transform(r.ruleGroupList, lambda g: list_concat(
          list_transform(g.nonTerminatingMatchingRules, lambda x: x.ruleId),
          list_transform(g.excludedRules, lambda x: x.ruleId))))
             WHEN keyed THEN flatten(list_transform(groups, lambda g: list_concat(
          json_keys(g, '$.nonTerminatingMatchingRules'), json_keys(g, '$.excludedRules')))) END,
        -- a group that is set to count names the rule that would have ended it
        CASE WHEN group_decides THEN group_rules[:-2] ELSE group_rules END) AS counted
    FROM (
      SELECT *,
        CASE WHEN len(r.ruleGroupList) > 0 THEN list_filter(
          list_transform(r.ruleGroupList, lambda g: g.terminatingRule.ruleId), lambda x: x IS NOT NULL)
             WHEN keyed THEN flatten(list_transform(groups, lambda g: json_keys(g, '$.terminatingRule'))) END AS group_rules,
        r.terminatingRuleId <> 'Default_Action'
          AND coalesce(r.terminatingRuleType, 'GROUP') IN ('GROUP', 'MANAGED_RULE_GROUP') AS group_decides,
        coalesce(headers[list_position(names, 'host')].value, r.httpRequest.host) AS host_text
      FROM (
        SELECT *,
          list_transform(headers, lambda h: lower(h.name)) AS names,
          CASE WHEN keyed THEN map_values(TRY(from_json(text -> '$.ruleGroupList', '"MAP(VARCHAR, JSON)"'))) END AS groups
        FROM (
          SELECT *,
            -- Datadog's forwarder makes objects of the lists: headers by their names, rules by their ids
            coalesce(r.httpRequest.headers, list_transform(
              map_entries(TRY(from_json(text -> '$.httpRequest.headers', '"MAP(VARCHAR, VARCHAR)"'))),
              lambda e: {'name': e.key, 'value': e.value})) AS headers,
            r.httpRequest.headers IS NULL AND headers IS NOT NULL AS keyed
          FROM records
        )
      )
    )
  )
)
