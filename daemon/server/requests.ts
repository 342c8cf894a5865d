import {
  type CancellationToken,
  type Connection,
  LSPErrorCodes,
  type PartialResultParams,
  type ProgressType,
  type RequestType,
  type RequestType0,
  ResponseError,
  type WorkDoneProgressParams,
  type WorkDoneProgressReporter,
} from 'vscode-languageserver/node';
import type { z } from 'zod';
import { DeepfakeError, ErrorCode, messageOf } from '../../shared/errors.ts';
import type { ErrorData } from '../../shared/protocol.ts';
import { checkedParams } from './requestParams.ts';

/** Requests that may wait at a time, so that no client fills the memory with them. */
const MOST_REQUESTS = 10_000;

/** One request while it is answered. */
export interface Call<Part> {
  /** Aborted when the client cancels the request or ends the daemon. */
  signal: AbortSignal;
  /** Sends one partial result; undefined where the client asked for none. */
  partial: ((value: Part) => void) | undefined;
  /** Shows the client, if it asked for that, that work goes on until it has ended. */
  withProgress<T>(title: string, work: (progress: WorkDoneProgressReporter) => Promise<T>): Promise<T>;
}

/** Answers the requests of one client: with checked parameters, cancellation, progress, partial results and errors in JSON-RPC's form. */
export class Requests {
  private readonly underWay = new Map<AbortController, Promise<unknown>>();

  constructor(private readonly connection: Connection) {}

  /** Answers requests of one type with `work`, which gets parameters of the right kind only. */
  on<P, R, Part>(
    request: {
      type: RequestType<P, R, ErrorData> | RequestType0<R, ErrorData>;
      partialResult?: ProgressType<Part>;
    },
    schema: z.ZodType<P>,
    work: (params: P, call: Call<Part>) => Promise<R>,
  ): void {
    const { method } = request.type;
    // The token comes last, behind whatever the client sent as parameters: nothing, an object, or a list of anything.
    this.connection.onRequest(
      method,
      (...given: unknown[]): Promise<unknown> =>
        this.answer(given.at(-1) as CancellationToken, async (signal) => {
          const params = checkedParams(method, schema, given.length === 2 ? given[0] : undefined);
          return work(params, this.callOf(params ?? {}, signal, request.partialResult));
        }),
    );
  }

  /** Aborts what is under way and waits until it has ended. */
  async stop(): Promise<void> {
    for (const abort of this.underWay.keys()) abort.abort();
    await Promise.allSettled(this.underWay.values());
  }

  private callOf<Part>(
    { workDoneToken, partialResultToken }: WorkDoneProgressParams & PartialResultParams,
    signal: AbortSignal,
    partialResult: ProgressType<Part> | undefined,
  ): Call<Part> {
    const { connection } = this;
    return {
      signal,
      partial:
        partialResult === undefined || partialResultToken === undefined
          ? undefined
          : (value) => void connection.sendProgress<Part>(partialResult, partialResultToken, value as never),
      async withProgress(title, work) {
        const progress = connection.window.attachWorkDoneProgress(workDoneToken);
        progress.begin(title, 0, undefined, true);
        try {
          return await work(progress);
        } finally {
          progress.done();
        }
      },
    };
  }

  private async answer<T>(token: CancellationToken, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.underWay.size >= MOST_REQUESTS) {
      const message = `${MOST_REQUESTS} requests are under way: wait for some of their answers, or name several files in one request.`;
      throw responseError(new DeepfakeError(ErrorCode.TooManyRequests, message));
    }
    const abort = new AbortController();
    const subscription = token.onCancellationRequested(() => abort.abort());
    // A token that was cancelled before anybody looked tells nobody.
    if (token.isCancellationRequested) abort.abort();
    const result = work(abort.signal);
    this.underWay.set(abort, result);
    try {
      return await result;
    } catch (error) {
      throw responseError(error);
    } finally {
      subscription.dispose();
      this.underWay.delete(abort);
    }
  }
}

function responseError(error: unknown): ResponseError<ErrorData | undefined> {
  if (!(error instanceof DeepfakeError))
    return new ResponseError(LSPErrorCodes.RequestFailed, messageOf(error), undefined);
  const code = error.code === ErrorCode.Cancelled ? LSPErrorCodes.RequestCancelled : error.code;
  return new ResponseError(code, error.message, { code: error.code, file: error.file });
}
