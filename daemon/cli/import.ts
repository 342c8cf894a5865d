import { Command } from 'commander';
import { readModel, writeModel } from '../model/checkpoint.ts';
import { withExitCodes } from './exitCodes.ts';
import { configOption } from './options.ts';

export function importCommand(): Command {
  const command = new Command('import')
    .description('Turn a PyTorch checkpoint of AudioCNN into deepfake_cnn.safetensors and model_config.json.')
    .argument('<checkpoint>', 'a .pth or .pt file, read without executing anything in it')
    .requiredOption('--out <folder>', 'where to write')
    .addOption(configOption())
    .action(async (checkpoint: string, options: { out: string; config?: string }) => {
      const model = await readModel(checkpoint, options.config);
      const written = await writeModel(options.out, model.state, model.config, 0);
      console.log(`Wrote ${written.checkpoint} and ${written.config}.`);
    });
  return withExitCodes(command, { 1: 'nothing was written' });
}
