-- CloudTrail events: management, data, network activity; from a trail, an EventBridge rule, CloudWatch
-- Logs, `lookup-events`, the console's event history (JSON and CSV), or queries of CloudTrail Lake and Athena.
-- https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
-- https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
-- Most calls are Get, List or Describe of a few services, so simple CASEs with the frequent first cost
-- least; JSON members are read only where the call has them.
SELECT
  record,
  "time"                                               AS "@timestamp",
  -- test data and documentation reuse ids; without an id the record's text is its identity. The time as a
  -- trail writes it, however a query or the console does
  CASE WHEN r.eventID IS NOT NULL
       THEN concat_ws(chr(31), r.eventID, strftime(make_timestamp(epoch_us("time")), '%Y-%m-%dT%H:%M:%SZ'), r.eventSource, r.eventName, r.recipientAccountId) END AS identity,

  -- event
  'event'                                              AS "event.kind",
  CASE area
    WHEN 'api'            THEN ['api']
    WHEN 'configuration'  THEN ['configuration']
    WHEN 'network'        THEN ['network', 'configuration']
    WHEN 'iam'            THEN ['iam']
    WHEN 'authentication' THEN ['authentication']
    WHEN 'file'           THEN ['file']
    WHEN 'host'           THEN ['host', 'configuration']
    WHEN 'database'       THEN CASE WHEN deed IN ('info', 'access') OR r.eventCategory = 'Data' THEN ['database'] ELSE ['database', 'configuration'] END
    WHEN 'session'        THEN ['session']
    WHEN 'process'        THEN ['process']
    WHEN 'email'          THEN ['email']
    WHEN 'endpoint'       THEN ['network', 'api']
  END                                                  AS "event.category",
  CASE WHEN subject IS NULL AND denied IS NULL THEN deeds
       ELSE list_concat(deeds, coalesce(subject, []), coalesce(denied, [])) END AS "event.type",
  r.eventName                                          AS "event.action",
  r.eventID                                            AS "event.id",
  coalesce(r.eventSource, 'cloudtrail')                AS "event.module",
  r.eventSource                                        AS "event.provider",
  CASE WHEN failed THEN 'failure'
       -- the console's CSV has no responseElements, and a refused sign-in no errorCode
       WHEN r.eventSource = 'signin.amazonaws.com' AND r.eventName IN ('ConsoleLogin', 'SwitchRole', 'CheckMfa')
            AND r.responseElements IS NULL AND r.additionalEventData IS NULL THEN 'unknown'
       -- a summary of lookup-events, or a query that did not ask for the error; a failed call has no answer
       WHEN r.eventVersion IS NULL AND r.errorCode IS NULL AND r.errorMessage IS NULL AND r.responseElements IS NULL THEN 'unknown'
       ELSE 'success' END                              AS "event.outcome",
  CASE WHEN failed THEN coalesce(nullif(r.errorMessage, ''), nullif(r.errorCode, ''),
    r.serviceEventDetails ->> '$.createAccountStatus.failureReason', r.responseElements ->> '$.body.error.message') END AS "event.reason",

  -- error
  CASE WHEN failed THEN nullif(r.errorCode, '') END    AS "error.code",
  nullif(r.errorMessage, '')                           AS "error.message",

  -- cloud
  coalesce(nullif(r.recipientAccountId, ''),
           -- records before eventVersion 1.02 name the caller's account only; a key or an envelope knows better
           CASE WHEN wrap.account IS NULL AND NOT regexp_matches(key_path, '\d{12}') THEN nullif(r.userIdentity.accountId, 'anonymous') END
  )                                                    AS "cloud.account.id",
  nullif(r.awsRegion, '')                              AS "cloud.region",
  instances[1]                                         AS "cloud.instance.id",
  replace(r.eventSource, '.amazonaws.com', '')         AS "cloud.service.name",

  -- source: of the addresses that a proxy forwarded, the first is the caller's
  address                                              AS "source.address",
  CASE WHEN contains(address, ',') THEN split_part(address, ',', 1) ELSE address END AS "source.ip",

  -- destination: the endpoint's name as the caller wrote it
  nullif(r.tlsDetails.clientProvidedHostHeader, '-')   AS "destination.address",
  host                                                 AS "destination.domain",

  -- user
  name                                                 AS "user.name",
  -- a sign-in whose user is not known yet gives the account as principal; it is nobody's id but the root's
  coalesce(CASE WHEN r.userIdentity.principalId = 'Anonymous' THEN pool_user END,
           CASE WHEN r.userIdentity.principalId IS DISTINCT FROM r.userIdentity.accountId OR r.userIdentity.type IN ('Root', 'AWSAccount')
                THEN nullif(r.userIdentity.principalId, '') END,
           r.userIdentity.onBehalfOf.userId, nullif(r.userIdentity.arn, ''), r.userIdentity.invokedBy,
           CASE WHEN r.userIdentity.type IN ('Root', 'AWSAccount') THEN r.userIdentity.accountId END) AS "user.id",
  r.userIdentity.type                                  AS "user.type",
  CASE WHEN role IS NOT NULL THEN [role] END           AS "user.roles",
  coalesce(nullif(r.userIdentity.accessKeyId, ''), r.accessKeyId) AS "user.access_key.id",
  -- a role that acts as such has no session
  CASE WHEN r.userIdentity.type IN ('AssumedRole', 'FederatedUser') OR (r.userIdentity.type = 'Role' AND contains(r.userIdentity.arn, ':assumed-role/')) THEN name END AS "user.session.name",
  CASE WHEN contains(r.userIdentity.userName, '\') THEN split_part(r.userIdentity.userName, '\', 1)
       ELSE r.userIdentity.identityProvider END        AS "user.domain",
  CASE WHEN contains(name, '@') AND regexp_full_match(name, '[^@\s/:]+@[^@\s/:]+\.[A-Za-z]{2,}') THEN name END AS "user.email",
  target                                               AS "user.target.name",
  CASE WHEN target IS NOT NULL AND r.eventName = 'CreateUser' THEN coalesce(r.responseElements ->> '$.user.userId', r.responseElements ->> '$.userId')
       ELSE coalesce(target_id, CASE WHEN r.userIdentity.principalId IS DISTINCT FROM 'Anonymous' THEN pool_user END) END AS "user.target.id",
  CASE WHEN target_role IS NOT NULL THEN [target_role] END AS "user.target.roles",
  new_name                                             AS "user.changes.name",
  effective                                            AS "user.effective.name",
  coalesce(effective_id, store_user)                   AS "user.effective.id",

  -- user agent, http, tls
  r.userAgent                                          AS "user_agent.original",
  r.requestID                                          AS "http.request.id",
  -- what S3 took and gave of an object
  CASE WHEN starts_with(r.eventSource, 's3') THEN TRY_CAST(r.additionalEventData ->> '$.bytesTransferredIn' AS BIGINT) END AS "http.request.body.bytes",
  CASE WHEN starts_with(r.eventSource, 's3') THEN TRY_CAST(r.additionalEventData ->> '$.bytesTransferredOut' AS BIGINT) END AS "http.response.body.bytes",
  CASE WHEN starts_with(r.tlsDetails.tlsVersion, 'TLSv') OR starts_with(r.tlsDetails.tlsVersion, '1.') THEN 'tls'
       WHEN starts_with(r.tlsDetails.tlsVersion, 'SSLv') THEN 'ssl' END AS "tls.version_protocol",
  CASE WHEN starts_with(r.tlsDetails.tlsVersion, 'TLSv') OR starts_with(r.tlsDetails.tlsVersion, 'SSLv') THEN substr(r.tlsDetails.tlsVersion, 5)
       WHEN starts_with(r.tlsDetails.tlsVersion, '1.') THEN r.tlsDetails.tlsVersion END AS "tls.version",
  nullif(r.tlsDetails.cipherSuite, '-')                AS "tls.cipher",
  host                                                 AS "tls.client.server_name",

  -- file: S3 objects
  CASE WHEN area = 'file' THEN 's3://' || (r.requestParameters ->> '$.bucketName') || '/' || (r.requestParameters ->> '$.key') END AS "file.path",

  -- native: an empty cell of the console's CSV is no code
  nullif(r.errorCode, '')                              AS "native.errorCode",
  nullif(r.errorMessage, '')                           AS "native.errorMessage",

  -- related
  CASE WHEN contains(address, ',') THEN list_transform(string_split(address, ','), lambda ip: ip_text(trim(ip)))
       WHEN r.readOnly THEN NULL
       -- the instance that an EC2 Instance Connect Endpoint leads to, and what an agent says of its own
       WHEN r.eventName = 'OpenTunnel' THEN list_transform([r.requestParameters ->> '$.privateIpAddress'], lambda ip: ip_text(ip))
       WHEN r.eventName = 'UpdateInstanceInformation' THEN list_transform([r.requestParameters ->> '$.iPAddress'], lambda ip: ip_text(ip))
       -- what a call lets in, keeps out, points a name at, gives or takes: single addresses, no networks
       WHEN r.eventSource IN ('ec2.amazonaws.com', 'elasticloadbalancing.amazonaws.com', 'ecs.amazonaws.com',
              'route53.amazonaws.com', 'wafv2.amazonaws.com', 'waf.amazonaws.com', 'waf-regional.amazonaws.com', 'network-firewall.amazonaws.com',
              'globalaccelerator.amazonaws.com', 'lightsail.amazonaws.com', 'eks.amazonaws.com', 'workspaces.amazonaws.com')
       THEN list_transform(list_transform(
         regexp_extract_all(concat_ws(' ', r.requestParameters, r.responseElements), '"([0-9A-Fa-f]*[.:][0-9A-Fa-f.:]+(?:/32|/128)?)"', 1),
         lambda ip: CASE WHEN contains(ip, ':') THEN replace(ip, '/128', '') ELSE replace(ip, '/32', '') END), lambda ip: ip_text(ip)) END AS "related.ip",
  -- the issuer of a session: its role, or the IAM user who asked for a federated user's credentials
  CASE WHEN coalesce(role, r.userIdentity.sessionContext.sessionIssuer.userName, named_user, target_id, target_role, effective, switched, pool_user, store_user,
                     r.userIdentity.sessionContext.sourceIdentity, r.userIdentity.onBehalfOf.userId) IS NOT NULL
       THEN [role, nullif(r.userIdentity.sessionContext.sessionIssuer.userName, ''), named_user, new_name, target_id, target_role, effective, switched, pool_user, store_user,
             nullif(r.userIdentity.sessionContext.sourceIdentity, ''), r.userIdentity.onBehalfOf.userId] END AS "related.user",
  CASE WHEN r.eventSource = 'cloudhsm.amazonaws.com'
       THEN list_concat(coalesce(instances, []), [coalesce(r.responseElements ->> '$.clusterId', r.responseElements ->> '$.hsm.clusterId',
                        r.responseElements ->> '$.cluster.clusterId', r.requestParameters ->> '$.clusterId')])
       -- the instance whose credentials these are
       WHEN contains(r.userIdentity.inScopeOf.credentialsIssuedTo, 'instance/')
       THEN list_append(coalesce(instances, []), nullif(regexp_extract(r.userIdentity.inScopeOf.credentialsIssuedTo, 'instance/(m?i-[0-9a-f]+)$', 1), ''))
       WHEN r.readOnly THEN instances
       -- the names that are given an address, and what they are pointed at
       WHEN r.eventName = 'ChangeResourceRecordSets' THEN list_transform(list_concat(
         r.requestParameters ->> '$.changeBatch.changes[*].resourceRecordSet.name',
         r.requestParameters ->> '$.changeBatch.changes[*].resourceRecordSet.aliasTarget.dNSName'), lambda name: rtrim(name, '.'))
       WHEN r.eventName = 'UpdateInstanceInformation' THEN list_append(coalesce(instances, []), nullif(r.requestParameters ->> '$.computerName', 'HIDDEN_DUE_TO_SECURITY_REASONS'))
       ELSE instances END                              AS "related.hosts",
  -- a copy names the bucket that it takes from, unless by an access point; replication, logging and
  -- inventory the one that they write to ("Bucket", "TargetBucket")
  CASE WHEN starts_with(r.eventSource, 's3') THEN
    CASE WHEN contains(r.requestParameters, '"x-amz-copy-source"')
         THEN [r.requestParameters ->> '$.bucketName', nullif(regexp_extract(r.requestParameters ->> '$."x-amz-copy-source"', '^/?([^/:]+)/', 1), '')]
         WHEN contains(r.requestParameters, 'Bucket"')
         THEN list_append(regexp_extract_all(r.requestParameters, '"(?:Target)?Bucket"\s*:\s*"(?:arn:[\w-]+:s3:::)?([\w.-]+)"', 1), r.requestParameters ->> '$.bucketName')
         ELSE [r.requestParameters ->> '$.bucketName'] END END AS "related.buckets",
  -- keys beside the caller's: those handed out by STS, by a Cognito pool or by Roles Anywhere, and a user's own
  CASE WHEN contains(r.responseElements, '"accessKeyId"') OR contains(r.requestParameters, '"accessKeyId"')
       THEN [nullif(r.responseElements ->> '$.credentials.accessKeyId', ''), r.responseElements ->> '$.credentialSet[0].credentials.accessKeyId',
             r.responseElements ->> '$.accessKey.accessKeyId', nullif(r.requestParameters ->> '$.accessKeyId', '')] END AS "related.access_keys"
FROM (
  SELECT *,
    -- what kind of thing the call does: ECS event.type
    CASE deed
      WHEN 'info' THEN ['info'] WHEN 'access' THEN ['access'] WHEN 'creation' THEN ['creation'] WHEN 'change' THEN ['change']
      WHEN 'deletion' THEN ['deletion'] WHEN 'start' THEN CASE area WHEN 'configuration' THEN ['change', 'start'] ELSE ['start'] END
      WHEN 'end' THEN CASE area WHEN 'configuration' THEN ['change', 'end'] ELSE ['end'] END
      WHEN 'link' THEN ['creation', 'change'] WHEN 'unlink' THEN ['deletion', 'change'] END AS deeds,
    CASE WHEN area = 'iam' THEN list_filter([
           CASE WHEN contains(r.eventName, 'User') OR contains(r.eventName, 'LoginProfile') OR contains(r.eventName, 'AccessKey')
                  OR contains(r.eventName, 'MFADevice') OR contains(r.eventName, 'Password') OR contains(r.eventName, 'PublicKey')
                  OR contains(r.eventName, 'SigningCertificate') OR contains(r.eventName, 'ServiceSpecificCredential') THEN 'user' END,
           CASE WHEN contains(r.eventName, 'Group') THEN 'group' END,
           CASE WHEN deed NOT IN ('info', 'access') AND (contains(r.eventName, 'Role') OR contains(r.eventName, 'Policy') OR contains(r.eventName, 'Provider')
                  OR contains(r.eventName, 'InstanceProfile') OR contains(r.eventName, 'Permission') OR contains(r.eventName, 'Account')) THEN 'admin' END],
           lambda x: x IS NOT NULL) END                AS subject,
    CASE WHEN failed AND (contains(r.errorCode, 'AccessDenied') OR contains(r.errorCode, 'Unauthorized') OR contains(r.errorCode, 'NotAuthorized')
                          OR r.errorCode = 'AuthorizationError' OR contains(r.errorCode, 'Forbidden') OR r.errorCode IN ('401', '403')
                          OR (r.eventSource = 'bedrock-agentcore.amazonaws.com' AND r.responseElements ->> '$.statusCode' IN ('401', '403'))) THEN ['denied']
         WHEN area = 'endpoint' AND NOT failed THEN ['allowed'] END AS denied
  FROM (
    SELECT *,
      CASE
        WHEN area = 'authentication' THEN CASE r.eventName
          WHEN 'Logout' THEN 'end' WHEN 'ExitRole' THEN 'end' WHEN 'SignOut' THEN 'end' WHEN 'GlobalSignOut' THEN 'end'
          WHEN 'AdminUserGlobalSignOut' THEN 'end' WHEN 'Logout_GET' THEN 'end' WHEN 'Logout_POST' THEN 'end'
          -- steps of a sign-in, of which only the last, UserAuthentication, is one
          WHEN 'CheckMfa' THEN 'info' WHEN 'CredentialChallenge' THEN 'info' WHEN 'CredentialVerification' THEN 'info'
          WHEN 'PasswordRecoveryRequested' THEN 'info' WHEN 'PasswordRecoveryCompleted' THEN 'change' WHEN 'PasswordUpdated' THEN 'change' WHEN 'EmailUpdated' THEN 'change'
          WHEN 'SendSSHPublicKey' THEN 'access' WHEN 'SendSerialConsoleSSHPublicKey' THEN 'access'
          -- a Cognito page that is shown is no sign-in, but OAuth2Response_GET is one
          ELSE CASE WHEN ends_with(r.eventName, '_GET') AND NOT contains(r.eventName, 'Response') THEN 'info' ELSE 'start' END END
        WHEN area = 'session' AND r.eventName = 'TerminateSession' THEN 'end'
        WHEN verb_deed = 'info' AND (r.eventCategory IN ('Data', 'NetworkActivity') OR area = 'file' OR starts_with(r.eventName, 'GetParameter')
               OR r.eventName IN ('GetSecretValue', 'BatchGetSecretValue', 'GetPasswordData')) THEN 'access'
        WHEN r.eventName = 'ScheduleKeyDeletion' THEN 'deletion'
        WHEN r.eventName = 'CompleteMultipartUpload' THEN 'link'
        ELSE coalesce(verb_deed, CASE WHEN r.readOnly OR r.eventType = 'AwsServiceEvent' THEN 'info' ELSE 'change' END) END AS deed
    FROM (
      SELECT *,
        CASE WHEN effective_id IS NOT NULL THEN nullif(substr(effective_id, strpos(effective_id, ':') + 1), '')
             WHEN r.eventName = 'SwitchRole' THEN split_part(r.additionalEventData ->> '$.SwitchTo', '/', -1) END AS effective,
        CASE WHEN r.eventName IN ('SwitchRole', 'ExitRole') THEN nullif(split_part(r.additionalEventData ->> '$.SwitchFrom', '/', -1), '') END AS switched,
        CASE
          WHEN r.eventCategory = 'NetworkActivity' THEN 'endpoint'
          ELSE coalesce(
            CASE r.eventSource
              WHEN 'kms.amazonaws.com' THEN NULL
              WHEN 'ec2messages.amazonaws.com' THEN 'api'
              WHEN 'ssmmessages.amazonaws.com' THEN 'api'
              WHEN 'ec2.amazonaws.com' THEN
                CASE WHEN NOT starts_with(r.eventName, 'DescribeInstance') AND regexp_matches(r.eventName, 'SecurityGroup|NetworkAcl|Vpc|Vpn|Subnet|Route|Gateway|NetworkInterface|NetworkInsights|Address|FlowLog|DhcpOptions|PrefixList|TrafficMirror|Ipam|Peering|ClassicLink')
                     THEN 'network'
                     WHEN NOT starts_with(r.eventName, 'Describe') THEN CASE r.eventName
                       WHEN 'RunInstances' THEN 'host' WHEN 'StartInstances' THEN 'host' WHEN 'StopInstances' THEN 'host' WHEN 'TerminateInstances' THEN 'host'
                       WHEN 'RebootInstances' THEN 'host' WHEN 'RequestSpotInstances' THEN 'host' WHEN 'ModifyInstanceAttribute' THEN 'host'
                       WHEN 'ModifyInstanceMetadataOptions' THEN 'host' WHEN 'SendDiagnosticInterrupt' THEN 'host' END END
              WHEN 's3.amazonaws.com' THEN
                CASE WHEN (r.eventCategory = 'Data' OR r.managementEvent = false OR contains(r.eventName, 'Object') OR contains(r.eventName, 'Multipart') OR starts_with(r.eventName, 'UploadPart'))
                          AND NOT contains(r.eventName, 'Bucket') AND NOT contains(r.eventName, 'Configuration') THEN 'file' END
              WHEN 's3express.amazonaws.com' THEN CASE WHEN contains(r.eventName, 'Object') OR contains(r.eventName, 'Part') THEN 'file' END
              WHEN 'iam.amazonaws.com' THEN 'iam'
              WHEN 'sts.amazonaws.com' THEN
                CASE WHEN starts_with(r.eventName, 'AssumeRo') OR r.eventName IN ('GetSessionToken', 'GetFederationToken', 'GetWebIdentityToken', 'GetDelegatedAccessToken')
                     THEN 'authentication' ELSE 'iam' END
              WHEN 'signin.amazonaws.com' THEN 'authentication'
              WHEN 'ssm.amazonaws.com' THEN
                CASE r.eventName WHEN 'StartSession' THEN 'session' WHEN 'ResumeSession' THEN 'session' WHEN 'TerminateSession' THEN 'session' WHEN 'SendCommand' THEN 'process' END
              WHEN 'ecs.amazonaws.com' THEN CASE r.eventName WHEN 'ExecuteCommand' THEN 'process' END
              WHEN 'config.amazonaws.com' THEN 'configuration'
              WHEN 'cloudtrail.amazonaws.com' THEN 'configuration'
              WHEN 'sso.amazonaws.com' THEN
                CASE r.eventName WHEN 'Authenticate' THEN 'authentication' WHEN 'Federate' THEN 'authentication' WHEN 'GetRoleCredentials' THEN 'authentication' WHEN 'Logout' THEN 'authentication' ELSE 'iam' END
              WHEN 'sso-oauth.amazonaws.com' THEN CASE WHEN starts_with(r.eventName, 'CreateToken') THEN 'authentication' ELSE 'iam' END
              WHEN 'sso-directory.amazonaws.com' THEN 'iam'
              WHEN 'identitystore.amazonaws.com' THEN 'iam'
              WHEN 'identitystore-scim.amazonaws.com' THEN 'iam'
              WHEN 'access-analyzer.amazonaws.com' THEN 'iam'
              WHEN 'ds.amazonaws.com' THEN 'iam'
              WHEN 'verifiedpermissions.amazonaws.com' THEN 'iam'
              WHEN 'rolesanywhere.amazonaws.com' THEN CASE WHEN r.eventName = 'CreateSession' THEN 'authentication' ELSE 'iam' END
              WHEN 'cognito-idp.amazonaws.com' THEN CASE WHEN (contains(r.eventName, 'Auth') AND NOT contains(r.eventName, 'AuthEvent')) OR contains(r.eventName, 'SignOut') OR r.eventName LIKE 'Log%'
                OR r.eventName LIKE 'Token%' OR r.eventName LIKE 'SAML%' THEN 'authentication' ELSE 'iam' END
              WHEN 'cognito-identity.amazonaws.com' THEN CASE WHEN r.eventName LIKE 'GetCredentials%' OR r.eventName LIKE 'GetOpenIdToken%' OR r.eventName = 'GetId' THEN 'authentication' ELSE 'iam' END
              WHEN 'eks-auth.amazonaws.com' THEN 'authentication'
              WHEN 'ec2-instance-connect.amazonaws.com' THEN CASE WHEN contains(r.eventName, 'Tunnel') THEN 'session' ELSE 'authentication' END
              WHEN 'rds.amazonaws.com' THEN 'database'
              WHEN 'rds-data.amazonaws.com' THEN 'database'
              WHEN 'dynamodb.amazonaws.com' THEN 'database'
              WHEN 'redshift.amazonaws.com' THEN 'database'
              WHEN 'redshift-data.amazonaws.com' THEN 'database'
              WHEN 'redshift-serverless.amazonaws.com' THEN 'database'
              WHEN 'athena.amazonaws.com' THEN 'database'
              WHEN 'elasticache.amazonaws.com' THEN 'database'
              WHEN 'memorydb.amazonaws.com' THEN 'database'
              WHEN 'dax.amazonaws.com' THEN 'database'
              WHEN 'cassandra.amazonaws.com' THEN 'database'
              WHEN 'timestream.amazonaws.com' THEN 'database'
              WHEN 'neptune-db.amazonaws.com' THEN 'database'
              WHEN 'neptune-graph.amazonaws.com' THEN 'database'
              WHEN 'qldb.amazonaws.com' THEN 'database'
              WHEN 'docdb-elastic.amazonaws.com' THEN 'database'
              WHEN 'dsql.amazonaws.com' THEN 'database'
              WHEN 'elasticloadbalancing.amazonaws.com' THEN 'network'
              WHEN 'route53.amazonaws.com' THEN 'network'
              WHEN 'route53resolver.amazonaws.com' THEN 'network'
              WHEN 'network-firewall.amazonaws.com' THEN 'network'
              WHEN 'wafv2.amazonaws.com' THEN 'network'
              WHEN 'waf.amazonaws.com' THEN 'network'
              WHEN 'waf-regional.amazonaws.com' THEN 'network'
              WHEN 'shield.amazonaws.com' THEN 'network'
              WHEN 'fms.amazonaws.com' THEN 'network'
              WHEN 'directconnect.amazonaws.com' THEN 'network'
              WHEN 'networkmanager.amazonaws.com' THEN 'network'
              WHEN 'globalaccelerator.amazonaws.com' THEN 'network'
              WHEN 'vpc-lattice.amazonaws.com' THEN 'network'
              WHEN 'ebs.amazonaws.com' THEN 'file'
              WHEN 'ses.amazonaws.com' THEN CASE WHEN starts_with(r.eventName, 'Send') THEN 'email' END
            END,
            CASE WHEN verb_deed IN ('info', 'access') OR r.readOnly OR r.eventCategory = 'Data' OR r.managementEvent = false THEN 'api' ELSE 'configuration' END) END AS area
      FROM (
        SELECT *,
          CASE verb
            WHEN 'describe' THEN 'info' WHEN 'get' THEN 'info' WHEN 'list' THEN 'info' WHEN 'create' THEN 'creation' WHEN 'delete' THEN 'deletion' WHEN 'update' THEN 'change'
              WHEN 'decrypt' THEN 'access' WHEN 'head' THEN 'info' WHEN 'put' THEN 'link' WHEN 'modify' THEN 'change' WHEN 'generate' THEN 'access'
              WHEN 'encrypt' THEN 'access' WHEN 'lookup' THEN 'info' WHEN 'start' THEN 'start' WHEN 'stop' THEN 'end' WHEN 'invoke' THEN 'start' WHEN 'converse' THEN 'start'
              WHEN 'run' THEN 'creation' WHEN 'terminate' THEN 'deletion' WHEN 'add' THEN 'link' WHEN 'attach' THEN 'link'
              WHEN 'authorize' THEN 'link' WHEN 'associate' THEN 'link' WHEN 'remove' THEN 'unlink' WHEN 'detach' THEN 'unlink'
              WHEN 'revoke' THEN 'unlink' WHEN 'disassociate' THEN 'unlink' WHEN 'set' THEN 'change' WHEN 'tag' THEN 'change'
              WHEN 'untag' THEN 'change' WHEN 'enable' THEN 'change' WHEN 'disable' THEN 'change' WHEN 'rotate' THEN 'change' WHEN 'register' THEN 'creation'
              WHEN 'deregister' THEN 'deletion' WHEN 'allocate' THEN 'creation' WHEN 'release' THEN 'deletion' WHEN 'import' THEN 'creation'
              WHEN 'copy' THEN 'creation' WHEN 'upload' THEN 'creation' WHEN 'restore' THEN 'creation' WHEN 'purchase' THEN 'creation'
              WHEN 'request' THEN 'creation' WHEN 'publish' THEN 'creation' WHEN 'send' THEN 'start' WHEN 'execute' THEN 'start'
              WHEN 'query' THEN 'info' WHEN 'scan' THEN 'info' WHEN 'search' THEN 'info' WHEN 'select' THEN 'info' WHEN 'check' THEN 'info'
              WHEN 'view' THEN 'info' WHEN 'validate' THEN 'info' WHEN 'verify' THEN 'info' WHEN 'simulate' THEN 'info' WHEN 'preview' THEN 'info'
              WHEN 'estimate' THEN 'info' WHEN 'count' THEN 'info' WHEN 'receive' THEN 'info' WHEN 'decode' THEN 'info' WHEN 'discover' THEN 'info'
              WHEN 'detect' THEN 'info' WHEN 'test' THEN 'info' WHEN 'read' THEN 'info' WHEN 'download' THEN 'info' WHEN 'poll' THEN 'info'
              WHEN 'is' THEN 'info' WHEN 'resume' THEN 'start' WHEN 'open' THEN 'start'
              -- Connect of IoT, DbConnect and DbConnectAdmin of Aurora DSQL
              WHEN 'connect' THEN 'start' WHEN 'db' THEN 'start' WHEN 'disconnect' THEN 'end' WHEN 'close' THEN 'end' WHEN 'abort' THEN 'end'
              WHEN 'purge' THEN 'deletion' WHEN 'destroy' THEN 'deletion' WHEN 'drop' THEN 'deletion' WHEN 'unsubscribe' THEN 'deletion'
              WHEN 'subscribe' THEN 'creation' WHEN 'issue' THEN 'creation' WHEN 'provision' THEN 'creation' WHEN 'launch' THEN 'creation'
              WHEN 'invite' THEN 'creation' END AS verb_deed,
          -- JSON members, only where the call has them
          CASE
            WHEN contains(r.requestParameters, 'nstanceId') OR contains(r.responseElements, '"instanceId"') THEN list_filter(list_concat(
              [r.requestParameters ->> '$.instanceId'],
              -- {"ModifyInstanceMetadataOptionsRequest": {"InstanceId": "i-..."}}, and in others {"content": "i-..."}
              coalesce(r.requestParameters ->> '$.*.InstanceId', []), coalesce(r.requestParameters ->> '$.*.InstanceId.content', []),
              coalesce(r.responseElements ->> '$.instancesSet.items[*].instanceId', []),
              coalesce(r.requestParameters ->> '$.instancesSet.items[*].instanceId', []),
              coalesce(r.requestParameters ->> '$.instanceIds[*]', []),
              -- {"key": "InstanceIds", "values": [...]}
              CASE WHEN contains(r.requestParameters, '"targets"') THEN coalesce(r.requestParameters ->> '$.targets[*].values[*]', []) ELSE [] END),
              lambda x: starts_with(x, 'i-') OR starts_with(x, 'mi-'))
            -- an agent's channel names its instance as a resource alone
            WHEN r.eventName = 'CreateControlChannel' THEN list_filter([regexp_extract(r.resources[1].ARN, '/(m?i-[0-9a-f]+)$', 1)], lambda x: x <> '')
            WHEN r.eventSource = 'ssm.amazonaws.com' THEN list_filter(
              CASE WHEN contains(r.requestParameters, '"targets"') THEN r.requestParameters ->> '$.targets[*].values[*]' ELSE [CASE r.eventName
                WHEN 'StartSession' THEN r.requestParameters ->> '$.target' WHEN 'GetConnectionStatus' THEN r.requestParameters ->> '$.target'
                WHEN 'OpenControlChannel' THEN r.requestParameters ->> '$.targetId'
                WHEN 'PutComplianceItems' THEN r.requestParameters ->> '$.resourceId' END] END, lambda x: starts_with(x, 'i-') OR starts_with(x, 'mi-'))
            WHEN r.eventName IN ('CreateTags', 'DeleteTags') THEN list_filter(r.requestParameters ->> '$.resourcesSet.items[*].resourceId', lambda x: starts_with(x, 'i-'))
            WHEN contains(r.serviceEventDetails, '"instanceIdSet"') THEN r.serviceEventDetails ->> '$.instanceIdSet[*]'
            WHEN r.eventSource = 'sts.amazonaws.com' AND r.userAgent = 'ec2.amazonaws.com' THEN [r.requestParameters ->> '$.roleSessionName']
            WHEN r.eventSource = 'cloudhsm.amazonaws.com' THEN [coalesce(r.responseElements ->> '$.hsmId', r.responseElements ->> '$.hsm.hsmId')]
          END AS instances,
          -- who is only asked about is no target
          CASE WHEN r.readOnly IS DISTINCT FROM true THEN named_user END AS target,
          CASE WHEN named_user IS NOT NULL AND r.eventName = 'UpdateUser' THEN r.requestParameters ->> '$.newUserName' END AS new_name,
          -- the role that is changed, or asked for, also in vain
          CASE WHEN r.eventSource = 'iam.amazonaws.com' AND r.readOnly IS DISTINCT FROM true THEN r.requestParameters ->> '$.roleName'
               WHEN r.eventSource IN ('sts.amazonaws.com', 'rolesanywhere.amazonaws.com') AND contains(r.requestParameters, ':role/')
               THEN nullif(split_part(r.requestParameters ->> '$.roleArn', '/', -1), '')
               WHEN r.eventSource = 'sso.amazonaws.com' THEN r.serviceEventDetails ->> '$.role_name'
               END AS target_role,
          -- of Identity Center also who is put into a group, or assigned to an account
          CASE WHEN r.eventSource IN ('identitystore.amazonaws.com', 'sso-directory.amazonaws.com')
               THEN coalesce(r.requestParameters ->> '$.userId', r.requestParameters ->> '$.memberId.userId', r.requestParameters ->> '$.member.memberId')
               WHEN r.eventSource = 'identitystore-scim.amazonaws.com' AND contains(r.eventName, 'User')
               THEN coalesce(r.requestParameters ->> '$.id', r.responseElements ->> '$.id')
               WHEN r.eventSource = 'sso.amazonaws.com'
               THEN CASE WHEN r.requestParameters ->> '$.principalType' = 'USER' THEN r.requestParameters ->> '$.principalId' END
               END AS target_id,
          -- <role or account id>:<session or user>; AssumeRoot names the account, or its root's ARN
          CASE WHEN r.eventSource = 'sts.amazonaws.com' AND r.responseElements IS NOT NULL
               THEN CASE WHEN r.eventName = 'AssumeRoot' THEN nullif(regexp_extract(r.requestParameters ->> '$.targetPrincipal', '\d{12}'), '') || ':root'
                    ELSE coalesce(r.responseElements ->> '$.assumedRoleUser.assumedRoleId', r.responseElements ->> '$.federatedUser.federatedUserId') END
               -- a session that is had for a certificate
               WHEN r.eventSource = 'rolesanywhere.amazonaws.com' THEN r.responseElements ->> '$.credentialSet[0].assumedRoleUser.assumedRoleId'
               END AS effective_id
        FROM (
          SELECT record, r, key_path, wrap,
            -- of an EFS mount the service is the sender and the client stands within
            CASE WHEN contains(r.serviceEventDetails, '"sourceIpAddress"') THEN r.serviceEventDetails ->> '$.sourceIpAddress'
                 ELSE r.sourceIPAddress END AS address,
            -- the person of Identity Center to whom an application's token is given
            CASE WHEN r.eventSource = 'sso-oauth.amazonaws.com' THEN r.additionalEventData ->> '$."identitystore:UserId"' END AS store_user,
            -- whom a call names: of IAM and directories any, of the users of other services (SFTP, brokers, caches) whoever is made or changed
            CASE WHEN r.eventSource IN ('iam.amazonaws.com', 'cognito-idp.amazonaws.com', 'identitystore.amazonaws.com', 'sso-directory.amazonaws.com', 'ds.amazonaws.com')
                   OR (r.readOnly IS DISTINCT FROM true AND (contains(r.eventName, 'User') OR r.eventName = 'ImportSshPublicKey'))
                 THEN nullif(coalesce(r.requestParameters ->> '$.userName', r.requestParameters ->> '$.username',
                   -- one's own key is made without a name
                   CASE WHEN r.eventName = 'CreateAccessKey' THEN r.responseElements ->> '$.accessKey.userName' END), 'HIDDEN_DUE_TO_SECURITY_REASONS') END AS named_user,
            -- the user of a Cognito pool who signs in, or is administered
            CASE WHEN r.eventSource = 'cognito-idp.amazonaws.com' THEN r.additionalEventData ->> '$.sub' END AS pool_user,
            CASE WHEN TRY_CAST(r.eventTime AS TIMESTAMPTZ) IS NOT NULL THEN TRY_CAST(r.eventTime AS TIMESTAMPTZ)
                 -- a query that did not ask for it
                 WHEN r.eventTime IS NULL THEN told_time(wrap.time) ELSE coalesce(epoch_time(r.eventTime),
              -- as the console shows it: "2024-02-01, 10:00:00 UTC+01:00", "February 01, 2024, 10:00:00 (UTC+01:00)"
              console_time(trim(regexp_replace(replace(r.eventTime, ',', ''), ' *\(?UTC(?:([+-]\d\d):?(\d\d))?\)?$', ' \1\2')))) END AS "time",
            -- the call's verb; the frequent ones without a regex
            CASE WHEN starts_with(r.eventName, 'Describe') THEN 'describe' WHEN starts_with(r.eventName, 'Get') THEN 'get' WHEN starts_with(r.eventName, 'List') THEN 'list'
                 WHEN starts_with(r.eventName, 'Create') THEN 'create' WHEN starts_with(r.eventName, 'Delete') THEN 'delete' WHEN starts_with(r.eventName, 'Update') THEN 'update'
                 ELSE lower(regexp_extract(r.eventName, '^(?:Batch|Admin)?([A-Z]?[a-z0-9]+)', 1)) END AS verb,
            -- Managed Grafana gives its HTTP status as errorCode, also of what succeeded
            (r.errorCode <> '' AND r.errorCode NOT LIKE '2__' AND r.errorCode NOT LIKE '3__') IS TRUE OR nullif(r.errorMessage, '') IS NOT NULL
              OR regexp_matches(r.serviceEventDetails, ':\s*"(FAILED|Failed)"') IS TRUE
              -- a gateway of AgentCore has its answer's status there, and no errorCode
              OR (r.eventSource = 'bedrock-agentcore.amazonaws.com' AND r.responseElements ->> '$.statusCode' >= '400') IS TRUE
              -- a page of a Cognito pool gives its answer's status, and an empty errorCode
              OR CASE WHEN r.eventSource = 'cognito-idp.amazonaws.com' THEN TRY_CAST(r.additionalEventData ->> '$.responseParameters.status' AS DOUBLE) >= 400 ELSE false END IS TRUE
              OR (r.eventSource = 'signin.amazonaws.com' AND (contains(r.responseElements, '"Failure"') OR contains(r.serviceEventDetails, '"Failure"'))) IS TRUE AS failed,
            CASE
              WHEN r.userIdentity.type = 'Root' THEN 'root'
              WHEN nullif(r.userIdentity.userName, '') IS NOT NULL THEN r.userIdentity.userName
              -- arn:aws:sts::123456789012:assumed-role/<role>/<session>: the session's name may hold anything
              WHEN contains(r.userIdentity.arn, ':assumed-role/') THEN coalesce(
                nullif(substr(r.userIdentity.arn, length(split_part(r.userIdentity.arn, '/', 1)) + length(split_part(r.userIdentity.arn, '/', 2)) + 3), ''),
                CASE WHEN contains(r.userIdentity.principalId, ':') THEN nullif(substr(r.userIdentity.principalId, strpos(r.userIdentity.principalId, ':') + 1), '') END,
                nullif(split_part(r.userIdentity.arn, '/', 2), ''))
              ELSE coalesce(
                nullif(regexp_extract(r.userIdentity.arn, '^arn:[^:]*:[^:]*:[^:]*:[^:]*:(?:federated-user/|[^/:]+/(?:[^/]*/)*)?(.*)$', 1), ''),
                CASE WHEN r.eventSource = 'signin.amazonaws.com' THEN r.additionalEventData ->> '$.UserName' END,
                CASE WHEN contains(r.userIdentity.principalId, ':') THEN nullif(substr(r.userIdentity.principalId, strpos(r.userIdentity.principalId, ':') + 1), '')
                     ELSE nullif(r.userIdentity.principalId, '') END,
                r.userIdentity.onBehalfOf.userId, r.userIdentity.invokedBy, r.userName,
                CASE WHEN r.userIdentity.accountId = 'anonymous' OR r.userIdentity.type = 'AWSAccount' THEN r.userIdentity.accountId END) END AS name,
            -- as the caller wrote it, with a port or without
            CASE WHEN contains(r.tlsDetails.clientProvidedHostHeader, ':') THEN host_of(r.tlsDetails.clientProvidedHostHeader)
                 ELSE nullif(r.tlsDetails.clientProvidedHostHeader, '-') END AS host,
            CASE WHEN r.userIdentity.sessionContext.sessionIssuer.type = 'Role' THEN r.userIdentity.sessionContext.sessionIssuer.userName
                 WHEN contains(r.userIdentity.arn, ':assumed-role/') THEN nullif(split_part(r.userIdentity.arn, '/', 2), '')
                 WHEN contains(r.userIdentity.arn, ':role/') THEN nullif(split_part(r.userIdentity.arn, '/', -1), '') END AS role
          FROM records))))
)
