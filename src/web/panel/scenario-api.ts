/** Scenarios by HTTP, for the supervisor's screen. */
import type { ScenarioDrawingView, ScenarioListView, TalkAct, TalkDraft, TalkView } from '../scenario-messages.ts';
import { type Answer, ask } from './notice-api.ts';

export const listScenarios = (): Promise<Answer<ScenarioListView>> => ask('/api/scenarios');
export const drawScenario = (name: string, language: 'ja' | 'en'): Promise<Answer<ScenarioDrawingView>> =>
  ask(`/api/scenarios/${encodeURIComponent(name)}/drawing?language=${language}`);
export const beginTalk = (draft: TalkDraft): Promise<Answer<TalkView>> => ask('/api/scenarios/talks', draft);
export const actInTalk = (id: string, act: TalkAct): Promise<Answer<TalkView>> => ask(`/api/scenarios/talks/${id}`, act);
