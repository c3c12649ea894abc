/** A request as the proxy integration of a REST API writes it. */
export function restEvent(changes: object = {}): object {
  return {
    resource: '/{proxy+}',
    path: '/v1/models',
    httpMethod: 'GET',
    headers: { Accept: '*/*', 'X-Forwarded-For': '203.0.113.9, 130.176.1.1' },
    multiValueHeaders: { Accept: ['*/*'], 'X-Forwarded-For': ['203.0.113.9, 130.176.1.1'] },
    queryStringParameters: null,
    multiValueQueryStringParameters: null,
    pathParameters: { proxy: 'v1/models' },
    stageVariables: null,
    requestContext: {
      accountId: '123456789012',
      apiId: 'a1b2c3d4e5',
      domainName: 'a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com',
      extendedRequestId: 'JJbxrG5sFiAEM0g=',
      httpMethod: 'GET',
      identity: { sourceIp: '198.51.100.7', userAgent: 'curl/8.5.0' },
      path: '/dev/v1/models',
      protocol: 'HTTP/1.1',
      requestId: 'c6af9ac6-7b61-11e6-9a41-93e8deadbeef',
      requestTimeEpoch: 1_760_000_000_000,
      resourcePath: '/{proxy+}',
      stage: 'dev',
    },
    body: null,
    isBase64Encoded: false,
    ...changes,
  };
}

/** A request as a function URL writes it: payload format 2.0. */
export function urlEvent({ method = 'GET', ...changes }: { method?: string; [field: string]: unknown } = {}): object {
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: '/v1/models',
    rawQueryString: '',
    headers: { accept: '*/*', host: 'abc.lambda-url.eu-central-1.on.aws', 'x-forwarded-for': '203.0.113.9' },
    requestContext: {
      accountId: 'anonymous',
      apiId: 'abc',
      domainName: 'abc.lambda-url.eu-central-1.on.aws',
      domainPrefix: 'abc',
      http: { method, path: '/v1/models', protocol: 'HTTP/1.1', sourceIp: '198.51.100.7', userAgent: 'curl/8.5.0' },
      requestId: '2b1a4ea5-42ae-4c55-a7c5-1c2f9b2f4f2a',
      routeKey: '$default',
      stage: '$default',
      timeEpoch: 1_760_000_000_000,
    },
    isBase64Encoded: false,
    ...changes,
  };
}

/** A batch as the event source mapping of a queue writes it. */
export function queueEvent(...bodies: readonly string[]): { Records: object[] } {
  return { Records: bodies.map((body, index) => queueRecord(body, { messageId: `message-${index + 1}` })) };
}

export function queueRecord(body: string, changes: object = {}): object {
  return {
    messageId: '059f36b4-87a3-44ab-83d2-661975830a7d',
    receiptHandle: 'AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a',
    body,
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: '1760000000000',
      SenderId: 'AIDAIENQZJOLO23YVJ4VO',
      ApproximateFirstReceiveTimestamp: '1760000000005',
    },
    messageAttributes: {},
    md5OfBody: 'e4e68fb7bd0e697a0ae8f1bb342846b3',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:eu-central-1:123456789012:signet-dev-runs',
    awsRegion: 'eu-central-1',
    ...changes,
  };
}

export function scheduleEvent(): object {
  return {
    version: '0',
    id: '53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa',
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account: '123456789012',
    time: '2025-10-08T16:53:06Z',
    region: 'eu-central-1',
    resources: ['arn:aws:events:eu-central-1:123456789012:rule/signet-dev-sweep'],
    detail: {},
  };
}
