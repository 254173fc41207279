/** What callers have recorded. */
import type { ContactId, DomainId, EpochMs, RecordingId } from '../base/ids.ts';
import type { KeptRecording, RecordingStore } from '../contact/ports.ts';
import type { Queryable } from './pool.ts';

interface RecordingRow {
  readonly contact_id: ContactId;
  readonly recorded_at: EpochMs;
  readonly duration_ms: number;
  readonly media: Buffer;
}

export class PgRecordingStore implements RecordingStore {
  readonly #db: Queryable;

  constructor(db: Queryable) {
    this.#db = db;
  }

  async keep(domainId: DomainId, recording: RecordingId, contactId: ContactId, wav: Buffer, durationMs: number): Promise<void> {
    await this.#db.query(
      'insert into recording (domain_id, id, contact_id, duration_ms, media) values ($1, $2, $3, $4, $5) on conflict do nothing',
      [domainId, recording, contactId, Math.round(durationMs), wav],
    );
  }

  async read(domainId: DomainId, recording: RecordingId): Promise<KeptRecording | null> {
    const { rows } = await this.#db.query<RecordingRow>(
      `select contact_id, round(extract(epoch from recorded_at) * 1000)::float8 as recorded_at, duration_ms, media
       from recording where domain_id = $1 and id = $2`,
      [domainId, recording],
    );
    const row = rows[0];
    return row ? { contactId: row.contact_id, recordedAt: row.recorded_at, durationMs: row.duration_ms, wav: row.media } : null;
  }
}

/**
 * Deletes recordings that are older, in all domains; not those of contacts that somebody has still to listen to.
 * @returns how many
 */
export async function deleteOldRecordings(db: Queryable, before: EpochMs): Promise<number> {
  const { rowCount } = await db.query(
    `delete from recording r
     where r.recorded_at < to_timestamp($1::float8 / 1000)
       and not exists (select from contact c where c.domain_id = r.domain_id and c.id = r.contact_id and c.ended_at is null)`,
    [before],
  );
  return rowCount ?? 0;
}
