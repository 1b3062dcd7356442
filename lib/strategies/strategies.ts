/** The strategy of each name, for the threads that run it. */
import type { ThreadContext } from '../connection/event-handler.js';
import type { Channels } from '../proactor/channels.js';
import type { StrategyName } from './descriptions.js';
import { HalfSyncHalfAsync } from './half-sync-half-async.js';
import { halfSyncHalfReactive } from './half-sync-half-reactive.js';
import { LeaderFollowers } from './leader-followers.js';
import { Reactor } from './reactor.js';
import { simulatedProactor } from './simulated-proactor.js';
import type { Strategy, Turn } from './turn.js';

/**
 * Makes what a thread does in that model.
 *
 * @param channels of the model that has them
 */
export function makeStrategy(
  name: StrategyName,
  turn: Turn,
  context: ThreadContext,
  channels: Channels | null,
): Strategy {
  switch (name) {
    case 'leader-followers':
      return new LeaderFollowers(turn);
    case 'half-sync-half-async':
      return new HalfSyncHalfAsync(turn);
    case 'reactor':
      return new Reactor(turn);
    case 'half-sync-half-reactive':
      return halfSyncHalfReactive(turn);
    case 'simulated-proactor':
      return simulatedProactor(turn, context, channels!);
  }
}
