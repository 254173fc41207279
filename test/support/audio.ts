/** What is on a recording: tones, silence, length. */
export * from '#src/tools/far-side/audio.ts';
