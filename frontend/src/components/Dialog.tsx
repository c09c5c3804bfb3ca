import { useEffect, useId, useRef, type MouseEvent, type ReactNode } from 'react';
import { useTranslation } from '../hooks/useTranslation';
import { CloseIcon } from './icons';
import { IconButton } from './IconButton';

interface DialogProps {
    readonly title: string;
    readonly onClose: () => void;
    readonly children: ReactNode;
    readonly wide?: boolean;
}

/** A modal dialog of the browser's own kind, which keeps the focus within and gives it back. */
export function Dialog({ title, onClose, children, wide = false }: DialogProps): JSX.Element {
    const { t } = useTranslation();
    const dialog = useRef<HTMLDialogElement>(null);
    const heading = useId();
    useEffect(() => {
        const element = dialog.current;
        const before = document.activeElement;
        if (element && !element.open) element.showModal();
        return () => {
            element?.close();
            if (before instanceof HTMLElement) before.focus();
        };
    }, []);
    const onClick = (event: MouseEvent): void => {
        if (event.target === dialog.current) onClose();
    };
    return (
        <dialog ref={dialog} className={wide ? 'dialog wide' : 'dialog'} aria-labelledby={heading} onClick={onClick}
            onCancel={(event) => {
                event.preventDefault();
                onClose();
            }}>
            <div className="dialog-body">
                <div className="dialog-head">
                    <h2 id={heading}>{title}</h2>
                    <IconButton label={t('close')} onClick={onClose}><CloseIcon /></IconButton>
                </div>
                {children}
            </div>
        </dialog>
    );
}
