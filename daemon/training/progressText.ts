import type { TrainingEvent } from '../../shared/protocol.ts';
import { durationText } from '../../shared/wording.ts';

/** An event that counts clips or steps. */
export type CountEvent = Exclude<TrainingEvent, { type: 'dataset' | 'resuming' | 'epoch' }>;

/** One line on how far a run is: "Epoch 3 of 72, step 130 of 5400, 219 examples/s, 14:05 min left" */
export function progressText(event: CountEvent): string {
  switch (event.type) {
    case 'preparing':
      return `Reading ${event.done} of ${event.total} clips`;
    case 'validating':
      return `Epoch ${event.epoch} of ${event.epochs}, validating ${event.done} of ${event.total} clips`;
    case 'testing':
      return `Testing ${event.done} of ${event.total} clips`;
    case 'step': {
      const { epoch, epochs, step, steps, examplesPerSecond, secondsLeft } = event;
      const parts = [`Epoch ${epoch} of ${epochs}`, `step ${step} of ${steps}`];
      if (examplesPerSecond !== undefined) parts.push(`${Math.round(examplesPerSecond)} examples/s`);
      if (secondsLeft !== undefined) parts.push(`${durationText(Math.ceil(secondsLeft))} left`);
      return parts.join(', ');
    }
  }
}
