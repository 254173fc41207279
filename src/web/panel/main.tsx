import { render } from 'preact';
import { listenToKeys } from './keys.ts';
import { createPanel } from './panel.ts';
import { App } from './views/app.tsx';

const root = document.getElementById('app');
const audio = document.getElementById('remote-audio');
if (root === null || !(audio instanceof HTMLAudioElement)) throw new Error('index.html has lost its #app or #remote-audio');

const panel = createPanel(audio);
listenToKeys(panel);
render(<App panel={panel} />, root);
