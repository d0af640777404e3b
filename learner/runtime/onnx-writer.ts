/**
 * Builds an ONNX model in memory: nodes, initializers (constant tensors), graph inputs and outputs,
 * then its bytes. Every value of the graph is a name; nodes must be added after what they read.
 *
 * Written for operator set 17 and IR version 8, which every ONNX Runtime since 1.12 loads. The field
 * numbers below are those of `onnx.proto`.
 *
 * @see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 * @see https://github.com/onnx/onnx/blob/main/docs/Operators.md
 */
import type { ElementType, Shape } from './ops.ts';
import { Message } from './protobuf.ts';

/** Version of the operator definitions the graphs are written for. */
export const onnxOperatorSet = 17;

const irVersion = 8;

/** `TensorProto.DataType`. */
export const onnxTypes = { float32: 1, int32: 6, int64: 7 } as const;

/** `AttributeProto.AttributeType`. */
const attributeTypes = { float: 1, int: 2, string: 3, ints: 7 } as const;

/**
 * An attribute of a node: an integer, a list of integers, a text, or `{ float }` for a real number
 * (JavaScript cannot tell 1 from 1.0, ONNX does).
 */
export type OnnxAttribute = number | readonly number[] | string | { readonly float: number };

/** A graph under construction. */
export class OnnxGraph {
  readonly #graph = new Message();
  readonly #constants = new Map<string, string>();
  #nextId = 0;

  /** Adds a node with one output and returns that output's name. */
  node(
    operator: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
  ): string {
    return this.nodes(operator, inputs, 1, attributes)[0] ?? '';
  }

  /** Adds a node with `outputCount` outputs and returns their names. */
  nodes(
    operator: string,
    inputs: readonly string[],
    outputCount: number,
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
  ): string[] {
    const outputs = Array.from({ length: outputCount }, () => this.#freshName());
    this.#addNode(operator, inputs, outputs, attributes);
    return outputs;
  }

  /** A float32 constant, row-major. */
  floats(values: Float32Array, shape: Shape): string {
    // ONNX raw data is little-endian on every machine.
    const raw = new Uint8Array(values.length * 4);
    const view = new DataView(raw.buffer);
    for (let index = 0; index < values.length; index++) {
      view.setFloat32(index * 4, values[index]!, true);
    }
    return this.#initializer(onnxTypes.float32, shape, raw);
  }

  /** A float32 scalar; equal scalars share one constant. */
  scalar(value: number): string {
    return this.#shared(`scalar ${Object.is(value, -0) ? '-0' : value}`, () =>
      this.floats(Float32Array.of(value), []),
    );
  }

  /** An int64 vector, as the operators take shapes and axes; equal ones share one constant. */
  integers(values: readonly number[]): string {
    return this.#shared(`integers ${values.join(' ')}`, () => {
      const raw = new Uint8Array(values.length * 8);
      const view = new DataView(raw.buffer);
      values.forEach((value, index) => {
        view.setBigInt64(index * 8, BigInt(value), true);
      });
      return this.#initializer(onnxTypes.int64, [values.length], raw);
    });
  }

  /** Declares an input of the graph called `name`. */
  input(name: string, shape: Shape, type: ElementType): string {
    this.#graph.message(11, valueInfo(name, shape, type));
    return name;
  }

  /** Declares `value` an output of the graph, called `name`. */
  output(name: string, value: string, shape: Shape): void {
    this.#addNode('Identity', [value], [name], {});
    this.#graph.message(12, valueInfo(name, shape, 'float32'));
  }

  /** The model as bytes, ready for a session. */
  encode(): Uint8Array {
    const operatorSet = new Message().string(1, '').integer(2, onnxOperatorSet);
    this.#graph.string(2, 'wattwin');
    return new Message()
      .integer(1, irVersion)
      .string(2, 'wattwin')
      .message(7, this.#graph)
      .message(8, operatorSet)
      .encode();
  }

  #freshName(): string {
    this.#nextId += 1;
    return `v${this.#nextId}`;
  }

  #shared(key: string, create: () => string): string {
    const name = this.#constants.get(key) ?? create();
    this.#constants.set(key, name);
    return name;
  }

  #addNode(
    operator: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>>,
  ): void {
    const node = new Message();
    for (const input of inputs) node.string(1, input);
    for (const output of outputs) node.string(2, output);
    node.string(4, operator);
    for (const [name, value] of Object.entries(attributes)) node.message(5, attribute(name, value));
    this.#graph.message(1, node);
  }

  #initializer(type: number, shape: Shape, raw: Uint8Array): string {
    const name = this.#freshName();
    const tensor = new Message();
    for (const length of shape) tensor.integer(1, length);
    this.#graph.message(5, tensor.integer(2, type).string(8, name).bytes(9, raw));
    return name;
  }
}

function attribute(name: string, value: OnnxAttribute): Message {
  const message = new Message().string(1, name);
  if (typeof value === 'number') return message.integer(3, value).integer(20, attributeTypes.int);
  if (typeof value === 'string') return message.string(4, value).integer(20, attributeTypes.string);
  if ('float' in value) return message.float(2, value.float).integer(20, attributeTypes.float);
  for (const item of value) message.integer(8, item);
  return message.integer(20, attributeTypes.ints);
}

function valueInfo(name: string, shape: Shape, type: ElementType): Message {
  const lengths = new Message();
  for (const length of shape) lengths.message(1, new Message().integer(1, length));
  const tensor = new Message().integer(1, onnxTypes[type]).message(2, lengths);
  return new Message().string(1, name).message(2, new Message().message(1, tensor));
}
