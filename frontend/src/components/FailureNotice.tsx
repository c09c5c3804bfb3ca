import { useTranslation } from '../hooks/useTranslation';
import { regenerate } from '../store/actions';
import { useStore } from '../store/createStore';
import { openDialog } from '../store/interfaceStore';
import { canAsk, serverStore } from '../store/serverStore';
import type { Failure, Message } from '../types/chat';
import type { TextKey } from '../utils/texts';
import { RetryIcon, WarningIcon } from './icons';

const failureTexts: Record<Failure['kind'], TextKey> = {
    unreachable: 'failureUnreachable',
    interrupted: 'failureInterrupted',
    busy: 'failureBusy',
    unauthorized: 'failureUnauthorized',
    refused: 'failureRefused',
};

interface FailureNoticeProps {
    readonly message: Message;
    readonly isLast: boolean;
}

/** What went wrong, where it went wrong. Only the last reply can be asked for again. */
export function FailureNotice({ message, isLast }: FailureNoticeProps): JSX.Element | null {
    const { t } = useTranslation();
    const able = useStore(serverStore, ({ state }) => canAsk(state));
    const { failure } = message;
    if (!failure) return null;
    return (
        <div role="alert" className="failure">
            <span className="shrink-0"><WarningIcon /></span>
            <div className="min-w-0 flex-1">
                <p className="font-medium">{t(failureTexts[failure.kind])}</p>
                {failure.detail !== undefined && <p className="mt-0.5 break-words text-sm opacity-90">{failure.detail}</p>}
            </div>
            {failure.kind === 'unauthorized' && (
                <button type="button" className="retry-button" data-action="key"
                    onClick={() => openDialog('settings')}>{t('enterKey')}</button>
            )}
            {isLast && (
                <button type="button" className="retry-button" onClick={() => regenerate(message.id)} disabled={!able}>
                    <RetryIcon size={16} />{t('retry')}
                </button>
            )}
        </div>
    );
}
