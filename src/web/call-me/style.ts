/** The form's own look, inside its shadow root: the site's CSS does not reach it, and it does not reach the site. */
export const STYLE = `
:host { all: initial; color-scheme: light dark }
* { box-sizing: border-box }
.root { --b: light-dark(#fff, #181e28); --t: light-dark(#172033, #e8ecf3); --m: light-dark(#5a6579, #a3aebf); --l: light-dark(#dfe4ec, #2d3645);
  --f: light-dark(#8a94a6, #6d7a90); --a: light-dark(#2756c5, #8fb0ff); --s: light-dark(#e9effc, #1f2c4a); --r: light-dark(#b3261e, #ff9c93);
  position: fixed; z-index: 2147483000; right: 20px; bottom: 20px; color: var(--t);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", "Hiragino Sans", "Yu Gothic UI", Meiryo, "Noto Sans CJK JP", sans-serif }
[hidden] { display: none !important }
button, input, textarea, select { font: inherit; color: inherit }
button { cursor: pointer }
:focus-visible { outline: 3px solid var(--a); outline-offset: 2px }
svg { fill: none; stroke: currentColor; stroke-width: 1.9; stroke-linecap: round; stroke-linejoin: round; flex: none }
.open { display: flex; align-items: center; gap: 9px; margin-left: auto; padding: 13px 22px 13px 18px; border: 0; border-radius: 99px; background: #2756c5;
  color: #fff; font-weight: 650; box-shadow: 0 6px 22px rgb(20 40 110 / 32%) }
.open:hover { background: #1f48a8 }
.box { width: min(360px, calc(100vw - 40px)); max-height: calc(100vh - 110px); overflow: auto; margin-bottom: 14px; padding: 20px 22px 22px; background: var(--b);
  border: 1px solid var(--l); border-radius: 18px; box-shadow: 0 14px 50px rgb(15 25 60 / 24%) }
.head { display: flex; justify-content: space-between; align-items: start; gap: 10px }
h2 { margin: 0; font-size: 18px; line-height: 1.4 }
.x { border: 0; background: none; width: 32px; height: 32px; margin: -4px -8px 0 0; border-radius: 9px; font-size: 22px; line-height: 1; color: var(--m) }
.x:hover { background: var(--s) }
p { margin: 4px 0 0 }
.m { color: var(--m); font-size: 13.5px }
form { display: grid; gap: 13px; margin-top: 14px }
label { display: grid; gap: 4px; font-weight: 600; font-size: 13.5px }
label small { font-weight: 400; color: var(--m); font-size: 12.5px }
input, textarea, select { width: 100%; min-width: 0; padding: 9px 12px; border: 1px solid var(--f); border-radius: 10px; background: var(--b); font-size: 15px; font-weight: 400 }
input:focus-visible, textarea:focus-visible { outline-offset: 0; border-color: var(--a) }
input[aria-invalid="true"] { border-color: var(--r) }
textarea { resize: vertical; min-height: 72px }
.pair { display: flex; gap: 8px }
.pair [name=time] { width: 40% }
a { display: block; margin-top: 14px; color: var(--a); font-size: 13.5px; text-align: center }
.go { padding: 12px; border: 0; border-radius: 11px; background: #2756c5; color: #fff; font-weight: 650 }
.go:hover { background: #1f48a8 }
.go:disabled { opacity: .6 }
.plain { width: 100%; margin-top: 16px; padding: 10px; border: 1px solid var(--f); border-radius: 11px; background: none; font-weight: 600 }
.plain:hover { background: var(--s) }
.bad { color: var(--r); font-weight: 550; font-size: 14px }
.place { margin: 14px 0 0; padding: 12px; border-radius: 12px; background: var(--s); text-align: center; font-size: 17px; font-weight: 650 }
ol { display: grid; grid-template-columns: repeat(4, 1fr); list-style: none; margin: 18px 0 0; padding: 0; font-size: 12px; text-align: center; color: var(--m) }
li { position: relative; padding-top: 18px }
li::before { content: ""; position: absolute; top: 3px; left: 50%; width: 10px; height: 10px; margin-left: -5px; border-radius: 50%; background: var(--l); z-index: 1 }
li + li::after { content: ""; position: absolute; top: 7px; right: 50%; width: 100%; height: 2px; background: var(--l) }
li.past::before, li.now::before, li.past + li::after { background: var(--a) }
li.now { color: var(--t); font-weight: 650 }
li.now::before { box-shadow: 0 0 0 5px var(--s) }
@media (prefers-reduced-motion: no-preference) { li.now::before { animation: p 1.6s ease-in-out infinite } @keyframes p { 50% { box-shadow: 0 0 0 8px var(--s) } } }
`;
