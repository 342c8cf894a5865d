import { PbfWriter } from 'pbf';

/** Field numbers and enums of onnx.proto3 (ONNX IR version 8), only what the graphs here use. */
const IR_VERSION = 8;
const OPSET = 17;
const MICROSOFT_DOMAIN = 'com.microsoft';
/** ONNX Runtime's own operators on maps whose channels lie in blocks, which its optimiser uses for inference. */
const BLOCKED_DOMAIN = 'com.microsoft.nchwc';
const DATA_TYPE = { float32: 1, int64: 7 } as const;
const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, ints: 7 } as const;

type ElementType = keyof typeof DATA_TYPE;
/** A dimension: a number, or a name for one that varies. */
type Dimension = number | string;
/** Numbers are ints; floats are written `{ float: x }`. */
type Attribute = number | string | number[] | { float: number };

interface ValueInfo {
  name: string;
  dims: Dimension[];
}
interface TensorProto {
  name: string;
  dims: number[];
  type: ElementType;
  bytes: Uint8Array;
}
interface NodeProto {
  type: string;
  inputs: string[];
  outputs: string[];
  attributes: Record<string, Attribute>;
  domain?: string;
}

/** Builds an ONNX model node by node; values are referred to by name. */
export class OnnxGraph {
  private readonly nodes: NodeProto[] = [];
  private readonly initializers: TensorProto[] = [];
  private readonly inputs: ValueInfo[] = [];
  private readonly outputs: ValueInfo[] = [];
  private readonly constants = new Map<string, string>();
  private nextValue = 0;

  /** Declares a float32 input. */
  input(name: string, dims: Dimension[]): string {
    this.inputs.push({ name, dims });
    return name;
  }

  /** Declares a value as a float32 output under `name`. */
  output(name: string, value: string, dims: Dimension[]): void {
    this.nodes.push({ type: 'Identity', inputs: [value], outputs: [name], attributes: {} });
    this.outputs.push({ name, dims });
  }

  /** A float32 tensor stored in the model. */
  tensor(data: ArrayLike<number>, dims: number[]): string {
    return this.store('float32', Float32Array.from(data), dims);
  }

  /** A float32 scalar or vector constant; equal ones are stored once. */
  constant(value: number | number[]): string {
    const values = typeof value === 'number' ? [value] : value;
    const dims = typeof value === 'number' ? [] : [values.length];
    return this.shared(`f${dims}:${values}`, () => this.store('float32', Float32Array.from(values), dims));
  }

  /** An int64 vector constant: axes, shapes, offsets. */
  integers(values: number[]): string {
    return this.shared(`i:${values}`, () =>
      this.store('int64', BigInt64Array.from(values.map(BigInt)), [values.length]),
    );
  }

  /** Adds a node with one output and returns the output's name. */
  node(type: string, inputs: string[], attributes: Record<string, Attribute> = {}): string {
    return this.nodeWithOutputs(1, type, inputs, attributes)[0];
  }

  /** Adds a node of the com.microsoft operator set. */
  microsoftNode(type: string, inputs: string[], attributes: Record<string, Attribute> = {}): string {
    return this.nodeOfDomain(MICROSOFT_DOMAIN, type, inputs, attributes);
  }

  /** Adds a node that works on maps [N, C/b, H, W, b], declared as [N,C,H,W]; b is the processor's block size. */
  blockedNode(type: string, inputs: string[], attributes: Record<string, Attribute> = {}): string {
    return this.nodeOfDomain(BLOCKED_DOMAIN, type, inputs, attributes);
  }

  private nodeOfDomain(
    domain: string,
    type: string,
    inputs: string[],
    attributes: Record<string, Attribute>,
  ): string {
    const output = this.newName();
    this.nodes.push({ type, inputs, outputs: [output], attributes, domain });
    return output;
  }

  add(a: string, b: string): string {
    return this.node('Add', [a, b]);
  }

  subtract(a: string, b: string): string {
    return this.node('Sub', [a, b]);
  }

  multiply(a: string, b: string): string {
    return this.node('Mul', [a, b]);
  }

  divide(a: string, b: string): string {
    return this.node('Div', [a, b]);
  }

  negate(a: string): string {
    return this.node('Neg', [a]);
  }

  reshape(value: string, shape: number[]): string {
    return this.node('Reshape', [value, this.integers(shape)]);
  }

  /** Sums over `axes`, which disappear. */
  sum(value: string, axes: number[]): string {
    return this.node('ReduceSum', [value, this.integers(axes)], { keepdims: 0 });
  }

  matmul(a: string, b: string): string {
    return this.node('MatMul', [a, b]);
  }

  /** a · bᵀ over the last two axes. */
  matmulTransposed(a: string, b: string): string {
    return this.microsoftNode('FusedMatMul', [a, b], { transB: 1 });
  }

  /** Elements `from` to `to` (exclusive) of one axis. */
  slice(value: string, axis: number, from: number, to: number): string {
    return this.node('Slice', [value, this.integers([from]), this.integers([to]), this.integers([axis])]);
  }

  concat(values: string[], axis: number): string {
    return this.node('Concat', values, { axis });
  }

  /** Cuts an axis into consecutive parts of the given sizes. */
  split(value: string, axis: number, sizes: number[]): string[] {
    return this.nodeWithOutputs(sizes.length, 'Split', [value, this.integers(sizes)], { axis });
  }

  zeros(shape: number[]): string {
    return this.tensor(new Float32Array(shape.reduce((count, size) => count * size, 1)), shape);
  }

  ones(shape: number[]): string {
    return this.tensor(new Float32Array(shape.reduce((count, size) => count * size, 1)).fill(1), shape);
  }

  nodeWithOutputs(
    count: number,
    type: string,
    inputs: string[],
    attributes: Record<string, Attribute> = {},
  ): string[] {
    const outputs = Array.from({ length: count }, () => this.newName());
    this.nodes.push({ type, inputs, outputs, attributes });
    return outputs;
  }

  /** The serialised ModelProto. */
  toBytes(): Uint8Array {
    const writer = new PbfWriter();
    writer.writeVarintField(1, IR_VERSION);
    writer.writeStringField(2, 'deepfake-audio');
    writer.writeMessage(7, writeGraph, this.parts());
    writer.writeMessage(8, writeOperatorSet, { domain: '', version: OPSET });
    writer.writeMessage(8, writeOperatorSet, { domain: MICROSOFT_DOMAIN, version: 1 });
    if (this.nodes.some(({ domain }) => domain === BLOCKED_DOMAIN))
      writer.writeMessage(8, writeOperatorSet, { domain: BLOCKED_DOMAIN, version: 1 });
    return writer.finish();
  }

  private parts(): GraphParts {
    return { nodes: this.nodes, initializers: this.initializers, inputs: this.inputs, outputs: this.outputs };
  }

  private newName(): string {
    return `v${this.nextValue++}`;
  }

  private shared(key: string, create: () => string): string {
    let name = this.constants.get(key);
    if (name === undefined) {
      name = create();
      this.constants.set(key, name);
    }
    return name;
  }

  private store(type: ElementType, data: Float32Array | BigInt64Array, dims: number[]): string {
    const name = this.newName();
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.initializers.push({ name, dims, type, bytes });
    return name;
  }
}

interface GraphParts {
  nodes: NodeProto[];
  initializers: TensorProto[];
  inputs: ValueInfo[];
  outputs: ValueInfo[];
}

function writeGraph(graph: GraphParts, writer: PbfWriter): void {
  for (const node of graph.nodes) writer.writeMessage(1, writeNode, node);
  writer.writeStringField(2, 'AudioCNN');
  for (const tensor of graph.initializers) writer.writeMessage(5, writeTensor, tensor);
  for (const value of graph.inputs) writer.writeMessage(11, writeValueInfo, value);
  for (const value of graph.outputs) writer.writeMessage(12, writeValueInfo, value);
}

function writeNode(node: NodeProto, writer: PbfWriter): void {
  for (const input of node.inputs) writer.writeStringField(1, input);
  for (const output of node.outputs) writer.writeStringField(2, output);
  writer.writeStringField(3, node.outputs[0]);
  writer.writeStringField(4, node.type);
  for (const [name, value] of Object.entries(node.attributes))
    writer.writeMessage(5, writeAttribute, { name, value });
  if (node.domain !== undefined) writer.writeStringField(7, node.domain);
}

function writeAttribute({ name, value }: { name: string; value: Attribute }, writer: PbfWriter): void {
  writer.writeStringField(1, name);
  if (typeof value === 'number') {
    writer.writeVarintField(3, value);
    writer.writeVarintField(20, ATTRIBUTE_TYPE.int);
  } else if (typeof value === 'string') {
    writer.writeStringField(4, value);
    writer.writeVarintField(20, ATTRIBUTE_TYPE.string);
  } else if (Array.isArray(value)) {
    for (const item of value) writer.writeVarintField(8, item);
    writer.writeVarintField(20, ATTRIBUTE_TYPE.ints);
  } else {
    writer.writeFloatField(2, value.float);
    writer.writeVarintField(20, ATTRIBUTE_TYPE.float);
  }
}

function writeTensor(tensor: TensorProto, writer: PbfWriter): void {
  for (const dim of tensor.dims) writer.writeVarintField(1, dim);
  writer.writeVarintField(2, DATA_TYPE[tensor.type]);
  writer.writeStringField(8, tensor.name);
  writer.writeBytesField(9, tensor.bytes);
}

function writeValueInfo(value: ValueInfo, writer: PbfWriter): void {
  writer.writeStringField(1, value.name);
  writer.writeMessage(2, writeType, value.dims);
}

function writeType(dims: Dimension[], writer: PbfWriter): void {
  writer.writeMessage(1, writeTensorType, dims);
}

function writeTensorType(dims: Dimension[], writer: PbfWriter): void {
  writer.writeVarintField(1, DATA_TYPE.float32);
  writer.writeMessage(2, writeShape, dims);
}

function writeShape(dims: Dimension[], writer: PbfWriter): void {
  for (const dim of dims) writer.writeMessage(1, writeDimension, dim);
}

function writeDimension(dim: Dimension, writer: PbfWriter): void {
  if (typeof dim === 'string') writer.writeStringField(2, dim);
  else writer.writeVarintField(1, dim);
}

function writeOperatorSet(set: { domain: string; version: number }, writer: PbfWriter): void {
  writer.writeStringField(1, set.domain);
  writer.writeVarintField(2, set.version);
}
