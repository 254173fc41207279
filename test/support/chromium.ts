/** A real Chromium with a microphone that needs no permission, and sound over 127.0.0.1. */
import { type Browser, chromium } from 'playwright-core';

/** @param voice a WAV file that the microphones hear, over and over; else Chromium's beeps */
export function launchChromium(voice?: string): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream',
      '--allow-loopback-in-peer-connection',
      '--autoplay-policy=no-user-gesture-required',
      ...(voice ? [`--use-file-for-fake-audio-capture=${voice}`] : []),
    ],
  });
}
