/** What a model consists of: its weights, and beside them its configuration. */
export const CHECKPOINT_NAME = 'deepfake_cnn.safetensors';
export const CONFIG_NAME = 'model_config.json';
