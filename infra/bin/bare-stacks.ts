// The stacks of a stage by name alone, which is all that the CDK needs to delete them: no artefact, genesis or
// configuration has to be there any more. Context: `stage`.
import { App, Stack } from 'aws-cdk-lib/core';
import { stageName } from '../config.ts';

const app = new App({ analyticsReporting: false });
const stage = stageName.parse(app.node.tryGetContext('stage'));
const { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: region } = process.env;
const place = account === undefined || region === undefined ? {} : { env: { account, region } };
for (const part of ['App', 'State']) new Stack(app, `Signet-${stage}-${part}`, place);
app.synth();
