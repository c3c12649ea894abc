// Writes a graph once more: optimised ahead, its weights in a file beside it, which the runtime maps instead of reading
// them through protobuf and copying them. Arguments: the ONNX file, where to write, the name of the weights' file.
// Run in a process of its own, which ends with the runtime that it loads.
import { createRequire } from 'node:module';

const [source, target, weights] = process.argv.slice(2);
const require = createRequire(new URL('../onnxruntime/package.json', import.meta.url));
const { InferenceSession } = require('onnxruntime-node');

await InferenceSession.create(source, {
  // Not `all`: what that adds is for the processor of the machine that builds.
  graphOptimizationLevel: 'extended',
  optimizedModelFilePath: target,
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  logSeverityLevel: 3,
  extra: {
    session: {
      optimized_model_external_initializers_file_name: weights,
      optimized_model_external_initializers_min_size_in_bytes: '1024',
    },
  },
});
