/** Extensions that discovery picks up; what is inside is decided by content. */
export const AUDIO_EXTENSIONS = ['.wav', '.mp3', '.flac', '.ogg', '.m4a', '.aac'] as const;
