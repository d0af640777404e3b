import { describe, expect, it } from 'vitest';
import { backendNames, type Model, openBackend } from '../../../learner/runtime/index.ts';
import { InputError } from '../../../sim/index.ts';

const double: Model = (ops) => ({ y: ops.scale(ops.input('x', [2]), 2) });

describe('a backend', () => {
  it.each(backendNames)('%s reports the library that computes', async (name) => {
    const backend = await openBackend(name);
    expect(backend.name).toBe(name);
    expect(backend.runtime.name).toMatch(name === 'onnx' ? /^onnxruntime-node$/ : /^@tensorflow\//);
    expect(backend.runtime.version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(backend.runtime.device).not.toBe('');
    const predictor = backend.createPredictor(double, []);
    expect(await predictor.run({}, { x: Float32Array.of(1, 2) })).toEqual({
      y: Float32Array.of(2, 4),
    });
    await predictor.dispose();
  });

  it('is ONNX unless another is named', async () => {
    expect((await openBackend()).name).toBe('onnx');
  });

  it('of an unknown name is an input error that lists the known ones', async () => {
    await expect(openBackend('torch')).rejects.toThrow(
      new InputError([{ path: 'backend', expected: 'onnx or tfjs', got: 'torch' }]),
    );
  });

  it.each(backendNames)('%s trains only models with a scalar loss', async (name) => {
    const trainer = (await openBackend(name)).createTrainer(double, []);
    await expect(trainer.step({}, { x: Float32Array.of(1, 2) })).rejects.toThrow(/loss/);
  });
});
