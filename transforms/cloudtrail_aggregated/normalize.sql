-- CloudTrail aggregated events: how often data events were called within five minutes, counted by call,
-- by resource or by user, and for these by further dimensions. Who called which is not told.
-- https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aggregated-events.html
-- https://docs.aws.amazon.com/awscloudtrail/latest/userguide/aggregating-data-events.html
SELECT
  record,
  begin                                                AS "@timestamp",
  CASE WHEN r.eventId IS NOT NULL THEN concat_ws(chr(31), r.eventId, r.timeWindow.windowStart, r.eventSource, r.accountId) END AS identity,

  -- event
  'metric'                                             AS "event.kind",
  ['api']                                              AS "event.category",
  ['info']                                             AS "event.type",
  -- where one call was counted
  coalesce(CASE WHEN len(calls) = 1 THEN calls[1] END, r.eventType) AS "event.action",
  r.eventId                                            AS "event.id",
  r.eventSource                                        AS "event.provider",
  'unknown'                                            AS "event.outcome",
  begin                                                AS "event.start",
  finish                                               AS "event.end",
  CASE WHEN finish >= begin THEN TRY((epoch_us(finish) - epoch_us(begin)) * 1000) END AS "event.duration",

  -- cloud
  r.accountId                                          AS "cloud.account.id",
  r.awsRegion                                          AS "cloud.region",
  replace(r.eventSource, '.amazonaws.com', '')         AS "cloud.service.name",

  -- related: all that were counted
  list_transform(list_filter(counted, lambda c: c.dimension = 'sourceipaddress'), lambda c: ip_text(c."name")) AS "related.ip",
  -- by ARN, by name and by role
  flatten(list_transform(list_filter(counted, lambda c: c.dimension = 'useridentity'), lambda c: [c."name", split_part(c."name", '/', -1),
    CASE WHEN contains(c."name", ':assumed-role/') THEN split_part(c."name", '/', 2) END])) AS "related.user",
  list_transform(list_filter(counted, lambda c: c.dimension = 'resourcearn'),
    lambda c: nullif(regexp_extract(c."name", '^arn:[\w-]+:s3:::([^/]+)', 1), '')) AS "related.buckets",

  -- native
  TRY_CAST(list_sum(list_transform(r.summary.primaryDimension.statistics, lambda s: s.value)) AS BIGINT) AS "native.calls"
FROM (
  SELECT *, list_distinct(list_transform(list_filter(counted, lambda c: c.dimension = 'eventname'), lambda c: c."name")) AS calls
  FROM (
    SELECT record, r,
      TRY_CAST(r.timeWindow.windowStart AS TIMESTAMPTZ) AS begin,
      TRY_CAST(r.timeWindow.windowEnd AS TIMESTAMPTZ)   AS finish,
      -- (dimension in small letters, name) of every figure
      flatten(list_transform(list_concat([r.summary.primaryDimension], coalesce(r.summary.details, [])),
        lambda d: list_transform(coalesce(d.statistics, []),
          lambda s: {'dimension': lower(d.dimension), 'name': s."name"}))) AS counted
    FROM records))
