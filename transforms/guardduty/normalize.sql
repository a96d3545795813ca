-- GuardDuty findings: one row for each delivery; an updated finding comes again with a higher count.
-- https://docs.aws.amazon.com/guardduty/latest/APIReference/API_Finding.html
-- The remote end is the source, but the destination where our side began: outbound connections and DNS
-- requests. Only connections, port probes and DNS requests have a local end and a direction; an API
-- call has a caller. What AWS says of an address (place, owner) stays in native, and source.geo is
-- the lake's own GeoIP. Sample findings are rows like others: native.service.additionalInfo.sample.
SELECT
  record,
  coalesce(TRY_CAST(r.updatedAt AS TIMESTAMPTZ), TRY_CAST(svc.eventLastSeen AS TIMESTAMPTZ),
    TRY_CAST(r.createdAt AS TIMESTAMPTZ), told_time(wrap.time)) AS "@timestamp",
  CASE WHEN coalesce(r.id, r.arn) IS NOT NULL THEN concat_ws(chr(31), r.accountId, r.region, coalesce(r.id, r.arn),
    r.updatedAt, svc.count, sample) END                AS identity,

  -- event
  'alert'                                              AS "event.kind",
  CASE WHEN kind.purpose IN ('Backdoor', 'CryptoCurrency', 'Trojan') OR kind.family IN ('MaliciousFile', 'SuspiciousFile', 'MaliciousFileExecuted', 'CryptoMinerExecuted')
       THEN ['malware'] ELSE ['intrusion_detection'] END AS "event.category",
  CASE WHEN coalesce(net.blocked, asked.blocked, act.portProbeAction.blocked) THEN ['denied'] ELSE ['info'] END AS "event.type",
  act.actionType                                       AS "event.action",
  CASE WHEN api IS NOT NULL THEN CASE WHEN nullif(api.errorCode, '') IS NULL THEN 'success' ELSE 'failure' END
       WHEN k8s.statusCode IS NOT NULL THEN CASE WHEN k8s.statusCode < 400 THEN 'success' ELSE 'failure' END
       WHEN len(logins) > 0 THEN CASE WHEN len(list_filter(logins, lambda l: l.successfulLoginAttempts > 0)) > 0
         THEN 'success' ELSE 'failure' END
       -- a login attempt without its counts: by the type, RDS/AnomalousBehavior.SuccessfulLogin
       WHEN act.actionType = 'RDS_LOGIN_ATTEMPT' AND starts_with(kind.mechanism, 'Successful') THEN 'success'
       WHEN act.actionType = 'RDS_LOGIN_ATTEMPT' AND starts_with(kind.mechanism, 'Failed') THEN 'failure' END AS "event.outcome",
  coalesce(r.id, r.arn)                                AS "event.id",
  svc.serviceName                                      AS "event.provider",
  r.severity                                           AS "event.severity",
  TRY_CAST(svc.eventFirstSeen AS TIMESTAMPTZ)          AS "event.start",
  TRY_CAST(svc.eventLastSeen AS TIMESTAMPTZ)           AS "event.end",
  nullif(api.errorCode, '')                            AS "error.code",

  -- cloud, host: the instance
  r.accountId                                          AS "cloud.account.id",
  r.region                                             AS "cloud.region",
  vm.instanceId                                        AS "cloud.instance.id",
  list_filter(vm.tags, lambda t: t."key" = 'Name')[1]."value" AS "cloud.instance.name",
  vm.instanceType                                      AS "cloud.machine.type",
  vm.availabilityZone                                  AS "cloud.availability_zone",
  coalesce(vm.networkInterfaces[1].vpcId, r.resource.eksClusterDetails.vpcId,
    r.resource.lambdaDetails.vpcConfig ->> '$.vpcId') AS "cloud.vpc.id",
  vm.networkInterfaces[1].subnetId                     AS "cloud.subnet.id",
  vm.instanceId                                        AS "host.id",
  vm.networkInterfaces[1].privateDnsName               AS "host.hostname",
  list_or_null(list_sort(list_distinct(list_transform(own_ips, lambda ip: ip_text(ip))))) AS "host.ip",

  -- source, destination
  CASE WHEN outbound THEN local_ip ELSE coalesce(remote_ip, api.domainDetails.domain) END AS "source.address",
  CASE WHEN outbound THEN local_ip ELSE remote_ip END  AS "source.ip",
  CASE WHEN outbound THEN net.localPortDetails.port ELSE net.remotePortDetails.port END AS "source.port",
  api.domainDetails.domain                             AS "source.domain",
  CASE WHEN outbound THEN public_ip END                AS "source.nat.ip",
  CASE WHEN outbound THEN coalesce(remote_ip, asked.domain) ELSE local_ip END AS "destination.address",
  CASE WHEN outbound THEN remote_ip ELSE local_ip END  AS "destination.ip",
  CASE WHEN outbound THEN net.remotePortDetails.port
       ELSE coalesce(net.localPortDetails.port, probes[1].localPortDetails.port) END AS "destination.port",
  asked.domain                                         AS "destination.domain",
  CASE WHEN NOT outbound THEN public_ip END            AS "destination.nat.ip",

  -- network, dns
  CASE WHEN net.connectionDirection IN ('INBOUND', 'OUTBOUND', 'UNKNOWN') THEN lower(net.connectionDirection)
       WHEN act.actionType = 'DNS_REQUEST' THEN 'outbound'
       WHEN act.actionType IN ('PORT_PROBE', 'RDS_LOGIN_ATTEMPT') THEN 'inbound' END AS "network.direction",
  -- findings of Runtime Monitoring give the protocol's number, 0 where they do not know it
  CASE WHEN regexp_full_match(coalesce(net.protocol, asked.protocol), '\d+') THEN transport_name(coalesce(net.protocol, asked.protocol))
       ELSE lower(coalesce(net.protocol, asked.protocol)) END AS "network.transport",
  CASE WHEN asked.domain IS NOT NULL THEN 'dns' END    AS "network.protocol",
  CASE WHEN contains(remote_ip, ':') THEN 'ipv6' WHEN remote_ip IS NOT NULL THEN 'ipv4' END AS "network.type",
  asked.domain                                         AS "dns.question.name",

  -- user: who acted. An access key is no identity: it changes with each session.
  coalesce(nullif(caller.userName, ''), k8s_user.username, r.resource.rdsDbUserDetails."user", logins[1]."user", actors[1]."user"."name") AS "user.name",
  coalesce(nullif(caller.principalId, ''), nullif(k8s_user.uid, ''), actors[1]."user".uid) AS "user.id",
  coalesce(caller.userType, actors[1]."user".type)     AS "user.type",
  coalesce(nullif(caller.accessKeyId, ''), actors[1]."user".credentialUid) AS "user.access_key.id",
  session                                              AS "user.session.name",
  CASE WHEN caller.userType IN ('AssumedRole', 'Role') AND caller.userName <> '' THEN [caller.userName] END AS "user.roles",
  -- of anomalous behaviour it stands beside the action, for the API's readers as JSON in a text
  coalesce(nullif(api.userAgent, ''), nullif(k8s.userAgent, ''), svc.additionalInfo.userAgent ->> '$.fullUserAgent',
    TRY(svc.additionalInfo.value ->> '$.userAgent.fullUserAgent')) AS "user_agent.original",
  k8s.requestUri                                       AS "url.original",
  url_path(k8s.requestUri)                             AS "url.path",
  url_query(k8s.requestUri)                            AS "url.query",
  k8s.statusCode                                       AS "http.response.status_code",

  -- process and file of runtime and malware findings
  svc.runtimeDetails.process.name                      AS "process.name",
  svc.runtimeDetails.process.executablePath            AS "process.executable",
  svc.runtimeDetails.process.pid                       AS "process.pid",
  ran ->> '$.commandLineExample'                       AS "process.command_line",
  parent.name                                          AS "process.parent.name",
  parent.pid                                           AS "process.parent.pid",
  coalesce('s3://' || r.resource.s3BucketDetails[1]."name" || '/' || r.resource.s3BucketDetails[1].s3ObjectDetails[1]."key", infected[1].filePaths[1].filePath,
    nullif(svc.malwareScanDetails.threats[1].itemPaths[1].nestedItemPath, ''), svc.malwareScanDetails.threats[1].itemDetails[1].itemPath,
    ran ->> '$.threatFilePath', ran ->> '$.filePath', ran ->> '$.scriptPath', ran ->> '$.moduleFilePath', ran ->> '$.libraryPath') AS "file.path",
  coalesce(infected[1].filePaths[1].hash, list_filter(scanned, lambda h: h IS NOT NULL)[1],
    r.resource.s3BucketDetails[1].s3ObjectDetails[1].hash) AS "file.hash.sha256",

  -- rule
  r.type                                               AS "rule.id",
  regexp_replace(trim(r.title), '\.$', '')             AS "rule.name",
  r.description                                        AS "rule.description",
  nullif(kind.purpose, '')                             AS "rule.category",

  -- threat: the purposes that are named after ATT&CK tactics, and what an attack sequence lists
  CASE WHEN tactics IS NOT NULL OR techniques IS NOT NULL THEN 'MITRE ATT&CK' END AS "threat.framework",
  list_or_null(list_transform(tactics, lambda t: tactic_id[t])) AS "threat.tactic.id",
  tactics                                              AS "threat.tactic.name",
  -- "T1078.004 - Valid Accounts: Cloud Accounts", or the name alone
  list_or_null(list_transform(techniques, lambda t: nullif(regexp_extract(t, 'T\d{4}(\.\d{3})?'), ''))) AS "threat.technique.id",
  list_or_null(list_transform(techniques, lambda t: nullif(regexp_replace(t, '^T\d{4}(\.\d{3})?( - )?', ''), ''))) AS "threat.technique.name",
  coalesce(infected[1]."name", svc.malwareScanDetails.threats[1]."name", intelligence[1].threatNames[1],
    svc.additionalInfo.threatName)                     AS "threat.software.name",

  -- related
  list_transform(list_concat(own_ips, part_ips, k8s.sourceIPs, list_transform(probes, lambda p: p.localIpDetails.ipAddressV4),
    list_transform(probes, lambda p: p.remoteIpDetails.ipAddressV4), list_transform(probes, lambda p: p.remoteIpDetails.ipAddressV6),
    list_transform(svc.detection.sequence.endpoints, lambda e: e.ip),
    flatten(list_transform(indicators, lambda i: CASE WHEN i."key" LIKE '%\_IP' ESCAPE '\' THEN i."values" ELSE [] END)),
    [remote_ip, local_ip, api.remoteIpDetails.ipAddressV6, net.remoteIpDetails.ipAddressV6, k8s.remoteIpDetails.ipAddressV6,
     act.rdsLoginAttemptAction.remoteIpDetails.ipAddressV6, net.localIpDetails.ipAddressV6]), lambda ip: ip_text(ip)) AS "related.ip",
  list_concat(list_transform(actors, lambda a: a."user"."name"), list_transform(parts, lambda p: p."data".accessKey.userName), list_transform(logins, lambda l: l."user"),
    [session, r.resource.rdsDbUserDetails."user", svc.runtimeDetails.process."user", k8s_user.username, k8s_user.impersonatedUser.username]) AS "related.user",
  list_concat(list_transform(svc.detection.sequence.endpoints, lambda e: e."domain"),
    flatten(list_transform(indicators, lambda i: CASE WHEN i."key" LIKE '%\_DOMAIN' ESCAPE '\' THEN i."values" ELSE [] END)),
    list_transform(list_concat(list_transform(list_filter(parts, lambda p: p.resourceType = 'EC2_INSTANCE'), lambda p: p.uid), part_instances),
      lambda uid: nullif(regexp_extract(uid, 'i-[0-9a-f]+$'), '')),
    [asked.domain, svc.additionalInfo.domain, api.domainDetails.domain, vm.networkInterfaces[1].privateDnsName, nullif(vm.networkInterfaces[1].publicDnsName, '')]) AS "related.hosts",
  list_concat(list_transform(r.resource.s3BucketDetails, lambda b: b."name"),
    list_transform(parts, lambda p: CASE WHEN p.resourceType = 'S3_BUCKET' THEN p."name" ELSE nullif(regexp_extract(p.uid, '^arn:[\w-]+:s3:::([^/]+)/', 1), '') END),
    [api.affectedResources ->> '$."AWS::S3::Bucket"']) AS "related.buckets",
  list_filter(list_concat(list_transform(actors, lambda a: a."user".credentialUid), list_transform(list_filter(parts, lambda p: p.resourceType = 'ACCESS_KEY'), lambda p: p.uid)),
    lambda k: k IS DISTINCT FROM coalesce(nullif(caller.accessKeyId, ''), actors[1]."user".credentialUid)) AS "related.access_keys",
  list_concat(list_transform(intelligence, lambda t: t.threatFileSha256), list_transform(actors, lambda a: a.process.sha256), flatten(list_transform(infected, lambda t: list_transform(coalesce(t.filePaths, []), lambda p: p.hash))),
    list_transform(svc.malwareScanDetails.threats, lambda t: t.hash), scanned,
    flatten(list_transform(r.resource.s3BucketDetails, lambda b: list_transform(coalesce(b.s3ObjectDetails, []), lambda o: o.hash))),
    [svc.runtimeDetails.process.executableSha256, ran ->> '$.moduleSha256']) AS "related.hash",

  -- native
  CASE WHEN r.severity > 8.9 THEN 'critical' WHEN r.severity > 6.9 THEN 'high' WHEN r.severity > 3.9 THEN 'medium'
       WHEN r.severity IS NOT NULL THEN 'low' END      AS "native.severitylabel",
  nullif(kind.purpose, '')                             AS "native.ThreatPurpose",
  nullif(kind.resource, '')                            AS "native.ResourceTypeAffected",
  nullif(kind.family, '')                              AS "native.ThreatFamilyName",
  nullif(kind.mechanism, '')                           AS "native.DetectionMechanism",
  nullif(kind.artifact, '')                            AS "native.Artifact",
  sample                                               AS "native.service.additionalInfo.sample"
FROM (
  SELECT *,
    coalesce(net.connectionDirection = 'OUTBOUND', act.actionType = 'DNS_REQUEST', false) AS outbound,
    coalesce(nullif(api.remoteIpDetails.ipAddressV4, ''), nullif(net.remoteIpDetails.ipAddressV4, ''), nullif(probes[1].remoteIpDetails.ipAddressV4, ''),
      nullif(k8s.remoteIpDetails.ipAddressV4, ''), nullif(act.rdsLoginAttemptAction.remoteIpDetails.ipAddressV4, ''),
      api.remoteIpDetails.ipAddressV6, net.remoteIpDetails.ipAddressV6, probes[1].remoteIpDetails.ipAddressV6,
      k8s.remoteIpDetails.ipAddressV6, act.rdsLoginAttemptAction.remoteIpDetails.ipAddressV6) AS remote_ip,
    CASE WHEN act.actionType IN ('NETWORK_CONNECTION', 'PORT_PROBE', 'DNS_REQUEST') THEN coalesce(
      nullif(net.localIpDetails.ipAddressV4, ''), nullif(net.localIpDetails.ipAddressV6, ''), nullif(probes[1].localIpDetails.ipAddressV4, ''),
      vm.networkInterfaces[1].privateIpAddress, vm.networkInterfaces[1].ipv6Addresses[1]) END AS local_ip,
    CASE WHEN act.actionType IN ('NETWORK_CONNECTION', 'PORT_PROBE', 'DNS_REQUEST')
      THEN nullif(vm.networkInterfaces[1].publicIp, '') END AS public_ip,
    flatten(list_transform(vm.networkInterfaces, lambda i: list_concat([i.privateIpAddress, i.publicIp], i.ipv6Addresses,
      list_transform(i.privateIpAddresses, lambda p: p.privateIpAddress)))) AS own_ips,
    -- what was found in the scanned files; what an attack sequence is about
    flatten(list_transform(svc.malwareScanDetails.threats, lambda t: list_concat(
      list_transform(t.itemPaths, lambda p: p.hash), list_transform(t.itemDetails, lambda d: d.hash)))) AS scanned,
    list_filter(from_json(svc.runtimeDetails.process.lineage, '[{"name": "VARCHAR", "pid": "BIGINT", "uuid": "VARCHAR"}]'),
      lambda a: a.uuid = svc.runtimeDetails.process.parentUuid)[1] AS parent,
    from_json(svc.detection.sequence.resources, '[{"resourceType": "VARCHAR", "name": "VARCHAR", "uid": "VARCHAR", "data": {"accessKey": {"userName": "VARCHAR"},
      "eksCluster": {"ec2InstanceUids": ["VARCHAR"]}, "ecsCluster": {"ec2InstanceUids": ["VARCHAR"]}, "iamInstanceProfile": {"ec2InstanceUids": ["VARCHAR"]},
      "autoscalingAutoScalingGroup": {"ec2InstanceUids": ["VARCHAR"]}, "ec2LaunchTemplate": {"ec2InstanceUids": ["VARCHAR"]},
      "ec2NetworkInterface": {"publicIp": "VARCHAR", "ipv6Addresses": ["VARCHAR"], "privateIpAddresses": [{"privateIpAddress": "VARCHAR"}]}}}]') AS parts,
    flatten(list_transform(list_transform(parts, lambda p: p."data".ec2NetworkInterface), lambda i: list_concat([i.publicIp], i.ipv6Addresses,
      list_transform(i.privateIpAddresses, lambda p: p.privateIpAddress)))) AS part_ips,
    -- the instances of a cluster, of a group, or with a role
    flatten(list_transform(parts, lambda p: list_concat(p."data".eksCluster.ec2InstanceUids, p."data".ecsCluster.ec2InstanceUids,
      p."data".iamInstanceProfile.ec2InstanceUids, p."data".autoscalingAutoScalingGroup.ec2InstanceUids, p."data".ec2LaunchTemplate.ec2InstanceUids))) AS part_instances,
    CASE WHEN caller.userType = 'AssumedRole' AND contains(caller.principalId, ':')
      THEN nullif(substr(caller.principalId, strpos(caller.principalId, ':') + 1), '') END AS session,
    regexp_replace(kind.purpose, '([a-z])([A-Z])', '\1 \2') AS purpose,
    CASE WHEN indicators IS NOT NULL THEN list_filter(indicators, lambda i: i."key" = 'ATTACK_TACTIC')[1]."values"
         WHEN tactic_id[purpose] IS NOT NULL THEN [purpose] END AS tactics,
    list_filter(indicators, lambda i: i."key" = 'ATTACK_TECHNIQUE')[1]."values" AS techniques
  FROM (
    SELECT *,
      -- Defense Impairment is of ATT&CK 19, which took it out of Defense Evasion and calls what is left Stealth
      MAP {'Reconnaissance': 'TA0043', 'Resource Development': 'TA0042', 'Initial Access': 'TA0001', 'Execution': 'TA0002', 'Persistence': 'TA0003',
           'Privilege Escalation': 'TA0004', 'Defense Evasion': 'TA0005', 'Stealth': 'TA0005', 'Defense Impairment': 'TA0112', 'Credential Access': 'TA0006',
           'Discovery': 'TA0007', 'Lateral Movement': 'TA0008', 'Collection': 'TA0009', 'Command and Control': 'TA0011', 'Exfiltration': 'TA0010',
           'Impact': 'TA0040'}                         AS tactic_id,
      r.service                                        AS svc,
      r.service.action                                 AS act,
      r.service.action.awsApiCallAction                AS api,
      r.service.action.networkConnectionAction         AS net,
      r.service.action.dnsRequestAction                AS asked,
      r.service.action.kubernetesApiCallAction         AS k8s,
      r.service.action.portProbeAction.portProbeDetails AS probes,
      r.service.action.rdsLoginAttemptAction.LoginAttributes AS logins,
      r.service.runtimeDetails.context                 AS ran,
      r.resource.instanceDetails                       AS vm,
      r.resource.accessKeyDetails                      AS caller,
      r.resource.kubernetesDetails.kubernetesUserDetails AS k8s_user,
      r.service.detection.sequence.actors              AS actors,
      r.service.detection.sequence.sequenceIndicators  AS indicators,
      r.service.evidence.threatIntelligenceDetails     AS intelligence,
      r.service.ebsVolumeScanDetails.scanDetections.threatDetectedByName.threatNames AS infected,
      coalesce(r.service.additionalInfo.sample, CASE WHEN regexp_matches(r.service.additionalInfo.value, '"sample"\s*:\s*true')
        THEN true END)                                 AS sample,
      CASE WHEN contains(r.type, ':') THEN regexp_extract(r.type, '^([^:]+):([^/]*)/?([^.!]*)\.?([^!]*)!?(.*)$',
        ['purpose', 'resource', 'family', 'mechanism', 'artifact']) END AS kind
    FROM records
  )
)
