// Runs the `handler` of an `index.mjs` as Lambda's Node runtime does: one event at a time, buffered or, by
// `awslambda.streamifyResponse`, as a stream. Only what our functions use of that runtime.
import http from 'node:http';
import { PassThrough } from 'node:stream';
import { pathToFileURL } from 'node:url';

const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime`;
const agent = new http.Agent({ keepAlive: true });
const streaming = Symbol.for('aws.lambda.runtime.handler.streaming');
const prelude_type = 'application/vnd.awslambda.http-integration-response';
const content_types = new WeakMap();

if (process.env.SIGNET_TEST_NO_STREAMING === undefined) {
  globalThis.awslambda = {
    streamifyResponse: (handler) => Object.assign(handler, { [streaming]: 'response' }),
    HttpResponseStream: {
      /** Status and headers go ahead of the body: JSON, then eight NUL bytes. */
      from(stream, metadata) {
        content_types.set(stream, prelude_type);
        stream.write(Buffer.concat([Buffer.from(JSON.stringify(metadata)), Buffer.alloc(8)]));
        return stream;
      },
    },
  };
}
delete process.env.SIGNET_TEST_NO_STREAMING;

let handler;
try {
  ({ handler } = await import(pathToFileURL(`${process.env.LAMBDA_TASK_ROOT}/index.mjs`).href));
  if (typeof handler !== 'function') throw new TypeError('index.mjs exports no function `handler`');
} catch (error) {
  console.error(error);
  await post('init/error', errorOf(error));
  process.exit(1);
}

for (;;) {
  const { headers, body } = await send('GET', 'invocation/next');
  const request_id = headers['lambda-runtime-aws-request-id'];
  process.env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'];
  const context = contextOf(headers);
  try {
    const event = JSON.parse(body);
    if (handler[streaming] === 'response') await answerAsStream(event, context, request_id);
    else await post(`invocation/${request_id}/response`, (await handler(event, context)) ?? null);
  } catch (error) {
    console.error(error);
    await post(`invocation/${request_id}/error`, errorOf(error));
  }
}

/** The request begins with the first byte, so that a handler that fails before it has an ordinary error. */
async function answerAsStream(event, context, request_id) {
  const stream = new PassThrough();
  stream.setContentType = (type) => content_types.set(stream, type);
  const sent = Promise.withResolvers();
  let hasBegun = false;
  const begin = () => {
    if (hasBegun) return;
    hasBegun = true;
    void pipe(stream, request_id).then(sent.resolve, sent.reject);
  };
  stream.once('readable', begin);
  try {
    await handler(event, stream, context);
  } catch (error) {
    if (!hasBegun) throw error;
    console.error(error);
    stream.destroy(error instanceof Error ? error : new Error(String(error)));
    await sent.promise;
    return;
  }
  begin();
  await sent.promise;
}

function pipe(stream, request_id) {
  return new Promise((resolve, reject) => {
    const request = http.request(`${api}/invocation/${request_id}/response`, {
      method: 'POST',
      agent,
      headers: {
        'content-type': content_types.get(stream) ?? 'application/octet-stream',
        'lambda-runtime-function-response-mode': 'streaming',
        'transfer-encoding': 'chunked',
        trailer: 'Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body',
      },
    });
    request.on('response', (response) => response.resume().on('end', resolve));
    request.on('error', reject);
    stream.on('error', (error) => {
      request.addTrailers({
        'Lambda-Runtime-Function-Error-Type': error.name,
        'Lambda-Runtime-Function-Error-Body': Buffer.from(JSON.stringify(errorOf(error))).toString('base64'),
      });
      request.end();
    });
    stream.pipe(request);
  });
}

function contextOf(headers) {
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  return {
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}

function errorOf(error) {
  if (!(error instanceof Error)) return { errorType: 'Error', errorMessage: String(error), trace: [] };
  return { errorType: error.name, errorMessage: error.message, trace: String(error.stack).split('\n') };
}

function post(path, value) {
  return send('POST', path, JSON.stringify(value));
}

function send(method, path, text) {
  return new Promise((resolve, reject) => {
    const request = http.request(`${api}/${path}`, { method, agent }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }));
      response.on('error', reject);
    });
    // The server is gone: so is the sandbox.
    request.on('error', () => process.exit(0));
    request.end(text);
  });
}
