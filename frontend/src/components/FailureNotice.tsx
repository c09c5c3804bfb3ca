import { useTranslation } from '../hooks/useTranslation';
import { useStore } from '../store/createStore';
import { chatStore, retryReply } from '../store/chatStore';
import { canAsk, serverStore } from '../store/serverStore';
import { isRunning, type Failure } from '../types/chat';
import type { MessageKey } from '../utils/messages';
import { RetryIcon, WarningIcon } from './icons';

const texts: Record<Failure['kind'], MessageKey> = {
    unreachable: 'failureUnreachable',
    interrupted: 'failureInterrupted',
    busy: 'failureBusy',
    refused: 'failureRefused',
};

/** What went wrong, where it went wrong. Only the last reply can be asked for again. */
export function FailureNotice({ failure }: { readonly failure: Failure }): JSX.Element {
    const { t } = useTranslation();
    const able = useStore(serverStore, (status) => canAsk(status.state));
    const isLast = useStore(chatStore, ({ messages }) => {
        const last = messages[messages.length - 1];
        return last?.role === 'assistant' && last.failure === failure && !isRunning(last);
    });
    return (
        <div role="alert" className="failure">
            <span className="shrink-0"><WarningIcon /></span>
            <div className="min-w-0 flex-1">
                <p className="font-medium">{t(texts[failure.kind])}</p>
                {failure.detail !== undefined && <p className="mt-0.5 break-words text-sm opacity-90">{failure.detail}</p>}
            </div>
            {isLast && (
                <button type="button" className="retry-button" onClick={retryReply} disabled={!able}>
                    <RetryIcon size={16} />{t('retry')}
                </button>
            )}
        </div>
    );
}
