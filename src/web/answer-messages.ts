/** The schema of answers between the server and a supervisor's browser, and between the server and whoever else calls it. */
import { type Static, Type } from 'typebox';

const Nullable = <T extends import('typebox').TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

export const AnswersView = Type.Object({
  days: Type.Integer({ description: 'how far back' }),
  rows: Type.Array(
    Type.Object({
      question: Type.String({ description: 'the name under which the scenario keeps the answer' }),
      desk: Type.String({ description: 'name of the desk' }),
      agent: Nullable(Type.String({ description: 'null: all agents of the desk together' })),
      count: Type.Integer({ minimum: 1 }),
      average: Nullable(Type.Number({ description: 'of the answers that are numbers' })),
      answers: Type.Record(Type.String(), Type.Integer(), { description: 'how often each was given' }),
    }),
  ),
});
export type AnswersView = Static<typeof AnswersView>;
