/**
 * Asks the HTTP services of `scenarios/services.yaml`. Every question has an answer within the service's time, and nobody's call waits
 * for somebody else's: what is asked beyond `atOnce` fails at once.
 */
import type { Logger } from '../base/log.ts';
import type { Values } from '../ivr/scenario.ts';
import { type Service, type ServiceAnswer, type Services, valuesOf } from '../ivr/services.ts';
import { type Env, exchange, HttpError, type HttpFailure, parseJson, requestOf } from './http.ts';

export interface ServiceClientOptions {
  /** As of a release of the scenarios. */
  readonly services: (version: string) => Services;
  /** Where secrets are. */
  readonly env: Env;
  readonly log: Logger;
  readonly onAnswer?: (service: string, outcome: ServiceAnswer['outcome'], tookMs: number) => void;
}

type Failure = HttpFailure | 'noSuchService' | 'tooMany' | 'status' | 'tooLong' | 'notAsAgreed';

export class ServiceClient {
  readonly #options: ServiceClientOptions;
  readonly #underWay = new Map<string, number>();
  readonly #stopping = new AbortController();

  constructor(options: ServiceClientOptions) {
    this.#options = options;
  }

  /** Never rejects: whatever goes wrong is `failed`, and in the log without the customer's data. */
  async ask(name: string, values: Values, version: string): Promise<ServiceAnswer> {
    const began = performance.now();
    const answer = await this.#ask(name, values, version, began);
    this.#options.onAnswer?.(name, answer.outcome, performance.now() - began);
    return answer;
  }

  /** What is under way fails. */
  close(): void {
    this.#stopping.abort();
  }

  async #ask(name: string, values: Values, version: string, began: number): Promise<ServiceAnswer> {
    const failed = (reason: Failure, fields: object = {}): ServiceAnswer => {
      const tookMs = Math.round(performance.now() - began);
      this.#options.log.warn({ service: name, reason, tookMs, ...fields }, 'a service did not answer as agreed');
      return { outcome: 'failed', values: {} };
    };
    const service = this.#options.services(version).services.get(name);
    if (!service) return failed('noSuchService');
    const underWay = this.#underWay.get(name) ?? 0;
    if (underWay >= service.atOnce) return failed('tooMany', { underWay });
    this.#underWay.set(name, underWay + 1);
    try {
      return await this.#call(service, values, failed);
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      return failed(error.reason, error.code === null ? {} : { code: error.code });
    } finally {
      this.#underWay.set(name, (this.#underWay.get(name) ?? 1) - 1);
    }
  }

  /** @throws HttpError */
  async #call(service: Service, values: Values, failed: (reason: Failure, fields?: object) => ServiceAnswer): Promise<ServiceAnswer> {
    const request = requestOf(service.request, values, this.#options.env);
    const { status, text } = await exchange(request, service.timeoutMs, this.#stopping.signal);
    if (service.notFound.includes(status)) return { outcome: 'notFound', values: {} };
    if (status < 200 || status > 299) return failed('status', { status });
    if (text === null) return failed('tooLong');
    const given = valuesOf(parseJson(text), service.fields);
    return given ? { outcome: 'found', values: given } : failed('notAsAgreed', { bytes: text.length });
  }
}
