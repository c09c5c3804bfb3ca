import type { ServerStatus } from '../types/server';
import { createStore } from './createStore';

export const serverStore = createStore<ServerStatus>({ state: 'connecting' });
