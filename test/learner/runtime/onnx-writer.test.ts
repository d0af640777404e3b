import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { OnnxGraph } from '../../../learner/runtime/onnx-writer.ts';
import { Message } from '../../../learner/runtime/protobuf.ts';

describe('a Protocol Buffers message', () => {
  it('encodes the examples of the format description', () => {
    // Field 1 = 150, field 2 = "testing", field 3 = message { field 1 = 150 }.
    expect(hex(new Message().integer(1, 150))).toBe('08 96 01');
    expect(hex(new Message().string(2, 'testing'))).toBe('12 07 74 65 73 74 69 6e 67');
    expect(hex(new Message().message(3, new Message().integer(1, 150)))).toBe('1a 03 08 96 01');
  });

  it('encodes negative integers in ten bytes and floats little-endian', () => {
    expect(hex(new Message().integer(1, -2))).toBe('08 fe ff ff ff ff ff ff ff ff 01');
    // 1.5 is 0x3fc00000; field 20 needs a tag of two bytes: 20 · 8 + 5 = 165 = 0xa5 0x01.
    expect(hex(new Message().float(20, 1.5))).toBe('a5 01 00 00 c0 3f');
  });
});

describe('an ONNX graph', () => {
  it('loads with every kind of attribute, constant, input and output', async () => {
    const graph = new OnnxGraph();
    const x = graph.input('x', [2, 3], 'float32');
    const index = graph.input('index', [2], 'int32');
    const table = graph.floats(Float32Array.of(1, 2, 3, 4, 5, 6), [3, 2]);
    // Ints and a negative int.
    const turned = graph.node('Transpose', [table], { perm: [1, 0] });
    const sum = graph.node('Concat', [x, turned], { axis: -1 });
    const [left = '', right = ''] = graph.nodes('Split', [sum, graph.integers([2, 4])], 2, {
      axis: 1,
    });
    // A float: LeakyRelu multiplies negative numbers by alpha.
    const leaky = graph.node('LeakyRelu', [left], { alpha: { float: 0.5 } });
    // A text: both updates go to the row they name and add up.
    const wide = graph.node('Cast', [index], { to: 7 });
    const rows = graph.node('Unsqueeze', [wide, graph.integers([1])]);
    const zeros = graph.node('Expand', [graph.scalar(0), graph.integers([3, 4])]);
    const scattered = graph.node('ScatterND', [zeros, rows, right], { reduction: 'add' });
    graph.output('leaky', leaky, [2, 2]);
    graph.output('scattered', scattered, [3, 4]);

    const session = await InferenceSession.create(graph.encode());
    expect(session.inputNames).toEqual(['x', 'index']);
    const { leaky: ofLeaky, scattered: ofScattered } = await session.run({
      x: new Tensor('float32', Float32Array.of(-2, 4, 10, 6, -8, 20), [2, 3]),
      index: new Tensor('int32', Int32Array.of(1, 1), [2]),
    });
    expect(Array.from(ofLeaky!.data as Float32Array)).toEqual([-1, 4, 6, -4]);
    // Right halves: (10, 1, 3, 5) and (20, 2, 4, 6); both go to row 1.
    expect(Array.from(ofScattered!.data as Float32Array)).toEqual([
      0, 0, 0, 0, 30, 3, 7, 11, 0, 0, 0, 0,
    ]);
    await session.release();
  });

  it('shares equal constants', () => {
    const graph = new OnnxGraph();
    expect(graph.scalar(2)).toBe(graph.scalar(2));
    expect(graph.integers([1, 2])).toBe(graph.integers([1, 2]));
    expect(graph.scalar(0)).not.toBe(graph.scalar(-0));
    expect(graph.integers([1])).not.toBe(graph.scalar(1));
  });
});

function hex(message: Message): string {
  return Array.from(message.encode(), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
