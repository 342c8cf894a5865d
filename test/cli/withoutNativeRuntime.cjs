// Loaded before a program: ONNX Runtime's native library does not load, as on a system for which there is none, and whatever
// reaches for the network fails.
const { Socket } = require('node:net');

const { dlopen } = process;
process.dlopen = (module, file, ...rest) => {
  if (file.includes('onnxruntime_binding')) throw new Error('no such library here');
  return dlopen.call(process, module, file, ...rest);
};
const refuse = () => {
  throw new Error('The network was asked for.');
};
globalThis.fetch = refuse;
Socket.prototype.connect = refuse;
