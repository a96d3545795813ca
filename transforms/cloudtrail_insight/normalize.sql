-- CloudTrail Insights: the start and the end of an unusual rate of calls or errors.
-- https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-insights-fields-trails.html
-- https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-insights-fields-lake.html
-- Both ends of one Insight share `sharedEventID`; older documentation gives them one `eventID` too, so
-- the state belongs to the identity.
SELECT
  record,
  TRY_CAST(r.eventTime AS TIMESTAMPTZ)                 AS "@timestamp",
  CASE WHEN r.eventID IS NOT NULL
       THEN concat_ws(chr(31), r.eventID, r.eventTime, state, service, call, r.recipientAccountId) END AS identity,

  -- event
  'alert'                                              AS "event.kind",
  ['intrusion_detection']                              AS "event.category",
  ['info']                                             AS "event.type",
  call                                                 AS "event.action",
  r.eventID                                            AS "event.id",
  service                                              AS "event.provider",
  'unknown'                                            AS "event.outcome",
  concat_ws(' ', kind, lower(state))                   AS "event.reason",
  -- the end says how many minutes it lasted
  CASE WHEN state = 'Start' THEN TRY_CAST(r.eventTime AS TIMESTAMPTZ)
       WHEN state = 'End' THEN TRY(make_timestamptz(epoch_us(TRY_CAST(r.eventTime AS TIMESTAMPTZ)) - minutes * 60000000)) END AS "event.start",
  CASE WHEN state = 'End' THEN TRY_CAST(r.eventTime AS TIMESTAMPTZ) END AS "event.end",
  CASE WHEN state = 'End' THEN TRY(minutes * 60000000000) END AS "event.duration",

  -- rule, error
  kind                                                 AS "rule.name",
  nullif(coalesce(r.insightDetails.errorCode, r.insightErrorCode), 'null') AS "error.code",

  -- cloud
  r.recipientAccountId                                 AS "cloud.account.id",
  r.awsRegion                                          AS "cloud.region",
  replace(service, '.amazonaws.com', '')               AS "cloud.service.name",

  -- related: whose calls they were, as the Insight attributes them; by ARN, by name and by role
  flatten(list_transform(
    flatten(list_transform(list_filter(blame, lambda x: x.attribute = 'userIdentityArn'), lambda x: coalesce(x.insight, []))),
    lambda y: [y.value, split_part(y.value, '/', -1), CASE WHEN contains(y.value, ':assumed-role/') THEN split_part(y.value, '/', 2) END])) AS "related.user",

  -- native
  coalesce(TRY_CAST(context ->> '$.statistics.baseline.average' AS DOUBLE), TRY_CAST(context ->> '$.baselineAverage' AS DOUBLE)) AS "native.baselineAverage",
  coalesce(TRY_CAST(context ->> '$.statistics.insight.average' AS DOUBLE), TRY_CAST(context ->> '$.insightAverage' AS DOUBLE)) AS "native.insightAverage",
  TRY_CAST(coalesce(context ->> '$.statistics.baselineDuration', context ->> '$.baselineDuration') AS BIGINT) AS "native.baselineDuration",
  minutes                                              AS "native.insightDuration"
FROM (
  SELECT *,
    TRY_CAST(coalesce(context ->> '$.statistics.insightDuration', context ->> '$.insightDuration') AS BIGINT) AS minutes,
    from_json(context -> '$.attributions', '[{"attribute": "VARCHAR", "insight": [{"value": "VARCHAR"}]}]') AS blame
  FROM (
    SELECT record, r,
      coalesce(r.insightDetails.state, r.insightState)             AS state,
      coalesce(r.insightDetails.eventSource, r.insightEventSource) AS service,
      coalesce(r.insightDetails.eventName, r.insightEventName)     AS call,
      coalesce(r.insightDetails.insightType, r.insightType)        AS kind,
      coalesce(r.insightDetails.insightContext, r.insightContext)  AS context
    FROM records))
