import { useTranslation } from '../hooks/useTranslation';
import { useStore } from '../store/createStore';
import { serverStore } from '../store/serverStore';
import type { MessageKey } from '../utils/messages';
import type { ServerState } from '../types/server';

const stateTexts: Record<ServerState, MessageKey> = {
    connecting: 'stateConnecting',
    loading: 'stateLoading',
    ready: 'stateReady',
    failed: 'stateFailed',
    unreachable: 'stateUnreachable',
};

/** A dot and the model's name, or what keeps it from answering. */
export function ModelStatus(): JSX.Element {
    const { t } = useTranslation();
    const { state, model, detail } = useStore(serverStore, (status) => status);
    const text = t(stateTexts[state]);
    return (
        <div role="status" className="status-pill" data-state={state} title={detail ?? model}>
            <span className="status-dot" aria-hidden="true" />
            {state === 'ready' && model !== undefined
                ? <><span className="truncate">{model}</span><span className="sr-only">: {text}</span></>
                : <span className="truncate">{text}</span>}
        </div>
    );
}
