import { Command } from 'commander';
import { readModel } from '../model/checkpoint.ts';
import { exportOnnx } from '../model/exportOnnx.ts';
import { shippedCheckpoint } from '../paths.ts';
import { withExitCodes } from './exitCodes.ts';
import { configOption, modelOption } from './options.ts';

export function exportCommand(): Command {
  const command = new Command('export')
    .description('Write a model as an ONNX file that other programs can run.')
    .addOption(modelOption())
    .addOption(configOption())
    .requiredOption('--onnx <file>', 'where to write')
    .action(async (options: { model?: string; config?: string; onnx: string }) => {
      const model = await readModel(options.model ?? shippedCheckpoint, options.config);
      await exportOnnx(model, options.onnx);
      console.log(
        `Wrote ${options.onnx}: input "features" [N, 1, bands, frames], outputs "logit", "evidence" and "pooled".`,
      );
    });
  return withExitCodes(command, { 1: 'nothing was written' });
}
