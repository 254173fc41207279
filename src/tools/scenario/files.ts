/** The folder of scenarios, as the tools read it. */
import { type Files, readFolder } from '../../scenario-folder.ts';
import { UsageError } from '../tool.ts';

/**
 * All files but the control logic (`npm run logic -- check`), as they are when nobody is writing there.
 * @throws UsageError
 */
export async function scenarioFiles(folder: string): Promise<Files> {
  try {
    for (let tries = 0; tries < 20; tries++) {
      const files = await readFolder(folder);
      if (!files) continue;
      const { 'control-logic.yaml': _, ...scenarios } = files;
      return scenarios;
    }
  } catch (cause) {
    throw new UsageError(`${folder} can't be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  throw new UsageError(`${folder} changes all the time`);
}
