/** What was left on the phone, for players. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest, RawServerDefault } from 'fastify';
import { type TSchema, Type } from 'typebox';
import type { Principal, WebBackend } from './backend.ts';

export interface MessageRoutes {
  readonly audio: WebBackend['messageAudio'];
  readonly requirePrincipal: (request: FastifyRequest) => Promise<Principal>;
  readonly errors: { readonly '4xx': TSchema; readonly '5xx': TSchema };
}

type App = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, TypeBoxTypeProvider>;

export function messageRoutes(app: App, { audio, requirePrincipal, errors }: MessageRoutes): void {
  app.get(
    '/api/messages/:id/audio',
    {
      schema: {
        summary: 'A message that was left on the phone, as a WAV file; one range of bytes can be asked for',
        tags: ['contacts'],
        params: Type.Object({ id: Type.String({ minLength: 1, maxLength: 128 }) }),
        response: errors,
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'private, no-store');
      const wav = await audio(await requirePrincipal(request), request.params.id);
      reply.header('accept-ranges', 'bytes');
      // There is nothing by which a part could be known to be of the same file: who asks "if it is" gets all of it.
      const range = request.headers['if-range'] === undefined ? byteRange(request.headers.range, wav.length) : null;
      if (range === 'none') {
        reply.header('content-range', `bytes */${wav.length}`);
        return reply.status(416).send({ code: 'noSuchRange', message: 'The message is not that long.', where: null });
      }
      reply.header('content-type', 'audio/wav');
      if (range === null) return reply.send(wav);
      reply.header('content-range', `bytes ${range.from}-${range.to}/${wav.length}`);
      return reply.status(206).send(wav.subarray(range.from, range.to + 1));
    },
  );
}

/**
 * The bytes that a `Range` header asks for (RFC 9110 section 14.1.2), both ends included. Null: all of it, as for units, forms and
 * several ranges at once that we don't know; `none`: it begins behind the end.
 */
export function byteRange(header: string | undefined, length: number): { readonly from: number; readonly to: number } | 'none' | null {
  const asked = /^bytes=(\d*)-(\d*)$/iu.exec(header ?? '');
  if (!asked || (asked[1] === '' && asked[2] === '')) return null;
  const [first, last] = [asked[1] ?? '', asked[2] ?? ''];
  if (first === '') return Number(last) === 0 || length === 0 ? 'none' : { from: Math.max(0, length - Number(last)), to: length - 1 };
  const from = Number(first);
  if (last !== '' && Number(last) < from) return null;
  return from >= length ? 'none' : { from, to: last === '' ? length - 1 : Math.min(Number(last), length - 1) };
}
