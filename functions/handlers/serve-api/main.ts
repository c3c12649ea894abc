import { openCloud } from '../../assembly/open-cloud.ts';
import { readCloudEnvironment } from '../../assembly/read-cloud-environment.ts';
import { lambdaLog, logLevelOf } from '../../hosts/lambda-log.ts';
import { productFolder } from '../../hosts/product-folder.ts';
import { serveApi } from './handler.ts';

// Awaited while the function initialises: one that cannot be opened says what is missing before anything is asked of it.
const environment = readCloudEnvironment(process.env, 'serve-api');
const log = lambdaLog({ level: logLevelOf(process.env) });
const { services, counts, rate, wakes } = await openCloud({ environment, repository: productFolder, log });

export const handler = serveApi({ services, counts, rate, wakes, log });
