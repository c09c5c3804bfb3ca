import { useTranslation } from '../hooks/useTranslation';
import { useStore } from '../store/createStore';
import { dismissNotice, holdNotice, interfaceStore } from '../store/interfaceStore';
import { IconButton } from './IconButton';
import { CloseIcon } from './icons';

/** What was just done, for a moment, with a way to take it back. */
export function NoticeBar(): JSX.Element {
    const { t } = useTranslation();
    const notice = useStore(interfaceStore, (state) => state.notice);
    return (
        <div role="status" aria-live="polite" className="notice-area">
            {notice && (
                <div key={notice.id} className="notice" data-testid="notice"
                    onPointerEnter={() => holdNotice(true)} onPointerLeave={() => holdNotice(false)}
                    onFocus={() => holdNotice(true)} onBlur={() => holdNotice(false)}>
                    <span className="min-w-0 flex-1 break-words">{notice.text}</span>
                    {notice.undo && <button type="button" className="undo-button" onClick={notice.undo}>{t('undo')}</button>}
                    <IconButton className="icon-button small" label={t('close')}
                        onClick={dismissNotice}><CloseIcon size={15} /></IconButton>
                </div>
            )}
        </div>
    );
}
